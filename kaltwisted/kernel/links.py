"""Interfaces and their addresses, kept as the kernel tells them, with every change as an event at once.

``LinkTable`` is the pure part: kernel messages in, events out.  ``Links`` reads
everything once, then listens; when the kernel had to drop events (ENOBUFS) it
reads everything again and tells what is different.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.config.model import Address
from kaltwisted.kernel.messages import MalformedError, Message, NetlinkError
from kaltwisted.kernel.netlink import Netlink, Reactor
from kaltwisted.kernel.netlink_socket import NetlinkSocket, OpenSocket, open_socket
from kaltwisted.kernel.rtnetlink import (
    NETLINK_ROUTE,
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTNLGRP_IPV4_IFADDR,
    RTNLGRP_IPV6_IFADDR,
    RTNLGRP_LINK,
    addresses_request,
    links_request,
    parse_address,
    parse_link,
)
from kaltwisted.ports import (
    AddressAppeared,
    AddressChanged,
    AddressVanished,
    ILinks,
    Link,
    LinkAddress,
    LinkChanged,
    LinkEvent,
    LinkVanished,
)

GROUPS = (RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR)
#: Events kept while a listing is read; more of them, and it is read again.
_MOST_DEFERRED = 10_000
_READ_AGAIN_S = 0.1

_Key = tuple[int, Address, int]


def open_events(open_socket: OpenSocket = open_socket) -> NetlinkSocket:
    """A socket that hears of interfaces and addresses."""
    return open_socket(NETLINK_ROUTE, GROUPS)


class LinkTable:
    """What interfaces there are, and their addresses in the kernel's order.  Pure."""

    def __init__(self) -> None:
        self._links: dict[int, Link] = {}
        self._names: dict[str, Link] = {}
        self._addresses: dict[int, dict[_Key, LinkAddress]] = {}

    def link(self, name: str) -> Link | None:
        """The interface of that name."""
        return self._names.get(name)

    def by_index(self, index: int) -> Link | None:
        """The interface of that number."""
        return self._links.get(index)

    def addresses(self, index: int) -> tuple[LinkAddress, ...]:
        """The interface's addresses."""
        return tuple(self._addresses.get(index, {}).values())

    def holds(self, address: Address) -> bool:
        """Whether any interface has this address, and may use it."""
        tables = self._addresses.values()
        return any(each.address == address and each.usable for table in tables for each in table.values())

    def source(
        self, index: int, *, ipv6: bool, but: frozenset[Address] = frozenset(), routed: bool = False
    ) -> Address | None:
        """The interface's own address, never one of ``but``: its first, for IPv6 its link-local one."""
        kind = IPv6Address if ipv6 else IPv4Address
        local: Address | None = None
        for found in self._addresses.get(index, {}).values():
            address = found.address
            if address in but or not isinstance(address, kind) or not found.usable:
                continue
            if not ipv6:
                return address
            if address.is_link_local:
                local = local or address
            elif routed and not found.deprecated:
                return address
        return local

    def heard(self, message: Message) -> list[LinkEvent]:
        """Take a NEWLINK, DELLINK, NEWADDR or DELADDR in; others are passed over."""
        if message.type in (RTM_NEWLINK, RTM_DELLINK):
            link = parse_link(message)
            if link is None:
                return []
            return self._set_link(link) if message.type == RTM_NEWLINK else self._drop_link(link.index)
        if message.type in (RTM_NEWADDR, RTM_DELADDR):
            address = parse_address(message)
            if address is None:
                return []
            if message.type == RTM_NEWADDR:
                return self._set_address(address)
            return self._drop_address(_key(address))
        return []

    def replace(self, links: Iterable[Link], addresses: Iterable[LinkAddress]) -> list[LinkEvent]:
        """Take whole listings in; the events are what is different."""
        events: list[LinkEvent] = []
        there = {link.index: link for link in links}
        listed = {_key(address): address for address in addresses}
        known = [key for table in self._addresses.values() for key in table]
        for key in known:
            if key not in listed:
                events += self._drop_address(key)
        for index in [index for index in self._links if index not in there]:
            events += self._drop_link(index)
        for link in there.values():
            events += self._set_link(link)
        for address in listed.values():
            events += self._set_address(address)
        return events

    def _set_link(self, link: Link) -> list[LinkEvent]:
        before = self._links.get(link.index)
        if before == link:
            return []
        events: list[LinkEvent] = []
        if before is not None and before.name != link.name:
            events.append(LinkVanished(before))
            if self._names.get(before.name) is before:
                del self._names[before.name]
        self._links[link.index] = self._names[link.name] = link
        events.append(LinkChanged(link))
        return events

    def _drop_link(self, index: int) -> list[LinkEvent]:
        link = self._links.pop(index, None)
        if link is None:
            return []
        if self._names.get(link.name) is link:
            del self._names[link.name]
        self._addresses.pop(index, None)
        return [LinkVanished(link)]

    def _set_address(self, address: LinkAddress) -> list[LinkEvent]:
        table = self._addresses.setdefault(address.index, {})
        before = table.get(_key(address))
        table[_key(address)] = address
        if before is None:
            return [AddressAppeared(address)]
        return [] if before == address else [AddressChanged(address)]

    def _drop_address(self, key: _Key) -> list[LinkEvent]:
        address = self._addresses.get(key[0], {}).pop(key, None)
        return [] if address is None else [AddressVanished(address)]


def _key(address: LinkAddress) -> _Key:
    return address.index, address.address, address.prefix


@implementer(ILinks)
class Links:
    """The kernel's interfaces and addresses, live."""

    _log = Logger()

    def __init__(self, reactor: Reactor, connect: Callable[[], NetlinkSocket] = open_events) -> None:
        self._reactor = reactor
        self._connect = connect
        self._table = LinkTable()
        self._netlink: Netlink | None = None
        self._watchers: list[Callable[[LinkEvent], object]] = []
        # While a listing is read, what is heard waits: it may be newer or older than the listing.
        self._deferred: list[Message] | None = None
        self._again: IDelayedCall | None = None

    # --- ILinks ------------------------------------------------------------------------

    def start(self) -> Deferred[None]:
        """Read everything.  Fails with NetlinkError or OSError when the kernel gives no answer."""
        try:
            self._netlink = Netlink(self._reactor, self._connect, heard=self._heard, lost=self._lost)
        except OSError:
            return _failed()
        return self._read()

    def stop(self) -> None:
        """Listen no more."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._netlink is not None:
            netlink, self._netlink = self._netlink, None
            netlink.close()

    def watch(self, changed: Callable[[LinkEvent], object]) -> None:
        """Tell every change from now on."""
        self._watchers.append(changed)

    def link(self, name: str) -> Link | None:
        """The interface of that name."""
        return self._table.link(name)

    def by_index(self, index: int) -> Link | None:
        """The interface of that number."""
        return self._table.by_index(index)

    def addresses(self, index: int) -> tuple[LinkAddress, ...]:
        """The interface's addresses."""
        return self._table.addresses(index)

    def holds(self, address: Address) -> bool:
        """Whether any interface has this address, and may use it."""
        return self._table.holds(address)

    def source(
        self, index: int, *, ipv6: bool, but: frozenset[Address] = frozenset(), routed: bool = False
    ) -> Address | None:
        """The address that the interface speaks from."""
        return self._table.source(index, ipv6=ipv6, but=but, routed=routed)

    # --- Reading -----------------------------------------------------------------------

    def _read(self) -> Deferred[None]:
        assert self._netlink is not None
        self._deferred = []
        return Deferred.fromCoroutine(self._list(self._netlink))

    async def _list(self, netlink: Netlink) -> None:
        while True:
            self._deferred = []
            try:
                links = await netlink.dump(links_request(), parse_link)
                addresses = await netlink.dump(addresses_request(), parse_address)
            except NetlinkError as error:
                # EINTR: something changed while the kernel listed it.
                if error.errno == errno.EINTR:
                    continue
                self._deferred = None
                raise
            if len(self._deferred) < _MOST_DEFERRED:
                break
        waiting, self._deferred = self._deferred, None
        self._tell(self._table.replace(filter(None, links), filter(None, addresses)))
        for message in waiting:
            self._heard(message)

    def _heard(self, message: Message) -> None:
        if self._deferred is not None:
            if len(self._deferred) < _MOST_DEFERRED:
                self._deferred.append(message)
            return
        try:
            self._tell(self._table.heard(message))
        except MalformedError as error:
            self._log.warn("Netlink: {error}", error=str(error))

    def _tell(self, events: Iterable[LinkEvent]) -> None:
        for event in events:
            for changed in self._watchers:
                try:
                    changed(event)
                except Exception:  # or the reactor reads no more here, and nobody hears of anything again
                    self._log.failure("{event}", event=event)

    def _lost(self) -> None:
        """Events are missing."""
        self._log.warn("Netlink: events were lost, reading interfaces and addresses again")
        self._read_soon()

    def _read_soon(self) -> None:
        if self._netlink is not None and self._again is None:
            self._again = self._reactor.callLater(_READ_AGAIN_S, self._read_again)

    def _read_again(self) -> None:
        self._again = None
        self._read().addErrback(self._not_read)

    def _not_read(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("Netlink: cannot read interfaces and addresses", failure=failure)
            self._read_soon()


def _failed() -> Deferred[None]:
    failed: Deferred[None] = Deferred()
    failed.errback(Failure())
    return failed
