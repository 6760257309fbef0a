"""When a change of a link counts: once it has lasted as long as ``interface_up_down_delays`` says.  Pure."""

from __future__ import annotations

from collections.abc import Mapping

from kaltwisted.config.model import Configuration, LinkDelay
from kaltwisted.vrrp.vmac import link_plan


def by_interface(configuration: Configuration) -> dict[str, LinkDelay]:
    """The delays by the names of interfaces; those that we make have the delays of what they are on."""
    found = {each.name: each for each in configuration.interface_up_down_delays}
    for made in link_plan(configuration.vrrp_instances).links:
        if made.parent in found:
            found.setdefault(made.name, found[made.parent])
    return found


class LinkDelays:
    """Links by name, and what they count as.

    A change that is undone before it counts never was.  An interface that is
    new, or has not been up yet, has nothing to wait for when it comes up.

    ``delays``: by interface.  ``up``: what counts.
    """

    def __init__(self, delays: Mapping[str, LinkDelay]) -> None:
        self.delays = delays
        self.up: dict[str, bool] = {}
        self._been_up: set[str] = set()
        # Links that are other than they count, since when.
        self._since: dict[str, int] = {}

    def first(self, name: str, up: bool) -> None:
        """What a link is when it is looked at first counts."""
        self._count(name, up)

    def seen(self, name: str, up: bool, now: int) -> bool:
        """A link is so now, on the caller's clock in µs.  Whether that counts at once, and is news."""
        if self.up[name] is up:
            self._since.pop(name, None)
            return False
        self._since.setdefault(name, now)
        return self._ripe(name, now)

    def gone(self, name: str) -> bool:
        """The interface is there no more, and down at once.  Whether that is news."""
        was_up = self.up[name]
        self._count(name, False)
        self._been_up.discard(name)
        return was_up

    def ripe(self, now: int) -> list[str]:
        """The links whose changes have lasted long enough: they count from now on."""
        return [name for name in tuple(self._since) if self._ripe(name, now)]

    @property
    def due(self) -> int | None:
        """When the next change counts; None: none waits."""
        return min((since + self._delay_us(name) for name, since in self._since.items()), default=None)

    def is_waiting(self, name: str) -> bool:
        """Whether a link is other than it counts."""
        return name in self._since

    def has_been_up(self, name: str) -> bool:
        """Whether it has counted as up since it is there."""
        return name in self._been_up

    def forget(self, name: str) -> None:
        """Nobody has to do with it any more."""
        del self.up[name]
        self._since.pop(name, None)
        self._been_up.discard(name)

    def _delay_us(self, name: str) -> int:
        delay = self.delays.get(name)
        if delay is None or name not in self._been_up:
            return 0
        return delay.down_us if self.up[name] else delay.up_us

    def _ripe(self, name: str, now: int) -> bool:
        if self._since[name] + self._delay_us(name) > now:
            return False
        self._count(name, not self.up[name])
        return True

    def _count(self, name: str, up: bool) -> None:
        self._since.pop(name, None)
        self.up[name] = up
        if up:
            self._been_up.add(name)
