"""VRRP's raw sockets: a DatagramProtocol an interface and IP protocol, and one socket to send by.

IP protocol 112 carries adverts, 51 those behind an authentication header.  The
receiving sockets drop the adverts of foreign virtual routers in the kernel and
hand over little per reactor turn, so that a storm delays nothing.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
import time
from typing import Any

from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.config.model import Address
from kaltwisted.kernel.socket_filter import attach
from kaltwisted.ports import IAdvertPort, IWire, Link, Received, WireError
from kaltwisted.vrrp.auth import AH_PROTOCOL, AH_SIZE, VRRP_PROTOCOL
from kaltwisted.vrrp.filter import vrid_filter
from kaltwisted.vrrp.packet import IPV4_GROUP
from kaltwisted.vrrp.silent import SilentPort, open_silent

#: Bytes handed over per reactor turn and socket: some fifty adverts, about a millisecond.
TURN_BYTES = 2048
#: What the kernel keeps for us meanwhile, per socket: some hundreds of adverts.
RECEIVE_BUFFER = 1 << 19
#: The longest packet read: a header with options, AH and 255 addresses.
_LONGEST = 60 + AH_SIZE + 8 + 255 * 4 + 8

_SO_RCVBUFFORCE = 33
_IP_MULTICAST_ALL = 49
_PRIORITY_CONTROL = 7
_SIOCGSTAMPNS = 0x8907
_TIMESPEC = struct.Struct("ll")
_LONGEST_WAIT_US = 100_000
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
        stamp = fcntl.ioctl(opened, _SIOCGSTAMPNS, bytes(_TIMESPEC.size))
    except OSError:
        return 0  # the kernel takes notes since it was first asked for one
    seconds, nanoseconds = _TIMESPEC.unpack(stamp)
    waited_us = (time.time_ns() - seconds * 1_000_000_000 - nanoseconds) // 1000
    # More than this is rather a clock that was set.
    return waited_us if 0 <= waited_us <= _LONGEST_WAIT_US else 0


@implementer(IAdvertPort)
class _InterfacePort:
    """One interface, opened."""

    _log = Logger()

    def __init__(
        self, reactor: Any, link: Link, vrids: frozenset[int], received: Received, *, silent: bool
    ) -> None:
        self._ports: list[Any] = []
        self._socket = _sender(link)
        try:
            if not vrids:
                _join(self._socket, link)
            for protocol, header_size in _PROTOCOLS if vrids else ():
                if silent:
                    self._listen_silently(reactor, link, vrid_filter(vrids, header_size, protocol), received)
                    continue
                listening = _listener(link, protocol, vrid_filter(vrids, header_size))
                try:
                    port = reactor.adoptDatagramPort(
                        listening.fileno(), socket.AF_INET, _Receiver(received), _LONGEST
                    )
                finally:
                    listening.close()
                port.maxThroughput = TURN_BYTES
                self._ports.append(port)
        except BaseException:
            self.close()
            raise

    def _listen_silently(self, reactor: Any, link: Link, program: bytes, received: Received) -> None:
        opened = open_silent(link, program)
        _give_room(opened)
        port = SilentPort(reactor, opened, received, _waited_us)
        port.maxThroughput, port.maxPacketSize = TURN_BYTES, _LONGEST
        self._ports.append(port)

    def send(self, packet: bytes, destination: Address) -> str | None:
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

    def open(
        self, link: Link, vrids: frozenset[int], received: Received, *, silent: bool = False
    ) -> IAdvertPort:
        """Listen on ``link``."""
        try:
            return _InterfacePort(self._reactor, link, vrids, received, silent=silent)
        except OSError as error:
            raise WireError(_in_words(error, link.name)) from error


def _in_words(error: OSError, where: str) -> str:
    why = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in (errno.EPERM, errno.EACCES):
        why += (
            "; run as root, or give the process CAP_NET_RAW and CAP_NET_ADMIN "
            "(systemd: AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN)"
        )
    return f"VRRP cannot open a raw socket on {where}: {why}"


def _raw(protocol: int, link: Link) -> socket.socket:
    flags = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    opened = socket.socket(socket.AF_INET, flags, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.name.encode() + b"\0")
    except BaseException:
        opened.close()
        raise
    return opened


def _sender(link: Link) -> socket.socket:
    opened = _raw(socket.IPPROTO_RAW, link)
    try:
        # IPPROTO_RAW implies IP_HDRINCL.  Our own adverts need not come back to this host.
        opened.setsockopt(
            socket.IPPROTO_IP, socket.IP_MULTICAST_IF, _MEMBERSHIP.pack(bytes(4), bytes(4), link.index)
        )
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, _PRIORITY_CONTROL)
        # It is never read from: let nothing gather there.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
    except BaseException:
        opened.close()
        raise
    return opened


def _listener(link: Link, protocol: int, program: bytes) -> socket.socket:
    opened = _raw(protocol, link)
    try:
        attach(opened, program)
        _give_room(opened)
        # Only the groups that this very socket joined, not whatever the host has.
        opened.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        _join(opened, link)
        _drain(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def _join(opened: socket.socket, link: Link) -> None:
    member = _MEMBERSHIP.pack(IPV4_GROUP, bytes(4), link.index)
    opened.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)


def _give_room(opened: socket.socket) -> None:
    try:
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except PermissionError:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def _drain(opened: socket.socket) -> None:
    """Drop what came before the socket was bound to its interface and had its filter."""
    try:
        for _ in range(1000):
            opened.recv(1)
    except BlockingIOError:
        pass


def why_not() -> str | None:
    """Why this process cannot use raw sockets, in words with what helps; None when it can."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, VRRP_PROTOCOL).close()
    except OSError as error:
        return _in_words(error, "this host")
    return None
