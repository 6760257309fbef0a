"""rtnetlink's messages as bytes."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import VirtualIpAddress
from kaltwisted.kernel.messages import HEADER_SIZE, MalformedError, Message, Request, attribute, attributes
from kaltwisted.kernel.rtnetlink import (
    RTM_DELLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    add_address,
    parse_address,
    parse_link,
    remove_address,
    scope_number,
)
from kaltwisted.ports import Link, LinkAddress

MAC = bytes.fromhex("020000000001")


def link_message(
    index: int, name: str, flags: int = 0x41, family: int = 0, type_: int = RTM_NEWLINK
) -> Message:
    """A link as the kernel reports it."""
    payload = struct.pack("=BxHiII", family, 1, index, flags, 0)
    payload += attribute(3, name.encode() + b"\0") + attribute(1, MAC) + attribute(4, struct.pack("=I", 1500))
    return Message(type_, 0, 0, bytes(HEADER_SIZE) + payload)


def address_message(request: Request, type_: int = RTM_NEWADDR) -> Message:
    """What the kernel tells of an address that was asked for so."""
    return Message(type_, 0, 0, bytes(HEADER_SIZE) + request.payload)


def vip(text: str, prefix: int = 32, **more: Any) -> VirtualIpAddress:
    return VirtualIpAddress(ip_address(text), prefix, **more)


class LinkMessages(SynchronousTestCase):
    def test_a_link_is_read_with_what_vrrp_needs(self) -> None:
        self.assertEqual(
            parse_link(link_message(7, "eth0")), Link(7, "eth0", up=True, running=True, mac=MAC, mtu=1500)
        )
        self.assertFalse(parse_link(link_message(7, "eth0", flags=0x1)).works)  # type: ignore[union-attr]

    def test_a_bridges_news_about_its_port_is_not_the_ports_own(self) -> None:
        """A port that leaves its bridge is told as DELLINK of family AF_BRIDGE; it is still there."""
        self.assertIsNone(parse_link(link_message(7, "eth0", family=7, type_=RTM_DELLINK)))


class AddressMessages(SynchronousTestCase):
    def test_what_is_added_is_what_is_read(self) -> None:
        for address, prefix in (("10.0.0.100", 24), ("2001:db8::1", 64)):
            found = parse_address(address_message(add_address(3, vip(address, prefix))))
            self.assertEqual(found, LinkAddress(3, ip_address(address), prefix))
            found = parse_address(address_message(remove_address(3, vip(address, prefix))))
            self.assertEqual(found, LinkAddress(3, ip_address(address), prefix))

    def test_label_scope_and_broadcast_go_along(self) -> None:
        wanted = vip("10.0.0.100", 24, label="eth0:1", scope="link", brd="+")
        payload = add_address(3, wanted).payload
        self.assertEqual(payload[:8], struct.pack("=BBBBi", 2, 24, 0, 253, 3))
        found = attributes(payload, 8)
        self.assertEqual(found[3], b"eth0:1\0")
        self.assertEqual(found[4], bytes((10, 0, 0, 255)))
        self.assertEqual(
            attributes(add_address(3, vip("10.0.0.9", 24, brd="-")).payload, 8)[4], bytes((10, 0, 0, 0))
        )
        given_ = add_address(3, vip("10.0.0.9", 24, brd="10.0.0.7"))
        self.assertEqual(attributes(given_.payload, 8)[4], bytes((10, 0, 0, 7)))
        self.assertNotIn(4, attributes(add_address(3, vip("10.0.0.9", 24)).payload, 8))

    def test_ipv6_without_detection_and_deprecated_as_128(self) -> None:
        found = attributes(add_address(3, vip("2001:db8::1", 128)).payload, 8)
        self.assertEqual(found[8], struct.pack("=I", 0x02))
        self.assertEqual(found[6], struct.pack("=IIII", 0, 0xFFFFFFFF, 0, 0))
        self.assertNotIn(6, attributes(add_address(3, vip("2001:db8::1", 64)).payload, 8))

    def test_options_of_ipv6(self) -> None:
        for more, flags in (
            ({}, 0x02),
            ({"dad": True}, None),
            ({"home": True}, 0x12),
            ({"mngtmpaddr": True, "dad": True}, 0x100),
            ({"noprefixroute": True, "autojoin": True}, 0x602),
        ):
            found = attributes(add_address(3, vip("2001:db8::1", 64, **more)).payload, 8)
            self.assertEqual(found.get(8), None if flags is None else struct.pack("=I", flags), more)
        for lifetime, prefix in ((0, 64), (300, 64), (300, 128)):
            wanted = vip("2001:db8::1", prefix, preferred_lft=lifetime)
            found = attributes(add_address(3, wanted).payload, 8)
            self.assertEqual(found[6], struct.pack("=IIII", lifetime, 0xFFFFFFFF, 0, 0))
        forever = vip("2001:db8::1", 128, preferred_lft=0xFFFFFFFF)
        self.assertNotIn(6, attributes(add_address(3, forever).payload, 8))

    def test_options_of_ipv4(self) -> None:
        """The kernel refuses nothing of what is for IPv6, but it would keep it."""
        plain = vip("10.0.0.9", 24, home=True, dad=True, mngtmpaddr=True, preferred_lft=5)
        self.assertEqual(add_address(3, plain), add_address(3, vip("10.0.0.9", 24)))
        wanted = vip("10.0.0.9", 24, noprefixroute=True, autojoin=True)
        self.assertEqual(attributes(add_address(3, wanted).payload, 8)[8], struct.pack("=I", 0x600))

    def test_a_peer_is_the_other_end(self) -> None:
        for here, there, prefix in (("10.0.0.9", "10.1.0.9", 24), ("2001:db8::9", "2001:db8:1::9", 64)):
            wanted = vip(here, prefix, peer=ip_address(there))
            for request in (add_address(3, wanted), remove_address(3, wanted)):
                found = attributes(request.payload, 8)
                self.assertEqual((found[2], found[1]), (ip_address(here).packed, ip_address(there).packed))
                told = parse_address(address_message(request))
                self.assertEqual(told, LinkAddress(3, ip_address(here), prefix))

    def test_nonsense_is_refused_before_the_kernel_sees_it(self) -> None:
        self.assertEqual((scope_number(None), scope_number("host"), scope_number("0x20")), (0, 254, 32))
        for scope in ("universe", "256", "-1"):
            self.assertRaises(ValueError, scope_number, scope)
        self.assertRaises(ValueError, add_address, 3, vip("10.0.0.9", 24, brd="all"))

    @given(st.sampled_from([16, 17, 20, 21]), st.binary(max_size=120))
    def test_no_bytes_do_harm(self, type_: int, payload: bytes) -> None:
        message = Message(type_, 0, 0, bytes(HEADER_SIZE) + payload)
        for parse in (parse_link, parse_address):
            try:
                parse(message)
            except MalformedError:
                pass
