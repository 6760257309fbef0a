"""How long the reactor's turns take: what is longer than 5 ms delays every timer that is due meanwhile.

A turn is what lies between two waits.  The reactor waits in one call of its
poller, so a poller of ours around that one sees where each turn ends and the
next begins.  It costs a fifth of a microsecond a turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs
from twisted.internet.epollreactor import EPollReactor
from twisted.logger import Logger

from kaltwisted.vrrp.lateness import LatenessSeen

LONG_S = 0.005
LOG_EVERY_S = 1.0


@attrs.frozen
class TurnsSeen:
    """What was counted.  ``since``: when that began, by the time of day; ``long``: turns over ``LONG_S``."""

    since: float
    count: int = 0
    long: int = 0
    longest_s: float = 0.0

    def summary(self) -> dict[str, float]:
        """For the status document."""
        return {
            "since": round(self.since, 3),
            "count": self.count,
            "over_5_ms": self.long,
            "worst_ms": round(self.longest_s * 1000, 3),
        }

    def lines(self) -> Iterator[str]:
        """For the dump, in keepalived's layout."""
        yield f" Since = {time.strftime('%a %b %e %H:%M:%S %Y', time.localtime(self.since))}"
        yield f" Turns = {self.count}"
        yield f" Turns over {LONG_S * 1000:g} ms = {self.long}"
        yield f" Longest turn = {self.longest_s * 1000:.3f} ms"


class TurnWatch:
    """Counts turns, and logs the long ones at debug level, one a second at most.

    :param now: the monotonic time in seconds.
    """

    _log = Logger()

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._logged_at = float("-inf")
        self._untold = 0
        self.clear()

    def clear(self) -> None:
        """Begin anew, as after SIGRTMAX-1."""
        self._since = time.time()
        self._count = 0
        self._long = 0
        self._longest_s = 0.0

    def seen(self) -> TurnsSeen:
        """All since the beginning or the last ``clear``."""
        return TurnsSeen(self._since, self._count, self._long, self._longest_s)

    def around(self, wait: Callable[[float, int], Any]) -> Callable[[float, int], Any]:
        """``wait``, with the time between two calls of it counted as a turn."""
        now = self._now
        began = float("inf")  # what lies before the first wait is the start, and no turn

        def watched(timeout: float, most: int) -> Any:
            nonlocal began
            took = now() - began
            self._count += 1
            if took > self._longest_s:
                self._longest_s = took
            if took > LONG_S:
                self._was_long(took)
            try:
                return wait(timeout, most)
            finally:
                began = now()

        return watched

    def _was_long(self, took: float) -> None:
        self._long += 1
        now = self._now()
        if now - self._logged_at < LOG_EVERY_S:
            self._untold += 1
            return
        self._log.debug(
            "A turn of the reactor took {ms:.1f} ms ({untold} more since the last such line)",
            ms=took * 1000,
            untold=self._untold,
        )
        self._logged_at = now
        self._untold = 0


class _WatchedPoller:
    """In place of a reactor's epoll object: the same, but for ``poll``."""

    def __init__(self, poller: Any, watch: TurnWatch) -> None:
        self.watch = watch
        self.poll = watch.around(poller.poll)
        self.register = poller.register
        self.modify = poller.modify
        self.unregister = poller.unregister
        self.fileno = poller.fileno
        self.close = poller.close


def watch_turns(reactor: Any) -> TurnWatch | None:
    """Watch a reactor's turns from now on until it ends; None where its way of waiting is another than epoll.

    Asked again it gives the same watch.
    """
    poller = getattr(reactor, "_poller", None)
    if isinstance(poller, _WatchedPoller):
        return poller.watch
    if not isinstance(reactor, EPollReactor) or not callable(getattr(poller, "poll", None)):
        return None
    watch = TurnWatch()
    reactor._poller = _WatchedPoller(poller, watch)
    return watch


def section(turns: TurnsSeen | None, lateness: LatenessSeen | None = None) -> Iterator[str]:
    """The lines of both for a data file; None: not known in this process."""
    yield "------< Timers >------"
    for part in (turns, lateness):
        if part is not None:
            yield from part.lines()
