"""HTTP and TCP checks without sockets: what is asked, and what answers mean."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from errno import ECONNREFUSED
from ipaddress import ip_address
from typing import Any

import attrs
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import (
    SECOND_US,
    CheckTiming,
    Connection,
    HttpCheck,
    HttpProtocol,
    MiscCheck,
    RealServer,
    Script,
    TcpCheck,
    TlsOptions,
    Url,
    VirtualAddress,
    VirtualServer,
)
from kaltwisted.healthcheck import http, tcp
from kaltwisted.healthcheck.build import build_check
from kaltwisted.healthcheck.known import Known
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.ports import ScriptResult
from kaltwisted.testing.healthcheck import FakeScripts

ADDRESS = ip_address("10.0.0.1")
TIMING = CheckTiming()
TARGET = Connection(ADDRESS, 80, timeout_us=5 * SECOND_US)
SERVER = RealServer(ADDRESS, 80)
SERVICE = VirtualServer(VirtualAddress(ip_address("10.0.0.9"), 80))


class Wire(StringTransport):
    """A connection in the test's hands; in ``Network.wires`` once a check opened it."""

    def __init__(self, protocol: Any, failed: Callable[[OSError], object]) -> None:
        super().__init__()
        self.protocol, self.failed = protocol, failed
        self.aborted = self.connected = False

    def abort(self) -> None:
        self.aborted = True
        if self.connected:
            self.end(ConnectionAborted())

    def connect(self) -> None:
        self.connected = True
        self.protocol.makeConnection(self)
        self.end_if_lost()

    def end(self, reason: BaseException) -> None:
        self.connected = False
        self.protocol.connectionLost(Failure(reason))

    def end_if_lost(self) -> None:
        """As the real one: ``loseConnection`` works when the protocol's method has returned."""
        if self.connected and self.disconnecting:
            self.end(ConnectionDone())

    def answer(self, data: bytes, end: BaseException | None = None) -> None:
        """The connection opens, data comes, and it may end."""
        self.connect()
        self.protocol.dataReceived(data)
        if end is not None:
            self.end(end)
        self.end_if_lost()


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.wires: list[Wire] = []

    def connect(self, protocol: Any, failed: Callable[[OSError], object]) -> Wire:
        self.wires.append(Wire(protocol, failed))
        return self.wires[-1]

    def ask(self, *urls: Url, **fields: Any) -> Any:
        """A run of an HTTP check, as built from the configuration but for the sockets."""
        check = HttpCheck(TIMING, TARGET, urls, **fields)
        built = build_check(check, SERVER, SERVICE, self.clock, FakeScripts(), Known())
        built._connect = self.connect  # type: ignore[attr-defined]
        return built.run()

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])


class RequestTests(SynchronousTestCase):
    def test_bytes_are_keepalived_s(self) -> None:
        agent = "User-Agent: KeepAliveClient\r\n"
        for protocol, expected in (
            (HttpProtocol.HTTP_1_0, f"GET /a HTTP/1.0\r\n{agent}Host: h\r\n\r\n"),
            (HttpProtocol.HTTP_1_0_CLOSE, f"GET /a HTTP/1.0\r\n{agent}Connection: close\r\nHost: h\r\n\r\n"),
            (HttpProtocol.HTTP_1_1, f"GET /a HTTP/1.1\r\n{agent}Connection: close\r\nHost: h\r\n\r\n"),
        ):
            self.assertEqual(http.request("/a", "h", protocol), expected.encode())

    def host(self, url: Url, check: str | None, server: str | None, service: str | None) -> str:
        built = build_check(
            HttpCheck(TIMING, TARGET, (url,), virtualhost=check),
            attrs.evolve(SERVER, virtualhost=server),
            attrs.evolve(SERVICE, virtualhost=service),
            Clock(),
            FakeScripts(),
            Known(),
        )
        question = built._expectations[0].request.decode()  # type: ignore[attr-defined]
        return question.partition("Host: ")[2].strip()

    def test_the_nearest_virtualhost_is_asked_for(self) -> None:
        self.assertEqual(self.host(Url("/", virtualhost="url"), "check", "server", "service"), "url")
        self.assertEqual(self.host(Url("/"), "check", "server", "service"), "check")
        self.assertEqual(self.host(Url("/"), None, "server", "service"), "server")
        self.assertEqual(self.host(Url("/"), None, None, "service"), "service")
        self.assertEqual(self.host(Url("/"), None, None, None), "10.0.0.1:80")
        self.assertEqual(http.host_and_port(ip_address("fd00::1"), 81), "[fd00::1]:81")

    def sni(self, options: TlsOptions, url: Url, check: str | None, service: str | None) -> str | None:
        built = build_check(
            HttpCheck(TIMING, TARGET, (url,), virtualhost=check, tls=options),
            SERVER,
            attrs.evolve(SERVICE, virtualhost=service),
            Clock(),
            FakeScripts(),
            Known(),
        )
        return built._expectations[0].sni  # type: ignore[attr-defined, no-any-return]

    def test_sni_only_where_enabled_and_by_the_nearest_name(self) -> None:
        on, url = TlsOptions(enable_sni=True), Url("/", virtualhost="url")
        self.assertIsNone(self.sni(TlsOptions(sni_name="sni"), url, "check", "service"))
        self.assertEqual(self.sni(attrs.evolve(on, sni_name="sni"), url, "check", "service"), "sni")
        self.assertEqual(self.sni(on, url, "check", "service"), "url")
        self.assertEqual(self.sni(on, Url("/"), "check", "service"), "check")
        self.assertEqual(self.sni(on, Url("/"), None, "service"), "service")


class HttpTests(Case):
    def outcome(self, url: Url, data: bytes, end: BaseException | None = None) -> Outcome:
        result = self.ask(url)
        self.wires.pop().answer(data, end)
        return self.successResultOf(result)  # type: ignore[no-any-return]

    def test_answers_and_what_they_mean(self) -> None:
        page = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        digest = hashlib.md5(b"hello").hexdigest()
        closed, reset = ConnectionDone(), ConnectionLost()
        for url, data, end, reason in (
            (Url("/"), page, None, ""),
            (Url("/", digest=digest), page, None, ""),
            (Url("/", digest=digest.upper()), page, None, ""),
            (Url("/", digest="0" * 32), page, None, "MD5 digest error to"),
            (Url("/"), page.replace(b"200", b"299"), None, ""),
            (Url("/"), page.replace(b"200", b"302"), None, "HTTP status code error to"),
            (Url("/", status_codes=((200, 200), (302, 304))), page.replace(b"200", b"302"), None, ""),
            (Url("/", regex="h.llo"), page, None, ""),
            (Url("/", digest=digest, regex="h.llo"), page, None, ""),
            (Url("/", digest=digest, regex="world"), page, None, "Regex match failed"),
            (Url("/", regex="world"), page, None, "Regex match failed"),
            (Url("/", regex="h.llo", regex_no_match=True), page, None, "Regex match failed"),
            (Url("/", regex="world", regex_no_match=True), page, None, ""),
            (Url("/", digest=digest), b"HTTP/1.0 200 OK\r\n\r\nhello", closed, ""),
            (Url("/"), page[:-1], closed, "Read error with"),
            (Url("/"), page[:-1], reset, "Read error with"),
            (Url("/"), b"HTTP/1.0 200 OK\r\n\r\nhello", reset, "Read error with"),
            (Url("/"), b"", closed, "Read error with"),
            (Url("/"), b"220 mail ESMTP\r\n", None, "Read error with"),
        ):
            outcome = self.outcome(url, data, end)
            self.assertEqual((outcome.good, outcome.reason), (not reason, reason), (url, data, end))

    def test_every_url_is_fetched_in_one_run_over_its_own_connection(self) -> None:
        result = self.ask(Url("/a"), Url("/b"))
        for path in (b"/a", b"/b"):
            self.assertNoResult(result)
            wire = self.wires.pop()
            wire.answer(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
            self.assertTrue(wire.value().startswith(b"GET " + path + b" HTTP/1.0\r\n"))
            self.assertTrue(wire.disconnecting)
        self.assertEqual((self.wires, self.successResultOf(result)), ([], Outcome(True)))

    def test_the_first_bad_url_ends_the_run(self) -> None:
        result = self.ask(Url("/a"), Url("/b"))
        self.wires.pop().answer(b"HTTP/1.0 500 x\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual((self.wires, self.successResultOf(result).good), ([], False))

    def test_dripping_does_not_extend_the_time(self) -> None:
        result = self.ask(Url("/"))
        wire = self.wires.pop()
        wire.answer(b"HTTP/1.0 200 OK\r\n\r\n")
        for _ in range(9):
            self.clock.advance(0.5)
            wire.protocol.dataReceived(b"x")
            self.assertNoResult(result)
        self.clock.advance(0.5)
        self.assertEqual(self.successResultOf(result).reason, "Timeout HTTP read")
        self.assertTrue(wire.aborted)

    def test_timeouts_tell_where_it_stood(self) -> None:
        for connected, reason in ((False, "Timeout connecting"), (True, "Timeout WEB read")):
            result = self.ask(Url("/"))
            if connected:
                self.wires[-1].connect()
            self.clock.advance(5)
            self.assertEqual(self.successResultOf(result).reason, reason)
            self.assertTrue(self.wires[-1].aborted)

    def test_a_refused_connection_says_so(self) -> None:
        result = self.ask(Url("/"))
        self.wires.pop().failed(OSError(ECONNREFUSED, "Connection refused"))
        self.assertEqual(
            self.successResultOf(result), Outcome(False, "Error connecting", detail="Connection refused")
        )

    def test_cancelling_closes_and_tells_nobody(self) -> None:
        result = self.ask(Url("/"))
        wire = self.wires.pop()
        wire.connect()
        result.cancel()
        self.failureResultOf(result)
        self.assertTrue(wire.aborted)

    def test_a_regex_that_is_none_is_left_out(self) -> None:
        page = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        self.assertTrue(self.outcome(Url("/", regex="h(llo"), page).good)

    def test_a_missing_ca_file_is_a_failed_attempt(self) -> None:
        options = TlsOptions(verify_name="", ca_file="/nonexistent/ca.pem")
        result = self.ask(Url("/"), tls=options)
        self.clock.advance(0)
        self.assertEqual(self.successResultOf(result).detail, "tls_ca_file: No such file or directory")


class TcpTests(Case):
    def run_tcp(self) -> Any:
        return tcp.TcpCheck(TcpCheck(TIMING, TARGET), self.connect, self.clock).run()

    def test_an_open_connection_is_good_and_is_closed(self) -> None:
        result = self.run_tcp()
        self.wires[0].connect()
        self.assertEqual(self.successResultOf(result), Outcome(True))
        self.assertTrue(self.wires[0].disconnecting)

    def test_refused_late_and_cancelled(self) -> None:
        result = self.run_tcp()
        self.wires.pop().failed(OSError(ECONNREFUSED, "Connection refused"))
        self.assertEqual(self.successResultOf(result).reason, "failed")
        result = self.run_tcp()
        self.clock.advance(5)
        self.assertEqual(self.successResultOf(result).reason, "timeout")
        self.assertTrue(self.wires.pop().aborted)
        result = self.run_tcp()
        result.cancel()
        self.failureResultOf(result)
        self.assertTrue(self.wires.pop().aborted)


class MiscTests(SynchronousTestCase):
    def judged(self, result: ScriptResult, dynamic: bool) -> tuple[bool, int | None]:
        scripts = FakeScripts()
        check = MiscCheck(TIMING, Script(("/bin/probe",)), 7 * SECOND_US, dynamic)
        running = build_check(check, SERVER, SERVICE, Clock(), scripts, Known()).run()
        self.assertEqual(scripts.running[0][:2], (check.script, 7 * SECOND_US))
        scripts.finish(result)
        outcome = self.successResultOf(running)
        return outcome.good, outcome.weight

    def test_exit_statuses(self) -> None:
        for result, plain, dynamic in (
            (ScriptResult(status=0), (True, None), (True, None)),
            (ScriptResult(status=1), (False, None), (False, None)),
            (ScriptResult(status=2), (False, None), (True, 0)),
            (ScriptResult(status=255), (False, None), (True, 253)),
            (ScriptResult(signal=9), (False, None), (False, None)),
            (ScriptResult(signal=15, timed_out=True), (False, None), (False, None)),
            (ScriptResult(status=0, timed_out=True), (False, None), (False, None)),
            (ScriptResult(error="No such file"), (False, None), (False, None)),
        ):
            self.assertEqual((self.judged(result, False), self.judged(result, True)), (plain, dynamic))

    def test_cancelling_ends_the_script(self) -> None:
        scripts = FakeScripts()
        check = MiscCheck(TIMING, Script(("/bin/probe",)), SECOND_US)
        running = build_check(check, SERVER, SERVICE, Clock(), scripts, Known()).run()
        running.cancel()
        self.failureResultOf(running)
        self.assertEqual(scripts.cancelled, [check.script])
