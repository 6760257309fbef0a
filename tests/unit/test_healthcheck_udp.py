"""UDP_CHECK: which replies are good, as keepalived 2.2.7 has it, and what silence and refusal mean."""

from __future__ import annotations

from errno import ECONNREFUSED
from ipaddress import ip_address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import CheckTiming, Connection, ReplyPattern, UdpCheck
from kaltwisted.healthcheck import udp
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.udp_reply import is_good
from kaltwisted.ports import ICheck
from kaltwisted.testing.healthcheck import FakeExchanges

TARGET = Connection(ip_address("10.0.0.1"), 123)
GOOD = Outcome(True)


def configured(**fields: Any) -> UdpCheck:
    return UdpCheck(CheckTiming(), TARGET, **fields)


class ReplyTests(SynchronousTestCase):
    @given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=20), st.integers(0, 20))
    def test_only_the_bits_of_the_mask_count_as_far_as_the_reply_goes(
        self, octets: list[tuple[int, int, int]], length: int
    ) -> None:
        value, mask, reply = (bytes(each) for each in zip(*octets, strict=True))
        check = configured(require_reply=ReplyPattern(value, mask))
        expected = all(mine & bits == theirs & bits for mine, bits, theirs in octets[:length])
        self.assertEqual(is_good(check, reply[:length]), expected)
        if length >= len(octets):
            self.assertEqual(is_good(check, reply + b"more"), expected)

    def test_lengths_count_with_a_pattern_only(self) -> None:
        for pattern, lengths, reply, good in (
            (b"hell", (0, 255), b"hello", True),
            (b"hell", (0, 255), b"jello", False),
            (b"hell", (0, 255), b"he", True),
            (b"hell", (0, 255), b"", True),
            (b"hell", (4, 255), b"he", False),
            (b"hell", (5, 5), b"hello", True),
            (b"hell", (0, 4), b"hello", False),
            (b"hell", (0, 255), b"hello" + bytes(300), False),
            (b"", (4, 255), b"he", True),
            (b"", (0, 255), bytes(300), True),
            (None, (4, 255), b"he", True),
        ):
            required = None if pattern is None else ReplyPattern(pattern, b"\xff" * len(pattern))
            low, high = lengths
            check = configured(require_reply=required, min_reply_length=low, max_reply_length=high)
            self.assertIs(is_good(check, reply), good, (pattern, lengths, reply))


class CheckTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.exchanges = FakeExchanges()

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.exchanges.open, [])

    def ask(self, **fields: Any) -> Deferred[Outcome]:
        check = udp.UdpCheck(configured(**fields), self.exchanges, self.clock)
        verifyObject(ICheck, check)
        return check.run()

    def test_what_is_sent(self) -> None:
        for fields, expected in (
            ({}, b"keepalived check - keepalived ch"),
            ({"payload": b"\x0a"}, b"\x0a"),
        ):
            self.ask(**fields).addErrback(lambda _: None).cancel()
            self.assertEqual(self.exchanges.questions[-1], expected)

    def test_without_require_reply_silence_is_good_and_so_is_any_reply(self) -> None:
        result = self.ask()
        self.clock.advance(4.9)
        self.assertNoResult(result)
        self.clock.advance(0.2)
        self.assertEqual(self.successResultOf(result), GOOD)
        result = self.ask(min_reply_length=4)
        self.exchanges.open[0].heard(b"he")
        self.assertEqual(self.successResultOf(result), GOOD)

    def test_a_refusal_is_a_failure(self) -> None:
        result = self.ask()
        self.exchanges.refuse(OSError(ECONNREFUSED, "Connection refused"))
        self.assertEqual(self.successResultOf(result), Outcome(False, "failed", detail="Connection refused"))

    def test_with_require_reply_the_first_reply_decides(self) -> None:
        pattern = ReplyPattern(b"hell", b"\xff\xff\xff\xf0")
        for reply, outcome in (
            (b"helo", GOOD),
            (b"jello", Outcome(False, "reply data mismatch", detail="5 bytes came: 6a656c6c6f")),
            (
                b"hello" + bytes(300),
                Outcome(
                    False,
                    "reply data mismatch",
                    detail="more than 255 bytes came: " + (b"hello" + bytes(27)).hex(),
                ),
            ),
        ):
            result = self.ask(require_reply=pattern)
            self.exchanges.open[0].heard(reply)
            self.assertEqual(self.successResultOf(result), outcome)
        result = self.ask(require_reply=ReplyPattern())
        self.clock.advance(5.1)
        self.assertEqual(self.successResultOf(result), Outcome(False, "failed", detail="no reply"))

    def test_a_cancelled_attempt_leaves_nothing(self) -> None:
        result = self.ask()
        result.cancel()
        self.failureResultOf(result)
