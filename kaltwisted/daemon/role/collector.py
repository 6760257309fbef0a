"""When the interpreter collects garbage, and when a thread of ours gives way to the reactor."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def postpone_collections() -> None:
    """Collect nothing while that is made which is there to stay.  Saves a quarter of a start."""
    gc.disable()


def resume_collections() -> None:
    """Collect again, but never what is there now, and all generations hardly ever.

    With a large configuration a full collection stops the process for up to
    0.2 s, which is what delays timers most.  Long-lived objects go by their
    reference counts once a reload drops them, and must not be in cycles.  The
    young go on being collected, a few thousand at a time: cycles that a reload
    leaves behind are among them, so it must not freeze anything.
    """
    gc.freeze()
    gc.set_threshold(700, 10, 1_000_000)
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
