"""What is known of interfaces and addresses, and how changes become events."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable
from ipaddress import ip_address

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.kernel.links import Links, LinkTable
from kaltwisted.kernel.messages import HEADER_SIZE, Message, attribute
from kaltwisted.kernel.rtnetlink import (
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_GETADDR,
    RTM_GETLINK,
    add_address,
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
from kaltwisted.testing.netlink import FakeNetlinkSocket, ReaderClock, listing, message
from kaltwisted.testing.vrrp import FakeLinks
from tests.unit.test_kernel_rtnetlink import address_message, link_message, vip

ETH0 = Link(2, "eth0")
OWN = LinkAddress(2, ip_address("10.0.0.5"), 24)
VIP = LinkAddress(2, ip_address("10.0.0.100"), 32)


class Table(SynchronousTestCase):
    def setUp(self) -> None:
        self.table = LinkTable()
        self.table.replace([ETH0], [OWN])

    def test_an_interface_goes_down_and_away(self) -> None:
        [changed] = self.table.heard(link_message(2, "eth0", flags=0x1))
        assert isinstance(changed, LinkChanged)
        self.assertFalse(changed.link.works)
        self.assertEqual(self.table.heard(link_message(2, "eth0", flags=0x1)), [])
        [gone] = self.table.heard(link_message(2, "eth0", flags=0, type_=RTM_DELLINK))
        self.assertIsInstance(gone, LinkVanished)
        self.assertIsNone(self.table.link("eth0"))
        self.assertEqual(self.table.addresses(2), ())

    def test_a_new_name_is_an_interface_gone_and_another_come(self) -> None:
        events = self.table.heard(link_message(2, "lan0"))
        self.assertEqual([type(event) for event in events], [LinkVanished, LinkChanged])
        self.assertIsNone(self.table.link("eth0"))
        self.assertEqual(self.table.link("lan0"), self.table.by_index(2))

    def test_two_interfaces_swap_their_names(self) -> None:
        self.table.replace([ETH0, Link(3, "eth1")], [])
        for index, name in ((2, "tmp"), (3, "eth0"), (2, "eth1")):
            self.table.heard(link_message(index, name))
        self.assertEqual([self.table.link(name).index for name in ("eth0", "eth1")], [3, 2])  # type: ignore[union-attr]
        self.assertIsNone(self.table.link("tmp"))

    def test_addresses_come_and_go_and_the_first_of_our_own_is_the_source(self) -> None:
        vip_, other = vip("10.0.0.100"), vip("10.0.0.6", 24)
        self.assertEqual(self.table.heard(address_message(add_address(2, vip_))), [AddressAppeared(VIP)])
        self.assertEqual(self.table.heard(address_message(add_address(2, vip_))), [])
        self.table.heard(address_message(add_address(2, other)))
        virtual = frozenset((vip_.address,))
        self.assertEqual(self.table.source(2, ipv6=False, but=virtual), OWN.address)
        self.table.heard(address_message(add_address(2, vip("10.0.0.5", 24)), RTM_DELADDR))
        self.assertEqual(self.table.source(2, ipv6=False, but=virtual), other.address)
        self.assertIsNone(self.table.source(2, ipv6=True))
        self.assertEqual(
            self.table.heard(address_message(add_address(2, vip_), RTM_DELADDR)), [AddressVanished(VIP)]
        )

    def test_the_source_of_ipv6_is_the_link_local_address(self) -> None:
        for text in ("2001:db8::5", "fe80::5"):
            self.table.heard(address_message(add_address(2, vip(text, 64))))
        self.assertEqual(self.table.source(2, ipv6=True), ip_address("fe80::5"))

    def test_an_ipv6_source_is_known_to_be_unique_and_routed_where_wanted(self) -> None:
        def tell(text: str, flags: int) -> list[LinkEvent]:
            request = add_address(2, vip(text, 64))
            wide = attribute(8, struct.pack("=I", flags))
            header, rest = request.payload[:8], request.payload[8:-8]
            return self.table.heard(address_message(attrs.evolve(request, payload=header + rest + wide)))

        tentative, optimistic, failed, deprecated, temporary = 0x40, 0x44, 0x48, 0x20, 0x01
        local, routed = ip_address("fe80::5"), ip_address("2001:db8::5")
        self.assertEqual([type(each) for each in tell("fe80::5", tentative)], [AddressAppeared])
        self.assertIsNone(self.table.source(2, ipv6=True))
        for flags, source in ((0, local), (failed, None), (optimistic, local)):
            self.assertEqual([type(each) for each in tell("fe80::5", flags)], [AddressChanged], hex(flags))
            self.assertEqual(self.table.source(2, ipv6=True), source, hex(flags))
        self.assertEqual(tell("fe80::5", 0x80), [])
        for flags in (tentative, deprecated, temporary):
            tell("2001:db8::5", flags)
            self.assertEqual(self.table.source(2, ipv6=True, routed=True), local)
        tell("2001:db8::5", 0)
        self.assertEqual(self.table.source(2, ipv6=True, routed=True), routed)
        self.assertEqual(self.table.source(2, ipv6=True), local)
        self.assertEqual(self.table.source(2, ipv6=True, routed=True, but=frozenset((routed,))), local)

    @given(st.lists(st.sets(st.tuples(st.integers(1, 4), st.integers(1, 6))), max_size=6))
    def test_the_events_of_listings_lead_from_one_to_the_next(
        self, listings: list[set[tuple[int, int]]]
    ) -> None:
        """Whoever only follows the events knows what the table knows."""
        table, known = LinkTable(), set[tuple[int, int]]()
        for found in listings:
            links = {index: Link(index, f"eth{index}") for index, _ in found}
            addresses = [LinkAddress(index, ip_address(f"10.0.{index}.{last}"), 24) for index, last in found]
            for event in table.replace(links.values(), addresses):
                match event:
                    case AddressAppeared(address):
                        known.add((address.index, int(address.address) & 0xFF))
                    case AddressVanished(address):
                        known.remove((address.index, int(address.address) & 0xFF))
            self.assertEqual(known, found)


class Live(SynchronousTestCase):
    """``Links`` on a kernel that answers as the test says."""

    def setUp(self) -> None:
        self.reactor = ReaderClock()
        self.there: list[bytes] = [address_message(add_address(2, vip("10.0.0.5", 24))).data[HEADER_SIZE:]]
        self.socket = FakeNetlinkSocket(self.answer)
        self.sockets = [self.socket]
        self.links = Links(self.reactor, self.connect)
        self.events: list[LinkEvent] = []
        self.links.watch(self.events.append)

    def connect(self) -> FakeNetlinkSocket:
        self.socket = FakeNetlinkSocket(self.answer)
        return self.socket

    def answer(self, asked: Message) -> Iterable[bytes]:
        if asked.type == RTM_GETLINK:
            return listing(asked, [link_message(2, "eth0").data[HEADER_SIZE:]])
        assert asked.type == RTM_GETADDR
        return listing(asked, self.there)

    def tell(self, heard: Message) -> None:
        """The kernel tells everybody."""
        self.socket.inbox.append((message(heard.type, 0, heard.data[HEADER_SIZE:]), (0, 1)))

    def test_everything_is_read_and_then_followed(self) -> None:
        verifyObject(ILinks, self.links)
        verifyObject(ILinks, FakeLinks())
        started = self.links.start()
        self.reactor.spin(5)
        self.assertIsNone(self.successResultOf(started))
        self.assertEqual(self.links.source(2, ipv6=False), OWN.address)
        self.events.clear()
        self.tell(link_message(2, "eth0", flags=0x1))
        self.reactor.turn()
        [event] = self.events
        assert isinstance(event, LinkChanged)
        self.assertFalse(event.link.works)
        self.links.stop()
        self.assertEqual((self.reactor.readers, self.reactor.getDelayedCalls()), ([], []))

    def test_whatever_one_watcher_hits_the_others_and_later_events_are_told(self) -> None:
        self.links = Links(self.reactor, self.connect)
        self.links.watch(lambda event: {}["nothing"])
        self.links.watch(self.events.append)
        self.successResultOf(self.started())
        self.assertEqual(len(self.events), 2)
        self.tell(link_message(2, "eth0", flags=0x1))
        self.reactor.turn()
        self.assertIsInstance(self.events[-1], LinkChanged)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 3)
        self.links.stop()

    def started(self) -> Deferred[None]:
        started = self.links.start()
        self.reactor.spin(5)
        return started

    def test_what_is_told_during_the_listing_counts_after_it(self) -> None:
        """The listing still has an address whose removal was told while it was read."""
        started = self.links.start()
        self.tell(address_message(add_address(2, vip("10.0.0.5", 24)), RTM_DELADDR))
        self.reactor.spin(5)
        self.successResultOf(started)
        self.assertEqual(self.links.addresses(2), ())
        self.links.stop()

    def test_lost_events_are_made_up_for_by_reading_again(self) -> None:
        self.links.start()
        self.reactor.spin(5)
        self.events.clear()
        self.there.append(address_message(add_address(2, vip("10.0.0.100"))).data[HEADER_SIZE:])
        self.socket.inbox.append(OSError(errno.ENOBUFS, "overrun"))
        self.reactor.turn()
        self.reactor.advance(1)
        self.reactor.spin(5)
        self.assertEqual(self.events, [AddressAppeared(VIP)])
        self.links.stop()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_stopping_while_reading_ends_the_start(self) -> None:
        started = self.links.start()
        self.links.stop()
        self.failureResultOf(started, CancelledError)
        self.assertEqual((self.reactor.readers, self.reactor.getDelayedCalls()), ([], []))
