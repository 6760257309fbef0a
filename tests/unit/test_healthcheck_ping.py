"""PING_CHECK: echo messages as bytes, which replies count, and how checks share a socket."""

from __future__ import annotations

import socket
from collections import deque
from errno import EAGAIN, EHOSTUNREACH, ENETDOWN
from ipaddress import ip_address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import Address, CheckTiming, Connection, PingCheck
from kaltwisted.healthcheck import ping
from kaltwisted.healthcheck.echo import ICMP, ICMPV6, Echo, Version, reply, request, without_ip_header
from kaltwisted.healthcheck.ends import Ends
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.ping_socket import Pinger, Pings
from kaltwisted.kernel.checksum import is_intact
from kaltwisted.ports import ICheck

SERVER, OTHER, SERVER6 = map(ip_address, ("192.0.2.1", "192.0.2.2", "2001:db8::1"))
GOOD = Outcome(True)
ECHOES = st.builds(Echo, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.binary(max_size=40))


def answer(message: bytes, **changes: int) -> bytes:
    """What a host answers to a request."""
    version = ICMP if message[0] == ICMP.request else ICMPV6
    fields = {"type": version.reply, "code": 0, **changes}
    return bytes((fields["type"], fields["code"])) + message[2:]


class EchoTests(SynchronousTestCase):
    @given(st.sampled_from([ICMP, ICMPV6]), ECHOES)
    def test_a_reply_is_read_as_the_request_was_written(self, version: Version, echo: Echo) -> None:
        asked = request(version, echo)
        self.assertEqual(reply(version, answer(asked)), echo)
        self.assertIsNone(reply(version, asked))
        self.assertIsNone(reply(version, answer(asked, code=1)))
        if version is ICMP:
            self.assertTrue(is_intact(asked))

    @given(st.sampled_from([ICMP, ICMPV6]), st.binary(max_size=80))
    def test_whatever_comes_is_a_reply_or_none(self, version: Version, message: bytes) -> None:
        echo = reply(version, without_ip_header(message))
        self.assertTrue(echo is None or len(echo.payload) <= 72)

    def test_a_raw_socket_hears_the_ip_header(self) -> None:
        for header in (bytes((0x45,)) + bytes(19), bytes((0x4F,)) + bytes(59)):
            self.assertEqual(without_ip_header(header + b"rest"), b"rest")
        self.assertEqual(without_ip_header(b"\x4f"), b"")
        self.assertEqual(without_ip_header(b""), b"")


class Socket:
    """A socket in the test's hands: ``sent`` is what went out, ``coming`` what ``recvfrom`` finds."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Any]] = []
        self.coming: deque[tuple[bytes, Any] | OSError] = deque()
        self.problem: OSError | None = None
        self.closed = False

    def sendto(self, message: bytes, address: Any) -> None:
        if self.problem is not None:
            raise self.problem
        self.sent.append((message, address))

    def recvfrom(self, longest: int) -> tuple[bytes, Any]:
        if not self.coming:
            raise BlockingIOError
        found = self.coming.popleft()
        if isinstance(found, OSError):
            raise found
        return found[0][:longest], found[1]

    def getsockopt(self, *_: int) -> int:
        return ENETDOWN

    def fileno(self) -> int:
        return -1 if self.closed else 7

    def close(self) -> None:
        self.closed = True


class Reactor(Clock):
    """A clock that keeps who reads."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []

    def addReader(self, reader: Any) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        self.readers.remove(reader)


class PingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = Reactor()
        self.sockets: list[Socket] = []
        self.is_raw = False
        self.refused: OSError | None = None
        self.pingers = {
            family: Pinger(Ends(Connection(ip, 0)), self.reactor, self.open)
            for family, ip in ((4, SERVER), (6, SERVER6))
        }

    def tearDown(self) -> None:
        """Nothing is left behind."""
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.reactor.readers, [])
        self.assertTrue(all(each.closed for each in self.sockets))

    def open(self, _family: int, _ident: int) -> tuple[Socket, bool]:
        if self.refused is not None:
            raise self.refused
        self.sockets.append(Socket())
        return self.sockets[-1], self.is_raw

    def ask(self, ip: Address = SERVER) -> Deferred[Outcome]:
        connection = Connection(ip, 80)
        pings = Pings(connection, self.reactor)
        pings._pinger = self.pingers[ip.version]
        check = ping.PingCheck(PingCheck(CheckTiming(), connection), pings, self.reactor)
        verifyObject(ICheck, check)
        return check.run()

    def comes(self, message: bytes, ip: Address = SERVER, on: int = -1) -> None:
        opened = self.sockets[on]
        opened.coming.append((message, (str(ip), 0)))
        for reader in list(self.reactor.readers):
            if reader._socket is opened:
                reader.doRead()

    def sent(self, on: int = -1) -> bytes:
        return self.sockets[on].sent[-1][0]

    def test_a_host_that_answers_is_good(self) -> None:
        for ip in (SERVER, SERVER6):
            result = self.ask(ip)
            self.assertEqual(self.sockets[-1].sent[-1][1][0], str(ip))
            self.comes(answer(self.sent()), ip)
            self.assertEqual(self.successResultOf(result), GOOD)

    def test_what_answers_something_else_is_not_heard(self) -> None:
        result = self.ask()
        asked = self.sent()
        right = answer(asked)
        for wrong in (
            b"",
            asked,
            right[:-1],
            right + b"x",
            right[:6] + b"\xff\xff" + right[8:],
            right[:-1] + bytes((right[-1] ^ 1,)),
            answer(asked, code=3),
            answer(asked, type=3),
        ):
            self.comes(wrong)
        self.comes(right, OTHER)
        self.assertNoResult(result)
        self.comes(right)
        self.assertEqual(self.successResultOf(result), GOOD)

    def test_on_a_raw_socket_the_ident_counts_and_the_ip_header_is_passed_over(self) -> None:
        self.is_raw = True
        result = self.ask()
        right = answer(self.sent())
        header = bytes((0x46,)) + bytes(23)
        self.comes(header + right[:4] + bytes((right[4] ^ 1,)) + right[5:])
        self.assertNoResult(result)
        self.comes(header + right)
        self.assertEqual(self.successResultOf(result), GOOD)
        result = self.ask(SERVER6)
        self.comes(answer(self.sent()), SERVER6)
        self.assertEqual(self.successResultOf(result), GOOD)

    def test_silence_is_a_time_out(self) -> None:
        result = self.ask()
        self.reactor.advance(4.9)
        self.assertNoResult(result)
        self.reactor.advance(0.2)
        self.assertFalse(self.successResultOf(result).good)

    def test_a_cancelled_attempt_leaves_nothing(self) -> None:
        result = self.ask()
        result.cancel()
        self.failureResultOf(result)

    def test_many_share_a_socket_and_the_last_one_closes_it(self) -> None:
        results = [self.ask() for _ in range(100)]
        [opened] = self.sockets
        requests = [message for message, _ in opened.sent]
        self.assertEqual(len(set(requests)), 100)
        for message in reversed(requests):
            self.assertFalse(opened.closed)
            self.comes(answer(message))
        self.assertTrue(opened.closed)
        self.assertEqual([self.successResultOf(each) for each in results], [GOOD] * 100)
        self.ask().addErrback(lambda _: None).cancel()
        self.assertEqual(len(self.sockets), 2)

    def test_no_more_wait_on_one_socket_than_its_buffer_holds_replies_for(self) -> None:
        results = [self.ask() for _ in range(300)]
        self.assertEqual([len(each.sent) for each in self.sockets], [128, 128, 44])
        for index, opened in enumerate(self.sockets):
            for message, _ in opened.sent:
                self.comes(answer(message), on=index)
        self.assertEqual([self.successResultOf(each) for each in results], [GOOD] * 300)

    def test_little_is_read_in_one_turn(self) -> None:
        result = self.ask()
        right = answer(self.sent())
        self.sockets[0].coming.extend([(b"noise", (str(SERVER), 0))] * 1000)
        self.comes(right)
        self.assertNoResult(result)
        self.assertGreater(len(self.sockets[0].coming), 900)
        result.addErrback(lambda _: None).cancel()

    def test_when_one_is_full_of_what_nobody_answers_the_next_is_sent_by_another(self) -> None:
        dead = self.ask(OTHER)
        self.sockets[0].problem = OSError(EAGAIN, "again")
        alive = self.ask()
        self.assertEqual(len(self.sockets), 2)
        self.comes(answer(self.sent()))
        self.assertEqual(self.successResultOf(alive), GOOD)
        self.assertFalse(self.sockets[0].closed)
        self.comes(answer(self.sent(0)), OTHER, 0)
        self.assertEqual(self.successResultOf(dead), GOOD)

    def test_what_cannot_be_sent_fails_in_words(self) -> None:
        other = self.ask()
        self.sockets[0].problem = OSError(EHOSTUNREACH, "No route to host")
        result = self.ask()
        self.assertNoResult(result)
        self.reactor.advance(0)
        self.assertEqual(self.successResultOf(result).detail, "No route to host")
        self.comes(answer(self.sent()))
        self.assertEqual(self.successResultOf(other), GOOD)
        self.refused = OSError(13, "not allowed")
        result = self.ask()
        cancelled = self.ask()
        cancelled.cancel()
        self.failureResultOf(cancelled)
        self.reactor.advance(0)
        self.assertEqual(self.successResultOf(result).detail, "not allowed")

    def test_an_error_of_the_socket_is_one_of_all_that_wait_on_it(self) -> None:
        for reading in (True, False):
            results = [self.ask(), self.ask()]
            [reader] = self.reactor.readers
            if reading:
                self.sockets[-1].coming.append(OSError(ENETDOWN, "Network is down"))
                reader.doRead()
            else:
                reader.connectionLost(Failure(Exception()))
            for each in results:
                self.assertEqual(self.successResultOf(each).detail, "Network is down")

    def test_who_goes_out_alike_shares(self) -> None:
        first = Connection(SERVER, 80)
        alike = Connection(OTHER, 81)
        for one, two, same in (
            (first, alike, True),
            (first, Connection(SERVER6, 80), False),
            (first, Connection(SERVER, 80, bindto=OTHER), False),
            (first, Connection(SERVER, 80, fwmark=1), False),
            (first, Connection(SERVER, 80, bind_if="eth0"), False),
        ):
            pinger = Pinger.shared(one, self.reactor)
            self.assertIs(Pinger.shared(two, self.reactor) is pinger, same)


class FamilyTests(SynchronousTestCase):
    def test_how_replies_name_their_host(self) -> None:
        for text in ("192.0.2.1", "2001:db8::1", "fe80::1%lo"):
            ip = ip_address(text)
            pings = Pings(Connection(ip, 80), Reactor())
            self.assertEqual(pings._host, text.partition("%")[0])
            self.assertEqual(pings._ends.family, socket.AF_INET if ip.version == 4 else socket.AF_INET6)
