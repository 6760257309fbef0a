"""What was on the wire and when: a packet socket whose frames bear the kernel's time.

Nothing is read while a daemon is being measured: the frames wait in the
kernel's buffer, so that the observer takes no time from who is observed.
"""

from __future__ import annotations

import ctypes
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from network import Host, inside

_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_SO_ATTACH_FILTER = 26
_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_BUFFER = 64 << 20
_ETH_P_ALL = 3
_TIMESPEC = struct.Struct("qq")

# Announcements, and adverts (IP protocols 112 and 51) of 10.77.0.0/30, the directors.  (code, jt, jf, k)
_PROGRAM = (
    (0x28, 0, 0, 12),  # ethertype
    (0x15, 7, 0, 0x0806),  # ARP: keep
    (0x15, 0, 7, 0x0800),  # not IPv4: drop
    (0x30, 0, 0, 23),  # protocol
    (0x15, 1, 0, 112),
    (0x15, 0, 4, 51),  # neither: drop
    (0x20, 0, 0, 26),  # source
    (0x54, 0, 0, 0xFFFFFFFC),
    (0x15, 0, 1, 0x0A4D0000),  # a stranger's: drop
    (0x06, 0, 0, 128),
    (0x06, 0, 0, 0),
)


class Frame(NamedTuple):
    """An advert, or with ``vrid`` 0 a gratuitous ARP.  ``at``: ns since the epoch; ``host``: who sent it."""

    at: int
    host: int
    vrid: int
    priority: int
    address: bytes


class Observer:
    """Listens on a host from now on."""

    def __init__(self, host: Host) -> None:
        self._socket = inside(host.namespace, _listen)
        self._hardware: dict[bytes, int] = {}
        self.frames: list[Frame] = []

    def read(self) -> None:
        """Take in what has come; a frame lost is an error, as figures without it would be wrong."""
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(256, 128)
            except BlockingIOError:
                break
            seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
            frame = self._parsed(seconds * 1_000_000_000 + nanoseconds, data)
            if frame is not None:
                self.frames.append(frame)
        _, dropped = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        if dropped:
            raise RuntimeError(f"the observer lost {dropped} frames")

    def begin(self) -> None:
        """Forget what was until now."""
        self.read()
        self.frames.clear()

    def until(self, seen: Callable[[Frame], bool], seconds: float) -> Frame:
        """The first frame of which ``seen`` holds, waited for when need be."""
        ends, at = time.monotonic() + seconds, 0
        while True:
            for frame in self.frames[at:]:
                if seen(frame):
                    return frame
            at = len(self.frames)
            left = ends - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"not seen within {seconds} s")
            select.select([self._socket], [], [], left)
            self.read()

    def adverts(self, host: int, vrid: int | None = None) -> list[Frame]:
        """The adverts that a host has sent, without those of priority 0."""
        return [
            each
            for each in self.frames
            if each.host == host and each.vrid and each.priority and vrid in (None, each.vrid)
        ]

    def announced(self, host: int) -> Iterator[Frame]:
        """The gratuitous ARPs that a host has sent."""
        return (each for each in self.frames if each.host == host and not each.vrid)

    def close(self) -> None:
        self._socket.close()

    def _parsed(self, at: int, data: bytes) -> Frame | None:
        hardware = data[6:12]
        if data[12:14] == b"\x08\x06":
            host = self._hardware.get(hardware)
            gratuitous = data[28:32] == data[38:42]
            return Frame(at, host, 0, 0, data[28:32]) if host and gratuitous else None
        host = data[29]
        self._hardware[hardware] = host
        begins = 14 + (data[14] & 0x0F) * 4 + (24 if data[23] == 51 else 0)
        return Frame(at, host, data[begins + 1], data[begins + 2], b"")


def late_ms(adverts: Iterable[Frame], interval_s: float) -> list[float]:
    """By how much each advert came later after the one before it than it should have."""
    last: dict[int, int] = {}
    late = []
    for each in adverts:
        before = last.get(each.vrid)
        if before is not None:
            late.append((each.at - before) / 1e6 - interval_s * 1e3)
        last[each.vrid] = each.at
    return late


def _listen() -> socket.socket:
    opened = socket.socket(
        socket.AF_PACKET,
        socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
        socket.htons(_ETH_P_ALL),
    )
    program = b"".join(struct.pack("HBBI", *each) for each in _PROGRAM)
    memory = ctypes.create_string_buffer(program, len(program))
    opened.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(program) // 8, ctypes.addressof(memory))
    )
    opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    opened.bind(("eth0", _ETH_P_ALL))
    return opened
