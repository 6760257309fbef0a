"""DNS_CHECK: the question as bytes, and which answers count, as keepalived 2.2.7 has it."""

from __future__ import annotations

from errno import ECONNREFUSED, ENETUNREACH
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.names.dns import Message
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import CheckTiming, Connection, DnsCheck, DnsType
from kaltwisted.healthcheck import dns
from kaltwisted.healthcheck.dns_message import HEADER_SIZE, judge, query
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.ports import ICheck
from kaltwisted.testing.healthcheck import FakeExchanges

IDENT = b"\x12\x34"
GOOD = Outcome(True)
LABELS = st.lists(st.from_regex(r"[a-z0-9-]{1,63}", fullmatch=True), max_size=3)


def answer(ident: bytes = IDENT, flags: int = 0x8180, rest: bytes = bytes(8)) -> bytes:
    return ident + flags.to_bytes(2) + rest


class MessageTests(SynchronousTestCase):
    def test_questions_are_keepalived_s(self) -> None:
        """As 2.2.7 sent them."""
        www = "0100000100000000000003777777076578616d706c65036f72670000"
        for type_, name, expected in (
            (DnsType.A, "www.example.org", www + "010001"),
            (DnsType.AAAA, "www.example.org.", www + "1c0001"),
            (DnsType.SOA, "", "010000010000000000000000060001"),
            (DnsType.SOA, ".", "010000010000000000000000060001"),
        ):
            self.assertEqual(query(type_, name).hex(), expected)

    @given(st.sampled_from(DnsType), LABELS)
    def test_a_question_is_one(self, type_: DnsType, labels: list[str]) -> None:
        message = Message()
        message.fromStr(IDENT + query(type_, ".".join(labels)))
        [asked] = message.queries
        self.assertEqual((asked.type, asked.name.name), (type_.value, ".".join(labels).encode()))
        self.assertTrue(message.recDes)

    def test_only_ident_and_code_count(self) -> None:
        for text, outcome in (
            (answer(), GOOD),
            (answer(rest=bytes(8) + b"\xff" * 40), GOOD),
            (answer(rest=b"\xff" * 8), GOOD),
            (answer(flags=0x8380), GOOD),
            (answer(flags=0xA980), GOOD),
            (answer(flags=0x8183), Outcome(False, "read error occurred. (rcode = 3)")),
            (answer(flags=0x8185), Outcome(False, "read error occurred. (rcode = 5)")),
            (answer(b"\x12\x35"), None),
            (answer(flags=0x0100), None),
            (answer()[: HEADER_SIZE - 1], None),
            (b"", None),
        ):
            self.assertEqual(judge(IDENT, text), outcome, text)

    @given(st.one_of(st.binary(max_size=40), st.binary(max_size=40).map(IDENT.__add__)))
    def test_whatever_comes_is_judged(self, text: bytes) -> None:
        found = judge(IDENT, text)
        counts = len(text) >= HEADER_SIZE and text.startswith(IDENT) and text[2] >= 0x80
        self.assertIs(found is not None, counts)
        if found is not None:
            self.assertIs(found.good, not text[3] & 15)


class CheckTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.exchanges = FakeExchanges()
        target = Connection(ip_address("10.0.0.1"), 53)
        self.check = dns.DnsCheck(DnsCheck(CheckTiming(), target), self.exchanges, self.clock)
        verifyObject(ICheck, self.check)

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.exchanges.open, [])

    def run_once(self) -> tuple[Deferred[Outcome], bytes]:
        """An attempt, and its ident."""
        result = self.check.run()
        return result, self.exchanges.questions[-1][:2]

    def test_the_answer_to_this_question_is_waited_for(self) -> None:
        idents = set()
        for _ in range(20):
            result, ident = self.run_once()
            idents.add(ident)
            [asking] = self.exchanges.open
            asking.heard(answer(bytes((ident[0] ^ 1, ident[1]))))
            asking.heard(b"noise")
            self.assertNoResult(result)
            asking.heard(answer(ident))
            self.assertEqual(self.successResultOf(result), GOOD)
        self.assertGreater(len(idents), 10)

    def test_a_forged_or_malformed_answer_is_a_time_out_that_tells_of_it(self) -> None:
        result, _ = self.run_once()
        self.exchanges.open[0].heard(b"noise")
        self.clock.advance(5)
        expected = Outcome(False, "read timeout from socket", detail="1 datagrams came that are no answer")
        self.assertEqual(self.successResultOf(result), expected)
        result, _ = self.run_once()
        self.clock.advance(5)
        self.assertEqual(self.successResultOf(result), Outcome(False, "read timeout from socket"))

    def test_refused(self) -> None:
        for number, reason in (
            (ECONNREFUSED, "failed to read socket; errno 111 (Connection refused)"),
            (ENETUNREACH, "network unreachable for [10.0.0.1]:53"),
        ):
            result, _ = self.run_once()
            self.exchanges.refuse(OSError(number, "Connection refused"))
            self.assertEqual(self.successResultOf(result), Outcome(False, reason))

    def test_a_cancelled_attempt_leaves_nothing(self) -> None:
        result, _ = self.run_once()
        result.cancel()
        self.failureResultOf(result)
