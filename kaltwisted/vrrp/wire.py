"""VRRP's raw sockets over IPv4: a DatagramProtocol an interface and IP protocol, one socket to send by.

IP protocol 112 carries adverts, 51 those behind an authentication header.  The
receiving sockets drop the adverts of foreign virtual routers in the kernel and
hand over little per reactor turn, so that a storm delays nothing.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from typing import Any

from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.config.model import Address
from kaltwisted.ports import IAdvertPort, IWire, Link, Listening, Received, WireError
from kaltwisted.vrrp.auth import AH_PROTOCOL, AH_SIZE, VRRP_PROTOCOL
from kaltwisted.vrrp.filter import vrid_filter
from kaltwisted.vrrp.hmac import SIZE as TRAILER_SIZE
from kaltwisted.vrrp.raw import (
    TIMESPEC,
    TURN_BYTES,
    drain,
    in_words,
    only_hear,
    only_send,
    open_raw,
    waited_us,
)
from kaltwisted.vrrp.silent import SilentPort, open_silent
from kaltwisted.vrrp.silent_ipv6 import SilentIpv6Port
from kaltwisted.vrrp.wire_ipv6 import Ipv6Port

#: The longest packet read: a header with options, AH, 255 addresses, and an HMAC trailer.
_LONGEST = 60 + AH_SIZE + 8 + 255 * 4 + 8 + TRAILER_SIZE

_IP_MULTICAST_ALL = 49
_SIOCGSTAMPNS = 0x8907
#: What carries adverts, and the bytes between the IP header and the VRRP message.
_PROTOCOLS = ((VRRP_PROTOCOL, 0), (AH_PROTOCOL, AH_SIZE))
# address, local address, index (struct ip_mreqn)
_MEMBERSHIP = struct.Struct("=4s4si")


class _Receiver(DatagramProtocol):
    """Hands each packet over as it is."""

    noisy = False
    transport: Any

    def __init__(self, received: Received) -> None:
        self._received = received

    def logPrefix(self) -> str:
        """What twistd's own lines about the socket call it."""
        return "VRRP"

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self._received(datagram, _waited_us(self.transport.socket))


def _waited_us(opened: Any) -> int:
    """How long ago the packet read last came in, by the kernel's own note (SIOCGSTAMPNS)."""
    try:
        stamp = fcntl.ioctl(opened, _SIOCGSTAMPNS, bytes(TIMESPEC.size))
    except OSError:
        return 0  # the kernel takes notes since it was first asked for one
    return waited_us(stamp)


@implementer(IAdvertPort)
class _Ipv4Port:
    """One interface, opened for IPv4."""

    _log = Logger()

    def __init__(self, reactor: Any, link: Link, listening: Listening, received: Received) -> None:
        self._ports: list[Any] = []
        self._socket = _sender(link)
        try:
            if not listening.vrids:
                _join(self._socket, link, listening)
            for protocol, header_size in _PROTOCOLS if listening.vrids else ():
                if listening.silent:
                    program = vrid_filter(listening.vrids, header_size, protocol)
                    silent = open_silent(link, program, listening)
                    self._ports.append(SilentPort(reactor, silent, received, _waited_us, _LONGEST))
                    continue
                opened = _listener(link, protocol, vrid_filter(listening.vrids, header_size), listening)
                try:
                    port = reactor.adoptDatagramPort(
                        opened.fileno(), socket.AF_INET, _Receiver(received), _LONGEST
                    )
                finally:
                    opened.close()
                port.maxThroughput = TURN_BYTES
                self._ports.append(port)
        except BaseException:
            self.close()
            raise

    def send(self, packet: bytes, source: Address, destination: Address, hop_limit: int) -> str | None:
        """Send it at once; an advert that must wait is an advert too late."""
        try:
            self._socket.sendto(packet, (str(destination), 0))
        except OSError as error:
            return os.strerror(error.errno) if error.errno else str(error)
        return None

    def close(self) -> None:
        """Close the sockets; the kernel leaves the group with the last of them."""
        self._socket.close()
        ports, self._ports = self._ports, []
        for port in ports:
            stopped = port.stopListening()
            if stopped is not None:
                stopped.addErrback(lambda failure: self._log.failure("Closing a VRRP socket", failure))


@implementer(IWire)
class RawWire:
    """Opens raw sockets; needs CAP_NET_RAW.

    :param reactor: provides IReactorSocket.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def open(self, link: Link, listening: Listening, received: Received) -> IAdvertPort:
        """Listen on ``link``."""
        reactor = self._reactor
        try:
            if listening.ip_version == 4:
                return _Ipv4Port(reactor, link, listening, received)
            if listening.silent:
                return SilentIpv6Port(reactor, link, listening, received, _waited_us)
            return Ipv6Port(reactor, link, listening, received)
        except OSError as error:
            raise WireError(in_words(error, link.name)) from error


def _sender(link: Link) -> socket.socket:
    opened = open_raw(socket.AF_INET, socket.IPPROTO_RAW, link)
    try:
        # IPPROTO_RAW implies IP_HDRINCL.  Our own adverts need not come back to this host.
        opened.setsockopt(
            socket.IPPROTO_IP, socket.IP_MULTICAST_IF, _MEMBERSHIP.pack(bytes(4), bytes(4), link.index)
        )
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        only_send(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def _listener(link: Link, protocol: int, program: bytes, listening: Listening) -> socket.socket:
    opened = open_raw(socket.AF_INET, protocol, link)
    try:
        only_hear(opened, program, listening.receive_buffer)
        # Only the groups that this very socket joined, not whatever the host has.
        opened.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        _join(opened, link, listening)
        drain(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def _join(opened: socket.socket, link: Link, listening: Listening) -> None:
    for group in listening.groups:
        member = _MEMBERSHIP.pack(group.packed, bytes(4), link.index)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)


def why_not() -> str | None:
    """Why this process cannot use raw sockets, in words with what helps; None when it can."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, VRRP_PROTOCOL).close()
    except OSError as error:
        return in_words(error, "this host")
    return None
