"""Seams of the host's network: interfaces, addresses, routes, virtual links, firewall, sync daemon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

import attrs
from zope.interface import Interface

from kaltwisted.config.model import Address, RoutingItem, VirtualIpAddress

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred


@attrs.frozen
class Link:
    """A network interface as the kernel reports it.

    ``up``: somebody wants it up; ``running``: it can carry packets (carrier).
    ``mac`` is empty where the interface has none.  ``kind``: what the kernel
    calls its driver, where it is made of others.  ``vrf``: the number of the
    VRF that it is in; ``table``: of a VRF its routing table.
    """

    index: int
    name: str
    up: bool = True
    running: bool = True
    mac: bytes = b""
    mtu: int = 1500
    loopback: bool = False
    kind: str = ""
    vrf: int | None = None
    table: int | None = None

    @property
    def works(self) -> bool:
        """Whether VRRP can run on it, by keepalived's rule."""
        return self.up and self.running


@attrs.frozen
class LinkAddress:
    """An address on the interface ``index``.  ``secondary``: the kernel removes it with its primary.

    IPv6: ``tentative`` while the kernel looks whether another host has it,
    ``dad_failed`` once one has; neither can be sent from.  ``deprecated``: not
    for new connections of this host.
    """

    index: int
    address: Address
    prefix: int
    secondary: bool = False
    scope: int = 0
    tentative: bool = False
    dad_failed: bool = False
    deprecated: bool = False

    @property
    def usable(self) -> bool:
        """Whether packets can be sent from it."""
        return not (self.tentative or self.dad_failed)


@attrs.frozen
class LinkChanged:
    """An interface appeared, or something about it changed."""

    link: Link


@attrs.frozen
class LinkVanished:
    """An interface is gone, or has another name now."""

    link: Link


@attrs.frozen
class AddressAppeared:
    """An interface has an address more."""

    address: LinkAddress


@attrs.frozen
class AddressChanged:
    """Something about an address changed: whether it can be used."""

    address: LinkAddress


@attrs.frozen
class AddressVanished:
    """An interface has an address less."""

    address: LinkAddress


LinkEvent: TypeAlias = LinkChanged | LinkVanished | AddressAppeared | AddressChanged | AddressVanished


class ILinks(Interface):
    """The interfaces of this host, live (kernel/links.py)."""

    def start() -> Deferred[None]:
        """Read everything; afterwards the answers below are the kernel's."""

    def stop() -> None:
        """Listen no more."""

    def watch(changed: Callable[[LinkEvent], object]) -> None:
        """Call ``changed`` with every event from now on, at once and in the kernel's order."""

    def link(name: str) -> Link | None:
        """The interface of that name, None when there is none."""

    def by_index(index: int) -> Link | None:
        """The interface of that number, None when there is none."""

    def addresses(index: int) -> tuple[LinkAddress, ...]:
        """The addresses of an interface, in the kernel's order."""

    def holds(address: Address) -> bool:
        """Whether any interface has this address, and may use it."""

    def source(
        index: int, *, ipv6: bool, but: frozenset[Address] = frozenset(), routed: bool = False
    ) -> Address | None:
        """The interface's own address to speak from: never one of ``but``, the virtual ones.

        Over IPv6 a link-local one; ``routed``: rather one that gets through
        routers, where the interface has one.
        """


@attrs.frozen
class PlacedAddress:
    """An address and the number of the interface it belongs on."""

    index: int
    address: VirtualIpAddress


@attrs.frozen
class Refused:
    """An address that the kernel would not add or remove, and why in words."""

    placed: PlacedAddress
    why: str


class IAddresses(Interface):
    """Puts addresses on interfaces (kernel/addresses.py)."""

    def add(
        addresses: Sequence[PlacedAddress], placed: Callable[[Sequence[PlacedAddress]], object] | None = None
    ) -> Deferred[tuple[Refused, ...]]:
        """Put them there, in this order; ``placed`` hears of every few that stand.

        What is there already counts as put.  Changes are made in the order of
        the calls.  Cancelling the Deferred leaves undone what was not asked
        of the kernel yet, and fires it with what was refused until then.
        """

    def remove(addresses: Sequence[PlacedAddress]) -> Deferred[tuple[Refused, ...]]:
        """Take them away.  What is not there counts as taken."""

    def stop() -> None:
        """Ask the kernel for no more."""


class IRouting(Interface):
    """Keeps routes and rules in the kernel's tables (kernel/routing.py)."""

    def start(kept: Sequence[RoutingItem], unwanted: Sequence[RoutingItem]) -> Deferred[None]:
        """Take away what an earlier life left, but for ``kept``, which will be wanted at once.

        ``unwanted`` goes too if it stands, whoever put it there.  What else
        others have put is left alone.
        """

    def want(owner: str, items: Sequence[RoutingItem]) -> Deferred[None]:
        """From now on ``owner`` wants these to stand, and nothing else; fires when it is done or refused.

        What several want goes with the last of them.  What others remove is
        put back, and what the kernel refuses is tried again when interfaces
        or addresses change; both are logged.
        """

    def look_again() -> None:
        """Interfaces or addresses have changed: see soon that all stands."""

    def stop() -> None:
        """Ask the kernel for no more."""


@attrs.frozen
class VirtualLink:
    """An interface with the MAC of a virtual router, on top of the interface ``parent`` (keepalived: VMAC).

    Or an ipvlan, with its parent's MAC: ``ipvlan`` is its type then, and
    ``address`` what it has for its own.  It is in the VRF that its parent is in.

    ``ipv6``: for addresses of IPv6 only, else of IPv4 only.  ``group``: the interface group's number.
    One for IPv6 says nothing by itself until it is unmuted.  ``owner``: whose it is, for the log.
    """

    name: str
    parent: str
    mac: bytes
    ipv6: bool = False
    group: int | None = None
    ipvlan: int | None = None
    address: str | None = None
    owner: str = attrs.field(default="", eq=False)


@attrs.frozen
class LinkPlan:
    """The interfaces that shall be there beside the host's, and settings of the host's, by name.

    ``settings``: those of /proc/sys/net/ipv4/conf, by interface.
    """

    links: tuple[VirtualLink, ...] = ()
    settings: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = ()


class IVirtualLinks(Interface):
    """Makes interfaces, and removes them (kernel/virtual_links.py)."""

    def want(plan: LinkPlan) -> Deferred[None]:
        """Bring the host to ``plan`` and keep it there; fires once ILinks knows the new interfaces.

        What we made and is not in it is removed; settings get back what they
        were.  An interface that has no parent yet is made when that comes.
        What cannot be done is logged.
        """

    def unmute(name: str) -> str | None:
        """Let one for IPv6 speak it: it is a master's now.

        Says what its parent is; None: it is none of those.
        """

    def mute(name: str) -> None:
        """Silence it, which takes its addresses too: two routers have its MAC, and it is the master's."""

    def stop() -> None:
        """Change no more."""


class IFrames(Interface):
    """Sends Ethernet frames (kernel/ethernet.py)."""

    def send(link: Link, frame: bytes) -> str | None:
        """Put a whole frame on the wire at once; says in words why it could not be."""

    def close(index: int) -> None:
        """The interface of that number is gone."""

    def stop() -> None:
        """Send no more."""


class IFirewall(Interface):
    """Keeps packets from virtual addresses that are not to be spoken to (kernel/nftables.py).

    Places are addresses with the number of their interface.  What cannot be done is
    told once in the log; nothing fails.
    """

    def prepare(ip_versions: frozenset[int]) -> None:
        """Undo what an earlier life left, and be ready to close addresses of these families in no time."""

    def close(places: Sequence[tuple[int, Address]]) -> None:
        """Drop packets to and from these addresses, but for neighbour discovery; done on return."""

    def open(places: Sequence[tuple[int, Address]]) -> None:
        """Take back one ``close`` of each."""

    def stop(*, keep: bool = False) -> None:
        """Undo everything; with ``keep`` nothing."""


class SyncRole(Enum):
    """Which end of the connection synchronisation a director is."""

    MASTER = "master"
    BACKUP = "backup"


class ISyncDaemon(Interface):
    """The kernel's IPVS connection synchronisation (kernel/ipvs_sync.py)."""

    def follow(role: SyncRole | None, interface: str, sync_id: int) -> Deferred[str | None]:
        """Be ``role`` from now on and nothing else; None: neither.

        Calls are carried out one after the other.  Fires with why it could
        not be done, in words, else None.
        """

    def stop() -> Deferred[None]:
        """Ask the kernel for no more; fires when what was asked for is done."""
