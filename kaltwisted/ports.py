"""The seams between rooms, as zope interfaces: who provides what to whom.

Pure values cross them; providers are thin adapters, and ``kaltwisted.testing``
has a public fake of each.  Time is Twisted's own ``IReactorTime``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs
from zope.interface import Attribute, Interface

from kaltwisted.config.model import Address, RoutingItem, VirtualIpAddress

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from kaltwisted.config.model import BfdInstance, Script
    from kaltwisted.healthcheck.outcome import Outcome
    from kaltwisted.lvs.table import Applied, ServiceKey, Table


@attrs.frozen
class Fact:
    """What one role knows and another acts on: that a BFD session is up, that a virtual server has quorum.

    ``kind``, ``name``: what it is about, as configurations call it.  ``value``: 1 for good, 0 for bad, or
    another number where the kind has one; None: nobody knows, for who did is gone.
    """

    kind: str
    name: str
    value: int | None


BFD_SESSION: Final = "bfd"
"""The kind of fact whose names are ``bfd_instance``s: 1 while the session is up."""


class ICheck(Interface):
    """One way of asking one real server whether it works (healthcheck/)."""

    def run() -> Deferred[Outcome]:
        """Make one attempt.

        Whatever the server does is an Outcome, never a failure.  The attempt
        ends by itself at its configured timeout; cancelling the Deferred ends
        it at once and leaves no connection, process or delayed call behind.
        """

    def describe() -> str:
        """What is checked and how, in a few words for people."""


class IDataPlane(Interface):
    """What forwards the clients' packets: the kernel's IPVS, or our balancer in userspace (lvs/)."""

    name: str = Attribute("``ipvs`` or ``userspace``, as logs and status show it")
    ours: frozenset[ServiceKey] = Attribute(
        "The services in place that we made, in this life or an earlier one; the rest is foreign"
    )

    def start() -> Deferred[Table]:
        """Get ready.  Fires with the services found in place: ours of an earlier life, and foreign ones."""

    def apply(desired: Table) -> Deferred[Applied]:
        """Make it so, with the fewest changes; one call at a time.

        Services that were desired before (by this process or the one before
        it) and no longer are, are removed; foreign ones are left alone.
        """

    def snapshot() -> Deferred[Table]:
        """What is there now, all of it, read afresh; the next ``apply`` starts from it."""

    def stop(*, keep: bool) -> Deferred[None]:
        """Let go: our services are removed, or with ``keep`` stay as they are (keepalived -I)."""


@attrs.frozen
class ScriptResult:
    """How a script ended: one of ``status`` and ``signal`` is set unless it could not be started.

    ``error``: why it could not be started.  ``timed_out``: we ended it.
    """

    status: int | None = None
    signal: int | None = None
    timed_out: bool = False
    error: str | None = None


class IScripts(Interface):
    """Runs scripts (alerts/scripts.py)."""

    def run(
        script: Script, timeout_us: int | None = None, arguments: tuple[str, ...] = ()
    ) -> Deferred[ScriptResult]:
        """Run it with ``arguments`` appended, in a process group of its own.

        At the timeout the whole group gets TERM, then KILL.  Cancelling the
        Deferred does the same.  Never fails for what the script does.
        """


@attrs.frozen
class Mail:
    """An alert: keepalived's subject (without ``[router_id]``, which the mailer puts in front) and body."""

    subject: str
    body: str


class IMailer(Interface):
    """Sends alerts (alerts/mail.py)."""

    def send(mail: Mail) -> Deferred[bool]:
        """Queue it for every recipient.  Fires with whether it was delivered; never fails."""


# --- The network: interfaces, addresses, adverts -------------------------------------------


@attrs.frozen
class Link:
    """A network interface as the kernel reports it.

    ``up``: somebody wants it up; ``running``: it can carry packets (carrier).
    ``mac`` is empty where the interface has none.
    """

    index: int
    name: str
    up: bool = True
    running: bool = True
    mac: bytes = b""
    mtu: int = 1500
    loopback: bool = False

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

    def addresses(index: int) -> tuple[LinkAddress, ...]:
        """The addresses of an interface, in the kernel's order."""

    def source(
        index: int, *, ipv6: bool, but: frozenset[Address] = frozenset(), routed: bool = False
    ) -> Address | None:
        """The interface's own address to speak from: never one of ``but``, the virtual ones.

        Over IPv6 a link-local one; ``routed``: rather one that gets through
        routers, where the interface has one.
        """


@attrs.frozen
class Process:
    """A process of this host: the kernel's name of it (15 bytes at most), and its command line if known."""

    name: str
    command: tuple[str, ...] = ()


@attrs.frozen
class ProcessForked:
    """A process has made another, which is still what its parent is."""

    parent: int
    child: int


@attrs.frozen
class ProcessChanged:
    """A process runs another program, or has another name."""

    pid: int


@attrs.frozen
class ProcessGone:
    """A process has ended."""

    pid: int


@attrs.frozen
class ProcessesUnknown:
    """Events may be missing: whoever counts looks at all processes again."""


ProcessEvent: TypeAlias = ProcessForked | ProcessChanged | ProcessGone | ProcessesUnknown


class IProcesses(Interface):
    """The processes of this host, live (kernel/process_events.py)."""

    def start(heard: Callable[[ProcessEvent], object]) -> None:
        """Tell ``heard`` of every event from now on; the first is that all are unknown."""

    def stop() -> None:
        """Tell no more."""

    def pids() -> frozenset[int]:
        """The processes there are now."""

    def look(pid: int, *, command: bool) -> Process | None:
        """A process as it is now, with its command line if asked for; None: it is gone."""


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

    def start(kept: Sequence[RoutingItem]) -> Deferred[None]:
        """Take away what an earlier life left, but for ``kept``, which will be wanted."""

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

    ``ipv6``: for addresses of IPv6 only, else of IPv4 only.  ``group``: the interface group's number.
    """

    name: str
    parent: str
    mac: bytes
    ipv6: bool = False
    group: int | None = None


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


class WireError(Exception):
    """VRRP or BFD cannot listen; in words, with what helps."""


@attrs.frozen
class Listening:
    """What is wanted of an interface: adverts over IPv4 or IPv6 (``ip_version``), of these virtual routers.

    ``groups``: those to join; what comes by unicast is heard in any case.
    ``silent``: by listening cause no packet to be sent (IPv4 only).
    """

    ip_version: int
    vrids: frozenset[int]
    groups: frozenset[Address] = frozenset()
    silent: bool = False


@attrs.frozen
class Ipv6Message:
    """A message that came over IPv6; a raw socket keeps the header, so here is what counts of it, packed."""

    message: bytes
    source: bytes
    destination: bytes
    hop_limit: int


class IAdvertPort(Interface):
    """One interface as VRRP uses it over IPv4 or IPv6: adverts out, adverts in (vrrp/wire.py)."""

    def send(packet: bytes, source: Address, destination: Address, hop_limit: int) -> str | None:
        """Send it at once; says in words why it could not be.

        IPv4: the whole packet, with ``source`` and ``hop_limit`` in its header.  IPv6: the message.
        """

    def close() -> None:
        """Neither send nor receive any more."""


Received: TypeAlias = Callable[[bytes | Ipv6Message, int], object]
"""What gets an interface's packets, of IPv4 with its header, and how long each waited to be read, in µs."""


class IWire(Interface):
    """Opens interfaces for VRRP (vrrp/wire.py)."""

    def open(link: Link, listening: Listening, received: Received) -> IAdvertPort:
        """Listen for adverts, over IPv4 for those behind an authentication header too.

        None of them: only send, and be one who would hear.

        :raises WireError: it cannot be; the words say what would help.
        """


class IAnnouncer(Interface):
    """Tells a link where virtual addresses are now (vrrp/announcer.py)."""

    def announce(owner: str, addresses: Sequence[tuple[str, Address]], repeat: int) -> None:
        """Queue ``repeat`` rounds of announcements of addresses, each with its interface's name."""

    def cancel(owner: str) -> None:
        """Announce nothing more for ``owner``."""

    def stop() -> None:
        """Announce nothing more at all."""


@attrs.frozen
class Datagram:
    """What a BFD port received.  Addresses are packed; ``ttl``: as it came in, IPv6's hop limit too."""

    data: bytes
    source: bytes
    destination: bytes
    ttl: int


class IBfdListener(Interface):
    """A port that BFD packets come in by (bfd/wire.py)."""

    def read() -> None:
        """Take what has come in now, and not only when the reactor finds the time; a bounded number."""

    def close() -> None:
        """Receive no more."""


class IBfdSender(Interface):
    """What one session sends by (bfd/wire.py)."""

    def send(packet: bytes) -> str | None:
        """Send it at once; says in words why it could not be."""

    def close() -> None:
        """Send no more."""


class IBfdWire(Interface):
    """Opens sockets for BFD (bfd/wire.py)."""

    def listen(port: int, received: Callable[[Datagram], object], *, ipv6: bool) -> IBfdListener:
        """Receive on a port of one family.

        :raises WireError: it cannot be; the words say what would help.
        """

    def sender(session: BfdInstance) -> IBfdSender:
        """A port of its own for a session (RFC 5881 §4); opened when it is first needed and can be."""


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
