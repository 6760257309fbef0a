"""SMTP_CHECK: the dialogue, and each way that it may go wrong, in keepalived's words; replies in pieces."""

from __future__ import annotations

from errno import ECONNREFUSED
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import SECOND_US, CheckTiming, SmtpCheck
from kaltwisted.healthcheck import smtp
from kaltwisted.healthcheck.outcome import Outcome, Verdict
from kaltwisted.healthcheck.service import CheckService
from kaltwisted.healthcheck.smtp_reply import MOST_BYTES, NO_REPLY, Reply
from kaltwisted.ports import ICheck
from kaltwisted.testing.healthcheck import FakeCheck
from tests.unit.test_healthcheck_http import TARGET, TIMING, Case, Wire

GREETED, TAKEN, GOODBYE = b"220 mx ESMTP\r\n", b"250 mx\r\n", b"221 bye\r\n"


class ReplyTests(SynchronousTestCase):
    def test_codes_are_found(self) -> None:
        for text, code in (
            (b"220 mx.example ready\r\n", 220),
            (b"220\r\n", 220),
            (b"250-one\r\n250-two\r\n250 three\r\n", 250),
            (b"554 go away\n", 554),
            (b"220 a\r\n250 b\r\n", 220),
            (b"220-a\r\n221 b\r\n", NO_REPLY),
            (b"HTTP/1.1 400 Bad Request\r\n", NO_REPLY),
            (b"2200 mx\r\n", NO_REPLY),
            (b"120 soon\r\n", NO_REPLY),
            (b"\r\n", NO_REPLY),
            (b"220 mx", None),
            (b"220-mx\r\n", None),
            (b"x" * (MOST_BYTES + 1), NO_REPLY),
        ):
            self.assertEqual(Reply().feed(text), code, text)

    @given(st.integers(200, 599), st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.data())
    def test_it_makes_no_difference_how_a_reply_is_cut(
        self, code: int, texts: list[bytes], data: st.DataObject
    ) -> None:
        lines = [each.replace(b"\n", b"").replace(b"\r", b"") for each in texts]
        marks = [b"-"] * (len(lines) - 1) + [b" "]
        whole = b"".join(b"%d%s%s\r\n" % (code, mark, line) for mark, line in zip(marks, lines, strict=True))
        cut = data.draw(st.integers(1, len(whole) - 1))
        reply = Reply()
        self.assertIsNone(reply.feed(whole[:cut]))
        self.assertEqual(reply.feed(whole[cut:]), code)

    @given(st.lists(st.binary(max_size=3000), max_size=10))
    def test_whatever_comes_it_keeps_little(self, pieces: list[bytes]) -> None:
        reply = Reply()
        for piece in pieces:
            if reply.feed(piece) is not None:
                break
            self.assertLessEqual(len(reply._rest), MOST_BYTES)


class SmtpTests(Case):
    def ask_smtp(self, helo_name: str | None = None) -> Any:
        check = smtp.SmtpCheck(SmtpCheck(TIMING, TARGET, helo_name), self.connect, self.clock)
        verifyObject(ICheck, check)
        return check.run()

    def step(self, wire: Wire, data: bytes) -> bytes:
        """What is said to it."""
        wire.clear()
        wire.protocol.dataReceived(data)
        said: bytes = wire.value()
        wire.end_if_lost()
        return said

    def test_a_server_that_greets_and_takes_our_name_is_good(self) -> None:
        result = self.ask_smtp("lvs1.example.org")
        [wire] = self.wires
        wire.connect()
        self.assertEqual(wire.value(), b"")
        self.assertEqual(self.step(wire, GREETED[:5]), b"")
        self.assertEqual(self.step(wire, GREETED[5:]), b"HELO lvs1.example.org\r\n")
        self.assertEqual(self.step(wire, b"250-mx\r\n250 more\r\n"), b"QUIT\r\n")
        self.assertNoResult(result)
        self.step(wire, GOODBYE)
        self.assertEqual(self.successResultOf(result), Outcome(True))

    def test_its_goodbye_does_not_matter(self) -> None:
        for end in ("closed", "silent", "anything"):
            result = self.ask_smtp()
            wire = self.wires.pop()
            wire.connect()
            self.assertEqual(self.step(wire, GREETED), b"HELO smtpchecker.keepalived.org\r\n")
            self.step(wire, TAKEN)
            if end == "closed":
                wire.end(ConnectionDone())
            elif end == "silent":
                self.clock.advance(5)
                self.assertTrue(wire.aborted)
            else:
                self.step(wire, b"no such thing\r\n")
            self.assertTrue(self.successResultOf(result).good, end)

    def test_what_is_wrong_is_said_in_keepalived_s_words(self) -> None:
        greeting, helo = "Bad greeting banner from", "Bad HELO response from"
        for data, reason in (
            ([b"554 no\r\n"], greeting),
            ([b"SSH-2.0-x\r\n"], greeting),
            ([b"x" * 10_000], greeting),
            ([], greeting),
            ([GREETED, b"500 what\r\n"], helo),
            ([GREETED, b"220 again\r\n"], helo),
            ([GREETED], helo),
        ):
            result = self.ask_smtp()
            wire = self.wires.pop()
            wire.connect()
            for each in data:
                self.step(wire, each)
            if wire.connected:
                wire.end(ConnectionDone())
            self.assertEqual(self.successResultOf(result), Outcome(False, reason), data)

    def test_refused_late_slow_and_cancelled(self) -> None:
        result = self.ask_smtp()
        self.wires.pop().failed(OSError(ECONNREFUSED, "Connection refused"))
        outcome = Outcome(False, "Could not connect to", detail="Connection refused")
        self.assertEqual(self.successResultOf(result), outcome)
        result = self.ask_smtp()
        self.clock.advance(5)
        self.assertEqual(self.successResultOf(result).reason, "Connection timeout to")
        self.assertTrue(self.wires.pop().aborted)
        for said in ([], [GREETED]):
            result = self.ask_smtp()
            wire = self.wires.pop()
            self.clock.advance(4)
            wire.connect()
            for each in said:
                self.clock.advance(4)
                self.step(wire, each)
            self.clock.advance(3)
            wire.protocol.dataReceived(b"2")  # a byte now and then wins no time
            self.assertNoResult(result)
            self.clock.advance(2)
            self.assertEqual(self.successResultOf(result).reason, "Read timeout from")
            self.assertTrue(wire.aborted)
        result = self.ask_smtp()
        wire = self.wires.pop()
        wire.connect()
        result.cancel()
        self.failureResultOf(result)
        self.assertTrue(wire.aborted)


class WordsTests(SynchronousTestCase):
    def test_lines_and_mails_are_keepalived_s(self) -> None:
        lines: list[str] = []
        reports: list[Verdict] = []

        def observe(event: LogEvent) -> None:
            if event["log_namespace"].startswith("kaltwisted"):
                lines.append(formatEvent(event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        clock = Clock()
        check = FakeCheck(Outcome(True))
        timing = CheckTiming(SECOND_US, retry=1, warmup_us=0, log_all_failures=True)
        service = CheckService(
            check,
            SmtpCheck(timing, TARGET),
            service="[10.0.0.1]:tcp:25",
            virtual_server="V",
            report=reports.append,
            clock=clock,
        )
        service.startService()
        clock.advance(1)
        check.answer = Outcome(False, "Bad greeting banner from")
        clock.pump([1, 1])
        check.answer = Outcome(True)
        clock.advance(1)
        service.stopService()
        good = "Remote SMTP server [10.0.0.1]:tcp:25 succeed on service."
        bad = "SMTP_CHECK Bad greeting banner from server [10.0.0.1]:80"
        self.assertEqual(lines[1:], [good, bad, bad, good])
        self.assertEqual(
            [each.summary for each in reports],
            [
                "=> CHECK failed on service : Bad greeting banner from server [10.0.0.1]:80 <=",
                "=> CHECK succeed on service <=",
            ],
        )
