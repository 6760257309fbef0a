"""A simulated LAN in simulated time: rehearse a failover with the real state machines, and nothing else.

::

    lan = Lan(seed=7)
    one = lan.host("one", configuration_of_one, {"eth0": "192.168.200.5"})
    two = lan.host("two", configuration_of_two, {"eth0": "192.168.200.6"})
    one.start(); two.start()
    lan.run(10 * SECOND_US)
    one.crash()
    lan.run(10 * SECOND_US)
    assert lan.holders("192.168.200.10") == ["two"]

Interfaces of one name are on one wire unless ``Lan.host`` is told otherwise.
A wire loses, delays, doubles and cuts off packets as it is told.  Packets are
whole packets, bytes from encoder to decoder.  All chance comes from the seed,
so that a run can be repeated; every host has a monotonic clock of its own.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Final

import attrs

from kaltwisted.config.diff import vrrp_key
from kaltwisted.config.model import Address, Configuration, VirtualIpAddress, VrrpInstance
from kaltwisted.ports import Election, Ipv6Message
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp import packet
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.group import Router, Step

LOG_LINES: Final = 100_000
"""The newest log lines and notifications that a ``Lan`` keeps."""

EPOCH_US: Final = 1_800_000_000_000_000
"""The time of day when a ``Lan`` begins, in µs since 1970."""


@attrs.frozen
class Line:
    """A log line of a host, in simulated µs."""

    at: int
    host: str
    line: str


@attrs.frozen
class Notification:
    """A change of state that a host's scripts would have been told of."""

    at: int
    host: str
    notify: act.Notify


@attrs.define
class Holding:
    """That a host had an address, from ``since`` until ``until`` (None: still)."""

    address: Address
    host: str
    since: int
    until: int | None = None


@attrs.define
class Wire:
    """One LAN segment.  ``loss`` and ``duplication`` are shares, 0 to 1; the delay is drawn evenly.

    ``cut`` holds the pairs (from, to) of hosts between which nothing passes:
    one pair is a one-way fault.
    """

    name: str
    loss: float = 0.0
    duplication: float = 0.0
    least_delay_us: int = 50
    most_delay_us: int = 200
    cut: set[tuple[str, str]] = attrs.field(factory=set)
    neighbours: dict[Address, str] = attrs.field(factory=dict)
    """Whom the clients on this wire take for an address's holder: the last to announce it."""

    def part(self, *sides: set[str]) -> None:
        """A partition: hosts of different sides hear nothing of each other."""
        for one in sides:
            for other in sides:
                if one is not other:
                    self.cut |= {(a, b) for a in one for b in other}

    def heal(self) -> None:
        """The wire is perfect again."""
        self.cut.clear()
        self.loss = self.duplication = 0.0


@attrs.define
class _Port:
    wire: Wire
    addresses: tuple[Address, ...]
    up: bool = True

    def address(self, ip_version: int) -> Address | None:
        """What it sends from."""
        return next((each for each in self.addresses if each.version == ip_version), None)


class Host:
    """A machine with interfaces and one daemon, which may be running or not.

    What the kernel knows (``addresses``, links) outlives the daemon.
    """

    def __init__(
        self,
        lan: Lan,
        name: str,
        configuration: Configuration,
        ports: Mapping[str, _Port],
        clock_offset_us: int,
    ) -> None:
        self.lan = lan
        self.name = name
        self.configuration = configuration
        self.router: Router | None = None
        """The running daemon; None while there is none."""
        self.addresses: dict[Address, str] = {}
        """The virtual addresses that are set, and the interface of each."""
        self.scripts = {script.name: True for script in configuration.vrrp_scripts}
        self._ports = dict(ports)
        self._clock_offset_us = clock_offset_us
        self._time_of_day_error_us = 0
        self._life = 0
        self._receivers: dict[tuple[str, int, int], list[str]] = {}

    # -- the daemon ----------------------------------------------------------------------

    def start(self) -> None:
        """Start the daemon; it learns of links, addresses and scripts as a real one would."""
        if self.router is not None:
            return
        self._life += 1
        router = self.router = Router.from_configuration(self.configuration)
        self._address_receivers()
        self.set_clock(self._time_of_day_error_us)
        for name, instance in router.instances.items():
            self._introduce(name, instance.config)
        for interface, port in self._ports.items():
            self._broadcast(ev.LinkChanged(interface, port.up))
        for script, good in self.scripts.items():
            self._broadcast(ev.Turned(ev.FaultKind.SCRIPT, script, int(good)))
        self._broadcast(ev.Start())

    def _address_receivers(self) -> None:
        """Who gets what comes in."""
        assert self.router is not None
        self._receivers = {}
        for name, instance in self.router.instances.items():
            config = instance.config
            key = config.interface or "", config.ip_version, config.virtual_router_id
            self._receivers.setdefault(key, []).append(name)

    def _introduce(self, name: str, config: VrrpInstance) -> None:
        """An instance learns what it sends from."""
        port = self._ports.get(config.interface or "")
        self._handle(name, ev.SourceChanged(port.address(config.ip_version) if port is not None else None))

    def reload(self, configuration: Configuration) -> None:
        """Reload the daemon with another configuration (SIGHUP); virtual routers that stay go on."""
        self.configuration = configuration
        if self.router is None:
            return
        now = self.lan.now + self._clock_offset_us
        self._perform(self.router.advertise(now))
        wanted = {vrrp_key(each) for each in configuration.vrrp_instances}
        there = {vrrp_key(each.config): name for name, each in self.router.instances.items()}
        self._perform(self.router.remove([there[key] for key in there.keys() - wanted], now))
        known = {(ev.FaultKind.INTERFACE, name): int(port.up) for name, port in self._ports.items()}
        known |= {(ev.FaultKind.SCRIPT, name): int(good) for name, good in self.scripts.items()}
        self._perform(self.router.reconfigure(configuration, known, now))
        self._address_receivers()
        self.set_clock(self._time_of_day_error_us)
        for config in configuration.vrrp_instances:
            if vrrp_key(config) not in there:
                self._introduce(config.name, config)
                for (kind, thing), value in known.items():
                    event = ev.LinkChanged(thing, bool(value))
                    self._handle(
                        config.name,
                        event if kind is ev.FaultKind.INTERFACE else ev.Turned(kind, thing, value),
                    )
                self._handle(config.name, ev.Start())

    def set_clock(self, error_us: int) -> None:
        """Set the time of day: right, but for ``error_us``."""
        self._time_of_day_error_us = error_us
        self._broadcast(ev.TimeOfDay(EPOCH_US + error_us - self._clock_offset_us))

    def stop(self) -> None:
        """Stop the daemon in good order (SIGTERM)."""
        self._broadcast(ev.Stop())
        self.router = None

    def crash(self) -> None:
        """Kill the daemon (SIGKILL): its addresses stay, and nobody speaks for them."""
        self.router = None

    def power_off(self) -> None:
        """The machine goes: daemon and addresses."""
        self.router = None
        for address in list(self.addresses):
            self._drop(address)

    def state(self, instance: str) -> State:
        """The state of an instance; INIT while the daemon does not run."""
        return self.router.instances[instance].state if self.router is not None else State.INIT

    # -- what happens to the machine -----------------------------------------------------

    def link(self, interface: str, up: bool) -> None:
        """The cable of an interface is pulled or put back."""
        port = self._ports[interface]
        if port.up != up:
            port.up = up
            self._broadcast(ev.LinkChanged(interface, up))

    def script(self, name: str, good: bool) -> None:
        """A tracked script turns good or bad (``rise`` and ``fall`` are past)."""
        self.scripts[name] = good
        self._broadcast(ev.Turned(ev.FaultKind.SCRIPT, name, int(good)))

    def steer(self, subject: act.Subject, name: str, election: Election | None) -> None:
        """An operator steers an instance or a group."""
        if self.router is not None:
            now = self.lan.now + self._clock_offset_us
            self._perform(self.router.steer(subject, name, election, now))

    def delete_address(self, address: str | Address) -> None:
        """Somebody removes a virtual address by hand."""
        address = ip_address(address)
        if address not in self.addresses:
            return
        self._drop(address)
        if self.router is not None:
            for name in self.router.instances:
                self._handle(name, ev.AddressLost(address))

    # -- between the daemon and the wire -------------------------------------------------

    def receive(self, interface: str, advert: act.SendAdvert) -> None:
        """A packet arrives at an interface."""
        if self.router is None or not self._ports[interface].up:
            return
        event: ev.Event
        if advert.source.version == 4:
            vrid = packet.vrid_of(advert.packet)
            event = ev.PacketReceived(advert.packet)
        else:
            message = Ipv6Message(
                advert.packet, advert.source.packed, advert.destination.packed, advert.hop_limit
            )
            vrid = packet.vrid_of(message)
            event = ev.MessageReceived(message)
        for name in self._receivers.get((interface, advert.source.version, vrid), ()):
            self._handle(name, event)

    def hears(self, interface: str, destination: Address) -> bool:
        """Whether a packet to ``destination`` is for this interface."""
        return destination.is_multicast or destination in self._ports[interface].addresses

    def interfaces_on(self, wire: Wire) -> list[str]:
        """The interfaces of this host that are plugged into a wire."""
        return [name for name, port in self._ports.items() if port.wire is wire]

    def _handle(self, name: str, event: ev.Event) -> None:
        if self.router is not None:
            self._perform(self.router.handle(name, event, self.lan.now + self._clock_offset_us))

    def _broadcast(self, event: ev.Event) -> None:
        if self.router is not None:
            self._perform(self.router.broadcast(event, self.lan.now + self._clock_offset_us))

    def _perform(self, steps: list[Step]) -> None:
        assert self.router is not None
        now = self.lan.now
        for name, action in steps:
            interface = self.router.instances[name].config.interface or ""
            match action:
                case act.SendAdvert():
                    port = self._ports.get(interface)
                    if port is not None and port.up:
                        self.lan.transmit(self, port.wire, action)
                case act.ArmTimer(which, at, generation):
                    self._run_timer(name, which, at - self._clock_offset_us, generation)
                case act.AddAddresses(addresses):
                    for entry in addresses:
                        self._add(entry, interface)
                case act.RemoveAddresses(addresses):
                    for entry in addresses:
                        self._drop(entry.address)
                case act.ChangeAddresses(gone, added):
                    for entry in gone:
                        self._drop(entry.address)
                    for entry in added:
                        self._add(entry, interface)
                case act.Announce(addresses):
                    for entry in addresses:
                        port = self._ports.get(entry.dev or interface)
                        if port is not None and port.up:
                            port.wire.neighbours[entry.address] = self.name
                case act.Log(line):
                    self.lan.log.append(Line(now, self.name, line))
                case act.Notify():
                    self.lan.notifications.append(Notification(now, self.name, action))
                case (
                    act.CancelTimer()
                    | act.NotifyLowerPriority()
                    | act.NotifyPriority()
                    | act.Alarm()
                    | act.SetRouting()
                ):
                    pass  # a timer's late expiry is ignored by its generation

    def _run_timer(self, name: str, which: act.TimerName, at: int, generation: int) -> None:
        life = self._life
        expiry = ev.TimerExpired(which, generation)

        def expire() -> None:
            if life == self._life:
                self._handle(name, expiry)

        self.lan.at(at, expire)

    def _add(self, entry: VirtualIpAddress, interface: str) -> None:
        if entry.address not in self.addresses:
            self.addresses[entry.address] = entry.dev or interface
            self.lan.holdings.append(Holding(entry.address, self.name, self.lan.now))

    def _drop(self, address: Address) -> None:
        if self.addresses.pop(address, None) is not None:
            for holding in reversed(self.lan.holdings):
                if holding.address == address and holding.host == self.name:
                    holding.until = self.lan.now
                    break


class Lan:
    """Wires, hosts and the time, in µs from 0."""

    def __init__(self, seed: int = 0) -> None:
        self.now = 0
        self.chance = random.Random(seed)
        self.wires: dict[str, Wire] = {}
        self.hosts: dict[str, Host] = {}
        self.log: deque[Line] = deque(maxlen=LOG_LINES)
        self.notifications: deque[Notification] = deque(maxlen=LOG_LINES)
        self.holdings: list[Holding] = []
        """Who has had which address when, in the order in which it began."""
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0

    def wire(self, name: str) -> Wire:
        """The wire of this name, made when first asked for."""
        return self.wires.setdefault(name, Wire(name))

    def host(
        self,
        name: str,
        configuration: Configuration,
        addresses: Mapping[str, str | tuple[str, ...] | None],
        wires: Mapping[str, str] | None = None,
    ) -> Host:
        """Add a machine that does not run its daemon yet.

        ``addresses``: its interfaces with the primary address of each, or one of each family;
        ``wires``: the wire of an interface where it is not that of its name.
        """
        wires = wires or {}
        ports = {
            interface: _Port(
                self.wire(wires.get(interface, interface)),
                tuple(map(ip_address, (told,) if isinstance(told, str) else told or ())),
            )
            for interface, told in addresses.items()
        }
        host = Host(self, name, configuration, ports, self.chance.randrange(10**12))
        self.hosts[name] = host
        return host

    # -- time ----------------------------------------------------------------------------

    def at(self, when: int, call: Callable[[], None]) -> None:
        """Call something at a time; of one time, in the order asked for."""
        self._order += 1
        heapq.heappush(self._queue, (max(when, self.now), self._order, call))

    def run(self, duration_us: int) -> None:
        """Let this much time pass."""
        end = self.now + duration_us
        queue = self._queue
        while queue and queue[0][0] <= end:
            self.now, _, call = heapq.heappop(queue)
            call()
        self.now = end

    def transmit(self, sender: Host, wire: Wire, advert: act.SendAdvert) -> None:
        """Put a packet on a wire; each other host gets it, or not, by itself."""
        for host in self.hosts.values():
            if host is sender or (sender.name, host.name) in wire.cut:
                continue
            for interface in host.interfaces_on(wire):
                if not host.hears(interface, advert.destination):
                    continue
                copies = 1 + (self.chance.random() < wire.duplication)
                for _ in range(copies):
                    if self.chance.random() >= wire.loss:
                        self._deliver(wire, host, interface, advert)

    def _deliver(self, wire: Wire, host: Host, interface: str, advert: act.SendAdvert) -> None:
        delay = self.chance.randint(wire.least_delay_us, wire.most_delay_us)
        self.at(self.now + delay, lambda: host.receive(interface, advert))

    # -- questions -----------------------------------------------------------------------

    def holders(self, address: str | Address) -> list[str]:
        """The hosts that have an address now: one, if all is well."""
        address = ip_address(address)
        return [name for name, host in self.hosts.items() if address in host.addresses]

    def unheld_us(self, address: str | Address, since: int, until: int) -> int:
        """How long, between two times, no host had the address."""
        address = ip_address(address)
        covered, total = since, 0
        spans = [
            (holding.since, until if holding.until is None else holding.until)
            for holding in self.holdings
            if holding.address == address
        ]
        for start, end in sorted(spans):
            if start >= until:
                break
            total += max(0, start - covered)
            covered = max(covered, end)
        return total + max(0, until - covered)

    def lines(self, host: str) -> list[str]:
        """A host's log so far."""
        return [entry.line for entry in self.log if entry.host == host]
