"""A site to balance: a director, three real servers and a client, as network namespaces on one link.

```
 client .100 .200 ---+
 director .1 --------+--- 192.0.2.0/24, 2001:db8::/64
 server1..3 .11-.13 -+
```

All of NAT, DR and TUN work at the same time.  The servers hold the virtual
addresses on lo and keep silent about them, and take in tunnelled packets; they
answer the client's .100 directly, as DR and TUN need it, and its .200 through
the director, as NAT does.  So a client chooses by its own address.

The servers are threads of this process with sockets in their namespaces.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from kaltwisted.kernel.generic import open_generic

Address = IPv4Address | IPv6Address

VIP, VIP6 = ip_address("192.0.2.10"), ip_address("2001:db8::10")
#: What comes to these is marked with MARK by the director's firewall.
MARKED, MARKED6 = ip_address("192.0.2.20"), ip_address("2001:db8::20")
MARK = 7
#: Where the servers listen.  Tests that go from one forwarding method to another take another port: a
#: destination keeps the route its connections use, and a late packet of the old method spoils the new one's.
PORTS = (80, 81, 82)
#: The client's addresses: the servers answer the first directly, the second through the director.
DIRECT, DIRECT6 = ip_address("192.0.2.100"), ip_address("2001:db8::100")
THROUGH, THROUGH6 = ip_address("192.0.2.200"), ip_address("2001:db8::200")

_SERVERS = ("server1", "server2", "server3")
_NAMESPACES = ("client", "director", *_SERVERS)
_CLONE_NEWNET = 0x4000_0000
_PIECE = 1024
_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def entered(namespace: str) -> Iterator[None]:
    """This thread is in the namespace meanwhile; sockets made in it stay there."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        _set_namespace(there)
        try:
            yield
        finally:
            _set_namespace(here)
    finally:
        os.close(here)
        os.close(there)


def _set_namespace(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def in_namespace(namespace: str, command: Sequence[str]) -> list[str]:
    """The command with what makes it run in the namespace."""
    return ["ip", "netns", "exec", namespace, *command]


class Server:
    """A real server: on PORTS of all its addresses it answers every request with ``page``.

    ``/drip`` is answered a KiB at a time, for as long as the client likes.
    """

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.address = IPv4Address(f"192.0.2.{number}")
        self.address6 = IPv6Address(f"2001:db8::{number}")
        self.page = name.encode()
        self._listening: list[socket.socket] = []
        self._connections: set[socket.socket] = set()

    def start(self) -> None:
        """Answer, from now on."""
        with entered(self.name):
            self._listening = [
                socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
                for port in PORTS
            ]
        for each in self._listening:
            threading.Thread(target=self._accept, args=(each,), daemon=True).start()

    def stop(self) -> None:
        """Go, and take all connections along: the ports refuse."""
        gone, self._listening = [*self._listening, *self._connections], []
        for each in gone:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self, listening: socket.socket) -> None:
        while listening in self._listening:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(60)
            request = b""
            while b"\r\n\r\n" not in request and (data := connection.recv(4096)):
                request += data
            if request.startswith(b"GET /drip"):
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                while True:
                    connection.sendall(self.page.ljust(_PIECE))
                    time.sleep(0.02)
            page = self.page
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page))
        self._connections.discard(connection)


class Download:
    """An answer being received; ``grows`` tells whether it goes on."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def grows(self, pieces: int = 5) -> bool:
        """Whether that many more pieces come, in time."""
        wanted = pieces * _PIECE
        try:
            while wanted > 0:
                data = self._connection.recv(min(wanted, 65_536))
                if not data:
                    return False
                wanted -= len(data)
        except OSError:
            return False
        return True

    def page(self) -> str:
        """Who sends it."""
        data = b""
        while len(data) < _PIECE and (more := self._connection.recv(_PIECE - len(data))):
            data += more
        return data.partition(b"\r\n\r\n")[2].split()[0].decode()

    def close(self) -> None:
        self._connection.close()


class Client:
    """Who asks.  Every request has a connection of its own, from ``source``.

    And a port of its own: IPVS remembers a connection for minutes, and would
    send another one with the same port after it.
    """

    def __init__(self) -> None:
        self._ports = itertools.count(10_000)

    def get(self, address: Address, source: Address, port: int = 80, timeout_s: float = 5.0) -> str:
        """The page; OSError when there is none in time."""
        with self._ask("/", address, source, port, timeout_s) as connection:
            answer = b""
            while data := connection.recv(65_536):
                answer += data
        head, separator, page = answer.partition(b"\r\n\r\n")
        if not separator or b" 200 " not in head:
            raise ConnectionAbortedError(f"no answer: {answer[:80]!r}")
        return page.decode()

    def download(self, address: Address, source: Address, port: int = 80) -> Download:
        """An answer that never ends."""
        return Download(self._ask("/drip", address, source, port, 5.0))

    def _ask(
        self, path: str, address: Address, source: Address, port: int, timeout_s: float
    ) -> socket.socket:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        with entered("client"):
            connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout_s)
            connection.bind((str(source), next(self._ports)))
            connection.connect((str(address), port))
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: site\r\n\r\n".encode())
        except BaseException:
            connection.close()
            raise
        return connection


class Site:
    """The namespaces and who lives in them.  One at a time; in a guest of its own it needs no undoing."""

    def __init__(self) -> None:
        self.client = Client()
        self.servers = [Server(name, number) for number, name in enumerate(_SERVERS, 11)]
        self._build()

    def connect(self) -> socket.socket:
        """A netlink socket to the director's IPVS, for ``IpvsDataPlane``."""
        with entered("director"):
            return open_generic()

    def ipvsadm(self, *arguments: str) -> list[str]:
        """Run ipvsadm in the director; its lines."""
        command = in_namespace("director", ["ipvsadm", *arguments])
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return [line.strip() for line in done.stdout.splitlines()]

    def _build(self) -> None:
        for module in ("ipip", "ip6_tunnel", "veth", "bridge"):
            subprocess.run(["modprobe", module], check=True)
        links = ["link add lan type bridge", "link set lan up"]
        for name in _NAMESPACES:
            links.append(f"netns add {name}")
            links.append(f"link add {name} type veth peer name eth0 netns {name}")
            links.append(f"link set {name} master lan up")
        _ip(None, links)
        for name, (number, *more) in {
            "client": (100, 200),
            "director": (1, 10, 20),
            **{server.name: (int(server.address) & 0xFF,) for server in self.servers},
        }.items():
            _ip(name, [*_up(), *_addresses("eth0", [number], 24, 64), *_addresses("eth0", more, 32, 128)])
        self._furnish_director()
        for server in self.servers:
            self._furnish_server(server)

    def _furnish_director(self) -> None:
        _set("director", "ipv4/ip_forward", "1")
        _set("director", "ipv6/conf/all/forwarding", "1")
        for interface in ("all", "eth0"):
            _set("director", f"ipv4/conf/{interface}/send_redirects", "0")
        for command, address in (("iptables-legacy", MARKED), ("ip6tables-legacy", MARKED6)):
            rule = f"-t mangle -A PREROUTING -d {address} -j MARK --set-mark {MARK}"
            subprocess.run(in_namespace("director", [command, *rule.split()]), check=True)

    def _furnish_server(self, server: Server) -> None:
        for setting, value in (("arp_ignore", "1"), ("arp_announce", "2"), ("accept_redirects", "0")):
            for interface in ("all", "eth0"):
                _set(server.name, f"ipv4/conf/{interface}/{setting}", value)
        _set(server.name, "ipv6/conf/eth0/accept_redirects", "0")
        for interface in ("all", "tunl0", "eth0"):
            _set(server.name, f"ipv4/conf/{interface}/rp_filter", "0")
        _ip(
            server.name,
            [
                *_addresses("lo", [10, 20], 32, 128),
                "link set tunl0 up",
                "-6 tunnel change ip6tnl0 mode any",
                "link set ip6tnl0 up",
                f"route add {THROUGH}/32 via 192.0.2.1",
                f"-6 route add {THROUGH6}/128 via 2001:db8::1",
            ],
        )
        server.start()


def _up() -> list[str]:
    return ["link set lo up", "link set eth0 up"]


def _addresses(interface: str, numbers: Sequence[int], bits: int, bits6: int) -> list[str]:
    """Host numbers on an interface, in both families; without duplicate detection, which takes a second.

    Single IPv6 addresses are deprecated from the start: a director that took
    one for the source of a tunnel would speak to a server in its own name.
    """
    deprecated = " preferred_lft 0" if bits6 == 128 and interface != "lo" else ""
    return [
        line
        for number in numbers
        for line in (
            f"address add 192.0.2.{number}/{bits} dev {interface}",
            f"address add 2001:db8::{number}/{bits6} dev {interface} nodad{deprecated}",
        )
    ]


def _ip(namespace: str | None, lines: Sequence[str]) -> None:
    """Many ip commands by one process."""
    for family in ("", "-6"):
        chosen = [line.removeprefix("-6 ") for line in lines if line.startswith("-6 ") == bool(family)]
        if chosen:
            words = ["ip", *([family] if family else []), *(["-n", namespace] if namespace else [])]
            subprocess.run([*words, "-batch", "-"], input="\n".join(chosen), text=True, check=True)


def _set(namespace: str, setting: str, value: str) -> None:
    with entered(namespace):
        Path("/proc/sys/net", setting).write_text(value)
