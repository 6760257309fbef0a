"""VRRP's raw sockets over IPv6 (RFC 5798 §5.1.2): one an interface to hear by and one to send by.

The kernel makes and verifies checksums.  It keeps the IP header to itself and
tells hop limit and destination beside each message, for which Twisted's
datagram ports have no place: so the socket is a reader of its own.
"""

from __future__ import annotations

import os
import socket
import struct
from ipaddress import IPv6Address
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.config.model import Address
from kaltwisted.ports import IAdvertPort, Ipv6Message, Link, Listening, Received
from kaltwisted.vrrp.auth import VRRP_PROTOCOL
from kaltwisted.vrrp.filter import vrid_filter
from kaltwisted.vrrp.hmac import SIZE as TRAILER_SIZE
from kaltwisted.vrrp.packet import TOS, TTL
from kaltwisted.vrrp.raw import TIMESPEC, TURN_BYTES, drain, only_hear, only_send, open_raw, waited_us

_CHECKSUM_OFFSET = 6
_IPV6_CHECKSUM = 7
_IPV6_MULTICAST_ALL = 29
_SO_TIMESTAMPNS = 35
#: The longest message: 255 addresses, version 2's password, and an HMAC trailer.
_LONGEST = 8 + 255 * 16 + 8 + TRAILER_SIZE
#: A message counts as at least that, so that short ones are bounded too.
_COST = 40

_NUMBER = struct.Struct("=i")
_PKTINFO = struct.Struct("=16sI")
_ANCILLARY = sum(map(socket.CMSG_SPACE, (_NUMBER.size, _PKTINFO.size, TIMESPEC.size)))


@implementer(IAdvertPort, IReadDescriptor)
class Ipv6Port:
    """One interface, opened for IPv6.

    :param reactor: provides IReactorFDSet.
    """

    _log = Logger()

    def __init__(self, reactor: Any, link: Link, listening: Listening, received: Received) -> None:
        self._reactor = reactor
        self._index = link.index
        self._received = received
        self._sender = _sender(link)
        try:
            self._listener = _listener(link, listening)
        except BaseException:
            self._sender.close()
            raise
        self._closed = False
        reactor.addReader(self)

    # --- IAdvertPort ---------------------------------------------------------------------

    def send(self, packet: bytes, source: Address, destination: Address, hop_limit: int) -> str | None:
        """Send it at once; an advert that must wait is an advert too late."""
        ancillary = [
            (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _PKTINFO.pack(source.packed, self._index)),
            (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, _NUMBER.pack(hop_limit)),
        ]
        try:
            self._sender.sendmsg([packet], ancillary, 0, (str(destination), 0, 0, self._index))
        except OSError as error:
            return os.strerror(error.errno) if error.errno else str(error)
        return None

    def close(self) -> None:
        """Close the sockets; the kernel leaves the groups with them."""
        if not self._closed:
            self._closed = True
            self._reactor.removeReader(self)
            self._sender.close()
            self._listener.close()

    # --- IReadDescriptor -----------------------------------------------------------------

    def fileno(self) -> int:
        """The socket to wait for."""
        return -1 if self._closed else self._listener.fileno()

    def logPrefix(self) -> str:
        """What Twisted's own lines about the socket call it."""
        return "VRRP"

    def connectionLost(self, reason: Any) -> None:
        """The reactor gives up on the socket, or ends."""
        self.close()

    def doRead(self) -> None:
        """Hand over what came in, a little per turn."""
        left = TURN_BYTES
        while left > 0 and not self._closed:
            try:
                message, ancillary, _, sender = self._listener.recvmsg(_LONGEST, _ANCILLARY)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                # An error of an earlier packet, such as an ICMP answer: the socket goes on.
                self._log.debug("VRRP over IPv6: {error}", error=error)
                return
            left -= max(_COST, len(message))
            hop_limit, destination, waited = TTL, b"", 0
            for level, kind, data in ancillary:
                if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT):
                    (hop_limit,) = _NUMBER.unpack(data)
                elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
                    destination, _ = _PKTINFO.unpack(data)
                elif (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                    waited = waited_us(data)
            if destination:
                source = IPv6Address(sender[0]).packed
                self._received(Ipv6Message(message, source, destination, hop_limit), waited)


def _sender(link: Link) -> socket.socket:
    opened = open_raw(socket.AF_INET6, VRRP_PROTOCOL, link)
    try:
        for option, value in (
            (_IPV6_CHECKSUM, _CHECKSUM_OFFSET),
            (socket.IPV6_MULTICAST_IF, link.index),
            # Our own adverts need not come back to this host.
            (socket.IPV6_MULTICAST_LOOP, 0),
            (socket.IPV6_MULTICAST_HOPS, TTL),
            (socket.IPV6_UNICAST_HOPS, TTL),
            (socket.IPV6_TCLASS, TOS),
        ):
            opened.setsockopt(socket.IPPROTO_IPV6, option, value)
        # It would hear what the other hears: let the kernel drop that.
        only_hear(opened, vrid_filter((), ip_header=False))
        only_send(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def _listener(link: Link, listening: Listening) -> socket.socket:
    opened = open_raw(socket.AF_INET6, VRRP_PROTOCOL, link)
    try:
        only_hear(opened, vrid_filter(listening.vrids, ip_header=False), listening.receive_buffer)
        opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        for option, value in (
            (_IPV6_CHECKSUM, _CHECKSUM_OFFSET),
            (socket.IPV6_RECVPKTINFO, 1),
            (socket.IPV6_RECVHOPLIMIT, 1),
        ):
            opened.setsockopt(socket.IPPROTO_IPV6, option, value)
        try:
            # Only the groups that this very socket joined, not whatever the host has.
            opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_MULTICAST_ALL, 0)
        except OSError:
            pass  # before Linux 4.20: adverts to other groups are heard too, and judged
        for group in listening.groups:
            member = _PKTINFO.pack(group.packed, link.index)
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
        drain(opened)
    except BaseException:
        opened.close()
        raise
    return opened
