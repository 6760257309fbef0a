"""What roles tell of themselves when keepalived's signals ask for it: lines, each made when it is asked for.

A line takes some microseconds, and there may be hundreds of thousands: go
through them in slices (``role.slices``).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Final

from kaltwisted.alerts.security import Users
from kaltwisted.config.model import SECOND_US, Configuration, GlobalDefs, Script
from kaltwisted.config.report import global_definitions

STEP_US: Final = 100_000
"""The time of day counts as set when it is off by more: less is the time between two readings."""

_AS_WE_ARE = Script(())
"""A script that names nobody."""


def parent_data(configuration: Configuration) -> Iterator[str]:
    """The lines of ``keepalived_parent.data``."""
    defs = configuration.global_defs
    return global_definitions(defs, socket.gethostname(), owners(defs), parent=True)


def owners(defs: GlobalDefs) -> Callable[[Script | None], str]:
    """Whom each script runs as, ``uid:gid``; a script whose user is unknown does not run, and has none."""
    users = Users(defs)

    def owner(script: Script | None) -> str:
        try:
            who = users.of(_AS_WE_ARE if script is None else script)
        except LookupError:
            return "none"
        return f"{os.geteuid()}:{os.getegid()}" if who is None else f"{who.uid}:{who.gid}"

    return owner


class TimeOfDay:
    """From a monotonic clock to the time of day.

    Asked twice it gives the same answer, to the microsecond, unless the time of
    day was set meanwhile: a transition must not seem to move from one report to
    the next.
    """

    def __init__(self, now_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self._now_us = now_us
        self._epoch_us: int | None = None

    def epoch_us(self, seconds: float) -> int:
        """The time of day, in µs since 1970, at which a clock that reads ``seconds`` now was 0."""
        epoch_us = self._now_us() - int(seconds * SECOND_US)
        if self._epoch_us is None or abs(epoch_us - self._epoch_us) > STEP_US:
            self._epoch_us = epoch_us
        return self._epoch_us


TIME_OF_DAY: Final = TimeOfDay()
"""This process'."""
