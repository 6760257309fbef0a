"""The timers of all instances as delayed calls of the reactor."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from kaltwisted.vrrp.actions import ArmTimer, TimerName
from kaltwisted.vrrp.lateness import Lateness


@attrs.define(eq=False)
class _Countdown:
    call: IDelayedCall
    generation: int


class Countdowns:
    """At most one for each timer of each instance.

    :param expired: hears whose, which, and of which generation.
    :param lateness: notes how late each came.
    """

    _log = Logger()

    def __init__(
        self, clock: IReactorTime, expired: Callable[[str, TimerName, int], object], lateness: Lateness
    ) -> None:
        self._clock = clock
        self._tell = expired
        self._lateness = lateness
        self._running: dict[tuple[str, TimerName], _Countdown] = {}

    def arm(self, name: str, timer: ArmTimer) -> None:
        """Run it until its time, in place of an earlier one."""
        delay = max(0.0, timer.at / 1_000_000 - self._clock.seconds())
        running = self._running.get((name, timer.which))
        if running is None:
            self._start(name, timer.which, delay, timer.generation)
        else:
            running.generation = timer.generation
            running.call.reset(delay)

    def cancel(self, name: str, which: TimerName) -> None:
        """It is not wanted any more; perhaps it does not run at all."""
        running = self._running.pop((name, which), None)
        if running is not None:
            running.call.cancel()

    def rename(self, names: Mapping[str, str]) -> None:
        """Instances have other names."""
        before, self._running = self._running, {}
        for (name, which), running in before.items():
            delay = max(0.0, running.call.getTime() - self._clock.seconds())
            running.call.cancel()
            self._start(names[name], which, delay, running.generation)

    def stop(self) -> None:
        """None is wanted any more."""
        for running in self._running.values():
            running.call.cancel()
        self._running.clear()

    def _start(self, name: str, which: TimerName, delay: float, generation: int) -> None:
        call = self._clock.callLater(delay, self._expired, name, which)
        self._running[name, which] = _Countdown(call, generation)

    def _expired(self, name: str, which: TimerName) -> None:
        ended = self._running.pop((name, which))
        late_s = self._clock.seconds() - ended.call.getTime()
        self._lateness.note(late_s)
        if late_s >= self._lateness.too_late_s:
            # In keepalived's words: somebody may be master already.
            self._log.warn("A thread timer expired {late:.6f} seconds ago", late=late_s)
            self._lateness.too_late()
        self._tell(name, which, ended.generation)
