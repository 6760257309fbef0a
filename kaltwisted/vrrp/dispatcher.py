"""From received packets to instances: by interface, family and VRID.

Keeps the interfaces open that VRRP runs on, also when one goes away and comes
back with another number.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import Final, TypeAlias, TypeVar

import attrs
from twisted.logger import Logger

from kaltwisted.config.diff import vrrp_key
from kaltwisted.config.model import Address, RxBufs, VrrpInstance
from kaltwisted.ports import IAdvertPort, Ipv6Message, IWire, Link, Listening, Received, WireError
from kaltwisted.vrrp.packet import vrid_of
from kaltwisted.vrrp.receive_buffer import receive_buffer
from kaltwisted.vrrp.strangers import VRIDS, Strangers
from kaltwisted.vrrp.vmac import receiving_interface, sending_interface, vmac_interface

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Place: TypeAlias = tuple[str, int]
"""An interface, and whether it is about IPv4 or IPv6 there."""


_UNSAID: Final = RxBufs()


@attrs.frozen
class _Wanted:
    """What one virtual router wants of a place; ``vrid`` None: to send there only."""

    vrid: int | None
    group: Address | None
    silent: bool


@attrs.define(eq=False)
class _Open:
    index: int
    listening: Listening
    port: IAdvertPort


class Dispatcher:
    """Every virtual router's packets to whom it is of; ``wire`` opens the interfaces.

    :param strangers: hears of adverts that are for nobody here; None: the kernel drops them.
    :param rx_bufs: how much of what waits the kernel keeps.
        Another one of these counts from the next ``refresh`` on.
    """

    _log = Logger()

    def __init__(self, wire: IWire, strangers: Strangers | None = None, rx_bufs: RxBufs = _UNSAID) -> None:
        self._wire = wire
        self.strangers = strangers
        self.rx_bufs = rx_bufs
        self._configs: dict[Hashable, VrrpInstance] = {}
        self._wanted: dict[_Place, dict[Hashable, _Wanted]] = {}
        self._receivers: dict[_Place, dict[int, Received]] = {}
        self._open: dict[_Place, _Open] = {}
        # Where something does not work just now: each failure is told once.
        self._failing: set[_Place] = set()

    def register(self, config: VrrpInstance, receiver: Received) -> None:
        """Give ``receiver`` the packets of a virtual router, once its interfaces are open.

        One with a virtual MAC may hear on one interface and send on another,
        which is opened too; on that MAC it must be heard from as master only.
        """
        self.unregister(config)
        hearing = receiving_interface(config)
        if hearing is None:
            return
        key = vrrp_key(config)
        self._configs[key] = config
        group = None if config.unicast_peer or config.unicast_fault_no_peer else config.group
        for place in _places_of(config):
            vrid = config.virtual_router_id if place[0] == hearing else None
            silent = place[0] == vmac_interface(config)
            self._wanted.setdefault(place, {})[key] = _Wanted(vrid, group, silent)
        place = (hearing, config.ip_version)
        self._receivers.setdefault(place, {})[config.virtual_router_id] = receiver

    def open(self, link: Link) -> None:
        """Listen on an interface, unless we do already.

        A host or an interface may be without IPv6: that is told, and IPv4 goes on.

        :raises WireError: it cannot be over IPv4.
        """
        for place in _places(link.name):
            wanted = self._listening(place, link)
            there = self._open.get(place)
            if wanted is None or (there is not None and there.index == link.index):
                continue
            self._close(place)
            try:
                self._open[place] = self._listen(link, place, wanted)
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
            wanted = self._listening(place, link)
            if wanted is None:
                self._close(place)
            elif there is not None and there.index == link.index:
                if there.listening == wanted:
                    continue
                try:
                    self._open[place] = self._listen(link, place, wanted)
                except WireError as error:
                    self._tell(place, str(error))
                else:
                    there.port.close()
        self.try_open(link)

    def unregister(self, config: VrrpInstance) -> None:
        """Nobody wants its packets any more; ``refresh`` closes what is not needed then."""
        key = vrrp_key(config)
        before = self._configs.pop(key, None)
        if before is None:
            return
        for place in _places_of(before):
            _drop(self._wanted, place, key)
            _drop(self._receivers, place, before.virtual_router_id)

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

    def _listening(self, place: _Place, link: Link) -> Listening | None:
        """What is wanted there, None: nothing."""
        wanted = self._wanted.get(place)
        if not wanted:
            return None
        vrids = frozenset(each.vrid for each in wanted.values() if each.vrid is not None)
        return Listening(
            place[1],
            VRIDS if vrids and self.strangers is not None else vrids,
            frozenset(each.group for each in wanted.values() if each.group is not None),
            silent=any(each.silent for each in wanted.values()),
            receive_buffer=sum(
                receive_buffer(self._configs[key], self.rx_bufs, link.mtu)
                for key, each in wanted.items()
                if each.vrid is not None
            ),
        )

    def _listen(self, link: Link, place: _Place, listening: Listening) -> _Open:
        port = self._wire.open(link, listening, partial(self._received, place))
        return _Open(link.index, listening, port)

    def _tell(self, place: _Place, line: str) -> None:
        if place not in self._failing:
            self._failing.add(place)
            self._log.warn("{line}", line=line)

    def _received(self, place: _Place, packet: bytes | Ipv6Message, waited_us: int) -> None:
        vrid = vrid_of(packet)
        receiver = self._receivers.get(place, {}).get(vrid)
        if receiver is not None:
            receiver(packet, waited_us)
        elif self.strangers is not None and vrid in VRIDS:
            self.strangers.heard(place[0], vrid)


def _places(interface: str) -> tuple[_Place, _Place]:
    return (interface, 4), (interface, 6)


def _drop(tables: dict[_Place, dict[_Key, _Value]], place: _Place, key: _Key) -> None:
    table = tables.get(place, {})
    table.pop(key, None)
    if not table:
        tables.pop(place, None)


def _places_of(config: VrrpInstance) -> frozenset[_Place]:
    """Where it sends and hears, and the interface below those."""
    interfaces = (receiving_interface(config), sending_interface(config), config.interface)
    return frozenset((each, config.ip_version) for each in interfaces if each is not None)
