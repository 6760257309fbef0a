"""Routes and rules as bytes, held against pyroute2's codec."""

from __future__ import annotations

import struct
from typing import Any

import attrs
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import Route, RoutingItem
from kaltwisted.kernel import routes
from kaltwisted.kernel.messages import (
    HEADER_SIZE,
    NLM_F_REQUEST,
    MalformedError,
    Message,
    Request,
    attribute,
    attributes,
    pack,
    split,
)
from tests.unit.test_config_routes import LINKS, route, rule


def told(request: Request, type_: int | None = None) -> Message:
    """The kernel telling of what a request says."""
    return Message(type_ or request.type, 0, 0, bytes(HEADER_SIZE) + request.payload)


def decoded(item: RoutingItem) -> dict[str, Any]:
    """How pyroute2 reads a request, attributes among the header's fields."""
    request = routes.add_item(item, LINKS.get)
    data = pack(request, NLM_F_REQUEST, 1)
    assert len(list(split(data))) == 1
    message = (rtmsg if isinstance(item, Route) else fibmsg)(data)
    message.decode()
    return _plain(message)


def _plain(message: Any) -> Any:
    if not hasattr(message, "get") or "attrs" not in message:
        return message
    plain = {name: value for name, value in message.items() if name not in ("attrs", "header")}
    for name, value in message["attrs"]:
        plain[name] = [_plain(each) for each in value] if isinstance(value, list) else _plain(value)
    return plain


class RouteMessages(SynchronousTestCase):
    def assert_says(self, line: str, **expected: object) -> None:
        found = decoded(route(line))
        self.assertEqual({name: found.get(name) for name in expected}, expected, line)

    def test_what_is_common(self) -> None:
        self.assert_says(
            "10.1.0.0/16 via 192.0.2.9 dev eth1 src 192.0.2.1 table 300 metric 7 tos 0x10 realms 1/2",
            family=2, dst_len=16, src_len=0, tos=16, table=0, proto=18, scope=0, type=1, flags=0,
            RTA_DST="10.1.0.0", RTA_GATEWAY="192.0.2.9", RTA_OIF=3, RTA_PREFSRC="192.0.2.1",
            RTA_TABLE=300, RTA_PRIORITY=7, RTA_FLOW=0x1_0002,
        )  # fmt: skip

    def test_scope_follows_from_the_rest(self) -> None:
        for line, scope in (
            ("10.0.0.0/8 dev eth0", 253),
            ("10.0.0.0/8 dev eth0 scope global", 0),
            ("10.0.0.0/8 via 192.0.2.1", 0),
            ("10.0.0.0/8 encap ip dst 192.0.2.1 dev eth0", 0),
            ("10.0.0.0/8 nexthop via 192.0.2.1 nexthop via 192.0.2.2", 0),
            ("local 10.0.0.0/8 dev lo", 254),
            ("broadcast 10.0.0.0/8 dev eth0", 253),
            ("blackhole 10.0.0.0/8", 0),
            ("2001:db8::/32 dev eth0", 0),
        ):
            self.assert_says(line, scope=scope)

    def test_ipv6(self) -> None:
        self.assert_says(
            "2001:db8::/32 from 2001:db8:1::/48 via fe80::1 dev eth0 onlink pref high",
            family=10, dst_len=32, src_len=48, flags=4, RTA_DST="2001:db8::", RTA_SRC="2001:db8:1::",
            RTA_GATEWAY="fe80::1",
        )  # fmt: skip

    def test_ipv4_by_way_of_an_ipv6_router(self) -> None:
        self.assert_says("10.0.0.0/8 via inet6 fe80::1 dev eth0", RTA_VIA={"family": 10, "addr": "fe80::1"})

    def test_metrics(self) -> None:
        found = decoded(
            route("10.0.0.0/8 dev lo mtu lock 1400 advmss 1300 rtt 10 rttvar 10 rto_min 10 congctl reno")
        )["RTA_METRICS"]
        self.assertEqual(
            {name: found[f"RTAX_{name}"] for name in ("LOCK", "MTU", "ADVMSS", "RTT", "RTTVAR", "RTO_MIN")},
            {"LOCK": 1 << 2, "MTU": 1400, "ADVMSS": 1300, "RTT": 80, "RTTVAR": 40, "RTO_MIN": 10},
        )

    def test_more_than_one_way(self) -> None:
        hops = decoded(
            route("10.0.0.0/8 nexthop via 192.0.2.2 weight 3 onlink nexthop via 192.0.2.3 dev eth1")
        )["RTA_MULTIPATH"]
        self.assertEqual(
            [(hop["RTA_GATEWAY"], hop["hops"], hop["flags"], hop["oif"]) for hop in hops],
            [("192.0.2.2", 2, 4, 0), ("192.0.2.3", 0, 0, 3)],
        )

    def test_where_it_goes_among_its_equals(self) -> None:
        for words, flags in (("", 0x400), ("append", 0xC00), ("add", 0x600)):
            self.assertEqual(routes.add_item(route(f"10.0.0.0/8 dev lo {words}"), LINKS.get).flags, flags)

    def test_packets_in_packets(self) -> None:
        """pyroute2 knows MPLS; the others are held against the kernel (tests/network)."""
        found = decoded(route("10.0.0.0/8 encap mpls 100/200 via 192.0.2.1"))
        self.assertEqual(found["RTA_ENCAP_TYPE"], 1)
        # As keepalived 2.2.7 sends it.
        locator = decoded(route("2001:db8::/64 encap ila 1:2:3:4 via fe80::1 dev eth0"))
        self.assertEqual(
            (locator["RTA_ENCAP_TYPE"], locator["RTA_ENCAP"]), (3, "0c:00:01:00:00:01:00:02:00:03:00:04")
        )
        labels = found["RTA_ENCAP"]["MPLS_IPTUNNEL_DST"]
        self.assertEqual([(each["label"], each["bos"]) for each in labels], [(100, 0), (200, 1)])
        first, second = decoded(
            route("10.0.0.0/8 nexthop encap mpls 30 via 192.0.2.2 nexthop via 192.0.2.3")
        )["RTA_MULTIPATH"]
        self.assertEqual((first["RTA_ENCAP_TYPE"], second.get("RTA_ENCAP_TYPE")), (1, None))

    def test_the_table_of_a_vrf(self) -> None:
        found = decoded(route("10.0.0.0/8 dev eth1 table 7 vrf red"))
        self.assertEqual((found["table"], found["RTA_TABLE"]), (0, 1000))
        for name, why in (("blue", "there is no VRF blue"), ("eth0", "eth0 is not a VRF")):
            with self.assertRaisesRegex(routes.NoInterfaceError, why):
                routes.add_item(route(f"10.0.0.0/8 dev eth1 vrf {name}"), LINKS.get)

    def test_ttl_propagate_goes_along_as_from_keepalived(self) -> None:
        plain = route("10.0.0.0/8 dev lo")
        for value, sent in ((None, None), (True, b"\1"), (False, b"\0")):
            payload = routes.add_item(attrs.evolve(plain, ttl_propagate=value), LINKS.get).payload
            self.assertEqual(attributes(payload, 12).get(26), sent)

    def test_an_interface_that_is_not_there(self) -> None:
        for line in ("10.0.0.0/8 dev eth9", "10.0.0.0/8 nexthop dev eth9 nexthop dev eth0"):
            self.assertRaises(routes.NoInterfaceError, routes.add_item, route(line), LINKS.get)


class RuleMessages(SynchronousTestCase):
    def test_every_option(self) -> None:
        found = decoded(
            rule(
                "not from 10.1.0.0/16 to 10.2.0.0/16 iif eth0 oif eth1 tos 0x10 fwmark 5/0xff realms 1/2 "
                "tunnel-id 9 uidrange 0-99 ipproto tcp sport 80 dport 80-90 sup_pl 8 sup_group 0 "
                "priority 400 table 300"
            )
        )
        expected = {
            "family": 2, "dst_len": 16, "src_len": 16, "tos": 16, "table": 0, "action": 1, "flags": 2,
            "FRA_DST": "10.2.0.0", "FRA_SRC": "10.1.0.0", "FRA_IIFNAME": "eth0", "FRA_OIFNAME": "eth1",
            "FRA_PRIORITY": 400, "FRA_FWMARK": 5, "FRA_FWMASK": 255, "FRA_FLOW": 0x1_0002, "FRA_TABLE": 300,
            "FRA_SUPPRESS_PREFIXLEN": 8, "FRA_SUPPRESS_IFGROUP": 0, "FRA_PROTOCOL": 18, "FRA_IP_PROTO": 6,
            "FRA_UID_RANGE": "0:99", "FRA_SPORT_RANGE": "80:80",
            "FRA_DPORT_RANGE": "80:90",
        }  # fmt: skip
        self.assertEqual({name: _plain(found.get(name)) for name in expected}, expected)

    def test_actions(self) -> None:
        for words, action, table in (
            ("table 3", 1, 3),
            ("goto 900", 2, 0),
            ("nop", 3, 0),
            ("blackhole", 6, 0),
            ("unreachable", 7, 0),
            ("prohibit", 8, 0),
            ("l3mdev", 1, 0),
        ):
            found = decoded(rule(f"{words} priority 5"))
            self.assertEqual((found["action"], found["table"]), (action, table), words)


class WhatTheKernelTells(SynchronousTestCase):
    def test_the_key_of_a_loss_is_the_key_of_the_item(self) -> None:
        for item in (
            route("10.0.0.0/8 via 192.0.2.1 table 300 metric 5"),
            route("default via 192.0.2.1"),
            route("10.0.0.0/8 dev eth0 vrf red"),
            route("2001:db8::/32 dev eth0"),
            rule("from 10.0.0.0/8 table 3 priority 5"),
            rule("to 2001:db8::/32 table 3 priority 5"),
        ):
            message = told(routes.remove_item(item, LINKS.get))
            self.assertEqual(routes.key_told(message), routes.key_of(item), item)

    def test_what_is_no_message(self) -> None:
        with self.assertRaises(MalformedError):
            routes.key_told(Message(routes.RTM_DELROUTE, 0, 0, bytes(20)))
        short = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 0, 0, 0, 0, 0) + attribute(6, b"\0")
        with self.assertRaises(MalformedError):
            routes.key_told(Message(routes.RTM_DELRULE, 0, 0, bytes(HEADER_SIZE) + short))
