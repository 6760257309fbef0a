"""Links as they count for virtual routers, by a clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from kaltwisted.config.model import SECOND_US, LinkDelay
from kaltwisted.ports import Link
from kaltwisted.vrrp.link_delays import LinkDelays


class LinkStates:
    """Runs ``LinkDelays``; ``counts`` hears ``(name, up)`` whenever a change counts."""

    _log = Logger()

    def __init__(
        self, delays: Mapping[str, LinkDelay], clock: IReactorTime, counts: Callable[[str, bool], object]
    ) -> None:
        self.delays = LinkDelays(delays)
        self._clock = clock
        self._counts = counts
        self._flags: dict[str, int] = {}
        self._timer: IDelayedCall | None = None

    @property
    def up(self) -> Mapping[str, bool]:
        """Whether links count as up."""
        return self.delays.up

    def first(self, name: str, link: Link | None) -> None:
        """A link is looked at first, None: it is not there.  ``counts`` does not hear of that."""
        self._flags[name] = 0 if link is None else link.flags
        self.delays.first(name, link is not None and link.works)

    def seen(self, link: Link) -> None:
        """A link is so now."""
        waited, name = self.delays.is_waiting(link.name), link.name
        if self.delays.seen(name, link.works, self._now()):
            self._counts(name, link.works)
        elif self.delays.is_waiting(name) and not waited:
            delay = self.delays.delays[name]
            self._log.info(
                "{name}: Adding flags change from {before:#x} to {after:#x} delay by {us}",
                name=name,
                before=self._flags[name],
                after=link.flags,
                us=delay.up_us if link.works else delay.down_us,
            )
        self._flags[name] = link.flags
        self._wait()

    def heard(self, name: str, up: bool) -> bool:
        """A link that is polled is so, which counts at once.  Whether that is news."""
        if self.up[name] is up:
            return False
        self.delays.first(name, up)
        return True

    def gone(self, name: str) -> None:
        """The interface is there no more."""
        self._flags[name] = 0
        if self.delays.gone(name):
            self._counts(name, False)
        self._wait()

    def reconfigure(self, delays: Mapping[str, LinkDelay]) -> None:
        """Have these delays from now on, for changes that wait too."""
        self.delays.delays = delays
        self._wait()

    def forget(self, name: str) -> None:
        """Nobody has to do with it any more."""
        self.delays.forget(name)
        del self._flags[name]
        self._wait()

    def stop(self) -> None:
        """Nothing counts any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _now(self) -> int:
        return int(self._clock.seconds() * SECOND_US)

    def _wait(self) -> None:
        self.stop()
        due = self.delays.due
        if due is not None:
            # A microsecond more: rounding must not bring us here before it is time.
            delay = max(0.0, (due + 1) / SECOND_US - self._clock.seconds())
            self._timer = self._clock.callLater(delay, self._is_due)

    def _is_due(self) -> None:
        self._timer = None
        for name in self.delays.ripe(self._now()):
            self._counts(name, self.up[name])
        self._wait()
