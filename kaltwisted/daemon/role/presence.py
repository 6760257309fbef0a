"""Which addresses this host has, for checks that stand still without them (``ha_suspend``)."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from kaltwisted.config.model import Address, VirtualServer
from kaltwisted.lvs.entries import listens_on
from kaltwisted.ports import AddressAppeared, AddressChanged, AddressVanished, ILinks, LinkEvent


class Presence:
    """The host's addresses, from the first virtual server on that asks for them.

    :param changed: hears of an address that is there now, or no longer, with its last interface.
    """

    _log = Logger()

    def __init__(self, links: ILinks, changed: Callable[[Address, bool], object]) -> None:
        self._links = links
        self._changed = changed
        #: Where each address is: interface and prefix length; it may be at several places.
        self._held: dict[Address, set[tuple[int, int]]] = {}
        self._beginning: Deferred[None] | None = None
        self._is_known = False

    def begin(self) -> Deferred[None]:
        """Read the addresses, if that has not been done; where it cannot be, all checks run."""
        if self._beginning is not None:
            return succeed(None)
        self._links.watch(self._heard)
        self._beginning = self._links.start()
        return self._beginning.addCallbacks(self._known, self._unknown)

    def stop(self) -> None:
        """Listen no more."""
        if self._beginning is not None:
            self._links.stop()

    def wants_checks(self, server: VirtualServer) -> bool:
        """Whether the checks of a virtual server run."""
        if not server.ha_suspend or not self._is_known:
            return True
        return any(listens_on(server, address) for address in self._held)

    def _known(self, _: None) -> None:
        self._is_known = True

    def _unknown(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            return
        why = failure.getErrorMessage()
        self._log.error(
            "The addresses of this host cannot be read, so ha_suspend does nothing: {why}", why=why
        )

    def _heard(self, event: LinkEvent) -> None:
        if not isinstance(event, AddressAppeared | AddressChanged | AddressVanished):
            return
        address, place = event.address.address, (event.address.index, event.address.prefix)
        places = self._held.setdefault(address, set())
        was = bool(places)
        if event.address.usable and not isinstance(event, AddressVanished):
            places.add(place)
        else:
            places.discard(place)
        if not places:
            del self._held[address]
        if was is not bool(places) and self._is_known:
            self._changed(address, bool(places))
