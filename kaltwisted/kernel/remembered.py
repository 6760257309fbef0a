"""Addresses that a daemon has put, remembered across its sudden death.

A role that was killed leaves its virtual addresses behind, and its successor
may have another configuration: of an instance that is in it no more nobody
would ever remove them.  So a file names what stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.config.model import Address, VirtualIpAddress
from kaltwisted.kernel.boot_file import BootFile
from kaltwisted.ports import IAddresses, PlacedAddress, Refused

_Place = tuple[int, Address, int, Address | None]
"""What the kernel tells addresses apart by: interface, address, prefix and peer."""
_Options = dict[str, Any]
"""What else the kernel knows of one, by VirtualIpAddress's fields, but for what is not set."""
# Where it goes the index tells, and who looks after it is no matter of the kernel's.
_OTHERS = frozenset(("address", "prefix", "peer", "dev", "base", "use_vmac", "no_track", "track_group"))
_NAMES = tuple(each.name for each in attrs.fields(VirtualIpAddress) if each.name not in _OTHERS)


@implementer(IAddresses)
class RememberedAddresses:
    """Passes all on, and keeps a file of what may stand, written before an address is put."""

    _log = Logger()

    def __init__(self, addresses: IAddresses, path: Path) -> None:
        self._addresses = addresses
        self._file = BootFile(path)
        self._known = self._read()
        # What is being removed, a set a removal; what is put again meanwhile is in none any more.
        self._going: list[set[_Place]] = []

    def remove_leftovers(self, configured: Iterable[VirtualIpAddress]) -> Deferred[tuple[Refused, ...]]:
        """Take away what an earlier life left, but for these: whoever begins with them deals with them.

        One that was put with other options than it has now goes too: it would stay as it was.
        """
        kept = {_place(PlacedAddress(0, vip))[1:]: _options(vip) for vip in configured}
        left = [
            _placed(place, options)
            for place, options in self._known.items()
            if kept.get(place[1:]) != options
        ]
        for placed in left:
            self._log.info("Removing {address}, left by an earlier life", address=placed.address.address)
        return self.remove(left)

    # -- IAddresses ---------------------------------------------------------------------

    def add(
        self,
        addresses: Sequence[PlacedAddress],
        placed: Callable[[Sequence[PlacedAddress]], object] | None = None,
    ) -> Deferred[tuple[Refused, ...]]:
        """Remember them, and put them there."""
        places = {_place(each): _options(each.address) for each in addresses}
        for going in self._going:
            going.difference_update(places)
        self._remember({**self._known, **places})
        return self._addresses.add(addresses, placed)

    def remove(self, addresses: Sequence[PlacedAddress]) -> Deferred[tuple[Refused, ...]]:
        """Take them away, and forget those that are gone."""

        going = {_place(each) for each in addresses}
        self._going.append(going)

        def gone(refused: tuple[Refused, ...]) -> tuple[Refused, ...]:
            self._going = [each for each in self._going if each is not going]
            forgotten = going.difference(_place(each.placed) for each in refused)
            self._remember({place: each for place, each in self._known.items() if place not in forgotten})
            return refused

        removed: Deferred[tuple[Refused, ...]] = self._addresses.remove(addresses)
        return removed.addCallback(gone)

    def stop(self) -> None:
        """Ask the kernel for no more."""
        self._addresses.stop()

    # -- the file -----------------------------------------------------------------------

    def _remember(self, known: dict[_Place, _Options]) -> None:
        if known == self._known:
            return
        self._known = known
        self._file.keep({"addresses": [_entry(place, options) for place, options in known.items()]})

    def _read(self) -> dict[_Place, _Options]:
        found = {}
        try:
            for index, address, prefix, *more in self._file.read().get("addresses", ()):
                options = dict(*more)
                peer = options.pop("peer", None)
                place = (
                    int(index),
                    ip_address(address),
                    int(prefix),
                    None if peer is None else ip_address(peer),
                )
                found[place] = options
                _placed(place, options)
        except (ValueError, TypeError) as error:
            self._file.is_of_no_use(error)
            return {}
        return found


def _place(placed: PlacedAddress) -> _Place:
    vip = placed.address
    return placed.index, vip.address, vip.prefix, vip.peer


def _options(vip: VirtualIpAddress) -> _Options:
    """Those that are set."""
    return {
        name: value for name in _NAMES if (value := getattr(vip, name)) is not None and value is not False
    }


def _placed(place: _Place, options: _Options) -> PlacedAddress:
    index, address, prefix, peer = place
    return PlacedAddress(index, VirtualIpAddress(address, prefix, peer=peer, **options))


def _entry(place: _Place, options: _Options) -> list[object]:
    """``[interface, address, prefix]``, and options where there are any."""
    index, address, prefix, peer = place
    more = options if peer is None else {**options, "peer": str(peer)}
    return [index, str(address), prefix, *([more] if more else [])]
