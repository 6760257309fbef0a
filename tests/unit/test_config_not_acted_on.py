"""What is read and not acted on yet: told of once, and every value and mistake in it counts."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.diff import compare
from kaltwisted.config.findings import Consequence, Finding, Severity, render
from kaltwisted.config.keywords.checks import CHECKS
from kaltwisted.config.keywords.table import Stage
from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import (
    SECOND_US,
    Check,
    CheckNotRun,
    CheckTiming,
    Connection,
    DnsCheck,
    DnsType,
    PingCheck,
    ReplyPattern,
    SmtpCheck,
    UdpCheck,
)
from kaltwisted.config.model_checks import kind
from tests.unit.test_config_broken import check, read_marked, server, service

Case: TypeAlias = tuple[str, str, Consequence]

LOGGED, MISSING = Consequence.LOGGED, Consequence.MISSING_PARAMETER


def mistakes(reading: Reading) -> list[Finding]:
    """All findings but those that say that something is not acted on yet."""
    return [finding for finding in reading.findings if "not acted on yet" not in finding.message]


def read(text: str) -> Reading:
    """A reading of which nothing is to be said but that something is not acted on yet."""
    reading = load_text(text, "x.conf")
    assert reading.findings
    assert not mistakes(reading), "\n".join(map(render, reading.findings))
    assert reading.exit_status == 0
    return reading


def not_run(text: str) -> CheckNotRun:
    """The one check of the one real server."""
    [found] = read(text).configuration.virtual_servers
    [real] = found.real_servers
    assert not real.checks
    [only] = real.checks_not_run
    return only


class StageTests(SynchronousTestCase):
    def test_it_is_read_and_told_of_once_for_all_its_places(self) -> None:
        text = server("DNS_CHECK {\n}") + service("", head="virtual_server 10.0.0.5 80 {").replace(
            "TCP_CHECK", "DNS_CHECK"
        )
        reading = read(text)
        [finding] = reading.findings
        self.assertIn("(also on ", finding.message)
        checks = [
            real.checks_not_run
            for each in reading.configuration.virtual_servers
            for real in each.real_servers
        ]
        self.assertEqual([len(each) for each in checks], [1, 1])


class CheckTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        minute = 60 * SECOND_US
        connection = Connection(IPv4Address("10.0.0.2"), 80)
        usual = CheckTiming(minute, 1, SECOND_US, minute)
        for name, expected in {
            "PING_CHECK": PingCheck(usual, connection),
            "UDP_CHECK": UdpCheck(usual, connection),
            # As keepalived 2.2.7 shows them: its retries are a delay_loop apart.
            "DNS_CHECK": DnsCheck(CheckTiming(minute, 3, minute, minute), connection),
        }.items():
            self.assertEqual(not_run(check(name, "")), expected)

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
            not_run(check("DNS_CHECK", lines + "type aaaa\nname www.example.org")),
            DnsCheck(told, connection, DnsType.AAAA, "www.example.org"),
        )
        self.assertEqual(
            not_run(check("UDP_CHECK", lines + "payload 0aFF 1\nrequire_reply 0x\nmin_reply_length 2")),
            UdpCheck(told, connection, b"\x0a\xff\x01", ReplyPattern(b"\x00", b"\xf0"), 2),
        )
        self.assertEqual(not_run(check("PING_CHECK", lines)), PingCheck(told, connection))

    def test_an_smtp_check_may_say_where_in_a_block_of_its_own(self) -> None:
        target = "connect_ip 10.9.9.9\nconnect_port 26\nbindto 10.8.8.8\n"
        connection = Connection(IPv4Address("10.9.9.9"), 26, bindto=IPv4Address("10.8.8.8"))
        for lines in (f"host {{\n{target}}}", target):
            reading = load_text(check("SMTP_CHECK", f"retry 4\nhelo_name a.example\n{lines}"), "x.conf")
            [real] = reading.configuration.virtual_servers[0].real_servers
            timing = CheckTiming(retry=4)
            self.assertEqual(real.checks, (SmtpCheck(timing, connection, "a.example"),))
            self.assertEqual(reading.findings, ())

    def test_beside_a_check_that_runs_it_changes_nothing(self) -> None:
        reading = read(server("DNS_CHECK {\n}\nTCP_CHECK {\n}"))
        [real] = reading.configuration.virtual_servers[0].real_servers
        self.assertEqual(list(map(kind, real.checks)), ["TCP_CHECK"])
        self.assertEqual(list(map(kind, real.checks_not_run)), ["DNS_CHECK"])

    def test_a_reload_tells_what_changed(self) -> None:
        old, new = (
            read(check("DNS_CHECK", f"retry {retry}\ntype {of}")).configuration
            for retry, of in ((1, "A"), (2, "MX"))
        )
        where = "real_server [10.0.0.2]:tcp:80 of VS [10.0.0.1]:tcp:80"
        self.assertEqual(
            list(compare(old, new).words()),
            [f"{where}: DNS_CHECK retry 1 -> 2", f"{where}: DNS_CHECK type A -> MX"],
        )
        self.assertFalse(compare(new, new))

    def test_those_that_are_not_acted_on_are_those_that_do_not_run(self) -> None:
        for name, keyword in CHECKS.items():
            if keyword.stage is Stage.READ:
                self.assertNotIsInstance(not_run(check(name, "")), Check)

    @given(st.binary(min_size=1), st.integers(1, 3))
    def test_a_payload_is_read_however_it_is_spaced(self, payload: bytes, group: int) -> None:
        found = not_run(check("UDP_CHECK", f"payload {payload.hex(' ', group)}"))
        assert isinstance(found, UdpCheck)
        self.assertEqual(found.payload, payload)

    @given(st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters='"$'), max_size=300))
    def test_whatever_is_said_is_read_or_told_of(self, value: str) -> None:
        for name, keyword in (("UDP_CHECK", "require_reply"), ("DNS_CHECK", "name"), ("DNS_CHECK", "type")):
            reading = load_text(check(name, f'{keyword} "{value}"'), "x.conf")
            self.assertLessEqual(len(mistakes(reading)), 1)
            self.assertEqual(len(reading.configuration.virtual_servers[0].real_servers[0].checks_not_run), 1)


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
    """Every one of them gives exactly one finding more, at its place and of its class."""


def _behaviour(text: str, message: str, consequence: Consequence):  # type: ignore[no-untyped-def]
    def test(self: SynchronousTestCase) -> None:
        reading, line, column = read_marked(text)
        told = "\n".join(map(render, reading.findings))
        found = mistakes(reading)
        self.assertEqual(len(found), 1, told)
        [finding] = found
        self.assertIn(message, finding.message)
        self.assertEqual((finding.position.line, finding.position.column), (line, column), told)
        self.assertIs(finding.severity, Severity.ERROR)
        self.assertIs(finding.consequence, consequence, told)
        self.assertEqual(reading.exit_status, consequence.test_status)

    return test


def cases(tests: type[SynchronousTestCase], broken: dict[str, Case]) -> None:
    """A test for each."""
    for name, case in broken.items():
        setattr(tests, f"test_{''.join(c if c.isalnum() else '_' for c in name)}", _behaviour(*case))


cases(MistakeTests, BROKEN)
