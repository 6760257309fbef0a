"""The LAN of a chaos run: two directors, a host of servers and a client's.

```
 client 10.77.0.4, .201, .202 ---+        +--- servers 10.78.0.3, ports 9001-9004, 9009
 director N  eth0 10.77.0.N -----+        +--- director N eth1 10.78.0.N
```

Servers answer the client's 10.77.0.20N through director N, so that NAT by both works.
"""

from __future__ import annotations

import contextlib
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from tests.kernel.inside.topology import entered
from tests.network.vrrp_lan import Host, lan

from .director import Director
from .farm import Farm
from .plan import SERVER_ADDRESS

SCRIPT = """#!/bin/sh
[ -e {flags}/$1 ]
"""


class World:
    """The directors (by number), the farm, and what is cut."""

    def __init__(self, hosts: tuple[Host, ...], plane: str) -> None:
        one, two, servers, self._client = hosts
        self.plane = plane
        self.folder = one.directory
        flags = self.folder / "up"
        flags.mkdir()
        script = self.folder / "is-up"
        script.write_text(SCRIPT.format(flags=flags))
        script.chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        self.directors = {host.number: Director(host, plane, script) for host in (one, two)}
        self.farm = Farm(servers.namespace, flags)
        #: (director, interface) that does not work now.
        self.cuts: dict[tuple[int, str], str] = {}
        for number, director in self.directors.items():
            self._client.ip("address", "add", f"10.77.0.20{number}/24", "dev", "eth0")
            servers.ip("route", "add", f"10.77.0.20{number}/32", "via", f"10.78.0.{number}")
            with entered(director.host.namespace):
                _forward()

    def cut(self, director: int, interface: str, how: str) -> None:
        """Part a director from a network; ``down``, ``cable``: it notices."""
        if (director, interface) not in self.cuts:
            self.cuts[director, interface] = how
            self._switch(director, interface, how, up=False)

    def mend(self, director: int, interface: str) -> None:
        """Undo that."""
        how = self.cuts.pop((director, interface), None)
        if how is not None:
            self._switch(director, interface, how, up=True)

    def _switch(self, director: int, interface: str, how: str, *, up: bool) -> None:
        host = self.directors[director].host
        bridge = int(interface.removeprefix("eth"))
        if how == "partition":
            (host.plug if up else host.unplug)(bridge)
        elif how == "cable":
            port = ["link", "set", host._port(bridge), "up" if up else "down"]
            Host.ip(_Switch(host.switch), *port)  # type: ignore[arg-type]
        else:
            host.ip("link", "set", interface, "up" if up else "down")

    def works(self, director: int, interface: str) -> bool:
        """Whether the director's interface is up and has a link."""
        return self.cuts.get((director, interface), "partition") == "partition"

    def connect(self, director: int, address: str, port: int, timeout_s: float = 5.0) -> socket.socket:
        """A client's connection, by the way that director's answers take."""
        with entered(self._client.namespace):
            made = socket.socket()
        try:
            made.settimeout(timeout_s)
            made.bind((f"10.77.0.20{director}", 0))
            made.connect((address, port))
        except OSError:
            made.close()
            raise
        return made

    def up_for(self, director: int) -> frozenset[int]:
        """The servers that a director reaches; a script looks elsewhere, so all its are."""
        return self.farm.up if (director, "eth1") not in self.cuts else frozenset()


class _Switch:
    """Something with a namespace, for ``Host.ip``."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace


def _forward() -> None:
    for setting, value in (
        ("ip_forward", "1"),
        ("conf/all/send_redirects", "0"),
        ("conf/all/rp_filter", "0"),
    ):
        Path("/proc/sys/net/ipv4", setting).write_text(value)


@contextlib.contextmanager
def world(plane: str) -> Iterator[World]:
    """A LAN with nothing running on the directors yet; nothing is left of it."""
    with lan(4) as hosts:
        made = World(hosts, plane)
        try:
            yield made
        finally:
            made.farm.close()
            for director in made.directors.values():
                director.kill()


__all__ = ["SERVER_ADDRESS", "World", "world"]
