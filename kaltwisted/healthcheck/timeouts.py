"""Time-outs of many attempts on one delayed call.

Nearly every attempt ends long before its time: a delayed call of the reactor's
for each, made and cancelled, is a seventh of what a check costs.
"""

from __future__ import annotations

from typing import Protocol
from weakref import WeakValueDictionary

from twisted.internet.interfaces import IDelayedCall, IReactorTime

_SAME_S = 0.001


class Bounded(Protocol):
    """What has to end in time."""

    def timed_out(self) -> None:
        """It did not."""


class Timeouts:
    """All that may take ``timeout_s``: as that is the same for all, who began first is due first.

    While nothing is under way, no delayed call is pending.
    """

    def __init__(self, reactor: IReactorTime, timeout_s: float) -> None:
        self._reactor = reactor
        self._timeout_s = timeout_s
        self._ends: dict[Bounded, float] = {}
        self._call: IDelayedCall | None = None

    @classmethod
    def shared(cls, reactor: IReactorTime, timeout_s: float) -> Timeouts:
        """The one that all checks of this reactor with the same time-out have in common."""
        key = id(reactor), timeout_s
        found = _shared.get(key)
        if found is None:
            found = _shared[key] = cls(reactor, timeout_s)
        return found

    def begin(self, attempt: Bounded) -> None:
        """Tell ``attempt`` when its time is over, unless ``end`` comes first."""
        self._ends[attempt] = self._reactor.seconds() + self._timeout_s
        if self._call is None:
            self._call = self._reactor.callLater(self._timeout_s, self._ring)

    def end(self, attempt: Bounded) -> None:
        """It has ended, or is no longer wanted; again: nothing."""
        self._ends.pop(attempt, None)
        if not self._ends and self._call is not None:
            self._call.cancel()
            self._call = None

    def _ring(self) -> None:
        self._call = None
        now = self._reactor.seconds()
        while self._ends:
            attempt, end = next(iter(self._ends.items()))
            if end - now > _SAME_S:
                # What just timed out may have begun something new, and that a call.
                if self._call is None:
                    self._call = self._reactor.callLater(end - now, self._ring)
                return
            del self._ends[attempt]
            attempt.timed_out()


# An entry lives as long as a check that uses it, which keeps the reactor alive, and so its id.
_shared: WeakValueDictionary[tuple[int, float], Timeouts] = WeakValueDictionary()
