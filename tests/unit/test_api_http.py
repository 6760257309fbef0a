"""api.http: requests of all kinds, and clients that are slow, many, or up to no good."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.api import crowd, http
from kaltwisted.api.access import Access, Role
from kaltwisted.api.crowd import MOST_CONNECTIONS, MOST_REFUSED, Crowd
from kaltwisted.api.exchange import Answer, Asked, RefusalError, Send, encoded
from kaltwisted.api.http import Site
from kaltwisted.api.routes import Routes

LONG = b"0123456789" * 50_000


class Transport(StringTransport):
    """One that can be cut, and whose other end may stop to read."""

    def __init__(self) -> None:
        super().__init__()
        self.cut = False
        self.full: Callable[[], object] | None = None

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.full is not None:
            self.full()

    def abortConnection(self) -> None:
        self.cut = True
        self.loseConnection()


class World(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.role = Role.CONTROL
        self.asked: list[Asked] = []
        self.later: Deferred[Answer] = Deferred()
        self.send: Send | None = None
        self.long = LONG
        self.ended = 0
        routes = Routes()
        routes.add("GET", "/now", self.now)
        routes.add("PUT", "/now", self.now, Role.CONTROL)
        routes.add("GET", "/later", lambda _: self.later)
        routes.add("GET", "/long", lambda _: Answer(self.long))
        routes.add("GET", "/stream", lambda _: Answer(b": hello\n\n", stream=self.stream))
        routes.add("GET", "/broken", self.broken)
        self.site = Site(routes, self.admit, self.clock)

    def admit(self, transport: Any, headers: Mapping[str, str]) -> Access:
        return Access(self.role, "somebody")

    def now(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return Answer(encoded({"body": asked.body.decode("latin-1")}))

    def broken(self, _: Asked) -> Answer:
        raise RuntimeError("a defect")

    def stream(self, send: Send) -> Any:
        self.send = send

        def end() -> None:
            self.ended += 1

        return end

    def connect(self) -> tuple[Any, Transport]:
        channel: Any = self.site.buildProtocol(None)
        transport = Transport()
        channel.makeConnection(transport)
        return channel, transport

    def ask(self, request: bytes) -> tuple[int, Any]:
        channel, transport = self.connect()
        channel.dataReceived(request)
        self.clock.advance(0)
        return self.answer(transport)

    def answer(self, transport: Transport) -> tuple[int, Any]:
        head, _, body = transport.value().partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body) if body else None

    def get(self, path: str, method: str = "GET") -> tuple[int, Any]:
        return self.ask(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


class RequestTests(World):
    def test_an_answer(self) -> None:
        self.assertEqual(self.get("/now?a=1&b=%20x"), (200, {"body": ""}))
        (asked,) = self.asked
        self.assertEqual((asked.method, asked.path, asked.query), ("GET", "/now", {"a": "1", "b": " x"}))
        self.assertEqual((asked.headers["host"], asked.access.by), ("x", "somebody"))

    def test_a_body(self) -> None:
        request = b"PUT /now HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
        self.assertEqual(self.ask(request), (200, {"body": "hello"}))
        chunked = b"PUT /now HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
        self.assertEqual(self.ask(chunked), (200, {"body": "hello"}))

    def test_head_is_get_without_a_body(self) -> None:
        channel, transport = self.connect()
        channel.dataReceived(b"HEAD /long HTTP/1.1\r\n\r\n")
        self.clock.advance(0)
        self.assertIn(b"Content-Length: 500000", transport.value())
        self.assertTrue(transport.value().endswith(b"\r\n\r\n"))

    def test_refusals_say_what_would_help(self) -> None:
        status, words = self.get("/nwo")
        self.assertEqual((status, words["remedy"]), (404, "did you mean /now?"))
        status, words = self.get("/now", "POST")
        self.assertEqual((status, words["remedy"]), (405, "use GET, PUT"))
        for path in ("/../etc/passwd", "/now/", "//now", "/now/../now", "/%6eow", "*", "http://x/now"):
            self.assertEqual(self.get(path)[0], 404, path)

    def test_roles(self) -> None:
        self.role = Role.READ
        self.assertEqual(self.get("/now")[0], 200)
        self.assertEqual(self.get("/now", "PUT")[0], 403)
        self.role = Role.PUBLIC
        self.assertEqual(self.get("/now")[0], 401)

    def test_a_handler_may_refuse_now_or_later(self) -> None:
        channel, transport = self.connect()
        channel.dataReceived(b"GET /later HTTP/1.1\r\n\r\n")
        self.clock.advance(0)
        self.assertEqual(transport.value(), b"")
        self.later.errback(RefusalError(409, "not now", "wait"))
        self.assertEqual(self.answer(transport), (409, {"error": "not now", "remedy": "wait"}))

    def test_a_defect_of_ours_is_told_in_the_log_alone(self) -> None:
        status, words = self.get("/broken")
        self.assertEqual((status, words["error"]), (500, "a defect of ours"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_many_at_once_are_answered_in_order_a_turn_each(self) -> None:
        channel, transport = self.connect()
        channel.dataReceived(b"".join(b"GET /now?n=%d HTTP/1.1\r\n\r\n" % number for number in range(50)))
        self.assertEqual((self.asked, len(self.clock.getDelayedCalls())), ([], 1))
        self.clock.advance(0)
        self.assertEqual([asked.query["n"] for asked in self.asked], [str(each) for each in range(50)])
        self.assertEqual(transport.value().count(b"HTTP/1.1 200"), 50)
        self.assertEqual(self.site.answers[200], 50)


class BoundTests(World):
    def test_a_body_that_is_too_long_is_refused_before_it_is_read(self) -> None:
        status, words = self.ask(b"PUT /now HTTP/1.1\r\nContent-Length: 999999\r\n\r\n")
        self.assertEqual((status, words["error"]), (413, "the body is too long"))
        channel, transport = self.connect()
        channel.dataReceived(b"PUT /now HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            channel.dataReceived(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        channel.dataReceived(b"0\r\n\r\n")
        self.clock.advance(0)
        self.assertEqual(self.answer(transport)[0], 413)
        self.assertEqual((self.asked, transport.value().count(b"HTTP/1.1")), ([], 1))

    def test_what_is_no_request(self) -> None:
        for junk in (b"\x16\x03\x01\x00\r\n\r\n", b"GET\r\n\r\n", b"GET /now HTTP/1.1\r\nnonsense\r\n\r\n"):
            status, words = self.ask(junk)
            self.assertEqual((status, words["error"]), (400, "that is no HTTP request"))

    def test_too_many_fields(self) -> None:
        query = "&".join(f"f{number}=1" for number in range(100))
        self.assertEqual(self.get(f"/now?{query}")[0], 400)

    def test_headers_without_end(self) -> None:
        channel, transport = self.connect()
        channel.dataReceived(b"GET /now HTTP/1.1\r\n" + b"A: b\r\n" * 10_000)
        self.assertEqual(self.answer(transport)[0], 400)
        self.assertTrue(transport.disconnecting)

    def test_a_request_must_come_in_time_however_it_drips(self) -> None:
        channel, transport = self.connect()
        for _ in range(int(http.REQUEST_S)):
            channel.dataReceived(b"G")
            self.clock.advance(1)
        self.assertTrue(transport.cut)
        self.assertEqual(self.site.cut, 1)

    def test_an_idle_connection_is_cut(self) -> None:
        channel, transport = self.connect()
        self.clock.advance(http.IDLE_S + 1)
        self.assertTrue(transport.cut)
        channel.connectionLost(None)
        self.assertEqual((self.site.crowd.connections, self.clock.getDelayedCalls()), (0, []))

    def test_a_long_answer_goes_as_it_is_read_and_not_for_ever(self) -> None:
        channel, transport = self.connect()
        channel.dataReceived(b"GET /long HTTP/1.1\r\n\r\n")
        transport.full = channel.pauseProducing
        self.clock.advance(0)
        self.assertLess(len(transport.value()), 2 * http.SLICE)
        transport.full = None
        channel.resumeProducing()
        self.assertTrue(transport.value().endswith(LONG))
        channel.dataReceived(b"GET /long HTTP/1.1\r\n\r\n")
        transport.full = channel.pauseProducing
        self.clock.advance(0)
        self.clock.advance(http.ANSWER_S)
        self.assertTrue(transport.cut)

    def test_the_longest_idle_makes_room_and_who_is_busy_stays(self) -> None:
        busy, _ = self.connect()
        busy.dataReceived(b"GET /later HTTP/1.1\r\n\r\n")
        idle = [self.connect() for _ in range(MOST_CONNECTIONS - 1)]
        idle[0][0].dataReceived(b"GET /no")
        self.assertFalse(any(transport.cut for _, transport in idle))
        newest = self.connect()
        self.assertEqual([transport.cut for _, transport in idle[:2]], [True, False])
        self.assertFalse(newest[1].cut)
        self.assertEqual(self.site.crowd.connections, MOST_CONNECTIONS)

    def test_when_all_are_busy_the_newest_is_refused(self) -> None:
        for _ in range(MOST_CONNECTIONS):
            channel, _transport = self.connect()
            channel.dataReceived(b"GET /later HTTP/1.1\r\n\r\n")
        channel, transport = self.connect()
        self.assertEqual(self.answer(transport)[0], 503)
        self.assertTrue(transport.disconnecting)
        more = [self.connect()[1] for _ in range(MOST_REFUSED)]
        self.assertEqual((transport.cut, any(each.cut for each in more)), (True, False))
        self.site.close_all()
        self.assertTrue(all(each.cut for each in more))

    def test_addresses_that_share_a_crowd_have_one_bound_together(self) -> None:
        shared = Crowd()
        one, two = (Site(self.site.routes, self.admit, self.clock, shared) for _ in range(2))
        self.site = one
        first = self.connect()
        self.site = two
        rest = [self.connect() for _ in range(MOST_CONNECTIONS)]
        self.assertTrue(first[1].cut)
        self.assertEqual(shared.connections, MOST_CONNECTIONS)
        one.close_all()
        self.assertFalse(any(transport.cut for _, transport in rest))
        two.close_all()
        self.assertTrue(all(transport.cut for _, transport in rest))

    def test_long_answers_that_nobody_reads_have_a_bound_together(self) -> None:
        self.patch(crowd, "MOST_UNREAD", 2 * len(LONG))
        unread = []
        for self.long in (LONG, LONG, LONG[1:], LONG[2:]):  # the first two have the same text
            channel, transport = self.connect()
            transport.full = channel.pauseProducing
            channel.dataReceived(b"GET /long HTTP/1.1\r\n\r\n")
            self.clock.advance(0)
            unread.append((channel, transport))
        self.assertEqual([transport.cut for _, transport in unread], [True, True, False, False])
        channel, transport = unread[2]
        transport.full = None
        channel.resumeProducing()
        self.long = LONG[3:]
        self.connect()[0].dataReceived(b"GET /long HTTP/1.1\r\n\r\n")
        self.clock.advance(0)
        self.assertEqual([transport.cut for _, transport in unread[2:]], [False, False])

    def test_who_is_let_in_no_more_is_cut_off_in_the_middle_of_a_stream(self) -> None:
        idle = self.connect()
        channel, transport = self.connect()
        channel.dataReceived(b"GET /stream HTTP/1.1\r\n\r\n")
        self.clock.advance(0)
        self.site.look_again()
        self.assertFalse(transport.cut)
        self.role = Role.PUBLIC
        self.site.look_again()
        self.assertEqual((transport.cut, idle[1].cut), (True, False))

    def test_who_hangs_up_is_forgotten(self) -> None:
        cancelled: list[Any] = []
        self.later = Deferred(cancelled.append)
        channel, transport = self.connect()
        channel.dataReceived(b"GET /later HTTP/1.1\r\n\r\n")
        self.clock.advance(0)
        channel.connectionLost(None)
        self.assertEqual(len(cancelled), 1)
        self.assertEqual((transport.value(), self.clock.getDelayedCalls()), (b"", []))


class StreamTests(World):
    def begin(self) -> tuple[Any, Transport]:
        channel, transport = self.connect()
        channel.dataReceived(b"GET /stream HTTP/1.1\r\n\r\n")
        self.clock.advance(0)
        return channel, transport

    def test_it_goes_on_until_the_client_goes(self) -> None:
        channel, transport = self.begin()
        assert self.send is not None
        self.send(b"data: 1\n\n")
        self.assertIn(b": hello", transport.value())
        self.assertIn(b"data: 1", transport.value())
        self.clock.advance(http.IDLE_S * 10)
        self.assertFalse(transport.cut)
        channel.connectionLost(None)
        self.assertEqual(self.ended, 1)
        self.send(b"data: 2\n\n")
        self.assertNotIn(b"data: 2", transport.value())

    def test_who_does_not_read_is_cut(self) -> None:
        channel, transport = self.begin()
        assert self.send is not None
        channel.pauseProducing()
        for _ in range(http.MOST_UNREAD // 1000 + 1):
            self.send(b"x" * 1000)
        self.assertTrue(transport.cut)
        self.assertLess(len(transport.value()), 2 * http.MOST_UNREAD)


class FuzzTests(World):
    @given(st.lists(st.binary(max_size=60), max_size=6))
    @example([b"GET /now HTTP/1.1\r\n\r", b"\n"])
    def test_any_bytes(self, pieces: list[bytes]) -> None:
        self.check(pieces)

    @given(
        st.sampled_from([b"GET", b"PUT", b"HEAD", b"", b"\xff"]),
        st.one_of(st.sampled_from([b"/now", b"/long", b"/stream"]), st.binary(max_size=30)),
        st.binary(max_size=30),
        st.lists(
            st.tuples(
                st.sampled_from(
                    [b"Content-Length", b"Transfer-Encoding", b"Expect", b"Connection", b"X", b"Cookie"]
                ),
                st.one_of(
                    st.sampled_from([b"5", b"0", b"-1", b"chunked", b"100-continue", b"close"]),
                    st.binary(max_size=20),
                ),
            ),
            max_size=4,
        ),
        st.binary(max_size=40),
    )
    def test_what_looks_like_a_request(
        self, method: bytes, path: bytes, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> None:
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        self.check([b"%s %s?%s HTTP/1.1\r\n%s\r\n%s" % (method, path, query, lines, body)])

    def check(self, pieces: list[bytes]) -> None:
        channel, transport = self.connect()
        for piece in pieces:
            if not transport.disconnecting:
                channel.dataReceived(piece)
            self.clock.advance(0)
        channel.connectionLost(None)
        self.assertEqual(self.site.crowd.connections, 0)
        self.assertNotIn(b"Traceback", transport.value())
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(self.site.answers[500], 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
