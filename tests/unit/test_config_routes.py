"""Lines of routes and rules: every option of iproute2's that is known, and every mistake in its place."""

from __future__ import annotations

import tempfile
from ipaddress import ip_address, ip_network
from pathlib import Path

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.dump import dump
from kaltwisted.config.findings import Finding, Severity
from kaltwisted.config.iproute import read_names
from kaltwisted.config.load import load_text
from kaltwisted.config.model import Route, Rule
from kaltwisted.config.model_routes import Encap, EncapType, Metric, NextHop, Placing, RouteType, RuleAction
from kaltwisted.kernel.routes import NoInterfaceError, add_item, key_of
from kaltwisted.ports import Link

INSTANCE = """
vrrp_instance V {{
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {{
        192.0.2.1
    }}
    {block} {{
        {lines}
    }}
}}
"""


LINKS = {name: Link(index, name) for name, index in (("eth0", 2), ("eth1", 3), ("lo", 1))}
LINKS["red"] = Link(4, "red", kind="vrf", table=1000)


def read(block: str, *lines: str) -> tuple[tuple[Route, ...] | tuple[Rule, ...], list[Finding]]:
    """What becomes of the lines of ``virtual_routes`` or ``virtual_rules``."""
    text = INSTANCE.format(block=block, lines="\n        ".join(lines))
    reading = load_text(text, "x.conf")
    [instance] = reading.configuration.vrrp_instances
    return getattr(instance, block), reading.findings


def route(line: str) -> Route:
    """A line without a mistake."""
    [found], findings = read("virtual_routes", line)
    assert not findings, findings
    assert isinstance(found, Route)
    return found


def rule(line: str) -> Rule:
    [found], findings = read("virtual_rules", line)
    assert not findings, findings
    assert isinstance(found, Rule)
    return found


class RouteLines(SynchronousTestCase):
    def test_what_is_common(self) -> None:
        expected = Route(
            ip_network("10.1.0.0/16"),
            gateway=ip_address("192.0.2.9"),
            dev="eth1",
            source=ip_address("192.0.2.1"),
            table=200,
            metric=7,
            scope=253,
            tos=16,
        )
        line = "10.1.0.0/16 via 192.0.2.9 dev eth1 src 192.0.2.1 table 200 metric 7 scope link tos 0x10"
        self.assertEqual(route(line), expected)
        line = "src 192.0.2.1 to 10.1.0.0/16 gw 192.0.2.9 oif eth1 table 200 priority 7 scope 253 dsfield 16"
        self.assertEqual(route(line), expected)

    def test_destinations(self) -> None:
        for text, network in (
            ("default dev lo", "0.0.0.0/0"),
            ("default via 2001:db8::1", "::/0"),
            ("inet6 default dev lo", "::/0"),
            ("default6 dev lo", "::/0"),
            ("10.1.2.3 dev lo", "10.1.2.3/32"),
            ("2001:db8::/32 dev lo", "2001:db8::/32"),
        ):
            self.assertEqual(route(text).destination, ip_network(network), text)

    def test_types(self) -> None:
        for word in ("local", "broadcast", "multicast", "throw", "unreachable", "prohibit", "blackhole"):
            self.assertIs(route(f"{word} 10.0.0.0/8").type, RouteType[word.upper()])

    def test_more_than_one_way(self) -> None:
        line = "10.0.0.0/8 nexthop via 192.0.2.2 weight 3 onlink nexthop dev eth1 realms 1/2 metric 5"
        expected = (NextHop(ip_address("192.0.2.2"), None, 3, True), NextHop(None, "eth1", realms=0x1_0002))
        found = route(line)
        self.assertEqual((found.nexthops, found.metric), (expected, 5))
        older = route("10.0.0.0/8 via 192.0.2.2 or 192.0.2.3 dev eth1")
        self.assertEqual(
            older.nexthops, tuple(NextHop(ip_address(f"192.0.2.{end}"), "eth1") for end in (2, 3))
        )
        self.assertIsNone(older.dev)

    def test_metrics_and_what_is_seldom_said(self) -> None:
        line = "10.0.0.0/8 dev lo mtu lock 1400 rtt 2s congctl reno features ecn quickack 1 realms 3 append"
        found = route(line)
        self.assertEqual(
            found.metrics,
            (
                Metric("mtu", 1400, True),
                Metric("rtt", 2000),
                Metric("congctl", "reno"),
                Metric("features", 1),
                Metric("quickack", 1),
            ),
        )
        self.assertEqual((found.realms, found.placing), (3, Placing.APPEND))
        found = route("2001:db8::/32 from 2001:db8:1::/48 dev lo pref high expires 30 protocol 4 no_track")
        self.assertEqual((found.pref, found.expires, found.protocol), (1, 30, 4))
        self.assertEqual(found.only_from, ip_network("2001:db8:1::/48"))
        self.assertEqual(route("10.0.0.0/8 via inet6 fe80::1 dev lo").gateway, ip_address("fe80::1"))

    def test_a_mistake_leaves_the_line_out_and_is_told_in_its_place(self) -> None:
        for line, word, message in (
            ("10.0.0.0/8 frob 7", "frob", "not an option"),
            ("10.0.0.0/8 via nowhere", "nowhere", "not an IP address"),
            ("10.0.0.0/8 via", "via", "lacks its value"),
            ("10.0.0.0/33 dev lo", "10.0.0.0/33", "out of range"),
            ("10.0.0.0/8 table nosuch", "nosuch", "rt_tables"),
            ("10.0.0.0/8 metric x", "x", "not a number"),
            ("10.0.0.0/8 metric 4294967296", "4294967296", "out of range"),
            ("10.0.0.0/8 mtu 65536", "65536", "out of range"),
            ("10.0.0.0/8 rtt 3d", "3d", "not a time"),
            ("10.0.0.0/8 scope faraway", "faraway", "rt_scopes"),
            ("10.0.0.0/8 dev a/b", "a/b", "interface"),
            ("10.0.0.0/8 dev abcdefghijklmnop", "abcdefghijklmnop", "interface"),
            ("10.0.0.0/8 nexthop weight 3", "3", "needs `via` or `dev`"),
            ("10.0.0.0/8 nexthop via 10.0.0.1 weight 257", "257", "out of range"),
            ("10.0.0.0/8 vrf a/b", "a/b", "interface"),
            ("10.0.0.0/8 as to", "to", "lacks its value"),
            ("nat 10.0.0.0/8 via 10.0.0.1", "nat", "no kernel of today"),
            ("10.0.0.0/8 encap gue 33", "gue", "no way to encapsulate"),
            ("10.0.0.0/8 dev lo encap ip ttl 3", "3", "needs `dst` or `id`"),
            ("10.0.0.0/8 encap ip dst fd77::1", "fd77::1", "not an IPv4 address"),
            ("10.0.0.0/8 encap ip6 dst 10.0.0.1", "10.0.0.1", "not an IPv6 address"),
            ("10.0.0.0/8 encap ip dst 10.0.0.1 ttl 256", "256", "out of range"),
            ("10.0.0.0/8 encap mpls 16/1048576", "16/1048576", "no MPLS label"),
            ("10.0.0.0/8 encap ila 1:2:3", "1:2:3", "no locator"),
            ("10.0.0.0/8 from 10.0.0.0/8 dev lo", "lo", "IPv6"),
            ("10.0.0.0/8 src 2001:db8::1", "2001:db8::1", "do not go together"),
            ("2001:db8::/32 via 10.0.0.1", "10.0.0.1", "do not go together"),
            ("10.0.0.0/8 inet6 dev lo", "lo", "do not go together"),
            ("via 10.0.0.1", "10.0.0.1", "needs a destination"),
        ):
            found, [finding] = read("virtual_routes", line, "10.9.0.0/16 dev lo")
            self.assertEqual(len(found), 1, line)
            self.assertIs(finding.severity, Severity.ERROR)
            self.assertIn(message, finding.message, line)
            column = 9 + (line.rindex(word) if word != "nexthop" else line.index(word))
            self.assertEqual(finding.position.column, column, line)

    def test_vrf(self) -> None:
        found = route("10.0.0.0/8 dev eth0 vrf red")
        self.assertEqual(found, Route(ip_network("10.0.0.0/8"), dev="eth0", vrf="red"))
        self.assertEqual(str(found), "10.0.0.0/8 dev eth0 vrf red")
        self.assertEqual(found.devices, {"eth0"})
        self.assertEqual(route("10.0.0.0/8 dev eth0 table 7 vrf red"), found)
        self.assertEqual(route("10.0.0.0/8 dev eth0 vrf red table 7"), route("10.0.0.0/8 dev eth0 table 7"))

    def test_what_is_for_mpls_only(self) -> None:
        """The kernel gets it as from keepalived, or not at all, and the route stands."""
        expected = Route(ip_network("10.0.0.0/8"), dev="lo")
        for words, log, severity, propagates in (
            ("as to 10.1.0.0", '"as to" for MPLS only - ignoring', Severity.ERROR, None),
            ("as inet 10.1.0.0", '"as to" for MPLS only - ignoring', Severity.ERROR, None),
            ("ttl-propagate enabled", None, Severity.WARNING, True),
            ("ttl-propagate disabled", None, Severity.WARNING, False),
            ("ttl-propagate maybe", "ttl-propagate value maybe not recognised", Severity.ERROR, None),
        ):
            [found], [finding] = read("virtual_routes", f"10.0.0.0/8 {words} dev lo")
            self.assertEqual(found, attrs.evolve(expected, ttl_propagate=propagates), words)
            self.assertEqual((finding.log, finding.severity), (log, severity), words)
            self.assertEqual("ttl-propagate" in str(found), propagates is not None)

    def test_bits_behind_the_prefix_and_a_protocol_that_cannot_be_looked_after(self) -> None:
        [found], [finding] = read("virtual_routes", "10.0.0.1/8 dev lo")
        self.assertEqual(found, Route(ip_network("10.0.0.0/8"), dev="lo"))
        self.assertIs(finding.severity, Severity.WARNING)
        [found], [finding] = read("virtual_routes", "10.0.0.0/8 dev lo protocol static")
        self.assertEqual(found, Route(ip_network("10.0.0.0/8"), dev="lo"))
        self.assertIs(finding.severity, Severity.WARNING)


class EncapLines(SynchronousTestCase):
    def test_every_kind(self) -> None:
        for words, expected in (
            ("mpls 100/200", Encap(EncapType.MPLS, labels=(100, 200))),
            ("ila 1:2:c:ffff", Encap(EncapType.ILA, locator=0x0001_0002_000C_FFFF)),
            (
                "ip id 5 dst 10.0.0.3 src 10.0.0.1 tos 16 ttl 30 flags 3",
                Encap(EncapType.IP, (), 0, 5, ip_address("10.0.0.3"), ip_address("10.0.0.1"), 16, 30, 3),
            ),
            (
                "ip6 id 0 dst fd77::3 tc 3 hoplimit 30",
                Encap(EncapType.IP6, (), 0, 0, ip_address("fd77::3"), None, 3, 30),
            ),
        ):
            found = route(f"10.0.0.0/8 encap {words} dev lo")
            self.assertEqual(found, Route(ip_network("10.0.0.0/8"), dev="lo", encap=expected))
            self.assertEqual(str(expected), words)

    def test_of_one_way_of_several(self) -> None:
        found = route("10.0.0.0/8 nexthop encap mpls 30 via 10.0.0.1 nexthop via 10.0.0.2")
        way = Encap(EncapType.MPLS, labels=(30,))
        self.assertEqual([hop.encap for hop in found.nexthops], [way, None])
        self.assertEqual(
            str(found),
            "10.0.0.0/8 nexthop encap mpls 30 via 10.0.0.1 weight 1 nexthop via 10.0.0.2 weight 1",
        )


class RuleLines(SynchronousTestCase):
    def test_every_option(self) -> None:
        line = (
            "not from 10.1.0.0/16 to 10.2.0.0/16 iif eth0 oif eth1 tos 0x10 fwmark 0x5/0xff realms 1/2 "
            "tunnel-id 9 uidrange 0-99 ipproto tcp sport 80 dport 80-90 sup_pl 8 sup_group default "
            "priority 400 lookup main"
        )
        expected = Rule(
            ipv6=False,
            priority=400,
            table=254,
            inverted=True,
            source=ip_network("10.1.0.0/16"),
            destination=ip_network("10.2.0.0/16"),
            iif="eth0",
            oif="eth1",
            tos=16,
            fwmark=5,
            fwmask=255,
            realms=0x1_0002,
            suppress_prefixlength=8,
            suppress_ifgroup=0,
            tunnel_id=9,
            uidrange=(0, 99),
            ipproto=6,
            sport=(80, 80),
            dport=(80, 90),
        )
        self.assertEqual(rule(line), expected)

    def test_actions_and_families(self) -> None:
        self.assertEqual(rule("from all goto 900 order 5"), Rule(False, 5, RuleAction.GOTO, goto=900))
        for word in ("blackhole", "unreachable", "prohibit", "nop"):
            expected = Rule(False, 5, RuleAction[word.upper()])
            self.assertEqual(rule(f"{word} priority 5"), expected)
            self.assertEqual(rule(f"type {word} priority 5"), expected)
        self.assertEqual(rule("l3mdev priority 5"), Rule(False, 5, l3mdev=True))
        self.assertEqual(rule("inet6 from all table 3 preference 5"), Rule(True, 5, table=3))
        self.assertTrue(rule("to 2001:db8::/32 table 3 priority 5").ipv6)

    def test_without_a_priority_it_is_told(self) -> None:
        [found], [finding] = read("virtual_rules", "from 10.0.0.0/8 table 3")
        assert isinstance(found, Rule)
        self.assertEqual(found.priority, 16384)
        self.assertIs(finding.severity, Severity.WARNING)

    def test_mistakes(self) -> None:
        for line, message in (
            ("from 10.0.0.0/8 frob 3 priority 6", "not an option"),
            ("from nowhere table 2 priority 3", "not a network"),
            ("from 10.0.0.0/8 to 2001:db8::/32 table 2 priority 4", "do not go together"),
            ("sport 80- table 2 priority 4", "not a range"),
            ("sport 90-80 table 2 priority 4", "not a range"),
            ("uidrange 5 table 2 priority 4", "not a range"),
            ("fwmark 5/x table 2 priority 4", "not a mark"),
            ("goto 3 priority 4", "higher number"),
            ("type lookup priority 4", "not known"),
            ("table nosuch priority 4", "rt_tables"),
        ):
            found, [finding] = read("virtual_rules", line)
            self.assertEqual(found, (), line)
            self.assertIn(message, finding.message, line)


ADDRESS = st.sampled_from(["10.0.0.1", "2001:db8::1", "10.0.0.0/8", "2001:db8::/32", "default", "all"])
WORD = st.sampled_from(
    [
        "via",
        "dev",
        "src",
        "table",
        "metric",
        "tos",
        "scope",
        "protocol",
        "onlink",
        "mtu",
        "lock",
        "rtt",
        "congctl",
        "reno",
        "features",
        "ecn",
        "nexthop",
        "weight",
        "or",
        "realms",
        "expires",
        "pref",
        "high",
        "append",
        "add",
        "from",
        "to",
        "inet",
        "inet6",
        "not",
        "priority",
        "fwmark",
        "goto",
        "nop",
        "l3mdev",
        "sport",
        "dport",
        "uidrange",
        "ipproto",
        "tcp",
        "type",
        "blackhole",
        "unreachable",
        "oif",
        "iif",
        "suppress_prefixlength",
        "as",
        "ttl-propagate",
        "enabled",
        "vrf",
        "red",
        "tunnel-id",
        "lo",
        "eth0",
        "main",
        "link",
        "static",
        "no_track",
        "1",
        "7",
        "254",
        "65536",
        "4294967295",
        "0x10",
        "1/2",
        "5-9",
        "10s",
    ]
)
LINE = st.lists(WORD | ADDRESS, min_size=1, max_size=12).map(" ".join)


class AnyLine(SynchronousTestCase):
    @given(st.sampled_from(["virtual_routes", "virtual_rules"]), LINE)
    def test_a_line_is_an_item_or_a_finding(self, block: str, line: str) -> None:
        """What is read can be shown, keyed and encoded, whether its interface is there or not."""
        found, findings = read(block, line)
        errors = [
            each for each in findings if each.severity is Severity.ERROR and "passed over" not in each.message
        ]
        self.assertEqual(len(found) + len(errors), 1, findings)
        for item in found:
            self.assertTrue(str(item))
            hash(key_of(item))
            self.assertTrue(add_item(item, LINKS.get).payload)
            try:
                add_item(item, lambda _: None)
            except NoInterfaceError:
                assert isinstance(item, Route)
                self.assertTrue(item.devices or item.vrf)


class Statics(SynchronousTestCase):
    TEXT = """
    static_ipaddress {
        192.0.2.7/24 dev eth1
        192.0.2.8/24
    }
    static_routes {
        10.0.0.0/8 via 192.0.2.9
    }
    static_rules {
        from 10.0.0.0/8 table 3 priority 5
    }
    """

    def test_they_stand_outside_all_blocks(self) -> None:
        reading = load_text(self.TEXT, "x.conf")
        [finding] = reading.findings
        self.assertIn("192.0.2.8 has no interface", finding.message)
        configuration = reading.configuration
        self.assertEqual([str(each.address) for each in configuration.static_ipaddress], ["192.0.2.7"])
        self.assertEqual([str(each) for each in configuration.static_routes], ["10.0.0.0/8 via 192.0.2.9"])
        self.assertEqual([each.priority for each in configuration.static_rules], [5])
        self.assertIn("    10.0.0.0/8 via 192.0.2.9", list(dump(configuration)))

    def test_the_default_interface_is_theirs_too(self) -> None:
        reading = load_text("global_defs {\n default_interface eth7\n}\n" + self.TEXT, "x.conf")
        self.assertEqual(reading.findings, ())
        self.assertEqual([each.dev for each in reading.configuration.static_ipaddress], ["eth1", "eth7"])


class Names(SynchronousTestCase):
    def test_files_of_a_folder_win_over_those_before_it(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            vendor, local = Path(directory) / "usr", Path(directory) / "etc"
            (local / "rt_tables.d").mkdir(parents=True)
            vendor.mkdir()
            (vendor / "rt_tables").write_text("# comment\n100 one\n101 two # more\nx three\n\n4\n")
            (local / "rt_tables").write_text("0x70 one\n")
            (local / "rt_tables.d/more.conf").write_text("300 four\n301 two\n302 main\n")
            (local / "rt_tables.d/ignored").write_text("300 five\n")
            tables = read_names((vendor, local)).rt_tables
            self.assertEqual(
                (tables["one"], tables["two"], tables["four"], tables["main"]), (112, 101, 300, 254)
            )
            self.assertFalse({"three", "five"} & set(tables))
        self.assertEqual(read_names((vendor,)).rt_protos["keepalived"], 18)
