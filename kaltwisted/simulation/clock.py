"""Simulated time: a clock for the world, and for each life of a daemon a reactor's time that ends with it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from kaltwisted.config.model import SECOND_US

_Entry = tuple[float, int, DelayedCall | None, Callable[..., object], tuple[Any, ...]]


@implementer(IReactorTime)
class WorldClock:
    """Seconds from 0; what is due at one time happens in the order in which it was asked for.

    ``task.Clock`` sorts all its calls at each new one; this one has a heap, and a call that is
    put off, as each advert puts off a timer, costs nothing until its old time comes.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[_Entry] = []
        self._order = 0

    @property
    def now_us(self) -> int:
        """The time in µs."""
        return round(self.now * SECOND_US)

    def at(self, when: float, call: Callable[..., object], *arguments: Any) -> None:
        """Call something at a time; it cannot be called off."""
        self._push(when, None, call, arguments)

    def run_until(self, end: float) -> None:
        """Let time pass.  What a call raises ends the run: here it can be only our own defect."""
        due = self._due
        while due and due[0][0] <= end:
            when, _, call, function, arguments = heapq.heappop(due)
            if call is not None:
                if call.called or call.cancelled or call.time > when:
                    continue
                if call.delayed_time:
                    call.activate_delay()
                    self._moved(call)
                    continue
                call.called = 1
            self.now = when
            function(*arguments)
        self.now = end

    # -- IReactorTime --------------------------------------------------------------------

    def seconds(self) -> float:
        """The time."""
        return self.now

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> IDelayedCall:
        """Call something later; it can be called off, and put off."""
        delayed = DelayedCall(self.now + delay, callable, args, kwargs, _cancelled, self._moved, self.seconds)
        self._moved(delayed)
        return delayed

    def getDelayedCalls(self) -> list[IDelayedCall]:
        """The calls that wait."""
        return [call for _, _, call, _, _ in self._due if call is not None and call.active()]

    def _moved(self, call: DelayedCall) -> None:
        self._push(call.time, call, _carry_out, (call,))

    def _push(
        self,
        when: float,
        call: DelayedCall | None,
        function: Callable[..., object],
        arguments: tuple[Any, ...],
    ) -> None:
        self._order += 1
        heapq.heappush(self._due, (max(when, self.now), self._order, call, function, arguments))


def _carry_out(call: DelayedCall) -> None:
    call.func(*call.args, **call.kw)


def _cancelled(_: DelayedCall) -> None:
    """It is passed over when its time comes."""


@implementer(IReactorTime)
class LifeClock:
    """The reactor of one life of a daemon: with ``end`` everything that it has waited for is forgotten.

    :param enter: called before anything of this life runs.
    """

    def __init__(self, clock: WorldClock, enter: Callable[[], object]) -> None:
        self._clock = clock
        self._enter = enter
        self.over = False

    def end(self) -> None:
        """Nothing of this life happens any more."""
        self.over = True

    def do(self, call: Callable[..., object], *arguments: Any) -> None:
        """Something happens to this life now."""
        if not self.over:
            self._enter()
            call(*arguments)

    # -- IReactorTime --------------------------------------------------------------------

    def seconds(self) -> float:
        """The world's time."""
        return self._clock.now

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> IDelayedCall:
        """Call something later, in this life."""
        return self._clock.callLater(delay, self._run, callable, args, kwargs)

    def getDelayedCalls(self) -> list[IDelayedCall]:
        """The calls of all lives that wait."""
        return self._clock.getDelayedCalls()

    def _run(self, call: Callable[..., object], args: tuple[object, ...], kw: dict[str, object]) -> None:
        if not self.over:
            self._enter()
            call(*args, **kw)
