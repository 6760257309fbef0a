"""What raw sockets of both families share: one interface, a filter in the kernel, room to wait in."""

from __future__ import annotations

import errno
import os
import socket
import struct
import time

from kaltwisted.kernel.socket_filter import attach
from kaltwisted.ports import Link

#: What the kernel keeps for us meanwhile, per socket: some hundreds of adverts.
RECEIVE_BUFFER = 1 << 19
#: Bytes handed over per reactor turn and socket: some fifty adverts, about a millisecond.
TURN_BYTES = 2048
TIMESPEC = struct.Struct("ll")

_SO_RCVBUFFORCE = 33
_PRIORITY_CONTROL = 7
_LARGEST = 2**31 - 1
_LONGEST_WAIT_US = 100_000


def open_raw(family: int, protocol: int, link: Link) -> socket.socket:
    """A raw socket that has to do with one interface only."""
    flags = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    opened = socket.socket(family, flags, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.name.encode() + b"\0")
    except BaseException:
        opened.close()
        raise
    return opened


def only_send(opened: socket.socket) -> None:
    """Its packets go first, and nothing gathers where nobody reads."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, _PRIORITY_CONTROL)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)


def only_hear(opened: socket.socket, program: bytes, size: int = 0) -> None:
    """Let the kernel run ``program`` on every packet, and keep many that pass.

    ``size``: this many bytes of them, or what net.core.rmem_max allows, as keepalived has it.
    """
    attach(opened, program)
    if size:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, min(size, _LARGEST))
        return
    try:
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except PermissionError:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def drain(opened: socket.socket) -> None:
    """Drop what came before the socket was bound to its interface and had its filter."""
    try:
        for _ in range(1000):
            opened.recv(1)
    except BlockingIOError:
        pass


def waited_us(stamp: bytes) -> int:
    """How long ago a packet came in, by the kernel's own note."""
    seconds, nanoseconds = TIMESPEC.unpack(stamp)
    waited = (time.time_ns() - seconds * 1_000_000_000 - nanoseconds) // 1000
    # More than this is rather a clock that was set.
    return waited if 0 <= waited <= _LONGEST_WAIT_US else 0


def in_words(error: OSError, where: str) -> str:
    """Why there is no raw socket, with what helps."""
    why = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in (errno.EPERM, errno.EACCES):
        why += (
            "; run as root, or give the process CAP_NET_RAW and CAP_NET_ADMIN "
            "(systemd: AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN)"
        )
    return f"VRRP cannot open a raw socket on {where}: {why}"
