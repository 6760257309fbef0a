"""A simulated machine's network: interfaces and addresses.  What it knows outlives the daemon.

Each class provides the seam of ``kaltwisted.ports`` that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from kaltwisted.config.model import Address, LinkbeatMethod, RoutingItem
from kaltwisted.kernel.links import LinkTable
from kaltwisted.ports import (
    Beat,
    IAddresses,
    ILinkbeat,
    ILinks,
    IRouting,
    IVirtualLinks,
    Link,
    LinkAddress,
    LinkEvent,
    LinkPlan,
    PlacedAddress,
    Refused,
)
from kaltwisted.simulation.topology import Plug

_LOCAL = b"\x02\x00\x00"


@implementer(ILinks)
class Interfaces:
    """The interfaces of a machine, those with virtual MACs too, and the addresses on them.

    :param number: of the machine; makes its MAC addresses.
    :param noticed: hears whenever something has changed, before any daemon does.
    """

    def __init__(
        self, plugs: Mapping[str, Plug], number: int, noticed: Callable[[], object] = lambda: None
    ) -> None:
        self._plugs = dict(plugs)
        self._noticed = noticed
        self._table = LinkTable()
        self._links: dict[str, Link] = {}
        self._parents: dict[str, str] = {}
        self._watchers: list[Callable[[LinkEvent], object]] = []
        self._addresses: list[LinkAddress] = []
        for index, (name, plug) in enumerate(self._plugs.items(), 2):
            self._links[name] = Link(index, name, mac=_LOCAL + bytes((number, index >> 8, index & 255)))
            self._addresses += (
                LinkAddress(index, each.ip, each.network.prefixlen) for each in plug.addresses
            )
        self._own = frozenset((each.index, each.address) for each in self._addresses)
        self._table.replace(self._links.values(), self._addresses)

    # -- ILinks --------------------------------------------------------------------------

    def start(self) -> Deferred[None]:
        """There is nothing to wait for."""
        return succeed(None)

    def stop(self) -> None:
        """The daemon listens no more."""
        self._watchers.clear()

    def watch(self, changed: Callable[[LinkEvent], object]) -> None:
        """Tell the daemon every change."""
        self._watchers.append(changed)

    def link(self, name: str) -> Link | None:
        """The interface of that name."""
        return self._table.link(name)

    def by_index(self, index: int) -> Link | None:
        """The interface of that number."""
        return self._table.by_index(index)

    def holds(self, address: Address) -> bool:
        """Whether any interface has it."""
        return self._table.holds(address)

    def addresses(self, index: int) -> tuple[LinkAddress, ...]:
        """The interface's addresses."""
        return self._table.addresses(index)

    def source(
        self, index: int, *, ipv6: bool, but: frozenset[Address] = frozenset(), routed: bool = False
    ) -> Address | None:
        """The address that the interface speaks from."""
        return self._table.source(index, ipv6=ipv6, but=but, routed=routed)

    # -- what others ask -----------------------------------------------------------------

    def lan(self, name: str) -> str:
        """The LAN that an interface leads to."""
        return self._plugs[self._parents.get(name, name)].lan

    @property
    def own(self) -> frozenset[Address]:
        """The addresses that are built in."""
        return frozenset(address for _, address in self._own)

    def with_own(self, address: Address) -> str:
        """The interface that has an address built in."""
        return next(
            name for name, plug in self._plugs.items() if any(each.ip == address for each in plug.addresses)
        )

    def on_lan(self, lan: str) -> list[str]:
        """The interfaces that lead to a LAN."""
        return [name for name, plug in self._plugs.items() if plug.lan == lan]

    def works(self, name: str) -> bool:
        """Whether packets get in and out."""
        link = self._links.get(name)
        return link is not None and link.works

    def has(self, name: str, address: Address) -> bool:
        """Whether an address is on an interface."""
        link = self._links.get(name)
        return link is not None and any(each.address == address for each in self.addresses(link.index))

    @property
    def virtual(self) -> frozenset[Address]:
        """The addresses that are not its own."""
        return frozenset(
            each.address for each in self._addresses if (each.index, each.address) not in self._own
        )

    @property
    def reachable(self) -> frozenset[Address]:
        """Those of them that are on interfaces that work."""
        working = {link.index for link in self._links.values() if link.works}
        return frozenset(
            each.address
            for each in self._addresses
            if each.index in working and (each.index, each.address) not in self._own
        )

    def ways_to(self, address: Address) -> list[str]:
        """The interfaces in whose networks an address is."""
        return [
            name
            for name, plug in self._plugs.items()
            if any(address in each.network for each in plug.addresses)
        ]

    # -- what happens to them ------------------------------------------------------------

    def set_running(self, name: str, running: bool) -> None:
        """The cable is pulled, or put back."""
        for each in (name, *(child for child, parent in self._parents.items() if parent == name)):
            self._links[each] = attrs.evolve(self._links[each], running=running)
        self._changed()

    def put(self, addresses: Iterable[LinkAddress]) -> None:
        """These addresses are there."""
        there = {(each.index, each.address) for each in self._addresses}
        self._addresses += (each for each in addresses if (each.index, each.address) not in there)
        self._changed()

    def take(self, places: Iterable[tuple[int, Address]]) -> None:
        """These are there no more."""
        gone = frozenset(places)
        self._addresses = [each for each in self._addresses if (each.index, each.address) not in gone]
        self._changed()

    def remove(self, address: Address) -> None:
        """Somebody removes an address by hand."""
        self.take([(each.index, each.address) for each in self._addresses if each.address == address])

    def reset(self) -> None:
        """The power is gone, and with it all that was not built in."""
        self.stop()
        for name in self._parents:
            del self._links[name]
        self._parents.clear()
        self._addresses = [each for each in self._addresses if (each.index, each.address) in self._own]
        self._changed()

    def add_link(self, link: Link, parent: str) -> None:
        """An interface on top of another."""
        self._parents[link.name] = parent
        self._links[link.name] = attrs.evolve(link, running=self._links[parent].running)
        self._changed()

    def remove_link(self, name: str) -> None:
        """It goes, with its addresses."""
        link = self._links.pop(name)
        del self._parents[name]
        self._addresses = [each for each in self._addresses if each.index != link.index]
        self._changed()

    def _changed(self) -> None:
        events = self._table.replace(self._links.values(), self._addresses)
        self._noticed()
        for event in events:
            for changed in tuple(self._watchers):
                changed(event)


@implementer(ILinkbeat)
class Linkbeat:
    """Asks the interfaces, which answer whatever they are asked by."""

    def __init__(self, interfaces: Interfaces) -> None:
        self._interfaces = interfaces

    def ask(self, methods: Mapping[str, LinkbeatMethod | None]) -> Deferred[Mapping[str, Beat]]:
        """Whether they have a link."""
        return succeed(
            {
                name: Beat(method or LinkbeatMethod.ETHTOOL, self._interfaces.works(name))
                for name, method in methods.items()
            }
        )


@implementer(IAddresses)
class Addresses:
    """Puts addresses on the interfaces at once."""

    def __init__(self, interfaces: Interfaces) -> None:
        self._interfaces = interfaces

    def add(
        self,
        addresses: Sequence[PlacedAddress],
        placed: Callable[[Sequence[PlacedAddress]], object] | None = None,
    ) -> Deferred[tuple[Refused, ...]]:
        """Put them there."""
        self._interfaces.put(
            LinkAddress(each.index, each.address.address, each.address.prefix) for each in addresses
        )
        if placed is not None:
            placed(addresses)
        return succeed(())

    def remove(self, addresses: Sequence[PlacedAddress]) -> Deferred[tuple[Refused, ...]]:
        """Take them away."""
        self._interfaces.take((each.index, each.address.address) for each in addresses)
        return succeed(())

    def stop(self) -> None:
        """Nothing is under way."""


@implementer(IRouting)
class Routing:
    """Routes and rules are as wanted; nothing here depends on them."""

    def start(self, kept: Sequence[RoutingItem], unwanted: Sequence[RoutingItem]) -> Deferred[None]:
        """Done."""
        return succeed(None)

    def want(self, owner: str, items: Sequence[RoutingItem]) -> Deferred[None]:
        """Done."""
        return succeed(None)

    def look_again(self) -> None:
        """All stands."""

    def stop(self) -> None:
        """Nothing is under way."""


@implementer(IVirtualLinks)
class VirtualLinks:
    """Makes interfaces with virtual MACs, numbered from 1000."""

    def __init__(self, interfaces: Interfaces) -> None:
        self._interfaces = interfaces
        self._names: list[str] = []
        self._ipv6: dict[str, str] = {}
        self._index = 1000

    def want(self, plan: LinkPlan) -> Deferred[None]:
        """Make those of the plan, and remove the others of ours."""
        wanted = {link.name: link for link in plan.links}
        for name in self._names:
            if name not in wanted:
                self._interfaces.remove_link(name)
        for name, link in wanted.items():
            if self._interfaces.link(name) is None:
                self._interfaces.add_link(Link(self._index, name, mac=link.mac), link.parent)
                self._index += 1
        self._names = list(wanted)
        self._ipv6 = {link.name: link.parent for link in plan.links if link.ipv6}
        return succeed(None)

    def unmute(self, name: str) -> str | None:
        """The parent of one for IPv6; nothing that is sent here depends on more."""
        return self._ipv6.get(name)

    def mute(self, name: str) -> None:
        """Nothing is heard of a backup's."""

    def stop(self) -> None:
        """Nothing is under way."""
