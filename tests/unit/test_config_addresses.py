"""Lines of addresses: every option, every mistake in its place, and what keepalived logs of it."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.address_lines import ADDRESS_OPTIONS
from kaltwisted.config.diff import compare
from kaltwisted.config.dump import dump
from kaltwisted.config.findings import Finding, Severity
from kaltwisted.config.load import load_text
from kaltwisted.config.model_vrrp import FOREVER, VirtualIpAddress
from kaltwisted.vrrp.report_words import virtual_address
from tests.unit.test_config_broken import instance
from tests.unit.test_config_not_acted_on import LOGGED, Case, cases


def excluded(line: str) -> str:
    """An instance with such an address."""
    return instance(f"virtual_ipaddress_excluded {{\n{line}\n}}")


def static(line: str) -> str:
    return f"static_ipaddress {{\n{line}\n}}\n"


def read(line: str) -> tuple[VirtualIpAddress, tuple[Finding, ...]]:
    reading = load_text(excluded(line), "x.conf")
    [found] = reading.configuration.vrrp_instances
    [vip] = found.virtual_ipaddress_excluded
    return vip, tuple(reading.findings)


def vip(text: str, prefix: int, **fields: Any) -> VirtualIpAddress:
    return VirtualIpAddress(ip_address(text), prefix, **fields)


PEER = ip_address("10.8.0.9")
RIGHT = {
    "10.7.0.1": vip("10.7.0.1", 32),
    "10.7.0.1/24 dev eth1 label eth1:x scope link brd + no_track": vip(
        "10.7.0.1", 24, dev="eth1", label="eth1:x", scope="link", brd="+", no_track=True
    ),
    "10.7.0.1 peer 10.8.0.9": vip("10.7.0.1", 32, peer=PEER),
    "10.7.0.1 peer 10.8.0.9/24 dev eth1": vip("10.7.0.1", 24, peer=PEER, dev="eth1"),
    "10.7.0.1/24 noprefixroute use_vmac": vip("10.7.0.1", 24, noprefixroute=True, use_vmac=True),
    "224.7.0.1 autojoin": vip("224.7.0.1", 32, autojoin=True),
    "2001:db8::1/64 home -nodad mngtmpaddr noprefixroute": vip(
        "2001:db8::1", 64, home=True, dad=True, mngtmpaddr=True, noprefixroute=True
    ),
    "2001:db8::1 preferred_lft forever": vip("2001:db8::1", 128, preferred_lft=FOREVER),
    "2001:db8::1/64 preferred_lft 300": vip("2001:db8::1", 64, preferred_lft=300),
    "2001:db8::1 peer 2001:db8::2": vip("2001:db8::1", 128, peer=ip_address("2001:db8::2")),
    "ff05::1 autojoin": vip("ff05::1", 128, autojoin=True),
}
# Line, what keepalived logs of it, and what becomes of it.
TOLD = (
    (
        "10.7.0.1/24 peer 10.8.0.9",
        "Cannot specify address prefix when specifying peer address - ignoring",
        vip("10.7.0.1", 32, peer=PEER),
    ),
    ("10.7.0.1/24 peer foo dev eth1", "Invalid peer address foo", vip("10.7.0.1", 24, dev="eth1")),
    ("10.7.0.1 peer 10.8.0.0/33", "Invalid peer address 10.8.0.0/33", vip("10.7.0.1", 32)),
    ("10.7.0.1/24 peer", "No peer parameter specified for 10.7.0.1/24", vip("10.7.0.1", 24)),
    ("10.7.0.1/24 peer ::1", "Peer address ::1 does not match address family", vip("10.7.0.1", 24)),
    (
        "10.7.0.1 brd + peer 10.8.0.9",
        "Cannot specify broadcast and peer addresses - ignoring broadcast address",
        vip("10.7.0.1", 32, peer=PEER),
    ),
    ("2001:db8::1 preferred_lft 5s", "preferred_lft 5s is invalid", vip("2001:db8::1", 128)),
    ("2001:db8::1 preferred_lft -1", "preferred_lft -1 is invalid", vip("2001:db8::1", 128)),
    (
        "2001:db8::1/64 scope link",
        "Cannot specify scope for IPv6 addresses (2001:db8::1/64) - ignoring scope",
        vip("2001:db8::1", 64),
    ),
    (
        "2001:db8::1 label eth0:1",
        "Cannot specify label for IPv6 addresses (2001:db8::1) - ignoring label",
        vip("2001:db8::1", 128),
    ),
    (
        "10.7.0.1 bogus value dev eth1",
        "Unknown configuration entry 'bogus' for ip address - ignoring",
        vip("10.7.0.1", 32, dev="eth1"),
    ),
    (
        "10.7.0.1 track_group T dev eth1",
        "Unknown configuration entry 'track_group' for ip address - ignoring",
        vip("10.7.0.1", 32, dev="eth1"),
    ),
)
# Line, word and message of what changes nothing, or is refused by the kernel.
WARNED = (
    ("10.7.0.1/24 preferred_lft 7", "preferred_lft", "is for IPv6 addresses"),
    ("10.7.0.1/24 home", "home", "is for IPv6 addresses"),
    ("10.7.0.1/24 -nodad", "-nodad", "is for IPv6 addresses"),
    ("10.7.0.1/24 mngtmpaddr", "mngtmpaddr", "is for IPv6 addresses"),
    ("10.7.0.1/24 autojoin", "autojoin", "no multicast address"),
    ("2001:db8::1 mngtmpaddr", "mngtmpaddr", "prefixes of 64 only"),
)


class AddressLines(SynchronousTestCase):
    def test_every_option(self) -> None:
        for line, expected in RIGHT.items():
            self.assertEqual(read(line), (expected, ()))

    def test_which_are_deprecated(self) -> None:
        for line, lifetime in {
            "10.7.0.1": FOREVER,
            "2001:db8::1": 0,
            "fe80::1": 0,
            "2001:db8::1/64": FOREVER,
            "2001:db8::1/127": FOREVER,
            "2001:db8::1 peer 2001:db8::2": 0,
            "2001:db8::1 peer 2001:db8::2 preferred_lft 5": 5,
            "2001:db8::1 preferred_lft forever": FOREVER,
            "2001:db8::1/64 preferred_lft 0": 0,
        }.items():
            self.assertEqual(read(line)[0].preferred, lifetime, line)

    def test_what_keepalived_logs(self) -> None:
        for line, log, expected in TOLD:
            found, findings = read(line)
            self.assertEqual(([each.log for each in findings], found), ([log], expected), line)

    def test_what_changes_nothing_or_is_refused_by_the_kernel_is_worth_a_word(self) -> None:
        for line, word, message in WARNED:
            found, [finding] = read(line)
            self.assertIn(message, finding.message)
            self.assertIs(finding.severity, Severity.WARNING)
            self.assertEqual(finding.position.column, line.index(word) + 5)
            # As keepalived's data file tells of it.
            self.assertEqual(word in virtual_address(found, "eth0", stands=True), word != "preferred_lft")

    def test_what_it_was_made_of_is_what_is_dumped_and_told_at_a_reload(self) -> None:
        before = load_text(static("10.7.0.1 peer 10.8.0.9/24 dev eth1 noprefixroute"), "x.conf").configuration
        told = "10.7.0.1 peer 10.8.0.9/24 dev eth1 noprefixroute"
        self.assertIn(f"    {told}", list(dump(before)))
        after = load_text(
            static("2001:db8::1/64 dev eth1 preferred_lft forever -nodad"), "x.conf"
        ).configuration
        self.assertEqual(
            list(compare(before, after).words()),
            [
                f"static_ipaddress {told} removed",
                "static_ipaddress 2001:db8::1/64 dev eth1 preferred_lft forever -nodad added",
            ],
        )

    @given(st.lists(st.sampled_from([*ADDRESS_OPTIONS, "forever", "7", "10.0.0.2", "2001:db8::2", "+"])))
    def test_no_words_do_harm(self, words: list[str]) -> None:
        for address in ("10.7.0.1/24", "2001:db8::1"):
            [found] = load_text(
                static(" ".join([address, *words])) + "global_defs {\ndefault_interface eth0\n}\n", "x.conf"
            ).configuration.static_ipaddress
            again = load_text(static(str(found)), "x.conf").configuration.static_ipaddress
            self.assertEqual(again, (found,))


BROKEN: dict[str, Case] = {
    "a prefix beside a peer": (static("«10.0.0.1/24 dev eth1 peer 10.0.0.2"), "that of the peer", LOGGED),
    "no peer": (static("10.0.0.1/24 dev eth1 «peer"), "lacks its value", LOGGED),
    "a peer that is none": (static("10.0.0.1/24 dev eth1 peer «foo"), "not the address of a peer", LOGGED),
    "a peer of another family": (static("10.0.0.1/24 dev eth1 peer «::1"), "another family", LOGGED),
    "broadcast to a peer": (static("10.0.0.1 dev eth1 «brd + peer 10.0.0.2"), "no broadcast", LOGGED),
    "no lifetime": (static("2001:db8::1 dev eth1 «preferred_lft"), "lacks its value", LOGGED),
    "a lifetime that is none": (static("2001:db8::1 dev eth1 preferred_lft «long"), "left out", LOGGED),
    "too long a lifetime": (static("2001:db8::1 dev eth1 preferred_lft «4294967296"), "left out", LOGGED),
    "scope of an ipv6 address": (static("2001:db8::1 dev eth1 «scope link"), "has no scope", LOGGED),
    "label of an ipv6 address": (static("2001:db8::1 dev eth1 «label eth1:1"), "has no label", LOGGED),
    "a group for a virtual address": (excluded("10.0.0.1/24 «track_group T"), "for static items", LOGGED),
    "a group for a virtual route": (
        instance("virtual_routes {\n10.1.0.0/16 via 10.0.0.1 dev eth0 «track_group T\n}"),
        "not an option here; the line is left out",
        LOGGED,
    ),
    "a group for a virtual rule": (
        instance("virtual_rules {\nfrom 10.1.0.0/16 table 300 priority 5 «track_group T\n}"),
        "not an option here; the line is left out",
        LOGGED,
    ),
}


class AddressMistakes(SynchronousTestCase):
    """Every one of them gives exactly one finding more, at its place and of its class."""


cases(AddressMistakes, BROKEN)
