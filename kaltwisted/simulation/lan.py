"""Simulated LANs: adverts from port to port, lost, late or cut off as a scenario says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from ipaddress import IPv4Address

import attrs
from zope.interface import implementer

from kaltwisted.config.model import Address
from kaltwisted.ports import IAdvertPort, IAnnouncer, Ipv6Message, IWire, Link, Listening, Received
from kaltwisted.simulation.clock import LifeClock, WorldClock
from kaltwisted.simulation.machine import Interfaces
from kaltwisted.vrrp.packet import vrid_of

DOWN = "Network is down"


@attrs.define(eq=False)
class Lan:
    """One segment.  ``loss`` and ``duplication`` are shares, 0 to 1; the delay is drawn evenly.

    ``cut`` holds the pairs (from, to) of directors between which nothing passes: one pair is a
    one-way fault.
    """

    name: str
    loss: float = 0.0
    duplication: float = 0.0
    least_delay_us: int = 50
    most_delay_us: int = 200
    cut: set[tuple[str, str]] = attrs.field(factory=set)
    ports: list[Port] = attrs.field(factory=list)
    neighbours: dict[Address, str] = attrs.field(factory=dict)
    """Whom the clients on this LAN take for an address's holder: the last to announce it."""

    def part(self, *sides: set[str]) -> None:
        """A partition: directors of different sides hear nothing of each other."""
        for one in sides:
            for other in sides:
                if one is not other:
                    self.cut |= {(a, b) for a in one for b in other}

    def heal(self) -> None:
        """All is well again."""
        self.cut.clear()
        self.loss = self.duplication = 0.0


@implementer(IAdvertPort)
class Port:
    """One interface of a director as VRRP has opened it."""

    def __init__(self, wire: Wire, lan: Lan, link: Link, listening: Listening, received: Received) -> None:
        self.wire = wire
        self.listening = listening
        self.name = link.name
        self._lan = lan
        self._received = received
        lan.ports.append(self)

    def send(self, packet: bytes, source: Address, destination: Address, hop_limit: int) -> str | None:
        """Put it on the LAN; says so where the interface is down."""
        if not self.wire.interfaces.works(self.name):
            return DOWN
        message: bytes | Ipv6Message = packet
        if not isinstance(destination, IPv4Address):
            message = Ipv6Message(packet, source.packed, destination.packed, hop_limit)
        self.wire.air.carry(self, self._lan, message, destination)
        return None

    def close(self) -> None:
        """Neither send nor receive any more."""
        if self in self._lan.ports:
            self._lan.ports.remove(self)

    def hears(self, destination: Address, vrid: int) -> bool:
        """Whether a packet on its LAN is for this port."""
        listening = self.listening
        if destination.version != listening.ip_version or vrid not in listening.vrids:
            return False
        if destination.is_multicast:
            return destination in listening.groups
        return self.wire.interfaces.has(self.name, destination)

    def receive(self, message: bytes | Ipv6Message) -> None:
        """A packet arrives."""
        if self.wire.interfaces.works(self.name):
            self.wire.life.do(self._received, message, 0)


@implementer(IWire)
class Wire:
    """The LANs as one life of a daemon has opened them."""

    def __init__(self, director: str, life: LifeClock, interfaces: Interfaces, air: Air) -> None:
        self.director = director
        self.life = life
        self.interfaces = interfaces
        self.air = air

    def open(self, link: Link, listening: Listening, received: Received) -> IAdvertPort:
        """Listen on an interface; that can always be."""
        return Port(self, self.air.lans[self.interfaces.lan(link.name)], link, listening, received)


class Air:
    """All LANs.  All chance comes from the seed, so that a run can be repeated."""

    def __init__(self, clock: WorldClock, seed: int = 0) -> None:
        self.lans: dict[str, Lan] = {}
        self._clock = clock
        self._chance = random.Random(seed)

    def lan(self, name: str) -> Lan:
        """The LAN of this name, made when first asked for."""
        return self.lans.setdefault(name, Lan(name))

    def forget(self, life: LifeClock) -> None:
        """A life is over: its ports are gone."""
        for lan in self.lans.values():
            lan.ports = [port for port in lan.ports if port.wire.life is not life]

    def carry(self, sender: Port, lan: Lan, message: bytes | Ipv6Message, destination: Address) -> None:
        """Bring a packet to all whom it is for.  Unicast finds its way to other LANs, too, as if routed."""
        vrid = vrid_of(message)
        receivers = [port for port in lan.ports if port.hears(destination, vrid)]
        if not receivers and not destination.is_multicast:
            receivers = [
                port for other in self.lans.values() for port in other.ports if port.hears(destination, vrid)
            ]
        chance = self._chance
        for port in receivers:
            if port.wire.director == sender.wire.director:
                continue
            if (sender.wire.director, port.wire.director) in lan.cut:
                continue
            copies = 2 if lan.duplication and chance.random() < lan.duplication else 1
            for _ in range(copies):
                if not lan.loss or chance.random() >= lan.loss:
                    delay_us = chance.randint(lan.least_delay_us, lan.most_delay_us)
                    self._clock.at(self._clock.now + delay_us / 1e6, port.receive, message)


@implementer(IAnnouncer)
class Announcer:
    """Tells the clients on a LAN at once who has an address."""

    def __init__(self, director: str, interfaces: Interfaces, air: Air) -> None:
        self._director = director
        self._interfaces = interfaces
        self._air = air

    def announce(self, owner: str, addresses: Sequence[tuple[str, Address]], repeat: int) -> None:
        """One round."""
        for interface, address in addresses:
            if self._interfaces.works(interface):
                lan = self._air.lans[self._interfaces.lan(interface)]
                lan.neighbours[address] = self._director

    def cancel(self, owner: str) -> None:
        """Nothing waits."""

    def stop(self) -> None:
        """Nothing waits."""
