"""genhash's one request, made as the checks make theirs."""

from __future__ import annotations

import socket
import time
from ipaddress import ip_address
from pathlib import Path
from typing import IO, Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IDelayedCall, IProtocol, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from kaltwisted.config import model
from kaltwisted.genhash.options import Options
from kaltwisted.genhash.report import Report
from kaltwisted.healthcheck.connect import Connector, Opening
from kaltwisted.healthcheck.http import host_and_port, request
from kaltwisted.healthcheck.response import Response
from kaltwisted.healthcheck.tls import client_context, explain, wrap


class FetchError(Exception):
    """There is no digest to tell; the text says why."""


class Fetch(Protocol):
    """One request and its answer.  ``result`` fires when all is printed, or fails with FetchError."""

    def __init__(self, question: bytes, report: Report, timeout_s: float, clock: IReactorTime) -> None:
        self.result: Deferred[None] = Deferred()
        self._question = question
        self._report = report
        self._timeout_s = timeout_s
        self._response = Response(self._body)
        self._headed = False
        self._opening: Opening | None = None
        self._timeout: IDelayedCall = clock.callLater(timeout_s, self._timed_out)

    def begin(self, connector: Connector, protocol: IProtocol) -> None:
        """Connect; ``protocol`` is this one, or what stands before it."""
        self._opening = connector(protocol, self._connect_failed)

    def connectionMade(self) -> None:
        """Ask."""
        self._timeout.reset(self._timeout_s)
        self.transport.write(self._question)  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        """Print as it comes."""
        if self.result.called:
            return
        self._timeout.reset(self._timeout_s)
        if self._response.feed(data):
            self._finish()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end of the answer, or an accident."""
        if self.result.called:
            return
        closed = reason.check(ConnectionDone) or (self._response.header and reason.check(ConnectionLost))
        if not closed and not isinstance(reason.value, ConnectionLost):
            self._end(f"SSL handshake/communication error: {explain(reason.value)}")
        elif not closed:
            self._end("the server broke the connection off")
        else:
            self._response.close()
            self._finish()

    def _body(self, data: bytes) -> None:
        self._head()
        self._report.body(data)

    def _head(self) -> None:
        if not self._headed and self._response.header:
            self._headed = True
            self._report.header(self._response.header)

    def _finish(self) -> None:
        self._head()
        if self._response.flaw is not None:
            self._end(f"no complete HTTP answer: {self._response.flaw.value}")
        else:
            self._report.end()
            self._end(None)

    def _connect_failed(self, problem: OSError) -> None:
        self._opening = None
        self._end(f"connection failed: {problem.strerror or problem}")

    def _timed_out(self) -> None:
        what = "waiting for the answer" if self.connected else "connecting"
        self._end(f"timeout {what}: nothing for {self._timeout_s:g} s")

    def _end(self, problem: str | None) -> None:
        if self._timeout.active():
            self._timeout.cancel()
        if self.result.called:
            return
        if problem is None:
            self.result.callback(None)
        else:
            self.result.errback(FetchError(problem))
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.loseConnection() if problem is None else opening.abort()


def fetch(options: Options, output: IO[str], reactor: Any) -> Deferred[None]:
    """Do what the command line asks for.  Fails with FetchError."""
    server, port = options.target
    try:
        # Blocks while a name is looked up: this tool has nothing else to do.
        found = socket.getaddrinfo(server, port, type=socket.SOCK_STREAM)
        address = ip_address(found[0][4][0])
        connection = model.Connection(address, port, fwmark=options["fwmark"])
        connector = Connector(connection, reactor)
    except (OSError, ValueError) as unknown:
        raise FetchError(f"server {server}: {explain(unknown)}") from unknown
    virtualhost = options["use-virtualhost"]
    question = request(options["url"], virtualhost or host_and_port(address, port), options.protocol)
    report = Report(output, bool(options["quiet"]))
    fetching = Fetch(question, report, options.timeout_s, reactor)
    protocol: IProtocol = fetching
    if options["use-ssl"]:
        sni = virtualhost if options["use-sni"] or options["sni"] else None
        protocol = wrap(fetching, _context(options), reactor, sni)
    fetching.begin(connector, protocol)
    if options["verbose"]:
        began = time.monotonic()

        def timing(result: None) -> None:
            took = (time.monotonic() - began) * 1e6
            output.write(f"Global response time for [{options['url']}] = {took:.0f} usecs\n")

        fetching.result.addCallback(timing)
    return fetching.result


def _context(options: Options) -> SSL.Context:
    certificate, key = options["use-certificate"], options["use-private-key"]
    password = None if options["use-password"] is None else options["use-password"].encode()
    try:
        return client_context(_contents(certificate), _contents(key), password)
    except (OSError, ValueError, SSL.Error) as unusable:
        name = " and ".join(filter(None, (certificate, key)))
        raise FetchError(f"{name}: {explain(unusable)}") from unusable


def _contents(file: str | None) -> bytes:
    return b"" if file is None else Path(file).read_bytes()
