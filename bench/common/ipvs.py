"""The kernel's table, asked about one virtual server at a time.

/proc/net/ip_vs of 10,000 servers takes as long to read as a daemon needs to
change a thousand of them; the old socket options (linux/ip_vs.h) answer at once.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterable
from pathlib import Path

VIP = "10.9.9.9"
POLL_S = 0.005

_GET_SERVICE = 64 + 1024 + 64 + 3  # IP_VS_SO_GET_SERVICE
_GET_DESTS = _GET_SERVICE + 1
# struct ip_vs_service_entry: protocol, address, port, mark, scheduler, flags, ..., servers, counts
_SERVICE = struct.Struct("=H2x4s2s2xI16sIIII56s")
# struct ip_vs_get_dests, and its ip_vs_dest_entry: address, port, flags, weight, ..., connections, counts
_HEADER = struct.Struct("=H2x4s2s2xII4x")
_DESTINATION = struct.Struct("=4s2s2xIi5I4x56s")


class Table:
    """The table of the network namespace that we are in."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def count(self, port: int) -> int:
        """How many servers a virtual server has; -1: there is no such."""
        asked = _SERVICE.pack(socket.IPPROTO_TCP, *_address(port), 0, b"", 0, 0, 0, 0, b"")
        try:
            answer = self._get(_GET_SERVICE, asked)
        except OSError:
            return -1
        return int(_SERVICE.unpack(answer)[8])

    def weights(self, port: int) -> dict[tuple[str, int], int]:
        """The weights of a virtual server's servers, by address and port."""
        count = max(0, self.count(port))
        asked = _HEADER.pack(socket.IPPROTO_TCP, *_address(port), 0, count)
        try:
            answer = self._get(_GET_DESTS, asked + bytes(count * _DESTINATION.size))
        except OSError:  # a server came or went in between
            return {}
        found = {}
        for address, number, _, weight, *_ in _DESTINATION.iter_unpack(answer[_HEADER.size :]):
            found[socket.inet_ntoa(address), int.from_bytes(number, "big")] = weight
        return found

    def _get(self, option: int, asked: bytes) -> bytes:
        # Python's getsockopt sends nothing along, and these options are told by what is sent.
        answer = bytearray(asked)
        _getsockopt(self._socket.fileno(), option, answer)
        return bytes(answer)


def established() -> int:
    """How many connections the kernel forwards just now."""
    return Path("/proc/net/ip_vs_conn").read_text().count("ESTABLISHED")


def seconds_until(conditions: Iterable[Callable[[], bool]], began: float, limit: float = 60.0) -> float:
    """How long since ``began`` until the conditions hold, each of which then stays true."""
    for holds in conditions:
        while not holds():
            if time.monotonic() - began > limit:
                raise TimeoutError(f"not within {limit:g} s")
            time.sleep(POLL_S)
    return time.monotonic() - began


def _address(port: int) -> tuple[bytes, bytes]:
    return socket.inet_aton(VIP), port.to_bytes(2, "big")


def _getsockopt(descriptor: int, option: int, value: bytearray) -> None:
    """getsockopt(2) that reads and writes ``value``."""
    import ctypes
    import os

    libc = ctypes.CDLL(None, use_errno=True)
    length = ctypes.c_uint(len(value))
    memory = (ctypes.c_char * len(value)).from_buffer(value)
    if libc.getsockopt(descriptor, socket.IPPROTO_IP, option, memory, ctypes.byref(length)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
