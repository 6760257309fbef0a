"""The bench's own network: two directors, a stranger and an observer on one bridge, each a namespace."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

NETWORK = "10.77.0"
#: Hosts by number: their address ends in it, their interface is ``eth0``.
DIRECTORS = (1, 2)
STRANGER = 66
OBSERVER = 99

_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
_IFREQ = struct.Struct("16sh22x")


def inside(namespace: str, make: Callable[[], T]) -> T:
    """Call ``make`` in a namespace; the sockets that it opens stay there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/self/ns/net").open("rb") as home, Path("/run/netns", namespace).open("rb") as there:
        if libc.setns(there.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
        try:
            return make()
        finally:
            if libc.setns(home.fileno(), _CLONE_NEWNET):
                os._exit(70)  # in the wrong network nothing must go on


class Host:
    """One host."""

    def __init__(self, number: int, namespace: str) -> None:
        self.number = number
        self.namespace = namespace
        self._control = inside(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    def set_link(self, up: bool) -> None:
        """``ip link set eth0 up`` or ``down``, without the time that starting ``ip`` takes."""
        _, flags = _IFREQ.unpack(fcntl.ioctl(self._control, _SIOCGIFFLAGS, _IFREQ.pack(b"eth0", 0)))
        flags = flags | _IFF_UP if up else flags & ~_IFF_UP
        fcntl.ioctl(self._control, _SIOCSIFFLAGS, _IFREQ.pack(b"eth0", flags))

    def count_addresses(self) -> int:
        """How many IPv4 addresses ``eth0`` has."""
        shown = _run("ip", "-n", self.namespace, "-o", "-4", "address", "show", "dev", "eth0")
        return shown.count("\n")

    def close(self) -> None:
        self._control.close()


@contextmanager
def network() -> Iterator[dict[int, Host]]:
    """The hosts by number; at the end no process and no namespace of it is left."""
    mark = f"ktb{os.getpid()}"
    switch = f"{mark}-switch"
    made: list[str] = []
    hosts: dict[int, Host] = {}
    try:
        _run("ip", "netns", "add", switch)
        made.append(switch)
        # Without snooping every advert is flooded, as on a switch that has no querier.
        _run(*f"ip -n {switch} link add br0 type bridge forward_delay 0 mcast_snooping 0".split())
        _run(*f"ip -n {switch} link set br0 up".split())
        for number in (*DIRECTORS, STRANGER, OBSERVER):
            namespace, port = f"{mark}-{number}", f"port{number}"
            _run("ip", "netns", "add", namespace)
            made.append(namespace)
            for words in (
                f"-n {namespace} link set lo up",
                f"-n {namespace} link add eth0 type veth peer name {port} netns {switch}",
                f"-n {switch} link set {port} master br0 up",
                f"-n {namespace} address add {NETWORK}.{number}/16 dev eth0",
                f"-n {namespace} link set eth0 up",
            ):
                _run("ip", *words.split())
            hosts[number] = Host(number, namespace)
        yield hosts
    finally:
        for host in hosts.values():
            host.close()
        for namespace in made:
            for pid in _run("ip", "netns", "pids", namespace).split():
                os.kill(int(pid), signal.SIGKILL)
            _run("ip", "netns", "del", namespace)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
