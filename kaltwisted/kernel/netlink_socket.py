"""The sockets of netlink conversations, non-blocking and connected to the kernel."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Final, Protocol
from weakref import WeakSet

import attrs

_RECEIVE_BUFFER = 1 << 20

_SOL_NETLINK = 270
_NETLINK_ADD_MEMBERSHIP = 1
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11
_NETLINK_GET_STRICT_CHK = 12
_SO_RCVBUFFORCE = 33


#: What Linux gives to a socket by itself, before it doubles that; what we ask at a time is reckoned by it.
_LEAST: Final = 106_496
_MOST: Final = 2**31 - 1


@attrs.frozen
class ReceiveBuffer:
    """What the kernel keeps for a socket: bytes, 0: as we think right.

    ``force``: whatever net.core.rmem_max is, which needs CAP_NET_ADMIN.
    """

    size: int = 0
    force: bool = False

    def give(self, opened: socket.socket) -> None:
        """Let the kernel keep so much for this socket; where that may not be, it has what it had."""
        size = min(max(self.size, _LEAST), _MOST) if self.size else _RECEIVE_BUFFER
        option = _SO_RCVBUFFORCE if self.force or not self.size else socket.SO_RCVBUF
        try:
            opened.setsockopt(socket.SOL_SOCKET, option, size)
        except OSError:
            pass  # we live without: the window is sized for the default buffer


_USUAL: Final = ReceiveBuffer()


class NetlinkSocket(Protocol):
    """What is asked of the socket: a non-blocking one, connected to the kernel."""

    def fileno(self) -> int: ...

    def send(self, data: bytes, /) -> int: ...

    def recvfrom_into(self, buffer: bytearray, /) -> tuple[int, object]: ...

    def close(self) -> None: ...


class OpenSocket(Protocol):
    """How a socket is opened."""

    def __call__(self, protocol: int, groups: Iterable[int] = (), /) -> socket.socket: ...


def open_socket(protocol: int, groups: Iterable[int] = (), buffer: ReceiveBuffer = _USUAL) -> socket.socket:
    """A socket for a netlink protocol (NETLINK_ROUTE, NETLINK_GENERIC), hearing multicast ``groups``."""
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    try:
        opened.setblocking(False)
        buffer.give(opened)
        for level, option, value in (
            (_SOL_NETLINK, _NETLINK_CAP_ACK, 1),
            (_SOL_NETLINK, _NETLINK_EXT_ACK, 1),
            # So that a listing of routes can be limited to some; our requests are exact anyway.
            (_SOL_NETLINK, _NETLINK_GET_STRICT_CHK, 1),
        ):
            try:
                opened.setsockopt(level, option, value)
            except OSError:
                pass  # we live without
        opened.bind((0, 0))
        for group in groups:
            opened.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, group)
        opened.connect((0, 0))
    except BaseException:
        opened.close()
        raise
    return opened


class NetlinkSockets:
    """Sockets of one purpose, whose receive buffers are configured (keepalived: ``*_rcv_bufs``)."""

    def __init__(self, buffer: ReceiveBuffer) -> None:
        self._buffer = buffer
        self._open: WeakSet[socket.socket] = WeakSet()

    def open(self, protocol: int, groups: Iterable[int] = (), /) -> socket.socket:
        """One more, as ``open_socket`` does."""
        opened = open_socket(protocol, groups, self._buffer)
        self._open.add(opened)
        return opened

    def resize(self, buffer: ReceiveBuffer) -> None:
        """Those that there are, and those to come, have another buffer; nothing that waits is lost."""
        if buffer != self._buffer:
            self._buffer = buffer
            for each in self._open:
                buffer.give(each)  # one that is closed has none
