"""Addresses that a daemon has put, remembered across its sudden death.

A role that was killed leaves its virtual addresses behind, and its successor
may have another configuration: of an instance that is in it no more nobody
would ever remove them.  So a file names what stands.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from ipaddress import ip_address
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.config.model import Address, VirtualIpAddress
from kaltwisted.kernel.boot_file import BootFile
from kaltwisted.ports import IAddresses, PlacedAddress, Refused

_Place = tuple[int, str, int]


@implementer(IAddresses)
class RememberedAddresses:
    """Passes all on, and keeps a file of what may stand, written before an address is put."""

    _log = Logger()

    def __init__(self, addresses: IAddresses, path: Path) -> None:
        self._addresses = addresses
        self._file = BootFile(path)
        self._known = self._read()

    def remove_leftovers(self, configured: Container[Address]) -> Deferred[tuple[Refused, ...]]:
        """Take away what an earlier life left, but for these: whoever begins with them deals with them."""
        left = [
            PlacedAddress(index, VirtualIpAddress(ip_address(text), prefix))
            for index, text, prefix in sorted(self._known)
            if ip_address(text) not in configured
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
        self._remember(self._known | {_place(each) for each in addresses})
        return self._addresses.add(addresses, placed)

    def remove(self, addresses: Sequence[PlacedAddress]) -> Deferred[tuple[Refused, ...]]:
        """Take them away, and forget those that are gone."""

        def gone(refused: tuple[Refused, ...]) -> tuple[Refused, ...]:
            kept = {_place(each.placed) for each in refused}
            self._remember(self._known - ({_place(each) for each in addresses} - kept))
            return refused

        removed: Deferred[tuple[Refused, ...]] = self._addresses.remove(addresses)
        return removed.addCallback(gone) if addresses else removed

    def stop(self) -> None:
        """Ask the kernel for no more."""
        self._addresses.stop()

    # -- the file -----------------------------------------------------------------------

    def _remember(self, known: set[_Place]) -> None:
        if known == self._known:
            return
        self._known = known
        self._file.keep({"addresses": sorted(known)})

    def _read(self) -> set[_Place]:
        try:
            return {
                (int(index), str(ip_address(text)), int(prefix))
                for index, text, prefix in self._file.read().get("addresses", ())
            }
        except (ValueError, TypeError) as error:
            self._file.is_of_no_use(error)
            return set()


def _place(placed: PlacedAddress) -> _Place:
    return placed.index, str(placed.address.address), placed.address.prefix
