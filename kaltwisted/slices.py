"""Long work in slices: a little per reactor turn, so that timers stay on time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import CooperativeTask, Cooperator

SLICE_S = 0.003


def in_slices(steps: Iterator[Any], clock: IReactorTime, slice_s: float = SLICE_S) -> CooperativeTask[Any]:
    """Go through ``steps``, each of which should take well under ``slice_s``."""

    def a_slice() -> Callable[[], bool]:
        ends = clock.seconds() + slice_s
        return lambda: clock.seconds() > ends

    return Cooperator(a_slice, partial(clock.callLater, 0)).cooperate(steps)
