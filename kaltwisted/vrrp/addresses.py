"""The virtual addresses of one instance: set, announced, watched over, removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from kaltwisted.config.model import Address, VirtualIpAddress
from kaltwisted.ports import (
    IAddresses,
    IAnnouncer,
    IFirewall,
    ILinks,
    IVirtualLinks,
    LinkAddress,
    PlacedAddress,
    Refused,
)
from kaltwisted.waiting import Waiting

_LINK_LOCAL_PREFIX = 64

_Place = tuple[int, Address]


class VirtualAddresses:
    """What an instance holds, and how to tell what others took away from what it removed itself.

    :param interface: where addresses without ``dev`` go.
    :param firewall: keeps packets from them where they are not accepted; None: nothing does.
    :param virtual_links: the interfaces of virtual MACs, which speak IPv6 while they hold an
        address of ours; None: there is none.
    :param virtual: says which addresses are virtual, of all instances.
    """

    _log = Logger()

    def __init__(
        self,
        name: str,
        interface: str,
        links: ILinks,
        addresses: IAddresses,
        announcer: IAnnouncer,
        firewall: IFirewall | None = None,
        virtual_links: IVirtualLinks | None = None,
        *,
        accept: bool = True,
        virtual: Callable[[], frozenset[Address]] = frozenset,
    ) -> None:
        self._name = name
        self._interface = interface
        self._links = links
        self._addresses = addresses
        self._announcer = announcer
        self._firewall = firewall
        self._virtual_links = virtual_links
        self._virtual = virtual
        # Interfaces of virtual MACs that speak, with the address that the kernel may speak from there.
        self._speaking: dict[int, tuple[str, PlacedAddress | None]] = {}
        self._accept = accept
        self._closed: frozenset[_Place] = frozenset()
        self._ever_set = False
        self._held: frozenset[_Place] = frozenset()
        self._refused: set[_Place] = set()
        self._setting: Deferred[tuple[Refused, ...]] | None = None
        # Rounds to announce of addresses as they come to stand.
        self._repeat = 0
        # How many removals of ours the kernel is still to tell of.
        self._removals: dict[_Place, int] = {}
        self._pending = 0
        self._waiting = Waiting()

    # --- what an instance asks for -----------------------------------------------------

    def take(self, addresses: Sequence[VirtualIpAddress]) -> None:
        """Put them where they belong."""
        self._ever_set = True
        self._repeat = 0
        placed = self._place(addresses)
        self._held = frozenset(_place_of(each) for each in placed)
        self._refused.clear()
        self._guard()
        names = {each.index: each.address.dev or self._interface for each in placed}
        self._unmute(names)
        self._setting = self._addresses.add(placed, partial(self._stand, names, None))
        self._follow(self._setting, "set")

    def announce(self, addresses: Sequence[VirtualIpAddress], repeat: int) -> None:
        """Queue announcements; of addresses that are just being set, as soon as they stand."""
        if self._setting is not None:
            self._repeat = repeat
            return
        where = [(vip.dev or self._interface, vip.address) for vip in addresses]
        self._announcer.announce(self._name, where, repeat)

    def remove(self, addresses: Sequence[VirtualIpAddress]) -> None:
        """Take them away, whether we have set them or a life before ours did."""
        self._announcer.cancel(self._name)
        self._held = frozenset()
        if self._setting is not None:
            self._setting.cancel()
        placed = self._place(addresses)
        if not self._ever_set:
            there = self._listed({each.index for each in placed})
            placed = [each for each in placed if _place_of(each) in there]
        self._note_removals(placed)
        own = [address for _, address in self._speaking.values() if address is not None]
        self._follow(self._addresses.remove([*placed, *own]), "remove")

    def reconfigure(self, *, accept: bool) -> None:
        """Whether packets to the addresses are accepted from now on."""
        self._accept = accept
        self._guard()

    def _guard(self) -> None:
        """Close what is held, unless it is accepted; what is still being removed stays closed till then."""
        wanted: frozenset[_Place] = frozenset() if self._accept else self._held
        if self._firewall is None:
            return
        if new := wanted - self._closed:
            self._firewall.close(tuple(new))
            self._closed |= new
        if not self._pending and (gone := self._closed - wanted):
            self._firewall.open(tuple(gone))
            self._closed -= gone

    def change(
        self, gone: Sequence[VirtualIpAddress], added: Sequence[VirtualIpAddress], repeat: int
    ) -> None:
        """Of those held take ``gone`` away, and put ``added`` to the rest, announced ``repeat`` times."""
        if gone:
            placed = self._place(gone)
            self._held -= {_place_of(each) for each in placed}
            self._note_removals(placed)
            self._follow(self._addresses.remove(placed), "remove")
        if added:
            placed = self._place(added)
            places = {_place_of(each) for each in placed}
            self._held |= places
            self._refused -= places
            self._guard()
            names = {each.index: each.address.dev or self._interface for each in placed}
            self._unmute(names)
            change = self._addresses.add(placed, partial(self._stand, names, repeat))
            self._follow(change, "set")

    def rename(self, name: str) -> None:
        """The instance is called so now."""
        self._name = name

    def settled(self) -> Deferred[None]:
        """Fires when the kernel has done all that was asked until now."""
        return self._waiting.until(not self._pending)

    def stands(self, vip: VirtualIpAddress) -> bool:
        """Whether we hold an address, and the kernel has not refused it."""
        link = self._links.link(vip.dev or self._interface)
        place = None if link is None else (link.index, vip.address)
        return place in self._held and place not in self._refused

    # --- what the kernel tells ---------------------------------------------------------

    def vanished(self, address: LinkAddress) -> bool:
        """An address is gone: whether we held it and it was not our doing."""
        return not self.foresaw(address) and (address.index, address.address) in self._held

    def foresaw(self, address: LinkAddress) -> bool:
        """An address is gone: whether that was our doing."""
        place = (address.index, address.address)
        ours = place in self._removals
        if ours:
            self._forget_removal(place)
        return ours

    def _stand(self, names: dict[int, str], repeat: int | None, some: Sequence[PlacedAddress]) -> None:
        repeat = self._repeat if repeat is None else repeat
        if repeat:
            where = [(names[each.index], each.address.address) for each in some]
            self._announcer.announce(self._name, where, repeat)

    def _follow(self, change: Deferred[tuple[Refused, ...]], what: str) -> None:
        self._pending += 1
        change.addCallback(self._changed, change, what)
        change.addErrback(lambda failure: self._log.failure("Addresses", failure))
        change.addCallback(lambda _: self._settle())

    def _changed(
        self, refused: tuple[Refused, ...], change: Deferred[tuple[Refused, ...]], what: str
    ) -> None:
        if change is self._setting:
            self._setting = None
        if what == "set":
            self._refused.update(_place_of(each.placed) for each in refused)
        for each in refused:
            self._log.warn(
                "({name}) cannot {what} {address}: {why}",
                name=self._name,
                what=what,
                address=each.placed.address.address,
                why=each.why,
            )

    def _settle(self) -> None:
        self._pending -= 1
        if self._pending:
            return
        if self._speaking:
            self._mute()
        self._guard()
        # What the kernel had not to remove it will not tell of.
        if self._removals:
            there = self._listed({index for index, _ in self._removals})
            self._removals = {place: count for place, count in self._removals.items() if place in there}
        self._waiting.tell()

    # --- interfaces of virtual MACs ------------------------------------------------------

    def _unmute(self, names: Mapping[int, str]) -> None:
        """Let them speak, from the link-local address of the interface below: without one there is no
        neighbour discovery, and what is routed out there would be lost.
        """
        if self._virtual_links is None:
            return
        for index, name in names.items():
            parent = None if index in self._speaking else self._virtual_links.unmute(name)
            if parent is None:
                continue
            below = self._links.link(parent)
            source = (
                None if below is None else self._links.source(below.index, ipv6=True, but=self._virtual())
            )
            own = None
            if source is not None:
                deprecated = VirtualIpAddress(source, _LINK_LOCAL_PREFIX, preferred_lft=0)
                own = PlacedAddress(index, deprecated)
                self._follow(self._addresses.add([own]), "set")
            self._speaking[index] = name, own

    def _mute(self) -> None:
        """Silence those that hold nothing any more."""
        assert self._virtual_links is not None
        for index in self._speaking.keys() - {index for index, _ in self._held}:
            name, _ = self._speaking.pop(index)
            self._virtual_links.mute(name)

    def _note_removals(self, placed: Sequence[PlacedAddress]) -> None:
        for each in placed:
            place = _place_of(each)
            self._removals[place] = self._removals.get(place, 0) + 1

    def _forget_removal(self, place: _Place) -> None:
        self._removals[place] -= 1
        if not self._removals[place]:
            del self._removals[place]

    # --- where -------------------------------------------------------------------------

    def _place(self, addresses: Sequence[VirtualIpAddress]) -> list[PlacedAddress]:
        """With the numbers that their interfaces have now; what has no interface is left out."""
        numbers: dict[str, int | None] = {}
        placed = []
        for vip in addresses:
            name = vip.dev or self._interface
            if name not in numbers:
                link = self._links.link(name)
                numbers[name] = None if link is None else link.index
            index = numbers[name]
            if index is not None:
                placed.append(PlacedAddress(index, vip))
        return placed

    def _listed(self, indices: set[int]) -> set[_Place]:
        """What the kernel has told that stands on these interfaces."""
        return {(index, each.address) for index in indices for each in self._links.addresses(index)}


def _place_of(placed: PlacedAddress) -> _Place:
    return placed.index, placed.address.address
