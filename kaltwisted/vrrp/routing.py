"""Virtual routes and rules of an instance, and the static addresses, routes and rules."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from kaltwisted.config.model import Configuration, RoutingItem, VirtualIpAddress
from kaltwisted.ports import (
    AddressVanished,
    IAddresses,
    IAnnouncer,
    ILinks,
    IRouting,
    LinkChanged,
    LinkEvent,
)
from kaltwisted.vrrp.addresses import VirtualAddresses
from kaltwisted.waiting import Waiting

STATIC = "static items"
"""What log lines call those of no instance."""
#: How soon a static address that is gone is set again, and how long between two times.
SOON_S = 0.1
PAUSE_S = 1.0


class VirtualRouting:
    """Sets routes and rules once the addresses stand that they need, and takes them away at once."""

    _log = Logger()

    def __init__(self, name: str, addresses: VirtualAddresses, routing: IRouting) -> None:
        self._name = name
        self._addresses = addresses
        self._routing = routing
        self._items: tuple[RoutingItem, ...] = ()
        self._pending = 0
        self._waiting = Waiting()

    def set(self, items: Sequence[RoutingItem]) -> None:
        """These, and no others."""
        self._items = tuple(items)
        self._pending += 1
        ready = self._addresses.settled() if items else self._routing.want(self._name, ())
        # What is wanted by the time the addresses stand may be something else again.
        ready.addCallback(lambda _: self._routing.want(self._name, self._items))
        ready.addErrback(lambda failure: self._log.failure("Routes", failure))
        ready.addCallback(lambda _: self._settle())

    def rename(self, name: str) -> None:
        """The instance is called so now."""
        if name != self._name and self._items:
            for owner, items in ((name, self._items), (self._name, ())):
                self._routing.want(owner, items).addErrback(
                    lambda failure: self._log.failure("Routes", failure)
                )
        self._name = name

    def settled(self) -> Deferred[None]:
        """Fires when all is done that was asked until now."""
        return self._waiting.until(not self._pending)

    def _settle(self) -> None:
        self._pending -= 1
        if not self._pending:
            self._waiting.tell()


class Statics:
    """``static_ipaddress``, ``static_routes``, ``static_rules``: there from start to stop."""

    _log = Logger()

    def __init__(
        self,
        configuration: Configuration,
        clock: IReactorTime,
        links: ILinks,
        addresses: IAddresses,
        announcer: IAnnouncer,
        routing: IRouting,
    ) -> None:
        self._clock = clock
        self._links = links
        self._held = VirtualAddresses(STATIC, "", links, addresses, announcer)
        self._routes = VirtualRouting(STATIC, self._held, routing)
        self._adopt(configuration)
        self._again: IDelayedCall | None = None
        self._set_at = -PAUSE_S
        self._runs = False
        links.watch(self._changed)

    def _adopt(self, configuration: Configuration) -> None:
        self._addresses = configuration.static_ipaddress
        self.routing: tuple[RoutingItem, ...] = (*configuration.static_routes, *configuration.static_rules)
        self._devices = {each.dev for each in self._addresses}

    def begin(self) -> None:
        """Set them, if there are any."""
        self._runs = True
        if self._addresses:
            self._take()
        for dev in sorted({each.dev or "" for each in self._addresses}):
            if self._links.link(dev) is None:
                self._log.warn("static addresses wait for interface {dev}, which is not there", dev=dev)
        if self.routing:
            self._routes.set(self.routing)

    def reconfigure(self, configuration: Configuration) -> None:
        """What differs goes or comes."""
        before, routing = self._addresses, self.routing
        self._adopt(configuration)
        gone, added = _only_in(before, self._addresses), _only_in(self._addresses, before)
        if gone or added:
            self._held.change(gone, added, 0)
        if routing != self.routing:
            self._routes.set(self.routing)

    def end(self) -> None:
        """Take all away."""
        self._runs = False
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self.routing:
            self._routes.set(())
        if self._addresses:
            self._held.remove(self._addresses)

    def stands(self, vip: VirtualIpAddress) -> bool:
        """Whether we have put this address on its interface."""
        return self._held.stands(vip)

    async def settled(self) -> None:
        """Wait until all is done that was asked until now."""
        await self._held.settled()
        await self._routes.settled()

    def _take(self) -> None:
        self._again = None
        self._set_at = self._clock.seconds()
        self._held.take(self._addresses)

    def _changed(self, event: LinkEvent) -> None:
        match event:
            case AddressVanished(address) if self._held.vanished(address) and self._runs:
                self._log.warn(
                    "static address {address} was removed by somebody else, and is set again",
                    address=address.address,
                )
                self._take_soon()
            case LinkChanged(link) if link.name in self._devices and self._runs:
                if not all(self._held.stands(vip) for vip in self._addresses if vip.dev == link.name):
                    self._take_soon()

    def _take_soon(self) -> None:
        if self._again is None:
            wait = max(SOON_S, self._set_at + PAUSE_S - self._clock.seconds())
            self._again = self._clock.callLater(wait, self._take)


def _only_in(
    these: Sequence[VirtualIpAddress], those: Sequence[VirtualIpAddress]
) -> tuple[VirtualIpAddress, ...]:
    others = frozenset(those)
    return tuple(each for each in these if each not in others)
