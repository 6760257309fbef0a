"""HTTP_GET and SSL_GET: a server is good when every ``url`` answers as configured."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IDelayedCall, IProtocol, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.config import model
from kaltwisted.healthcheck.connect import Connect, Opening
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.response import Response, Window
from kaltwisted.healthcheck.timeouts import Timeouts
from kaltwisted.ports import ICheck

if TYPE_CHECKING:
    from kaltwisted.healthcheck.tls import Tls

_log = Logger()
_GOOD = Outcome(True)
_HANDSHAKE = "SSL handshake/communication error connecting to"


def request(path: str, host: str, protocol: model.HttpProtocol) -> bytes:
    """The request, byte for byte as keepalived sends it."""
    version = "1.1" if protocol is model.HttpProtocol.HTTP_1_1 else "1.0"
    close = "" if protocol is model.HttpProtocol.HTTP_1_0 else "Connection: close\r\n"
    return (
        f"GET {path} HTTP/{version}\r\nUser-Agent: KeepAliveClient\r\n{close}Host: {host}\r\n\r\n"
    ).encode()


def host_and_port(ip: model.Address, port: int) -> str:
    """What a Host header says where no virtualhost is configured."""
    return f"{ip}:{port}" if ip.version == 4 else f"[{ip}]:{port}"


@attrs.frozen
class Expectation:
    """One ``url``, ready to run: the request's bytes and what the answer has to be."""

    path: str
    request: bytes
    status_codes: tuple[tuple[int, int], ...]
    digest: str | None = None
    regex: re.Pattern[bytes] | None = None
    regex_no_match: bool = False
    sni: str | None = None

    @classmethod
    def of(
        cls, url: model.Url, host: str, protocol: model.HttpProtocol, sni: str | None = None
    ) -> Expectation:
        """From the configuration; ``host`` where the url names no virtualhost of its own."""
        return cls(
            path=url.path,
            request=request(url.path, url.virtualhost or host, protocol),
            status_codes=url.status_codes,
            digest=url.digest.lower() if url.digest else None,
            regex=_compiled(url.regex),
            regex_no_match=url.regex_no_match,
            sni=sni,
        )


def _compiled(regex: str | None) -> re.Pattern[bytes] | None:
    """A configured regex; one that Python can't read is left out, as keepalived does where PCRE can't."""
    if regex is None:
        return None
    try:
        return re.compile(regex.encode())
    except re.error as invalid:
        _log.error("Invalid regex: '{regex}': {problem}", regex=regex, problem=str(invalid))
        return None


class Judge:
    """Compares one answer, as it arrives, with what was expected."""

    __slots__ = ("_digest", "_expected", "_window", "response")

    def __init__(self, expected: Expectation) -> None:
        self._expected = expected
        self._digest = hashlib.md5(usedforsecurity=False) if expected.digest else None
        self._window = Window() if expected.regex else None
        # Not a method of ours: a reference cycle per check would be work for the collector.
        self.response = Response(_feeding(self._digest, self._window))

    def verdict(self) -> Outcome:
        """What to say of the answer, once it is complete."""
        response, expected = self.response, self._expected
        if response.flaw is not None:
            return Outcome(False, "Read error with", detail=f"{response.flaw.value}, {expected.path}")
        status = response.status or 0
        if not any(low <= status <= high for low, high in expected.status_codes):
            return Outcome(False, "HTTP status code error to", detail=f"status {status} for {expected.path}")
        if self._digest and (found := self._digest.hexdigest()) != expected.digest:
            return Outcome(False, "MD5 digest error to", detail=f"digest {found} for {expected.path}")
        if self._window and expected.regex:
            matched = expected.regex.search(bytes(self._window)) is not None
            if matched is expected.regex_no_match:
                found = "matched" if matched else "did not match"
                return Outcome(False, "Regex match failed", detail=f"regex {found} for {expected.path}")
        return _GOOD


def _feeding(digest: Any, window: Window | None) -> Callable[[bytes], object]:
    if digest is None:
        return _ignore if window is None else window.update
    if window is None:
        return digest.update  # type: ignore[no-any-return]

    def both(data: bytes) -> None:
        digest.update(data)
        window.update(data)

    return both


def _ignore(_data: bytes) -> None:
    pass


@implementer(ICheck)
class HttpCheck:
    """Fetches every url, one after the other, each over a connection of its own; the first bad one decides.

    keepalived fetches one url per ``delay_loop``, and so notices a bad page,
    or that all pages are good again, only when its turn comes.  Here one run
    tells about the server as a whole.

    ``connect_timeout`` bounds each url whole, from opening the connection to the last
    byte: a server that keeps dripping cannot extend it.
    """

    def __init__(
        self,
        check: model.HttpCheck,
        expectations: tuple[Expectation, ...],
        connect: Connect,
        reactor: IReactorTime,
        tls: Tls | None = None,
    ) -> None:
        self._check = check
        self._expectations = expectations
        self._connect = connect
        self._timeouts = Timeouts.shared(reactor, check.connection.timeout_us / model.SECOND_US)
        self._reactor = reactor
        self._tls = tls

    def run(self) -> Deferred[Outcome]:
        """One fetch of each url (ICheck)."""
        round_ = _Round(self)
        round_.fetch()
        return round_.result

    def describe(self) -> str:
        """As ICheck asks."""
        kind = "HTTP" if self._tls is None else "TLS"
        where = host_and_port(self._check.connection.ip, self._check.connection.port)
        return f"{kind} {where} {' '.join(url.path for url in self._expectations)}"


class _Round:
    """One run: its Deferred, and the fetch that is under way."""

    def __init__(self, check: HttpCheck) -> None:
        self.result: Deferred[Outcome] = Deferred(self._cancel)
        self._check = check
        self._left = iter(check._expectations)
        self._fetch: _Fetch | None = None

    def fetch(self) -> None:
        """Begin with the next url; when none is left, the server is good."""
        check = self._check
        expected = next(self._left, None)
        if expected is None:
            self._fetch = None
            self.result.callback(_GOOD)
            return
        fetch = self._fetch = _Fetch(expected, self._fetched)
        fetch.begin(check._connect, check._tls, check._reactor, check._timeouts)

    def _fetched(self, outcome: Outcome) -> None:
        if outcome.good:
            self.fetch()
        else:
            self._fetch = None
            self.result.callback(outcome)

    def _cancel(self, _result: Deferred[Any]) -> None:
        fetch, self._fetch = self._fetch, None
        if fetch is not None:
            fetch.cancel()


class _Fetch(Protocol):
    """One connection with one request and its answer.

    ``done`` is called once, when the connection is closed or could not be
    opened; after ``cancel`` never.
    """

    def __init__(self, expected: Expectation, done: Callable[[Outcome], None]) -> None:
        self._expected = expected
        self._judge = Judge(expected)
        self._done: Callable[[Outcome], None] | None = done
        self._outcome: Outcome | None = None
        self._opening: Opening | None = None
        self._timeouts: Timeouts | None = None
        self._stillborn: IDelayedCall | None = None
        self._answering = False
        self._tls: Tls | None = None
        self._refused = ""

    def begin(self, connect: Connect, tls: Tls | None, reactor: IReactorTime, timeouts: Timeouts) -> None:
        """Open the connection, and start the clock of the whole fetch."""
        self._tls = tls
        protocol: IProtocol = self
        if tls is not None:
            try:
                protocol = tls.wrap(self, self._expected.sni, self._refuse)
            except OSError as unusable:
                self._stillborn = reactor.callLater(0, self._no_trust, unusable.strerror or str(unusable))
                return
        self._timeouts = timeouts
        timeouts.begin(self)
        self._opening = connect(protocol, self._connect_failed)

    def cancel(self) -> None:
        """Stop; nobody is told."""
        self._done = None
        self._finish()

    # -- IProtocol ------------------------------------------------------------------

    def connectionMade(self) -> None:
        """Ask."""
        self.transport.write(self._expected.request)  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        """Judge the answer as it comes."""
        self._answering = True
        if self._outcome is None and self._judge.response.feed(data):
            self._outcome = self._judge.verdict()
            if self._tls is not None:
                self.transport.loseConnection()  # type: ignore[union-attr]
            if self._opening is not None:
                # And not wait for a close_notify of the server's.
                self._opening.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """We closed, or the server did, which may be the end of its answer."""
        if self._outcome is None:
            self._outcome = self._interrupted(reason)
        self._finish()

    def _interrupted(self, reason: Failure) -> Outcome:
        response, error = self._judge.response, reason.value
        closed = isinstance(error, ConnectionDone)
        # Many servers end TLS without its close_notify: as good as closing, once the header is there.
        if closed or (self._tls and response.header and isinstance(error, ConnectionLost)):
            if self._tls and not self._answering:
                return Outcome(False, _HANDSHAKE, detail="closed without an answer")
            response.close()
            return self._judge.verdict()
        if self._tls and not self._answering:
            return Outcome(False, _HANDSHAKE, detail=self._refused or self._tls.explain(error))
        return Outcome(False, "Read error with", detail=f"{reason.getErrorMessage()}, {self._expected.path}")

    # -- other ends --------------------------------------------------------------------

    def _refuse(self, problem: str) -> None:
        self._refused = problem

    def _no_trust(self, problem: str) -> None:
        self._outcome = Outcome(False, _HANDSHAKE, detail=f"tls_ca_file: {problem}")
        self._finish()

    def _connect_failed(self, problem: OSError) -> None:
        self._opening = None
        self._outcome = Outcome(False, "Error connecting", detail=problem.strerror or str(problem))
        self._finish()

    def timed_out(self) -> None:
        """The server took too long."""
        if self._outcome is None:
            if self._answering:
                reason, detail = "Timeout HTTP read", "timeout within the answer"
            elif self.connected:
                reason, detail = "Timeout WEB read", "timeout waiting for the answer"
            else:
                reason, detail = "Timeout connecting", "timeout connecting"
            self._outcome = Outcome(False, reason, detail=f"{detail}, {self._expected.path}")
        self._finish()

    def _finish(self) -> None:
        """Close what is open, and tell."""
        if self._timeouts is not None:
            self._timeouts.end(self)
        if self._stillborn is not None and self._stillborn.active():
            self._stillborn.cancel()
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.abort()  # Which may come back here through connectionLost.
        done, self._done = self._done, None
        if done is not None and self._outcome is not None:
            done(self._outcome)
