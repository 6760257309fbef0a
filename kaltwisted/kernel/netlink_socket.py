"""The socket of a netlink conversation, non-blocking and connected to the kernel."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Protocol

_RECEIVE_BUFFER = 1 << 20

_SOL_NETLINK = 270
_NETLINK_ADD_MEMBERSHIP = 1
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11
_NETLINK_GET_STRICT_CHK = 12
_SO_RCVBUFFORCE = 33


class NetlinkSocket(Protocol):
    """What is asked of the socket: a non-blocking one, connected to the kernel."""

    def fileno(self) -> int: ...

    def send(self, data: bytes, /) -> int: ...

    def recvfrom_into(self, buffer: bytearray, /) -> tuple[int, object]: ...

    def close(self) -> None: ...


def open_socket(protocol: int, groups: Iterable[int] = ()) -> socket.socket:
    """A socket for a netlink protocol (NETLINK_ROUTE, NETLINK_GENERIC), hearing multicast ``groups``."""
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    try:
        opened.setblocking(False)
        for level, option, value in (
            (socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER),  # with CAP_NET_ADMIN only
            (_SOL_NETLINK, _NETLINK_CAP_ACK, 1),
            (_SOL_NETLINK, _NETLINK_EXT_ACK, 1),
            # So that a listing of routes can be limited to some; our requests are exact anyway.
            (_SOL_NETLINK, _NETLINK_GET_STRICT_CHK, 1),
        ):
            try:
                opened.setsockopt(level, option, value)
            except OSError:
                pass  # we live without: the window is sized for the default buffer
        opened.bind((0, 0))
        for group in groups:
            opened.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, group)
        opened.connect((0, 0))
    except BaseException:
        opened.close()
        raise
    return opened
