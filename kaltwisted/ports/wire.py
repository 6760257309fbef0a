"""Seams of what is said on links: adverts, announcements, BFD."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import attrs
from zope.interface import Interface

from kaltwisted.config.model import Address
from kaltwisted.ports.network import Link

if TYPE_CHECKING:
    from kaltwisted.config.model import BfdInstance


class WireError(Exception):
    """VRRP or BFD cannot listen; in words, with what helps."""


@attrs.frozen
class Listening:
    """What is wanted of an interface: adverts over IPv4 or IPv6 (``ip_version``), of these virtual routers.

    ``groups``: those to join; what comes by unicast is heard in any case.
    ``silent``: by listening cause no packet to be sent (IPv4 only).
    ``receive_buffer``: bytes that the kernel shall keep of what we have not read yet; 0: as many as do.
    """

    ip_version: int
    vrids: frozenset[int]
    groups: frozenset[Address] = frozenset()
    silent: bool = False
    receive_buffer: int = 0


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
