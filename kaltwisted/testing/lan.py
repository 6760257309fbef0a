"""A simulated LAN for tests: the world of ``kaltwisted.simulation``, asked in few words.

::

    lan = Lan(seed=7)
    one = lan.host("one", configuration_of_one, {"eth0": "192.168.200.5"})
    two = lan.host("two", configuration_of_two, {"eth0": "192.168.200.6"})
    one.start(); two.start()
    lan.run(10 * SECOND_US)
    one.power_off()
    lan.run(10 * SECOND_US)
    assert lan.holders("192.168.200.10") == ["two"]

Interfaces of one name are on one wire unless ``Lan.host`` is told otherwise.  What follows at once from
what is done to a host has happened when the call returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from ipaddress import ip_address, ip_interface
from typing import Final

from twisted.internet.defer import Deferred

from kaltwisted.config.model import SECOND_US, Address, Configuration
from kaltwisted.ports import ELECTION_OF_GROUP, ELECTION_OF_INSTANCE, Election, Fact, Ipv6Message
from kaltwisted.simulation.director import EPOCH_S, Director
from kaltwisted.simulation.history import Holding, Logged, Turned
from kaltwisted.simulation.lan import Lan as Wire
from kaltwisted.simulation.lan import Port
from kaltwisted.simulation.topology import USUAL_PREFIX, Plug
from kaltwisted.simulation.world import World
from kaltwisted.vrrp.actions import State, Subject
from kaltwisted.vrrp.group import Router

EPOCH_US: Final = EPOCH_S * SECOND_US
"""The time of day when a ``Lan`` begins, in µs since 1970."""


class Host:
    """A machine with interfaces and one daemon, which may be running or not.

    What the kernel knows (``addresses``, links) outlives the daemon.
    """

    def __init__(self, lan: Lan, director: Director) -> None:
        self._lan = lan
        self._director = director
        self.name = director.name

    @property
    def router(self) -> Router | None:
        """The instances of the running daemon; None while there is none."""
        return None if self._director.vrrp is None else self._director.vrrp.router

    @property
    def addresses(self) -> frozenset[Address]:
        """The virtual addresses that are set."""
        return self._director.interfaces.virtual

    def state(self, instance: str) -> State:
        """The state of an instance; INIT while the daemon does not run."""
        return self._director.state(instance)

    def start(self) -> None:
        """Start the daemon; it learns of links, addresses and scripts as a real one would."""
        self._lan.do(self._director.start)

    def stop(self) -> None:
        """Stop the daemon in good order (SIGTERM)."""
        self._lan.do(self._director.stop)

    def crash(self) -> None:
        """Kill the daemon (SIGKILL): its addresses stay, and nobody speaks for them."""
        self._lan.do(self._director.crash)

    def power_off(self) -> None:
        """The machine goes: daemon and addresses."""
        self._lan.do(self._director.power_off)

    def link(self, interface: str, up: bool) -> None:
        """The cable of an interface is pulled or put back."""
        self._lan.do(lambda: self._director.link(interface, up))

    def script(self, name: str, good: bool) -> None:
        """A tracked script ends so from its next run on."""
        self._director.script(name, good)

    def set_clock(self, error_us: int) -> None:
        """Set the time of day: right, but for ``error_us``."""
        self._director.clock_error_us = error_us

    def reload(self, configuration: Configuration) -> None:
        """Reload the daemon with another configuration (SIGHUP); virtual routers that stay go on."""
        self._director.configuration = configuration
        vrrp = self._director.vrrp
        if vrrp is not None:
            self._lan.do(lambda: Deferred.fromCoroutine(vrrp.reconfigure(configuration)))

    def steer(self, subject: Subject, name: str, election: Election | None) -> None:
        """An operator steers an instance or a group."""
        kind = ELECTION_OF_GROUP if subject is Subject.GROUP else ELECTION_OF_INSTANCE
        vrrp = self._director.vrrp
        if vrrp is not None:
            self._lan.do(lambda: vrrp.learn(Fact(kind, name, election)))

    def delete_address(self, address: str | Address) -> None:
        """Somebody removes a virtual address by hand."""
        self._lan.do(lambda: self._director.delete_address(ip_address(address)))


class Lan:
    """Wires, hosts and the time, in µs from 0."""

    def __init__(self, seed: int = 0) -> None:
        self.hosts: dict[str, Host] = {}
        self._world = World(seed)

    def wire(self, name: str) -> Wire:
        """The wire of this name, made when first asked for."""
        return self._world.air.lan(name)

    @property
    def wires(self) -> Mapping[str, Wire]:
        """All of them."""
        return self._world.air.lans

    def host(
        self,
        name: str,
        configuration: Configuration,
        addresses: Mapping[str, str | tuple[str, ...] | None],
        wires: Mapping[str, str] | None = None,
    ) -> Host:
        """Add a machine that does not run its daemon yet.

        ``addresses``: its interfaces with the primary address of each, or several;
        ``wires``: the wire of an interface where it is not that of its name.
        """
        plugs = {
            interface: Plug(
                (wires or {}).get(interface, interface),
                tuple(
                    ip_interface(f"{each}/{USUAL_PREFIX[ip_address(each).version]}")
                    for each in ((told,) if isinstance(told, str) else told or ())
                ),
            )
            for interface, told in addresses.items()
        }
        host = self.hosts[name] = Host(self, self._world.add(name, configuration, plugs))
        return host

    # -- time ----------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """The time."""
        return self._world.now

    def run(self, duration_us: int) -> None:
        """Let this much time pass."""
        with self._world.running():
            self._world.run(duration_us / SECOND_US)

    def do(self, call: Callable[[], object]) -> None:
        """Do something to the world, and all that follows from it at once."""
        with self._world.running():
            call()
            self._world.run(0)

    # -- somebody who listens, and sends it all again --------------------------------------

    def record(self) -> list[bytes | Ipv6Message]:
        """Everything that anybody sends from now on."""
        recorded: list[bytes | Ipv6Message] = []
        carry = self._world.air.carry

        def listen(sender: Port, lan: Wire, message: bytes | Ipv6Message, destination: Address) -> None:
            recorded.append(message)
            carry(sender, lan, message, destination)

        self._world.air.carry = listen  # type: ignore[method-assign]
        return recorded

    def replay(self, wire: str, message: bytes | Ipv6Message) -> None:
        """Everybody on a wire gets this at once."""
        for port in tuple(self.wire(wire).ports):
            self.do(partial(port.receive, message))

    # -- questions -----------------------------------------------------------------------

    @property
    def log(self) -> Iterable[Logged]:
        """The newest log lines."""
        return self._world.history.log

    @property
    def notifications(self) -> list[Turned]:
        """What scripts and mails would have been told of."""
        return [each for each in self._world.history.happenings if isinstance(each, Turned)]

    @property
    def holdings(self) -> list[Holding]:
        """Who could be reached by which address when, in the order in which it began."""
        return self._world.history.holdings

    def holders(self, address: str | Address) -> list[str]:
        """The hosts that have an address now: one, if all is well."""
        return [name for name, host in self.hosts.items() if ip_address(address) in host.addresses]

    def unheld_us(self, address: str | Address, since: int, until: int) -> int:
        """How long, between two times, no host had the address."""
        spans = self._world.history.spans(ip_address(address), since, until)
        return sum(span.length for span in spans if not span.directors)

    def lines(self, host: str) -> list[str]:
        """A host's log so far."""
        return [entry.line for entry in self.log if entry.director == host]
