"""When the interpreter collects garbage, and when a thread of ours gives way to the reactor."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def postpone_collections() -> None:
    """Collect nothing while a configuration is read: all of it is kept.  Saves a quarter of the start."""
    gc.disable()


def resume_collections() -> None:
    """Collect again."""
    gc.enable()


@contextmanager
def beside_the_reactor() -> Iterator[None]:
    """While a thread computes, have it give way to the reactor within half a millisecond (5 are Python's)."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def tame_garbage_collection() -> None:
    """Take what is alive now out of the collector's sight, and make full collections rare.

    With a large configuration a full collection stops the process for up to
    0.2 s, which is what delays timers most.  Called when a role has started or
    reloaded and its long-lived objects exist; the young generations go on as
    ever.  What was frozen before is not looked at again, so that after a
    reload this costs what has changed; objects that a reload drops go by their
    reference counts, and must not be in cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(700, 10, 1_000_000)
