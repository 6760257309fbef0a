"""SMTP_CHECK, PING_CHECK, UDP_CHECK and DNS_CHECK as they are written: every value, every mistake."""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.diff import compare
from kaltwisted.config.findings import render
from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import (
    SECOND_US,
    Check,
    CheckTiming,
    Connection,
    DnsCheck,
    DnsType,
    PingCheck,
    ReplyPattern,
    SmtpCheck,
    UdpCheck,
)
from tests.unit.test_config_broken import check, server
from tests.unit.test_config_not_acted_on import LOGGED, MISSING, Case, cases


def read(text: str) -> Reading:
    """A reading of which nothing is to be said."""
    reading = load_text(text, "x.conf")
    assert not reading.findings, "\n".join(map(render, reading.findings))
    return reading


def only(text: str) -> Check:
    """The one check of the one real server."""
    [found] = read(text).configuration.virtual_servers
    [real] = found.real_servers
    [check] = real.checks
    return check


class CheckTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        minute = 60 * SECOND_US
        connection = Connection(IPv4Address("10.0.0.2"), 80)
        usual = CheckTiming(minute, 1, SECOND_US, minute)
        for name, expected in {
            "PING_CHECK": PingCheck(usual, connection),
            "UDP_CHECK": UdpCheck(usual, connection),
            # As keepalived 2.2.7 shows them: its retries are a delay_loop apart.
            "DNS_CHECK": DnsCheck(CheckTiming(minute, 3, minute, minute), connection, DnsType.SOA),
        }.items():
            self.assertEqual(only(check(name, "")), expected)

    def test_all_they_say(self) -> None:
        target = "connect_ip 10.9.9.9\nconnect_port 53\nbindto 10.8.8.8\nbind_port 99\nbind_if eth1\n"
        target += "fwmark 3\nconnect_timeout 2\n"
        timing = "retry 4\ndelay_loop 7\nwarmup 1\ndelay_before_retry 0.5\nalpha\nlog_all_failures\n"
        connection = Connection(
            IPv4Address("10.9.9.9"), 53, 2 * SECOND_US, IPv4Address("10.8.8.8"), 99, "eth1", 3
        )
        told = CheckTiming(7 * SECOND_US, 4, SECOND_US // 2, SECOND_US, alpha=True, log_all_failures=True)
        lines = target + timing
        self.assertEqual(
            only(check("DNS_CHECK", lines + "type aaaa\nname www.example.org")),
            DnsCheck(told, connection, DnsType.AAAA, "www.example.org"),
        )
        self.assertEqual(
            only(check("UDP_CHECK", lines + "payload 0aFF 1\nrequire_reply 0x\nmin_reply_length 2")),
            UdpCheck(told, connection, b"\x0a\xff\x01", ReplyPattern(b"\x00", b"\xf0"), 2),
        )
        self.assertEqual(only(check("PING_CHECK", lines)), PingCheck(told, connection))

    def test_an_smtp_check_may_say_where_in_a_block_of_its_own(self) -> None:
        target = "connect_ip 10.9.9.9\nconnect_port 26\nbindto 10.8.8.8\n"
        connection = Connection(IPv4Address("10.9.9.9"), 26, bindto=IPv4Address("10.8.8.8"))
        for lines in (f"host {{\n{target}}}", target):
            text = check("SMTP_CHECK", f"retry 4\nhelo_name a.example\n{lines}")
            self.assertEqual(only(text), SmtpCheck(CheckTiming(retry=4), connection, "a.example"))

    def test_a_reload_tells_what_changed(self) -> None:
        old, new = (
            read(check("DNS_CHECK", f"retry {retry}\ntype {of}")).configuration
            for retry, of in ((1, "A"), (2, "MX"))
        )
        where = "real_server [10.0.0.2]:tcp:80 of VS [10.0.0.1]:tcp:80"
        self.assertEqual(
            list(compare(old, new).words()),
            [
                f"{where}: DNS_CHECK retry 1 -> 2",
                f"{where}: DNS_CHECK type A -> MX",
                f"{where}: DNS_CHECK begins anew, as up or down as it was",
            ],
        )
        self.assertFalse(compare(new, new))

    @given(st.binary(min_size=1), st.integers(1, 3))
    def test_a_payload_is_read_however_it_is_spaced(self, payload: bytes, group: int) -> None:
        found = only(check("UDP_CHECK", f"payload {payload.hex(' ', group)}"))
        assert isinstance(found, UdpCheck)
        self.assertEqual(found.payload, payload)

    @given(st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters='"$'), max_size=300))
    def test_whatever_is_said_is_read_or_told_of(self, value: str) -> None:
        for name, keyword in (("UDP_CHECK", "require_reply"), ("DNS_CHECK", "name"), ("DNS_CHECK", "type")):
            reading = load_text(check(name, f'{keyword} "{value}"'), "x.conf")
            self.assertLessEqual(len(reading.findings), 1)
            self.assertEqual(len(reading.configuration.virtual_servers[0].real_servers[0].checks), 1)


# name: (text, part of the message, what it does to the daemon); the statuses are keepalived's.
BROKEN: dict[str, Case] = {
    "a check's keyword": (check("PING_CHECK", "«payload 0a"), "not a keyword", LOGGED),
    "a check's port": (check("SMTP_CHECK", "connect_port «0"), "out of range", LOGGED),
    "a check's retries": (check("DNS_CHECK", "retry «x"), "not a number", LOGGED),
    "a check's address": (check("PING_CHECK", "bindto «1"), "not an IP address", LOGGED),
    "no interface": (check("SMTP_CHECK", "«bind_if"), "lacks its parameter", MISSING),
    "no name to say": (check("SMTP_CHECK", "«helo_name"), "lacks its parameter", LOGGED),
    "host without a block": (check("SMTP_CHECK", "«host"), "has no block", LOGGED),
    "in host": (check("SMTP_CHECK", "host {\n    «helo_name x\n}"), "not a keyword", LOGGED),
    "a port in host": (check("SMTP_CHECK", "host {\n    connect_port «x\n}"), "not a number", LOGGED),
    "no payload": (check("UDP_CHECK", "«payload"), "lacks its parameter", LOGGED),
    "an empty payload": (check("UDP_CHECK", 'payload «""'), "not hexadecimal", LOGGED),
    "a payload in C": (check("UDP_CHECK", "payload «0x0a"), "not hexadecimal", LOGGED),
    "a payload with a pattern": (check("UDP_CHECK", "payload «0a XX"), "not hexadecimal", LOGGED),
    "a reply as a flag": (check("UDP_CHECK", "require_reply «on"), "not hexadecimal", LOGGED),
    "no length": (check("UDP_CHECK", "«min_reply_length"), "lacks its parameter", MISSING),
    "too long a reply": (check("UDP_CHECK", "max_reply_length «65536"), "out of range", LOGGED),
    "lengths that exclude each other": (
        server("«UDP_CHECK {\n    min_reply_length 300\n}"),
        "above max_reply_length 255",
        LOGGED,
    ),
    "no type": (check("DNS_CHECK", "«type"), "lacks its parameter", MISSING),
    "an unknown type": (check("DNS_CHECK", "type «PTR"), "is not known here", LOGGED),
    "no name": (check("DNS_CHECK", "«name"), "lacks its parameter", MISSING),
    "an empty label": (check("DNS_CHECK", "name «a..b"), "empty label", LOGGED),
    "a label that is too long": (check("DNS_CHECK", f"name «{'a' * 64}"), "more than 63", LOGGED),
    "a name that is too long": (check("DNS_CHECK", f"name «{'a.' * 128}"), "more than 253", LOGGED),
    "two names": (check("DNS_CHECK", "name a\n«name b"), "a second time: the first one counts", LOGGED),
}


class MistakeTests(SynchronousTestCase):
    """Every one of them gives exactly one finding, at its place and of its class."""


cases(MistakeTests, BROKEN)
