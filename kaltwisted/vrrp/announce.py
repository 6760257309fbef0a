"""Telling the link who has a virtual address now: the frames, and in which order and pace they go.  Pure.

IPv4: gratuitous ARP (RFC 826, RFC 5227 §3).  IPv6: unsolicited neighbour
advertisement (RFC 4861 §7.2.6).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

import attrs

from kaltwisted.config.model import Address, Configuration, GarpGroup
from kaltwisted.vrrp.checksum import checksum

_BROADCAST_MAC = b"\xff" * 6
_ALL_NODES_MAC = bytes.fromhex("333300000001")
_ALL_NODES = IPv6Address("ff02::1").packed
_ETHERTYPE_ARP = 0x0806
_ETHERTYPE_IPV6 = 0x86DD
_ICMPV6 = 58
_NEIGHBOUR_ADVERTISEMENT = 136
_TARGET_LINK_LAYER_ADDRESS = 2
_OVERRIDE = 0x20000000
_ROUTER = 0x80000000

_ARP = struct.Struct("!6s6sHHHBBH6s4s6s4s")
_ETHERNET_IPV6 = struct.Struct("!6s6sHIHBB16s16s")
_ADVERTISEMENT = struct.Struct("!BBHI16sBB6s")


def frame(address: Address, mac: bytes, *, router: bool = False) -> bytes:
    """The Ethernet frame that announces ``address`` at ``mac``."""
    if isinstance(address, IPv4Address):
        return gratuitous_arp(address, mac)
    return neighbour_advertisement(address, mac, router=router)


def gratuitous_arp(address: IPv4Address, mac: bytes) -> bytes:
    """A request from and for ``address``, to everybody: 42 bytes.

    The target MAC is the broadcast address, as keepalived has it; receivers
    pass it over.
    """
    packed = address.packed
    return _ARP.pack(
        _BROADCAST_MAC, mac, _ETHERTYPE_ARP, 1, 0x0800, 6, 4, 1, mac, packed, _BROADCAST_MAC, packed
    )


def neighbour_advertisement(address: IPv6Address, mac: bytes, *, router: bool) -> bytes:
    """Unsolicited, to all nodes, overriding what they know; ``router`` says that we forward packets."""
    packed = address.packed
    flags = _OVERRIDE | (_ROUTER if router else 0)
    body = _ADVERTISEMENT.pack(
        _NEIGHBOUR_ADVERTISEMENT, 0, 0, flags, packed, _TARGET_LINK_LAYER_ADDRESS, 1, mac
    )
    pseudo = packed + _ALL_NODES + struct.pack("!II", len(body), _ICMPV6)
    body = body[:2] + checksum(pseudo + body).to_bytes(2) + body[4:]
    head = _ETHERNET_IPV6.pack(
        _ALL_NODES_MAC, mac, _ETHERTYPE_IPV6, 6 << 28, len(body), _ICMPV6, 255, packed, _ALL_NODES
    )
    return head + body


@attrs.frozen
class Lane:
    """What announcements wait for one another in: those of one interface, or of all that share a pace.

    ``name``: the interface, or the number of the group, from 1.
    """

    name: str | int
    interval_us: int


class Paces:
    """How fast announcements may go, by interface and family (``vrrp_garp_interval``, ``garp_group``)."""

    def __init__(
        self, garp_interval_us: int = 0, gna_interval_us: int = 0, groups: Iterable[GarpGroup] = ()
    ) -> None:
        self._usual = (garp_interval_us, gna_interval_us)
        self._lanes: dict[str, tuple[Lane, Lane]] = {}
        shared = 0
        for group in groups:
            intervals = (group.garp_interval_us or 0, group.gna_interval_us or 0)
            self._lanes |= {name: _lanes(name, intervals) for name in group.interfaces}
            shared += bool(group.shared)
            self._lanes |= dict.fromkeys(group.shared, _lanes(shared, intervals))
        self._grouped = frozenset(self._lanes)

    @classmethod
    def of(cls, configuration: Configuration) -> Paces:
        """As it is configured."""
        defaults = configuration.global_defs.vrrp
        return cls(defaults.garp_interval_us, defaults.gna_interval_us, configuration.garp_groups)

    def is_grouped(self, interface: str) -> bool:
        """Whether a ``garp_group`` names it."""
        return interface in self._grouped

    def lanes(self, interface: str) -> tuple[Lane, Lane]:
        """Of an interface, for IPv4 and for IPv6."""
        found = self._lanes.get(interface)
        if found is None:
            found = self._lanes[interface] = _lanes(interface, self._usual)
        return found


def _lanes(name: str | int, intervals: tuple[int, int]) -> tuple[Lane, Lane]:
    return Lane(name, intervals[0]), Lane(name, intervals[1])


@attrs.frozen
class Announcement:
    """An address of one instance, to be announced on one interface."""

    owner: str
    interface: str
    address: Address


class AnnounceQueue:
    """What one interface, or several together, have still to announce, first rounds first.

    Every address gets its first announcement before any gets its second, across
    instances; an address that waits in a round is not queued in it again, so
    the queue is never longer than rounds times addresses, whatever a peer makes
    us announce.  ``interval_us`` (keepalived: ``vrrp_garp_interval``): the least
    time from one to the next.
    """

    def __init__(self, interval_us: int = 0) -> None:
        self._interval_us = interval_us
        # A dict for its order: the values mean nothing.
        self._rounds: dict[int, dict[Announcement, None]] = {}
        self._next_at = 0

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._rounds.values())

    def add(self, announcements: Iterable[Announcement], repeat: int) -> None:
        """Queue ``repeat`` rounds of them."""
        queued = dict.fromkeys(announcements)
        if not queued:
            return
        for number in range(repeat):
            if number in self._rounds:
                self._rounds[number].update(queued)
            else:
                self._rounds[number] = dict(queued)

    def drop(self, owner: str) -> None:
        """Forget what an instance wanted announced: it is no longer its master."""
        for number, waiting in list(self._rounds.items()):
            kept = {each: None for each in waiting if each.owner != owner}
            if kept:
                self._rounds[number] = kept
            else:
                del self._rounds[number]

    def take(self, now: int, most: int) -> list[Announcement]:
        """What may go now (µs), at most so many."""
        taken: list[Announcement] = []
        if self._interval_us and now < self._next_at:
            return taken
        if self._interval_us:
            most = 1
        while self._rounds and len(taken) < most:
            number = min(self._rounds)
            waiting = self._rounds[number]
            first = next(iter(waiting))
            del waiting[first]
            if not waiting:
                del self._rounds[number]
            taken.append(first)
        if taken and self._interval_us:
            self._next_at = now + self._interval_us
        return taken

    def is_first_due(self, now: int) -> bool:
        """Whether an address waits for its first announcement, and may have it now."""
        return 0 in self._rounds and now >= self._next_at

    def due(self) -> int | None:
        """When the next may go (µs, perhaps past); None when nothing waits."""
        return self._next_at if self._rounds else None
