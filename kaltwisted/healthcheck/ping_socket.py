"""Sockets for ICMP echo, which checks share.

A ping socket (``SOCK_DGRAM``, ``IPPROTO_ICMP``) takes no capability where
net.ipv4.ping_group_range has our group in it, for IPv6, too; the kernel hands it the
replies to its own requests alone.  Elsewhere it is a raw socket, which a filter makes
deaf to the replies to others.  One for each check would cost twice as much; so checks that
go out alike share one, which is open while replies are awaited.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
from collections.abc import Callable
from errno import EACCES, EAGAIN, ECONNABORTED, ENOBUFS
from typing import Any, Final
from weakref import WeakValueDictionary

import attrs
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.config import model
from kaltwisted.healthcheck.echo import ICMP, ICMPV6, Echo, reply, request, without_ip_header
from kaltwisted.healthcheck.ends import Ends, os_error
from kaltwisted.healthcheck.exchange import Asking, Exchange, Unsent
from kaltwisted.kernel.socket_filter import attach, half_filter

NOT_ALLOWED: Final = (
    "no ICMP socket: let net.ipv4.ping_group_range have the daemon's group in it, or give it CAP_NET_RAW"
)
# The longest IPv4 header, ICMP's, our payload, and a byte more that makes a longer one another.
_LONGEST = 60 + 8 + 16 + 1
# Read in one turn of the reactor: some hundred microseconds.
_MOST_A_TURN = 32
# Requests that wait on one socket: more replies than these, all at once, and its buffer could be too small.
_MOST_WAITING = 128
_FULL = (EAGAIN, ENOBUFS)
_IDENT_OFFSET = 4
_ICMP_FILTER = 1
_ICMP6_FILTER = 1
# A bit for each type that is not let in (linux/icmp.h, linux/icmpv6.h).
_ONLY_REPLIES = struct.pack("=I", 0xFFFFFFFF & ~(1 << ICMP.reply))
_ONLY_REPLIES_V6 = (((1 << 256) - 1) & ~(1 << ICMPV6.reply)).to_bytes(32, "little")


class Pings:
    """Sends echo requests to one address (``Ask``; the question says nothing).

    ``reactor`` provides IReactorFDSet and IReactorTime.
    """

    __slots__ = ("_ends", "_host", "_pinger")

    def __init__(self, connection: model.Connection, reactor: Any) -> None:
        self._ends = _ends(connection)
        self._host = socket.inet_ntop(self._ends.family, connection.ip.packed)
        self._pinger = Pinger.shared(connection, reactor)

    def __call__(self, _question: bytes, asking: Asking) -> Exchange:
        """Send one."""
        return self._pinger.ask(self._ends.target(), self._host, asking)


class Pinger:
    """Has the socket that is shared by all who go out alike, and another one when that is full.

    It is when many wait on it, and sooner where hosts do not answer ARP: requests to them stay in its
    buffer for seconds, and those to others could not be sent.

    :param open_: opens a socket of a family, for an ident, and tells whether it is a raw one.
    """

    def __init__(
        self, ends: Ends, reactor: Any, open_: Callable[[int, int], tuple[Any, bool]] | None = None
    ) -> None:
        self._ends = ends
        self._reactor = reactor
        self._open = open_ or open_socket
        self._wire: _Wire | None = None

    @classmethod
    def shared(cls, connection: model.Connection, reactor: Any) -> Pinger:
        """The one of this reactor for what goes out as ``connection`` does."""
        near = connection.bindto, connection.bind_if, connection.fwmark
        key = id(reactor), connection.ip.version, near
        found = _shared.get(key)
        if found is None:
            found = _shared[key] = cls(_ends(connection), reactor)
        return found

    def ask(self, address: tuple[Any, ...], host: str, asking: Asking) -> Exchange:
        """Send a request; ``host``: who has to reply, as ``recvfrom`` tells."""
        try:
            if self._wire is not None and self._wire.has_room:
                try:
                    return self._wire.ask(address, host, asking)
                except OSError as could_not:
                    if could_not.errno not in _FULL:
                        raise
            ident = int.from_bytes(os.urandom(2))
            opened, is_raw = self._open(self._ends.family, ident)
            self._wire = wire = _Wire(self._ends, self._reactor, opened, ident if is_raw else None)
            return wire.ask(address, host, asking)
        except OSError as could_not:
            return Unsent(self._reactor, asking, could_not)


# An entry lives as long as a check that uses it, which keeps the reactor alive, and so its id.
_shared: WeakValueDictionary[tuple[Any, ...], Pinger] = WeakValueDictionary()


class _Request:
    """One that waits for its reply."""

    __slots__ = ("asking", "echo", "host", "wire")

    def __init__(self, wire: _Wire, echo: Echo, host: str, asking: Asking) -> None:
        self.wire, self.echo, self.host, self.asking = wire, echo, host, asking

    def close(self) -> None:
        self.wire.forget(self)


@implementer(IReadDescriptor)
class _Wire:
    """A socket, and the requests on it that wait; it is closed with the last of them.

    :param ident: of the requests on a raw socket; None: it is a ping socket, and the kernel chooses.
    :raises OSError: its near end cannot be as it should.
    """

    def __init__(self, ends: Ends, reactor: Any, opened: Any, ident: int | None) -> None:
        self._reactor = reactor
        self._version = ICMP if ends.family == socket.AF_INET else ICMPV6
        self._socket = opened
        self._ident = ident
        self._has_ip_header = ident is not None and self._version is ICMP
        self._waiting: dict[bytes, _Request] = {}
        # Whoever does not see our requests can make no reply: it takes this.
        self._secret = os.urandom(8)
        self._numbers = itertools.count(1)
        self.is_open = True
        try:
            ends.prepare(self._socket)
        except BaseException:
            self._socket.close()
            raise
        reactor.addReader(self)

    @property
    def has_room(self) -> bool:
        """Whether another request may go by it."""
        return self.is_open and len(self._waiting) < _MOST_WAITING

    def ask(self, address: tuple[Any, ...], host: str, asking: Asking) -> _Request:
        """Send a request."""
        number = next(self._numbers)
        echo = Echo(self._ident or 0, number & 0xFFFF, self._secret + number.to_bytes(8))
        try:
            self._socket.sendto(request(self._version, echo), address)
        except OSError:
            self._close_if_idle()
            raise
        waiting = self._waiting[echo.payload] = _Request(self, echo, host, asking)
        return waiting

    def forget(self, waiting: _Request) -> None:
        """Its reply is not awaited any more; again: nothing."""
        if self._waiting.pop(waiting.echo.payload, None) is not None:
            self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self.is_open and not self._waiting:
            self.is_open = False
            self._reactor.removeReader(self)
            self._socket.close()

    # -- IReadDescriptor --------------------------------------------------------------

    def fileno(self) -> int:
        """As the reactor asks; -1 when it is closed."""
        number: int = self._socket.fileno()
        return number

    def logPrefix(self) -> str:
        """As the reactor asks."""
        return "ping"

    def doRead(self) -> None:
        """Some replies, or what somebody wants us to take for one."""
        for _ in range(_MOST_A_TURN):
            try:
                packet, address = self._socket.recvfrom(_LONGEST)
            except BlockingIOError:
                return
            except OSError as problem:
                self._fail(problem)
                return
            self._hear(packet, address[0])
            if not self.is_open:
                return

    def _hear(self, packet: bytes, host: str) -> None:
        if self._has_ip_header:
            packet = without_ip_header(packet)
        echo = reply(self._version, packet)
        waiting = self._waiting.get(echo.payload) if echo is not None else None
        if waiting is None or echo is None or waiting.host != host:
            return
        if echo.sequence == waiting.echo.sequence and self._ident in (None, echo.ident):
            waiting.asking.heard(echo.payload)

    def connectionLost(self, reason: Failure) -> None:
        """The reactor found an error on the socket."""
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if self.is_open else 0
        self._fail(os_error(number or ECONNABORTED))

    def _fail(self, problem: OSError) -> None:
        requests = list(self._waiting.values())
        self._waiting.clear()
        self._close_if_idle()
        for each in requests:
            each.asking.failed(problem)


def _ends(connection: model.Connection) -> Ends:
    """As the connection has them; ports mean nothing."""
    return Ends(attrs.evolve(connection, port=0, bind_port=0))


def open_socket(family: int, ident: int) -> tuple[socket.socket, bool]:
    """A ping socket, or else a raw one for replies with this ident, and whether it is that.

    :raises OSError: we may have neither, or there is no such family here.
    """
    is_v4 = family == socket.AF_INET
    protocol = socket.IPPROTO_ICMP if is_v4 else socket.IPPROTO_ICMPV6
    try:
        return socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, protocol), False
    except PermissionError:
        pass
    try:
        raw = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
    except PermissionError:
        raise OSError(EACCES, NOT_ALLOWED) from None
    if is_v4:
        raw.setsockopt(socket.IPPROTO_RAW, _ICMP_FILTER, _ONLY_REPLIES)
    else:
        raw.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, _ONLY_REPLIES_V6)
    attach(raw, half_filter(_IDENT_OFFSET, ident, ip_header=is_v4))
    return raw, True
