"""BFD's UDP sockets: one to receive by for each port and family, one to send by for each session."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from random import Random
from typing import Any, Final

from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.bfd.packet import MULTIHOP_PORT, SINGLE_HOP_PORT
from kaltwisted.config.model import BfdInstance
from kaltwisted.ports import Datagram, IBfdListener, IBfdSender, IBfdWire, WireError

#: Packets taken per reactor turn and port: some hundred sessions' worth, about a millisecond.
TURN_PACKETS: Final = 64
#: RFC 5881 §4.
SOURCE_PORTS: Final = (49152, 65535)
#: How many of them are tried until one is free.
_TRIES: Final = 64
#: More than a packet has; bytes behind its end mean nothing.
_LONGEST = 64
_PRIORITY = 6  # the highest that needs no right
_CLASS_CONTROL = 0xC0
# struct in_pktinfo: index, local address, destination; struct in6_pktinfo: destination, index
_PKTINFO = struct.Struct("=i4s4s")
_PKTINFO6 = struct.Struct("=16si")
_INT = struct.Struct("=i")
_ANCILLARY = socket.CMSG_SPACE(_INT.size) + socket.CMSG_SPACE(_PKTINFO6.size)
_UNKNOWN_TTL = 0
_IP_PKTINFO = 8
_IP_RECVTTL = 12


@implementer(IBfdListener, IReadDescriptor)
class _Listener:
    """One port of one family, among the reactor's readers."""

    _log = Logger()

    def __init__(
        self, reactor: Any, port: int, received: Callable[[Datagram], object], *, ipv6: bool
    ) -> None:
        self._reactor = reactor
        self._received = received
        self._family = socket.AF_INET6 if ipv6 else socket.AF_INET
        self._socket = _opened(self._family)
        try:
            if ipv6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            else:
                self._socket.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
                self._socket.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            self._socket.bind(("", port))
        except BaseException:
            self._socket.close()
            raise
        reactor.addReader(self)

    def read(self) -> None:
        """Take what is there; a storm of packets waits for the next turn, as everybody else has one."""
        for _ in range(TURN_PACKETS):
            try:
                data, ancillary, _flags, address = self._socket.recvmsg(_LONGEST, _ANCILLARY)
            except OSError:
                return  # nothing is left, or the socket is closed
            datagram = self._datagram(data, ancillary, address[0])
            try:
                self._received(datagram)
            except Exception:  # a defect of ours must not stop us from reading
                self._log.failure("A BFD packet")

    def _datagram(self, data: bytes, ancillary: list[tuple[int, int, bytes]], source: str) -> Datagram:
        ttl, destination = _UNKNOWN_TTL, b""
        for _, kind, value in ancillary:
            if self._family == socket.AF_INET:
                if kind == socket.IP_TTL:
                    (ttl,) = _INT.unpack(value)
                elif kind == _IP_PKTINFO:
                    _, _, destination = _PKTINFO.unpack(value)
            elif kind == socket.IPV6_HOPLIMIT:
                (ttl,) = _INT.unpack(value)
            elif kind == socket.IPV6_PKTINFO:
                destination, _ = _PKTINFO6.unpack(value)
        return Datagram(data, socket.inet_pton(self._family, source.partition("%")[0]), destination, ttl)

    def close(self) -> None:
        """Receive no more."""
        self._reactor.removeReader(self)
        self._socket.close()

    # --- IReadDescriptor -------------------------------------------------------------

    def doRead(self) -> None:
        self.read()

    def fileno(self) -> int:
        return self._socket.fileno()

    def connectionLost(self, reason: Failure) -> None:
        self._socket.close()

    def logPrefix(self) -> str:
        """What twistd's own lines about the socket call it."""
        return "BFD"


@implementer(IBfdSender)
class _Sender:
    """One session's port; an address that does not stand yet (duplicate detection) is tried again."""

    def __init__(self, session: BfdInstance, ports: set[int], random: Random) -> None:
        self._session = session
        self._ports = ports
        self._random = random
        self._socket: socket.socket | None = None
        self._port = 0
        self._to: Any = None

    def send(self, packet: bytes) -> str | None:
        """Send it at once; one that must wait is one too late."""
        try:
            if self._socket is None:
                self._socket = self._open()
            self._socket.sendto(packet, self._to)
        except OSError as error:
            return os.strerror(error.errno) if error.errno else str(error)
        return None

    def _open(self) -> socket.socket:
        session = self._session
        self._to = _numeric(str(session.neighbor), MULTIHOP_PORT if session.multihop else SINGLE_HOP_PORT)
        ipv6 = session.neighbor.version == 6
        opened = _opened(socket.AF_INET6 if ipv6 else socket.AF_INET)
        try:
            if ipv6:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, session.ttl)
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _CLASS_CONTROL)
            else:
                opened.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, session.ttl)
                opened.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _CLASS_CONTROL)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, _PRIORITY)
            # It is never read from: let nothing gather there.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
            self._bind(opened)
        except BaseException:
            opened.close()
            raise
        return opened

    def _bind(self, opened: socket.socket) -> None:
        source = str(self._session.source or "")
        for tries in range(_TRIES):
            port = self._random.randint(*SOURCE_PORTS)
            if port in self._ports:
                continue
            try:
                opened.bind(_numeric(source, port) if source else ("", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE or tries + 1 == _TRIES:
                    raise
            else:
                self._port = port
                self._ports.add(port)
                return
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))

    def close(self) -> None:
        """Send no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._ports.discard(self._port)


@implementer(IBfdWire)
class UdpWire:
    """Opens UDP sockets.

    :param reactor: provides IReactorFDSet.
    """

    def __init__(self, reactor: Any, random: Random) -> None:
        self._reactor = reactor
        self._random = random
        self._source_ports: set[int] = set()

    def listen(self, port: int, received: Callable[[Datagram], object], *, ipv6: bool) -> IBfdListener:
        """Receive on a port of one family."""
        try:
            return _Listener(self._reactor, port, received, ipv6=ipv6)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            if error.errno == errno.EADDRINUSE:
                why += "; another BFD daemon (FRR's bfdd, BIRD) may have it"
            raise WireError(
                f"BFD cannot receive on UDP port {port} (IPv{6 if ipv6 else 4}): {why}"
            ) from error

    def sender(self, session: BfdInstance) -> IBfdSender:
        """A port of its own for a session."""
        return _Sender(session, self._source_ports, self._random)


def _opened(family: socket.AddressFamily) -> socket.socket:
    return socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)


def _numeric(address: str, port: int) -> Any:
    """The socket address of a literal one, with its scope (``fe80::1%eth0``).

    :raises OSError: the scope is no interface of this host now.
    """
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    try:
        [found, *_] = socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM, flags=flags)
    except socket.gaierror:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from None
    return found[4]
