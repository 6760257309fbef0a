"""Where the failover takes place: two directors between their clients and servers, each a host of its own.

```
 clients (this process) --- bridge outside --- eth0 director1 eth1 --- bridge inside --- servers
                                          \\--- eth0 director2 eth1 ---/
```
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from contextlib import ExitStack, closing
from typing import Any

from demo import case_study, namespaces
from demo.case_study import SERVERS, director_address
from demo.namespaces import Home, Host
from demo.network import FORWARDING
from demo.processes import shell

# An address of its own: a bridge without takes that of a port, and another one when the port goes.
_BRIDGE = """ip link set lo up
ip link add {name} address 02:00:00:00:00:01 type bridge forward_delay 0
ip link set {name} type bridge mcast_snooping 0
ip link set {name} up
{addresses}"""
# The servers answer through the director that the request came from; only with NAT does it matter.
_GATEWAYS = f"""ip route add default via {case_study.WEB_GATEWAY}
ip route add default via {case_study.SECURED_GATEWAY} table 2
ip rule add ipproto tcp sport 443 table 2"""


class Pair:
    """The hosts; this process is the clients'.  ``plane``: the data plane that the directors can have."""

    def __init__(self, plane: str = "auto") -> None:
        with ExitStack() as stack:
            self._home = stack.enter_context(closing(Home()))
            self._servers = stack.enter_context(closing(Host()))
            stack.callback(self._power_off_all)
            self._directors: dict[int, Host] = {}
            self.plane, self.why = _choose(plane)
            addresses = [case_study.MAIL_SERVER, *case_study.CLIENTS]
            self._home.run(_bridge("outside", addresses))
            self._servers.run(_bridge("inside", SERVERS.values()))
            if self.plane == "ipvs":
                self._servers.run(_GATEWAYS)
            self._stack = stack.pop_all()

    @property
    def servers(self) -> list[str]:
        """What to put in front of a command so that it runs on the servers' host."""
        return self._servers.prefix

    @property
    def running(self) -> list[int]:
        """The directors that have power."""
        return list(self._directors)

    def director(self, number: int) -> list[str]:
        """What to put in front of a command so that it runs on a director."""
        return self._directors[number].prefix

    async def power_on(self, reactor: Any, number: int) -> None:
        """A director as it is after booting: with its own addresses, and on both networks."""
        host = self._directors[number] = Host()
        for interface, subnet, switch, bridge in self._cables():
            await shell(
                reactor,
                switch,
                f"""ip link add {interface}-{number} type veth peer name {interface} netns {host.pid}
                ip link set {interface}-{number} master {bridge} up""",
            )
            address = director_address(number, subnet)
            await shell(
                reactor,
                host.prefix,
                f"""ip link set lo up; ip link set {interface} up
                ip addr add {address}/24 dev {interface}""",
            )
        if self.plane == "ipvs":
            await shell(reactor, host.prefix, FORWARDING)

    async def power_off(self, reactor: Any, number: int) -> None:
        """Nothing of it is on the networks from now on, and the kernel forgets all it had."""
        for interface, _, switch, _ in self._cables():
            await shell(reactor, switch, f"ip link del {interface}-{number}")
        self._directors.pop(number).close()

    def _cables(self) -> list[tuple[str, int, list[str], str]]:
        """A director's interfaces, each with its network, and the host and name of the bridge it is at."""
        return [("eth0", 200, [], "outside"), ("eth1", 100, self._servers.prefix, "inside")]

    def holds(self, number: int) -> frozenset[str]:
        """The addresses that a director has."""
        shown = subprocess.run(
            [*self.director(number), "ip", "-o", "-4", "addr", "show", "scope", "global"],
            capture_output=True,
            text=True,
            check=True,
        )
        return frozenset(line.split()[3].partition("/")[0] for line in shown.stdout.splitlines())

    def close(self) -> None:
        """Take everything down."""
        self._stack.close()

    def _power_off_all(self) -> None:
        while self._directors:
            self._directors.popitem()[1].close()


def open_pair(plane: str) -> Pair | str:
    """The pair, or in a line why there cannot be one here.

    While this process has one thread only: as an ordinary user it becomes root of a user namespace.
    """
    why = namespaces.why_not()
    if why is not None:
        return why
    try:
        namespaces.become_root()
        return Pair(plane)
    except OSError as error:
        return str(error)


def _bridge(name: str, addresses: Iterable[str]) -> str:
    lines = "\n".join(f"ip addr add {address}/24 dev {name}" for address in addresses)
    return _BRIDGE.format(name=name, addresses=lines)


def _choose(plane: str) -> tuple[str, str]:
    """The data plane, and why."""
    if plane == "userspace":
        return "userspace", "as asked"
    from kaltwisted.lvs.ipvs import why_not

    why = why_not()
    return ("ipvs", "this kernel has it") if why is None else ("userspace", why)
