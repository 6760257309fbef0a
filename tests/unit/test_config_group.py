"""``virtual_server_group`` and the virtual servers that serve one."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts.vetting import vet
from kaltwisted.config.diff import compare
from kaltwisted.config.dump import dump
from kaltwisted.config.findings import render
from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import (
    AddressRange,
    FirewallMark,
    Protocol,
    ServerGroup,
    VirtualServer,
    VirtualServerGroup,
)
from kaltwisted.daemon.role.parcel import pack, unpack
from tests.unit.test_config_broken import GOOD_SERVER, service
from tests.unit.test_config_not_acted_on import LOGGED, MISSING, Case, cases

HEAD = "virtual_server group g {"


def read(text: str) -> Reading:
    """A reading of which nothing is to be said."""
    reading = load_text(text, "x.conf")
    assert not reading.findings, "\n".join(map(render, reading.findings))
    return reading


def the_only(reading: Reading) -> VirtualServer:
    """Its virtual server."""
    [found] = reading.configuration.virtual_servers
    return found


def group(lines: str, name: str = "g") -> str:
    """A group."""
    return f"virtual_server_group {name} {{\n{lines}\n}}\n"


def served(lines: str = "", more: str = "") -> str:
    """A group, and a virtual server that serves it."""
    return group(lines or "10.0.0.1 80") + service(more, head=HEAD)


class GroupTests(SynchronousTestCase):
    def test_entries(self) -> None:
        def addresses(first: str, last: str, port: int) -> AddressRange:
            return AddressRange(ip_address(first), ip_address(last), port)

        for line, expected in {
            "10.0.0.1 80": addresses("10.0.0.1", "10.0.0.1", 80),
            "10.0.0.1": addresses("10.0.0.1", "10.0.0.1", 0),
            "10.0.0.1-5 80": addresses("10.0.0.1", "10.0.0.5", 80),
            "10.0.0.1-10.0.1.5 80": addresses("10.0.0.1", "10.0.1.5", 80),
            # As in keepalived's kernel table: all of the network, its first and last address too.
            "10.0.0.4/30 80": addresses("10.0.0.4", "10.0.0.7", 80),
            "2001:db8::1-ff 53": addresses("2001:db8::1", "2001:db8::ff", 53),
            "2001:db8::1-2001:db8::5 53": addresses("2001:db8::1", "2001:db8::5", 53),
            "2001:db8::4/126": addresses("2001:db8::4", "2001:db8::7", 0),
            "fwmark 5 inet": FirewallMark(5),
            "fwmark 5 inet6": FirewallMark(5, ipv6=True),
        }.items():
            self.assertEqual(
                read(group(line)).configuration.virtual_server_groups,
                (VirtualServerGroup("g", (expected,)),),
            )

    @given(st.integers(0, 255), st.integers(0, 255))
    def test_a_range_ends_behind_its_beginning(self, first: int, last: int) -> None:
        reading = load_text(group(f"10.0.0.{first}-{last} 80"), "x.conf")
        found = reading.configuration.virtual_server_groups
        self.assertEqual(len(found), last > first)
        self.assertEqual(len(reading.findings), last <= first)
        if found:
            [entry] = found[0].entries
            assert isinstance(entry, AddressRange)
            self.assertEqual(int(entry.last) - int(entry.first), last - first)

    @given(st.text("0123456789abcdef.:/-x", max_size=30))
    def test_any_line_is_an_entry_or_one_finding(self, text: str) -> None:
        reading = load_text(group(f"10{text} 80"), "x.conf")
        self.assertEqual(
            len(reading.configuration.virtual_server_groups) + len(reading.findings), 1, reading.findings
        )

    def test_a_long_number_is_one_finding(self) -> None:
        for text in (f"10.0.0.1-{'9' * 5000}", f"2001:db8::1-{'f' * 900}", f"10.0.0.0/{'9' * 900}"):
            self.assertEqual(len(load_text(group(text[:1000]), "x.conf").findings), 1)


class ServiceTests(SynchronousTestCase):
    def test_it_has_what_is_in_its_group(self) -> None:
        entry = AddressRange(ip_address("10.0.0.1"), ip_address("10.0.0.1"), 80)
        for text in (served(), service("", head=HEAD) + group("10.0.0.1 80")):
            found = the_only(read(text))
            self.assertEqual(found.listen, ServerGroup("g", (entry,)))
            self.assertEqual(str(found), "[g]:0")
            self.assertEqual(len(found.real_servers), 1)

    def test_those_of_one_group_are_numbered_and_have_a_protocol_each(self) -> None:
        text = served() + "".join(
            service("", head=HEAD).replace("protocol TCP", f"protocol {each}") for each in ("UDP", "SCTP")
        )
        found = read(text).configuration.virtual_servers
        self.assertEqual([str(each) for each in found], ["[g]:0", "[g]:1", "[g]:2"])
        self.assertEqual([each.fact_name for each in found], ["[g]:tcp:0", "[g]:udp:0", "[g]:sctp:0"])

    def test_marks_have_no_protocol_and_the_family_of_their_servers(self) -> None:
        text = served("fwmark 5\nfwmark 6").replace("    protocol TCP\n", "")
        found = the_only(read(text))
        self.assertEqual(found.protocol, Protocol.NONE)
        self.assertEqual(found.listen, ServerGroup("g", (FirewallMark(5), FirewallMark(6))))
        six = the_only(read(text.replace("10.0.0.2", "2001:db8::2")))
        self.assertEqual(six.listen, ServerGroup("g", (FirewallMark(5, True), FirewallMark(6, True))))
        [error] = load_text(served("fwmark 5"), "x.conf").findings
        self.assertEqual(
            error.log,
            "Warning: Virtual server [g]:0: protocol specified for fwmark - protocol will be ignored",
        )
        [error] = load_text(served().replace("    protocol TCP\n", ""), "x.conf").findings
        self.assertEqual(error.log, "Virtual server [g]:0: no protocol set - defaulting to UDP")

    def test_mark_0_and_a_group_without_end_are_not_served(self) -> None:
        reading = load_text(served("fwmark 0\n10.0.0.1 80"), "x.conf")
        [warning] = reading.findings
        self.assertIn("mark 0", warning.message)
        listen = the_only(reading).listen
        assert isinstance(listen, ServerGroup)
        self.assertEqual(len(listen.entries), 1)
        for lines, message in {
            "fwmark 0": "mark 0",
            "10.0.0.0/15 80": "more than 65536",
            "2001:db8::/64 80": "more than",
        }.items():
            reading = load_text(served(lines), "x.conf")
            self.assertIn(message, reading.findings[0].message)
            self.assertEqual((reading.configuration.virtual_servers, reading.exit_status), ((), 0))

    def test_servers_of_another_family_are_left_out(self) -> None:
        reading = load_text(served("2001:db8::1 80"), "x.conf")
        self.assertEqual((reading.configuration.virtual_servers, reading.exit_status), ((), 0))
        other = GOOD_SERVER + GOOD_SERVER.replace("10.0.0.2", "2001:db8::2")
        reading = load_text(group("10.0.0.1 80") + service("", other, head=HEAD), "x.conf")
        self.assertEqual((len(the_only(reading).real_servers), reading.exit_status), (1, 5))

    def test_without_its_group_and_twice_it_is_left_out_with_a_warning(self) -> None:
        for text, message, left in (
            (service("", head=HEAD), "there is no virtual_server_group `g`", 0),
            (served() + service("", head=HEAD), "stands here a second time", 1),
            (served("10.0.0.1 80\n2001:db8::1 80"), "has both IPv4 and IPv6", 0),
            (served() + group("10.0.0.9 80"), "the first one counts", 1),
        ):
            reading = load_text(text, "x.conf")
            [warning] = reading.findings
            self.assertIn(message, warning.message)
            self.assertEqual(reading.exit_status, 0)
            self.assertEqual(len(reading.configuration.virtual_servers), left)

    def test_all_ports_need_persistence(self) -> None:
        reading = load_text(served("10.0.0.1 80\n10.0.0.2"), "x.conf")
        [error] = reading.findings
        self.assertEqual(
            error.log, "Virtual server [g]:0: zero port only valid for persistent services - setting"
        )
        found = the_only(reading)
        self.assertEqual(found.persistence_timeout_s, 360)
        read(served("10.0.0.1 0", "persistence_timeout 5"))

    def test_direct_routing_keeps_the_port(self) -> None:
        reading = load_text(served("10.0.0.1 81", "lb_kind DR"), "x.conf")
        [error] = reading.findings
        self.assertEqual(
            error.log,
            "virtual server [g]:0 and real server [10.0.0.2]:tcp:80 ports don't match",
        )
        self.assertEqual(reading.exit_status, 5)
        read(served("10.0.0.1 80\nfwmark 7", "lb_kind DR"))

    def test_a_reload_tells_of_it(self) -> None:
        old = read(served()).configuration
        other = GOOD_SERVER.replace("TCP_CHECK {", "weight 3\n        TCP_CHECK {")
        new = read(group("10.0.0.1-3 80") + service("", other, head=HEAD)).configuration
        changes = compare(old, new)
        [change] = changes.virtual_servers.changed
        self.assertEqual(str(change.new), "[g]:0")
        self.assertEqual(
            list(changes.words()),
            [
                "real_server [10.0.0.2]:tcp:80 of VS [g]:0: weight 1 -> 3",
                "virtual_server_group g: entries changed",
            ],
        )
        self.assertIs(
            compare(old, read(served()).configuration).configuration.virtual_servers[0],
            old.virtual_servers[0],
        )

    def test_it_goes_through_a_parcel(self) -> None:
        configuration = read(served("fwmark 5\n10.0.0.1-3 80")).configuration
        self.assertEqual(unpack(pack(configuration)), configuration)
        self.assertIs(
            unpack(pack(configuration, configuration), configuration).virtual_servers[0],
            configuration.virtual_servers[0],
        )

    def test_the_dump_has_it(self) -> None:
        lines = list(dump(read(SIX).configuration))
        for line in ("  Virtual Server Group = g", "    fwmark 5 inet6", "  VS GROUP = g"):
            self.assertIn(line, lines)
        lines = list(dump(read(served("10.0.0.1-3 80\n10.0.0.9 80")).configuration))
        self.assertIn("    10.0.0.1-10.0.0.3 80", lines)
        self.assertIn("    10.0.0.9 80", lines)

    def test_its_scripts_are_vetted(self) -> None:
        configuration = read(served("", "quorum_up /bin/true")).configuration
        self.assertEqual(max(each.consequence.test_status for each in vet(configuration).findings), 6)


SIX = (
    served("fwmark 5 inet6", "persistence_granularity 64")
    .replace("10.0.0.2", "2001:db8::2")
    .replace("    protocol TCP\n", "")
)
BROKEN: dict[str, Case] = {
    "a group without a name": ("«virtual_server_group {\n10.0.0.1 80\n}\n", "lacks its name", MISSING),
    "an empty group": ("«virtual_server_group g {\n}\n", "is empty", LOGGED),
    "a group without a block": ("«virtual_server_group g\n", "has no block", LOGGED),
    "no address": (group("«foo 80"), "not an IP address", LOGGED),
    "no address in front of an end": (group("«-5 80"), "not an IP address", LOGGED),
    "too high a port": (group("10.0.0.1 «65536"), "out of range", LOGGED),
    "a port that is none": (group("10.0.0.1 «x"), "not a number", LOGGED),
    "an end that is too high": (group("«10.0.0.1-300 80"), "too large", LOGGED),
    "an end that is too high in ipv6": (group("«2001:db8::1-10000 80"), "too large", LOGGED),
    "an end that is none": (group("«10.0.0.1-x 80"), "neither an address nor", LOGGED),
    "no end": (group("«10.0.0.1- 80"), "neither an address nor", LOGGED),
    "an end in front": (group("«10.0.0.9-10.0.0.5 80"), "where it begins, or before", LOGGED),
    "an end of another family": (group("«10.0.0.1-2001:db8::1 80"), "not of one family", LOGGED),
    "a long prefix": (group("«10.0.0.0/33 80"), "out of range", LOGGED),
    "a prefix of nothing": (group("«10.0.0.0/0 80"), "out of range", LOGGED),
    "no prefix": (group("«10.0.0.1/ 80"), "not a number", LOGGED),
    "no network": (group("«10.0.0.10/30 80"), "begins at 10.0.0.8", LOGGED),
    "no mark": (group("«fwmark"), "lacks its parameter", MISSING),
    "a mark that is none": (group("fwmark «x"), "not a number", LOGGED),
    "too high a mark": (group("fwmark «4294967296"), "out of range", LOGGED),
    "an unknown family": (group("fwmark 5 «foo"), "not known here", LOGGED),
    "a service without the group's name": (
        service("", head="virtual_server «group {"),
        "lacks its name",
        MISSING,
    ),
    "a mistake in its service": (served("", "quorum «0"), "out of range", LOGGED),
}


class MistakeTests(SynchronousTestCase):
    """Every one of them gives exactly one finding more, at its place and of its class."""


cases(MistakeTests, BROKEN)
