"""The reactor's time, made monotonic."""

from __future__ import annotations

import time
from typing import Any


def use_monotonic_time(reactor: Any) -> bool:
    """Let delayed calls follow the monotonic clock in place of the time of day.

    Twisted's default reads the time of day: set back by an hour, it would
    hold adverts back for an hour.  Only possible while nothing is scheduled;
    tells whether it was.  Reactors with a clock of their own are left alone.
    """
    if reactor.seconds is time.monotonic:
        return True
    if reactor.seconds is not time.time or reactor.getDelayedCalls():
        return False
    reactor.seconds = time.monotonic
    return True
