"""From received packets to instances: by interface, family and VRID.

Keeps the interfaces open that VRRP runs on, also when one goes away and comes
back with another number.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TypeAlias

import attrs
from twisted.logger import Logger

from kaltwisted.config.model import Address, VrrpInstance
from kaltwisted.ports import IAdvertPort, Ipv6Message, IWire, Link, Listening, Received, WireError
from kaltwisted.vrrp.packet import vrid_of

_Place: TypeAlias = tuple[str, int]
"""An interface, and whether it is about IPv4 or IPv6 there."""


@attrs.frozen
class _Registered:
    receiver: Received
    group: Address | None


@attrs.define(eq=False)
class _Open:
    index: int
    listening: Listening
    port: IAdvertPort


class Dispatcher:
    """Every virtual router's packets to whom it is of; ``wire`` opens the interfaces."""

    _log = Logger()

    def __init__(self, wire: IWire) -> None:
        self._wire = wire
        self._registered: dict[_Place, dict[int, _Registered]] = {}
        self._open: dict[_Place, _Open] = {}
        # Where something does not work just now: each failure is told once.
        self._failing: set[_Place] = set()

    def register(self, config: VrrpInstance, receiver: Received) -> None:
        """Give ``receiver`` the packets of a virtual router, once its interface is open."""
        if config.interface is not None:
            group = None if config.unicast_peer or config.unicast_fault_no_peer else config.group
            there = self._registered.setdefault((config.interface, config.ip_version), {})
            there[config.virtual_router_id] = _Registered(receiver, group)

    @property
    def interfaces(self) -> frozenset[str]:
        """The interfaces that VRRP runs on."""
        return frozenset(interface for interface, _ in self._registered)

    def open(self, link: Link) -> None:
        """Listen on an interface, unless we do already.

        A host or an interface may be without IPv6: that is told, and IPv4 goes on.

        :raises WireError: it cannot be over IPv4.
        """
        for place in _places(link.name):
            registered = self._registered.get(place)
            there = self._open.get(place)
            if registered is None or (there is not None and there.index == link.index):
                continue
            self._close(place)
            try:
                self._open[place] = self._listen(link, place, registered)
            except WireError as error:
                if place[1] == 4:
                    raise
                self._tell(place, str(error))
            else:
                self._failing.discard(place)

    def refresh(self, link: Link) -> None:
        """Listen for what is registered now; adverts keep going out meanwhile."""
        for place in _places(link.name):
            there = self._open.get(place)
            registered = self._registered.get(place)
            if not registered:
                self._close(place)
            elif there is not None and there.index == link.index:
                if there.listening == _listening(place, registered):
                    continue
                try:
                    self._open[place] = self._listen(link, place, registered)
                except WireError as error:
                    self._tell(place, str(error))
                else:
                    there.port.close()
        self.try_open(link)

    def unregister(self, config: VrrpInstance) -> None:
        """Nobody wants its packets any more; ``refresh`` closes what is not needed then."""
        place = (config.interface or "", config.ip_version)
        registered = self._registered.get(place, {})
        registered.pop(config.virtual_router_id, None)
        if not registered:
            self._registered.pop(place, None)

    def try_open(self, link: Link) -> None:
        """Listen on an interface that came or came back; a failure is logged, its next change tries again."""
        try:
            self.open(link)
        except WireError as error:
            self._tell((link.name, 0), str(error))
        else:
            self._failing.discard((link.name, 0))

    def close(self, interface: str) -> None:
        """The interface is gone."""
        for place in _places(interface):
            self._close(place)

    def _close(self, place: _Place) -> None:
        there = self._open.pop(place, None)
        if there is not None:
            there.port.close()

    def close_all(self) -> None:
        """Listen no more."""
        for place in tuple(self._open):
            self._close(place)

    def send(
        self, interface: str, packet: bytes, source: Address, destination: Address, hop_limit: int
    ) -> None:
        """Send an advert at once; that it cannot be sent is told once, until it can again."""
        place = (interface, destination.version)
        there = self._open.get(place)
        if there is None:
            return
        why = there.port.send(packet, source, destination, hop_limit)
        if why is None:
            if self._failing:
                self._failing.discard(place)
        else:
            self._tell(place, f"Cannot send adverts on {interface} to {destination}: {why}")

    def _listen(self, link: Link, place: _Place, registered: dict[int, _Registered]) -> _Open:
        listening = _listening(place, registered)
        port = self._wire.open(link, listening, partial(self._received, place))
        return _Open(link.index, listening, port)

    def _tell(self, place: _Place, line: str) -> None:
        if place not in self._failing:
            self._failing.add(place)
            self._log.warn("{line}", line=line)

    def _received(self, place: _Place, packet: bytes | Ipv6Message, waited_us: int) -> None:
        there = self._registered.get(place, {}).get(vrid_of(packet))
        if there is not None:
            there.receiver(packet, waited_us)


def _places(interface: str) -> tuple[_Place, _Place]:
    return (interface, 4), (interface, 6)


def _listening(place: _Place, registered: Mapping[int, _Registered]) -> Listening:
    groups = (each.group for each in registered.values())
    return Listening(place[1], frozenset(registered), frozenset(each for each in groups if each is not None))
