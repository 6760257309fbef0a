"""Checks against servers that misbehave: every attempt ends in time, in words, and leaves nothing behind."""

from __future__ import annotations

import datetime
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_twisted
import trustme
from OpenSSL import crypto
from twisted.internet import reactor as _reactor
from twisted.internet import ssl
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from zope.interface import implementer

from kaltwisted.config import model
from kaltwisted.config.model import SECOND_US, CheckTiming, HttpCheck, TlsOptions, Url
from kaltwisted.healthcheck.build import build_check
from kaltwisted.healthcheck.known import Known
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.testing.healthcheck import FakeScripts

pytestmark = pytest.mark.network

reactor: Any = _reactor
ADDRESS = ip_address("127.0.0.1")
# No attempt may end later than its timeout by more than a busy machine's hiccup.
TIMEOUT_S = 0.5
GRACE_S = 3.0


class Hostile(Protocol):
    """A server's side of one connection; what it does with it is its factory's ``behave``."""

    def connectionMade(self) -> None:
        self.factory.open.add(self)  # type: ignore[attr-defined, union-attr]
        self.factory.behave(self.transport)  # type: ignore[attr-defined, union-attr]

    def connectionLost(self, reason: object = None) -> None:
        self.factory.open.discard(self)  # type: ignore[attr-defined, union-attr]


class HostileFactory(Factory):
    protocol = Hostile
    noisy = False

    def __init__(self, behave: Callable[[Any], object]) -> None:
        self.behave = behave
        self.open: set[Hostile] = set()


@asynccontextmanager
async def serving(factory: Any, tls: ssl.CertificateOptions | None = None) -> AsyncIterator[int]:
    """Its port, for as long as the block lasts; in the end no connection may be left."""
    if tls is None:
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    else:
        port = reactor.listenSSL(0, factory, tls, interface="127.0.0.1")
    try:
        yield port.getHost().port
        waited = 0.0
        while factory.open and waited < GRACE_S:
            await deferLater(reactor, 0.01, lambda: None)
            waited += 0.01
        assert not factory.open
    finally:
        for connection in list(factory.open):
            connection.transport.abortConnection()
        await port.stopListening()


async def attempt(check: model.Check) -> Outcome:
    """One run, which has to end by itself and to leave the reactor as it was."""
    server = model.RealServer(ADDRESS, check.connection.port)  # type: ignore[union-attr]
    service = model.VirtualServer(model.VirtualAddress(ip_address("127.0.0.9"), 80))
    running = build_check(check, server, service, reactor, FakeScripts(), Known()).run()
    limit = reactor.callLater(TIMEOUT_S + GRACE_S, running.cancel)
    outcome = await running
    limit.cancel()
    assert [call for call in reactor.getDelayedCalls() if "kaltwisted" in call.func.__module__] == []
    return outcome


def http(port: int, *urls: Url, **fields: Any) -> HttpCheck:
    target = model.Connection(ADDRESS, port, timeout_us=int(TIMEOUT_S * SECOND_US))
    return HttpCheck(CheckTiming(), target, urls or (Url("/"),), **fields)


@implementer(IPushProducer)
class Endless:
    """Sends as fast as it is read, for ever; ``sent`` counts."""

    def __init__(self, start: bytes, piece: bytes) -> None:
        self.start, self.piece = start, piece
        self.sent = 0

    def __call__(self, transport: Any) -> None:
        self.transport, self.paused, self.stopped = transport, False, False
        transport.write(self.start)
        transport.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        self.paused = False
        while not self.paused and not self.stopped:
            self.transport.write(self.piece)
            self.sent += len(self.piece)

    def pauseProducing(self) -> None:
        self.paused = True

    def stopProducing(self) -> None:
        self.stopped = True


class Drip:
    """A byte now and then, for ever."""

    def __init__(self, start: bytes) -> None:
        self.start = start

    def __call__(self, transport: Any) -> None:
        transport.write(self.start)
        self._drip(transport)

    def _drip(self, transport: Any) -> None:
        if not transport.disconnected:
            transport.write(b"x")
            reactor.callLater(0.02, self._drip, transport)


def says(data: bytes) -> Callable[[Any], None]:
    def behave(transport: Any) -> None:
        transport.write(data)
        transport.loseConnection()

    return behave


def resets(transport: Any) -> None:
    transport.write(b"HTTP/1.0 200 OK\r\n\r\nhalf of")
    transport.abortConnection()


OK = b"HTTP/1.0 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("behave", "reason", "detail"),
    [
        (says(b"\x00\xff\x00 garbage \r\n\r\n\n\n"), "Read error with", "answer is not HTTP"),
        (says(b""), "Read error with", "closed without an answer"),
        (says(b"HTTP/1.0 200 OK\r\nA: b\r\n"), "Read error with", "closed within the header"),
        (says(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhi"), "Read error with", "end of the body"),
        (says(b"HTTP/1.0 200 OK\r\n" + b"A: b\r\n" * 20000), "Read error with", "header longer than"),
        (resets, "Read error with", ""),
        (lambda transport: None, "Timeout WEB read", "waiting"),
        (Drip(b""), "Read error with", "not HTTP"),
        (Drip(b"HTTP/1.0 200 OK\r\nA: "), "Timeout HTTP read", "within the answer"),
        (Drip(OK), "Timeout HTTP read", "within the answer"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_misbehaving_servers_fail_in_words(
    behave: Callable[[Any], object], reason: str, detail: str
) -> None:
    async with serving(HostileFactory(behave)) as port:
        outcome = await attempt(http(port))
    assert (outcome.good, outcome.reason) == (False, reason)
    assert detail in outcome.detail


@pytest.mark.parametrize(
    "start",
    [OK, OK[:-2] + b"Content-Length: 1000000000\r\n\r\n", OK[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"],
)
@pytest_twisted.ensureDeferred
async def test_an_endless_answer_ends_at_the_timeout_with_constant_memory(start: bytes) -> None:
    endless = Endless(start, b"x" * 65536)
    url = Url("/", digest="0" * 32, regex="never")
    before = resident()
    async with serving(HostileFactory(endless)) as port:
        outcome = await attempt(http(port, url))
    assert outcome.reason == "Timeout HTTP read"
    assert endless.sent > 8 * 1024 * 1024
    assert resident() - before < 8 * 1024


def resident() -> int:
    """This process's resident memory in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0])


@pytest_twisted.ensureDeferred
async def test_one_bad_url_among_good_ones_is_found_in_one_run() -> None:
    answers = iter([OK + b"a", b"HTTP/1.0 500 x\r\n\r\n", OK + b"never asked"])
    factory = HostileFactory(lambda transport: says(next(answers))(transport))
    async with serving(factory) as port:
        outcome = await attempt(http(port, Url("/a"), Url("/b"), Url("/c")))
    assert outcome.detail == "status 500 for /b"
    assert next(answers) == OK + b"never asked"


@pytest_twisted.ensureDeferred
async def test_tcp_open_refused_and_from_a_given_source() -> None:
    peers: list[str] = []
    factory = HostileFactory(lambda transport: peers.append(transport.getPeer().host))
    async with serving(factory) as port:
        target = model.Connection(ADDRESS, port, timeout_us=SECOND_US)
        assert (await attempt(model.TcpCheck(CheckTiming(), target))).good
        bound = attrs.evolve(target, bindto=ip_address("127.0.0.7"))
        assert (await attempt(model.TcpCheck(CheckTiming(), bound))).good
        for _again in range(3):
            # A fixed source port must be free for the next run at once.
            fixed = attrs.evolve(target, bindto=ip_address("127.0.0.8"), bind_port=free_port("127.0.0.8"))
            assert (await attempt(model.TcpCheck(CheckTiming(), fixed))).good
            assert (await attempt(model.TcpCheck(CheckTiming(), fixed))).good
        elsewhere = attrs.evolve(target, bindto=ip_address("192.0.2.1"))
        outcome = await attempt(model.TcpCheck(CheckTiming(), elsewhere))
        assert outcome == Outcome(False, "failed", detail="Cannot assign requested address")
    assert peers == ["127.0.0.1", "127.0.0.7"] + ["127.0.0.8"] * 6
    outcome = await attempt(model.TcpCheck(CheckTiming(), target))
    assert outcome == Outcome(False, "failed", detail="Connection refused")


def free_port(address: str) -> int:
    import socket

    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


# --- TLS ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def options(authority: trustme.CA, *names: str, days: int = 1) -> ssl.CertificateOptions:
    """A server's certificate; with negative ``days`` one that has expired."""
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    leaf = authority.issue_cert(*names, not_after=end)
    certificate = crypto.load_certificate(crypto.FILETYPE_PEM, leaf.cert_chain_pems[0].bytes())
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, leaf.private_key_pem.bytes())
    return ssl.CertificateOptions(privateKey=key, certificate=certificate)


def verified(port: int, ca_file: str, name: str = "www.example.org") -> HttpCheck:
    return http(port, tls=TlsOptions(verify_name=name, ca_file=ca_file))


HANDSHAKE = "SSL handshake/communication error connecting to"
PAGE = says(OK + b"page")


@pytest.mark.parametrize(
    ("names", "days", "asked", "problem"),
    [
        (("www.example.org",), 1, "www.example.org", None),
        (("*.example.org",), 1, "www.example.org", None),
        (("127.0.0.1",), 1, "127.0.0.1", None),
        (("127.0.0.1",), 1, "", None),
        (("mail.example.org",), 1, "www.example.org", "certificate is not for www.example.org"),
        (("127.0.0.2",), 1, "127.0.0.1", "certificate is not for 127.0.0.1"),
        (("www.example.org",), -1, "www.example.org", "certificate has expired"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_names_and_dates_are_verified_where_asked_for(
    authority: trustme.CA,
    ca_file: str,
    names: tuple[str, ...],
    days: int,
    asked: str,
    problem: str | None,
) -> None:
    async with serving(HostileFactory(PAGE), options(authority, *names, days=days)) as port:
        outcome = await attempt(verified(port, ca_file, asked))
        # Not asked, keepalived's way: anything goes.
        assert (await attempt(http(port, tls=TlsOptions()))).good
    assert (outcome.good, outcome.detail) == (problem is None, problem or "")


@pytest_twisted.ensureDeferred
async def test_an_unknown_authority_is_refused(ca_file: str) -> None:
    async with serving(HostileFactory(PAGE), options(trustme.CA(), "www.example.org")) as port:
        outcome = await attempt(verified(port, ca_file))
    assert outcome.reason == HANDSHAKE
    assert outcome.detail.startswith("certificate of an unknown authority")


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (says(OK), HANDSHAKE),
        (says(b""), HANDSHAKE),
        (
            says(b"\x16\x03\x03\x00\x05\x02\x00\x00\x01\x00"),
            "SSL handshake/communication error connecting to",
        ),
        (lambda transport: None, "Timeout WEB read"),
        (Drip(b""), HANDSHAKE),
        (Drip(b"\x16\x03\x03\x40\x00\x02\x00\x40"), "Timeout WEB read"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_bad_tls_ends_in_time(behave: Callable[[Any], object], reason: str) -> None:
    async with serving(HostileFactory(behave)) as port:
        outcome = await attempt(http(port, tls=TlsOptions()))
    assert (outcome.good, outcome.reason) == (False, reason)
    assert outcome.detail


@pytest_twisted.ensureDeferred
async def test_an_endless_tls_answer_ends_at_the_timeout(authority: trustme.CA) -> None:
    endless = Endless(OK, b"x" * 16384)
    async with serving(HostileFactory(endless), options(authority, "any.example")) as port:
        outcome = await attempt(http(port, tls=TlsOptions()))
    assert outcome.reason == "Timeout HTTP read"
