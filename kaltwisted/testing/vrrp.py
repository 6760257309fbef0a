"""The network that VRRP's adapters see, for tests without one: interfaces, addresses, wires, announcements.

Each provides the interface of ``kaltwisted.ports`` that its name tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import attrs
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from kaltwisted.config.model import Address, RoutingItem
from kaltwisted.kernel.links import LinkTable
from kaltwisted.ports import (
    AddressAppeared,
    AddressChanged,
    AddressVanished,
    IAddresses,
    IAdvertPort,
    IAnnouncer,
    IFirewall,
    IFrames,
    ILinks,
    Ipv6Message,
    IRouting,
    ISyncDaemon,
    IVirtualLinks,
    IWire,
    Link,
    LinkAddress,
    LinkChanged,
    LinkEvent,
    LinkPlan,
    LinkVanished,
    Listening,
    PlacedAddress,
    Received,
    Refused,
    SyncRole,
    WireError,
)


@implementer(ILinks)
class FakeLinks:
    """Interfaces made by the test; every change is told like the kernel's."""

    def __init__(self, *links: Link) -> None:
        self._links = {link.name: link for link in links}
        self._addresses: dict[int, list[LinkAddress]] = {}
        self._watchers: list[Callable[[LinkEvent], object]] = []
        self.stopped = False

    def start(self) -> Deferred[None]:
        return succeed(None)

    def stop(self) -> None:
        self.stopped = True

    def watch(self, changed: Callable[[LinkEvent], object]) -> None:
        self._watchers.append(changed)

    def link(self, name: str) -> Link | None:
        return self._links.get(name)

    def by_index(self, index: int) -> Link | None:
        return next((each for each in self._links.values() if each.index == index), None)

    def addresses(self, index: int) -> tuple[LinkAddress, ...]:
        return tuple(self._addresses.get(index, ()))

    def holds(self, address: Address) -> bool:
        held = (each for known in self._addresses.values() for each in known)
        return any(each.address == address and each.usable for each in held)

    def source(
        self, index: int, *, ipv6: bool, but: frozenset[Address] = frozenset(), routed: bool = False
    ) -> Address | None:
        table = LinkTable()
        table.replace(self._links.values(), self.addresses(index))
        return table.source(index, ipv6=ipv6, but=but, routed=routed)

    def change(self, link: Link) -> None:
        """The interface is so now."""
        self._links[link.name] = link
        self._tell(LinkChanged(link))

    def remove(self, name: str) -> None:
        """The interface is gone, with its addresses."""
        link = self._links.pop(name)
        for address in self.addresses(link.index):
            self.vanish(address)
        self._tell(LinkVanished(link))

    def appear(self, address: LinkAddress) -> None:
        """The interface has this address."""
        known = self._addresses.setdefault(address.index, [])
        if address not in known:
            for other in [
                each for each in known if (each.address, each.prefix) == (address.address, address.prefix)
            ]:
                known[known.index(other)] = address
                self._tell(AddressChanged(address))
                return
            known.append(address)
            self._tell(AddressAppeared(address))

    def vanish(self, address: LinkAddress) -> None:
        """The interface has this address no more."""
        known = self._addresses.get(address.index, [])
        if address in known:
            known.remove(address)
            self._tell(AddressVanished(address))

    def _tell(self, event: LinkEvent) -> None:
        for changed in self._watchers:
            changed(event)


@attrs.define(eq=False)
class FakeChange:
    """An ``add`` or ``remove`` that was asked for; with ``held`` it is done when the test says so."""

    addresses: tuple[PlacedAddress, ...]
    placed: Callable[[Sequence[PlacedAddress]], object] | None
    done: Deferred[tuple[Refused, ...]]


@implementer(IAddresses)
class FakeAddresses:
    """Puts addresses on ``FakeLinks``, at once or, while ``held``, when told to ``finish``.

    ``asked`` keeps every call as ``("add" | "remove", addresses)``; what is in
    ``unwanted`` is refused.
    """

    def __init__(self, links: FakeLinks) -> None:
        self._links = links
        self._waiting: list[tuple[str, FakeChange]] = []
        self.held = False
        self.unwanted: set[Address] = set()
        self.asked: list[tuple[str, tuple[Address, ...]]] = []
        self.stopped = False

    def add(
        self,
        addresses: Sequence[PlacedAddress],
        placed: Callable[[Sequence[PlacedAddress]], object] | None = None,
    ) -> Deferred[tuple[Refused, ...]]:
        return self._ask("add", FakeChange(tuple(addresses), placed, Deferred(self._give_up)))

    def remove(self, addresses: Sequence[PlacedAddress]) -> Deferred[tuple[Refused, ...]]:
        return self._ask("remove", FakeChange(tuple(addresses), None, Deferred(self._give_up)))

    def stop(self) -> None:
        self.stopped = True

    def finish(self) -> None:
        """Do what was asked meanwhile."""
        waiting, self._waiting = self._waiting, []
        for what, change in waiting:
            self._do(what, change)

    def _ask(self, what: str, change: FakeChange) -> Deferred[tuple[Refused, ...]]:
        self.asked.append((what, tuple(each.address.address for each in change.addresses)))
        if self.held:
            self._waiting.append((what, change))
        else:
            self._do(what, change)
        return change.done

    def _give_up(self, done: Deferred[tuple[Refused, ...]]) -> None:
        self._waiting = [(what, change) for what, change in self._waiting if change.done is not done]
        done.callback(())

    def _do(self, what: str, change: FakeChange) -> None:
        done = tuple(each for each in change.addresses if each.address.address not in self.unwanted)
        for each in done:
            address = LinkAddress(each.index, each.address.address, each.address.prefix)
            (self._links.appear if what == "add" else self._links.vanish)(address)
        if change.placed is not None:
            change.placed(done)
        change.done.callback(
            tuple(Refused(each, "unwanted") for each in change.addresses if each not in done)
        )


@implementer(IRouting)
class FakeRouting:
    """Keeps what is wanted, by owner in ``wanted`` and one after the other in ``asked``.

    With ``held`` a want is done when the test calls what is in ``waiting``.
    """

    def __init__(self) -> None:
        self.kept: tuple[RoutingItem, ...] | None = None
        self.unwanted: tuple[RoutingItem, ...] | None = None
        self.wanted: dict[str, tuple[RoutingItem, ...]] = {}
        self.asked: list[tuple[str, tuple[RoutingItem, ...]]] = []
        self.held = False
        self.waiting: list[Deferred[None]] = []
        self.looks = 0
        self.stopped = False

    def start(self, kept: Sequence[RoutingItem], unwanted: Sequence[RoutingItem]) -> Deferred[None]:
        self.kept, self.unwanted = tuple(kept), tuple(unwanted)
        return succeed(None)

    def want(self, owner: str, items: Sequence[RoutingItem]) -> Deferred[None]:
        items = tuple(items)
        if self.wanted.get(owner, ()) == items:
            return succeed(None)
        self.asked.append((owner, items))
        self.wanted[owner] = items
        if not self.held:
            return succeed(None)
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def look_again(self) -> None:
        self.looks += 1

    def stop(self) -> None:
        self.stopped = True


@implementer(IVirtualLinks)
class FakeVirtualLinks:
    """Makes interfaces on ``FakeLinks`` at once, numbered from 100; ``plans`` keeps what was wanted,
    ``speaking`` the names of those that are unmuted.

    With ``held`` a plan is done when the test calls what is in ``waiting``.
    """

    def __init__(self, links: FakeLinks) -> None:
        self._links = links
        self._index = 100
        self.plans: list[LinkPlan] = []
        self.speaking: set[str] = set()
        self.held = False
        self.waiting: list[Deferred[None]] = []
        self.stopped = False

    def want(self, plan: LinkPlan) -> Deferred[None]:
        before = self.plans[-1].links if self.plans else ()
        self.plans.append(plan)
        for link in before:
            if link not in plan.links and self._links.link(link.name) is not None:
                self._links.remove(link.name)
        for link in plan.links:
            if self._links.link(link.name) is None and self._links.link(link.parent) is not None:
                self._links.change(Link(self._index, link.name, mac=link.mac))
                self._index += 1
        if not self.held:
            return succeed(None)
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def unmute(self, name: str) -> str | None:
        links = self.plans[-1].links if self.plans else ()
        parent = next((each.parent for each in links if each.name == name and each.ipv6), None)
        if parent is not None:
            self.speaking.add(name)
        return parent

    def mute(self, name: str) -> None:
        self.speaking.discard(name)

    def stop(self) -> None:
        self.stopped = True


@implementer(IAdvertPort)
class FakeAdvertPort:
    """An opened interface: ``sent`` keeps (packet, destination), ``receive`` is a packet coming in.

    ``headers`` keeps the (source, hop limit) that went with each.
    """

    def __init__(self, link: Link, listening: Listening, received: Received) -> None:
        self.link = link
        self.listening = listening
        self.vrids = listening.vrids
        self.headers: list[tuple[Address, int]] = []
        self._received = received
        self.sent: list[tuple[bytes, Address]] = []
        self.broken: str | None = None
        self.closed = False

    def receive(self, packet: bytes | Ipv6Message, waited_us: int = 0) -> None:
        self._received(packet, waited_us)

    def send(self, packet: bytes, source: Address, destination: Address, hop_limit: int) -> str | None:
        if self.broken is None:
            self.sent.append((packet, destination))
            self.headers.append((source, hop_limit))
        return self.broken

    def close(self) -> None:
        self.closed = True


@implementer(IWire)
class FakeWire:
    """Opens ``FakeAdvertPort``s, by interface in ``ports`` or ``ipv6_ports``; with ``broken`` none,
    with ``without_ipv6`` none of that.
    """

    def __init__(self) -> None:
        self.ports: dict[str, FakeAdvertPort] = {}
        self.ipv6_ports: dict[str, FakeAdvertPort] = {}
        self.broken: str | None = None
        self.without_ipv6: str | None = None

    def open(self, link: Link, listening: Listening, received: Received) -> IAdvertPort:
        if self.broken is not None:
            raise WireError(self.broken)
        if self.without_ipv6 is not None and listening.ip_version == 6:
            raise WireError(self.without_ipv6)
        ports = self.ports if listening.ip_version == 4 else self.ipv6_ports
        port = ports[link.name] = FakeAdvertPort(link, listening, received)
        return port


@implementer(IFrames)
class FakeFrames:
    """Keeps the frames, by interface; ``broken`` is why none goes out."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.broken: str | None = None

    def send(self, link: Link, frame: bytes) -> str | None:
        if self.broken is None:
            self.sent.append((link.name, frame))
        return self.broken

    def close(self, index: int) -> None:
        """Nothing to close."""

    def stop(self) -> None:
        """Nothing to stop."""


@implementer(IAnnouncer)
class FakeAnnouncer:
    """Keeps what was to be announced, as (owner, interface, address, repeat)."""

    def __init__(self) -> None:
        self.announced: list[tuple[str, str, Address, int]] = []
        self.cancelled: list[str] = []
        self.stopped = False

    def announce(self, owner: str, addresses: Sequence[tuple[str, Address]], repeat: int) -> None:
        self.announced += ((owner, interface, address, repeat) for interface, address in addresses)

    def cancel(self, owner: str) -> None:
        self.cancelled.append(owner)

    def stop(self) -> None:
        self.stopped = True


@implementer(IFirewall)
class FakeFirewall:
    """``closed`` has the addresses that are closed now, ``log`` what was asked for."""

    def __init__(self) -> None:
        self.closed: Counter[Address] = Counter()
        self.log: list[tuple[str, tuple[Address, ...]]] = []
        self.prepared: frozenset[int] = frozenset()
        self.stopped: bool | None = None

    def prepare(self, ip_versions: frozenset[int]) -> None:
        self.prepared |= ip_versions

    def close(self, places: Sequence[tuple[int, Address]]) -> None:
        self._note("close", places)
        self.closed.update(address for _, address in places)

    def open(self, places: Sequence[tuple[int, Address]]) -> None:
        self._note("open", places)
        self.closed.subtract(address for _, address in places)
        self.closed = +self.closed

    def stop(self, *, keep: bool = False) -> None:
        self.stopped = keep

    def _note(self, what: str, places: Sequence[tuple[int, Address]]) -> None:
        self.log.append((what, tuple(address for _, address in places)))


@implementer(ISyncDaemon)
class FakeSyncDaemon:
    """Keeps the roles, as (role, interface, sync id); ``why`` is its answer."""

    def __init__(self, why: str | None = None) -> None:
        self.why = why
        self.roles: list[tuple[SyncRole | None, str, int]] = []

    def follow(self, role: SyncRole | None, interface: str, sync_id: int) -> Deferred[str | None]:
        self.roles.append((role, interface, sync_id))
        return succeed(self.why)

    def stop(self) -> Deferred[None]:
        """Nothing to stop."""
        return succeed(None)
