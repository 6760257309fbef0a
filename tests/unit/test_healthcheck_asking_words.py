"""What DNS_CHECK, UDP_CHECK and PING_CHECK say, line for line as a run of keepalived 2.2.7 did."""

from __future__ import annotations

from ipaddress import ip_address

from kaltwisted.config.model import (
    SECOND_US,
    Check,
    CheckTiming,
    Connection,
    DnsCheck,
    DnsType,
    PingCheck,
    UdpCheck,
)
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.service import CheckService
from kaltwisted.healthcheck.status import target
from kaltwisted.testing.healthcheck import FakeCheck
from tests.unit.healthcheck_helpers import CheckCase

S, V = "[127.0.0.1]:udp:1002", "[10.0.0.1]:udp:53"
CONNECTION = Connection(ip_address("127.0.0.1"), 5002)
SILENT, REFUSED = Outcome(False, "timeout"), Outcome(False, "failed")


class WordsTests(CheckCase):
    def story(self, kind: type[Check], bad: Outcome, retry: int, log_all: bool) -> list[str]:
        """Good, then bad, then good again: the lines but for those on activation."""
        timing = CheckTiming(SECOND_US, retry=retry, warmup_us=0, log_all_failures=log_all)
        self.lines.clear()
        self.reports.clear()
        check = FakeCheck(Outcome(True))
        service = CheckService(
            check,
            kind(timing, CONNECTION),  # type: ignore[call-arg, arg-type]
            service=S,
            virtual_server=V,
            report=self.reports.append,
            clock=self.clock,
        )
        service.startService()
        self.clock.advance(1)
        check.answer = bad
        self.clock.pump([1] * (retry + 2))
        check.answer = Outcome(True)
        self.clock.advance(1)
        service.stopService()
        return self.lines[1:]

    def mails(self) -> list[str]:
        return [each.summary for each in self.reports]

    def test_dns(self) -> None:
        bad = Outcome(False, "read error occurred. (rcode = 3)")
        line = f"DNS_CHECK ({S}) read error occurred. (rcode = 3)"
        self.assertEqual(self.story(DnsCheck, bad, 1, True), [line, f"{line} after 1 retries"])
        self.assertEqual(
            self.mails(), ["=> DNS_CHECK: failed on service <=", "=> DNS_CHECK: succeed on service <="]
        )
        self.assertEqual(self.story(DnsCheck, bad, 1, False), [f"{line} after 1 retries"])
        self.assertEqual(self.story(DnsCheck, bad, 0, False), [line])

    def test_udp(self) -> None:
        good, bad = f"UDP connection to {S} success.", f"UDP connection to {S} failed."
        down = f"UDP_CHECK on service {S} failed"
        after = f"{down} after 1 retries."
        self.assertEqual(self.story(UdpCheck, REFUSED, 1, True), [good, bad, bad, after, good])
        self.assertEqual(
            self.mails(), ["=> UDP CHECK failed on service <=", "=> UDP CHECK succeed on service <="]
        )
        self.assertEqual(self.story(UdpCheck, REFUSED, 1, False), [good, after, good])
        self.assertEqual(self.story(UdpCheck, REFUSED, 0, True), [good, bad, f"{down}.", good])
        other = Outcome(False, "reply data mismatch")
        bad = f"UDP check to {S} reply data mismatch."
        self.assertEqual(self.story(UdpCheck, other, 1, True), [good, bad, bad, after, good])

    def test_ping(self) -> None:
        good, bad = f"ICMP connection to {S} success.", f"ICMP connection to address {S} timeout."
        after = f"ICMP CHECK on service {S} of {V} failed after 1 retries."
        self.assertEqual(self.story(PingCheck, SILENT, 1, True), [good, bad, bad, after, good])
        self.assertEqual(
            self.mails(), ["=> ICMP CHECK failed on service <=", "=> ICMP CHECK succeed on service <="]
        )
        self.assertEqual(self.story(PingCheck, SILENT, 1, False), [good, after, good])
        once = [good, bad, f"ICMP CHECK on service {S} failed.", good]
        self.assertEqual(self.story(PingCheck, SILENT, 0, True), once)
        bad = f"ICMP connection to {S} of {V} failed."
        self.assertEqual(self.story(PingCheck, REFUSED, 1, True), [good, bad, bad, after, good])

    def test_what_the_status_calls_them(self) -> None:
        timing = CheckTiming()
        for check, expected in (
            (DnsCheck(timing, CONNECTION), "127.0.0.1:5002 . SOA"),
            (DnsCheck(timing, CONNECTION, DnsType.A, "a.example"), "127.0.0.1:5002 a.example A"),
            (UdpCheck(timing, CONNECTION), "127.0.0.1:5002"),
            (PingCheck(timing, CONNECTION), "127.0.0.1"),
        ):
            self.assertEqual(target(check), expected)
