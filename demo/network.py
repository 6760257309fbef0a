"""Where the demo takes place: hosts of their own with the kernel's IPVS, or loopback addresses.

``open_network`` picks.  With IPVS this process is the client's host (it moves
to a network namespace of its own) and two more namespaces are the director
and the servers; they vanish with the processes that hold them.
"""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, closing

from demo import namespaces
from demo.namespaces import Home, Host
from demo.site import Ports, Site

#: What makes a host a director with the kernel's IPVS and NAT.
FORWARDING = """sysctl() { echo "$2" >/proc/sys/net/ipv4/$1; }
sysctl ip_forward 1; sysctl vs/expire_nodest_conn 1; sysctl vs/expire_quiescent_template 1"""

DIRECTOR, SERVERS = "director", "servers"


class Network:
    """The hosts and how to start something on one of them."""

    plane: str
    why: str
    site: Site

    def on(self, host: str) -> list[str]:
        """What to put in front of a command so that it runs on ``director`` or ``servers``."""
        raise NotImplementedError

    def close(self) -> None:
        """Take everything down."""


class Loopback(Network):
    """All hosts are addresses in 127.0.0.0/8, all ports high: no privileges needed."""

    plane = "userspace"

    def __init__(self, why: str) -> None:
        self.why = why
        self.site, self._claim = _free_site()

    def on(self, host: str) -> list[str]:
        return []

    def close(self) -> None:
        self._claim.close()


def _free_site() -> tuple[Site, socket.socket]:
    """The first ports that nobody uses on any of the addresses, and a socket that claims them.

    The claim, on an address that is not used otherwise, is for another demo that starts now.
    """
    for offset in range(0, 20000, 100):
        site = Site("127.168", Ports(8080 + offset, 8443 + offset, 8025 + offset))
        claim = _listen(site.host(200, 1), site.ports.http)
        if claim is None:
            continue
        addresses = [site.virtual_address, site.mail_server, *site.servers.values()]
        ports = (site.ports.http, site.ports.https, site.ports.smtp)
        probes = [_listen(address, port) for port in ports for address in addresses]
        for probe in probes:
            if probe is not None:
                probe.close()
        if None not in probes:
            return site, claim
        claim.close()
    raise SystemExit("no free ports on 127.168.0.0/16 between 8025 and 28443")


def _listen(address: str, port: int) -> socket.socket | None:
    """A socket that listens there; None where somebody else does."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
        sock.listen(1)
    except OSError:
        sock.close()
        return None
    return sock


class Namespaces(Network):
    """Client, director and servers as network namespaces joined by veth pairs, so that NAT is real."""

    plane = "ipvs"
    why = "this kernel has it; client, director and servers are network namespaces"

    def __init__(self) -> None:
        self.site = Site("192.168", Ports())
        with ExitStack() as stack:
            self._hosts: dict[str, Host] = {}
            for name in (DIRECTOR, SERVERS):
                self._hosts[name] = stack.enter_context(closing(Host()))
            self._home = stack.enter_context(closing(Home()))
            self._wire()
            self._stack = stack.pop_all()

    def _wire(self) -> None:
        site, director, servers = self.site, self._hosts[DIRECTOR], self._hosts[SERVERS]
        clients = "\n".join(f"ip addr add {client}/24 dev outside" for client in site.clients)
        self._home.run(
            f"""ip link add outside type veth peer name outside netns {director.pid}
            ip link set lo up; ip link set outside up; ip addr add {site.mail_server}/24 dev outside
            {clients}"""
        )
        director.run(
            f"""ip link set lo up; ip link set outside up
            ip addr add {site.virtual_address}/24 dev outside
            ip link add inside type veth peer name inside netns {servers.pid}
            ip link set inside up; ip addr add {site.host(100, 1)}/24 dev inside
            {FORWARDING}"""
        )
        addresses = "\n".join(f"ip addr add {a}/24 dev inside" for a in site.servers.values())
        servers.run(
            f"""ip link set lo up; ip link set inside up
            {addresses}
            ip route add default via {site.host(100, 1)}"""
        )

    def on(self, host: str) -> list[str]:
        return self._hosts[host].prefix

    def close(self) -> None:
        self._stack.close()


def _why_not_ipvs() -> str | None:
    if os.geteuid() != 0:
        return "the kernel's IPVS needs root"
    from kaltwisted.lvs.ipvs import why_not

    return why_not() or namespaces.why_not()


def open_network(plane: str = "auto") -> Network:
    """The best network this machine allows, or the one asked for."""
    why = None if plane == "userspace" else _why_not_ipvs()
    if plane != "userspace" and why is None:
        try:
            return Namespaces()
        except OSError as error:
            why = f"no network namespaces for IPVS: {error}"
    if plane == "ipvs":
        raise SystemExit(why)
    return Loopback(why or "as asked")
