"""From received packets to instances: by interface and VRID.

Keeps the interfaces open that VRRP runs on, also when one goes away and comes
back with another number.
"""

from __future__ import annotations

from functools import partial

import attrs
from twisted.logger import Logger

from kaltwisted.config.model import Address
from kaltwisted.ports import IAdvertPort, IWire, Link, Received, WireError
from kaltwisted.vrrp.packet import vrid_of


@attrs.define(eq=False)
class _Open:
    index: int
    vrids: frozenset[int]
    port: IAdvertPort


class Dispatcher:
    """Every virtual router's packets to whom it is of; ``wire`` opens the interfaces."""

    _log = Logger()

    def __init__(self, wire: IWire) -> None:
        self._wire = wire
        self._receivers: dict[str, dict[int, Received]] = {}
        # Interfaces below those of virtual MACs, and those themselves.
        self._senders: set[str] = set()
        self._silent: set[str] = set()
        self._open: dict[str, _Open] = {}
        # Interfaces that do not work just now: each failure is told once.
        self._failing: set[str] = set()

    def register(self, interface: str, vrid: int, receiver: Received, *, silent: bool = False) -> None:
        """Give ``receiver`` the packets for ``vrid`` on ``interface``, once that is open.

        ``silent``: it has a virtual MAC, which must be heard from as master only.
        """
        if silent:
            self._silent.add(interface)
        self._receivers.setdefault(interface, {})[vrid] = receiver

    def register_sender(self, interface: str) -> None:
        """Open ``interface`` when it is there: to send on, and for switches to know who listens."""
        self._senders.add(interface)

    @property
    def interfaces(self) -> frozenset[str]:
        """The interfaces that VRRP runs on."""
        return frozenset(self._receivers)

    def open(self, link: Link) -> None:
        """Listen on an interface, unless we do already.

        :raises WireError: it cannot be.
        """
        receivers = self._receivers.get(link.name, {})
        if not receivers and link.name not in self._senders:
            return
        there = self._open.get(link.name)
        if there is not None:
            if there.index == link.index:
                return
            self.close(link.name)
        self._open[link.name] = self._listen(link, receivers)

    def refresh(self, link: Link) -> None:
        """Listen for what is registered now; adverts keep going out meanwhile."""
        there = self._open.get(link.name)
        receivers = self._receivers.get(link.name, {})
        if there is None or there.index != link.index:
            self.try_open(link)
        elif not receivers and link.name not in self._senders:
            self.close(link.name)
        elif there.vrids != frozenset(receivers):
            try:
                self._open[link.name] = self._listen(link, receivers)
            except WireError as error:
                self._tell(link.name, str(error))
            else:
                there.port.close()

    def unregister(self, interface: str, vrid: int) -> None:
        """Nobody wants these packets any more; ``refresh`` closes what is not needed then."""
        receivers = self._receivers.get(interface, {})
        receivers.pop(vrid, None)
        if not receivers:
            self._receivers.pop(interface, None)

    def try_open(self, link: Link) -> None:
        """Listen on an interface that came or came back; a failure is logged, its next change tries again."""
        try:
            self.open(link)
        except WireError as error:
            self._tell(link.name, str(error))
        else:
            self._failing.discard(link.name)

    def close(self, interface: str) -> None:
        """The interface is gone."""
        there = self._open.pop(interface, None)
        if there is not None:
            there.port.close()

    def close_all(self) -> None:
        """Listen no more."""
        for interface in tuple(self._open):
            self.close(interface)

    def send(self, interface: str, packet: bytes, destination: Address) -> None:
        """Send an advert at once; that it cannot be sent is told once, until it can again."""
        there = self._open.get(interface)
        if there is None:
            return
        why = there.port.send(packet, destination)
        if why is None:
            if self._failing:
                self._failing.discard(interface)
        else:
            self._tell(interface, f"Cannot send adverts on {interface} to {destination}: {why}")

    def _listen(self, link: Link, receivers: dict[int, Received]) -> _Open:
        vrids = frozenset(receivers)
        received = partial(self._received, receivers)
        port = self._wire.open(link, vrids, received, silent=link.name in self._silent)
        return _Open(link.index, vrids, port)

    def _tell(self, interface: str, line: str) -> None:
        if interface not in self._failing:
            self._failing.add(interface)
            self._log.warn("{line}", line=line)

    def _received(self, receivers: dict[int, Received], packet: bytes, waited_us: int) -> None:
        receiver = receivers.get(vrid_of(packet))
        if receiver is not None:
            receiver(packet, waited_us)
