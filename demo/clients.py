"""The clients: a steady stream of connections to the virtual addresses, each with its answer noted.

A client is as impatient as a person with a browser: it tries once, without retry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import cycle
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, ConnectingCancelledError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.internet.task import LoopingCall, deferLater
from twisted.python.failure import Failure

from demo.site import PAGES, Site

PATIENCE = 5.0
#: A patient client begins its next try so long after the last, and goes away in the end.
RETRY, GIVES_UP = 0.5, 20.0


@attrs.frozen
class Answer:
    """What became of one connection, begun and ended at these times (reactor's clock).

    ``server``: the real server's name, or None where the client went without, for this ``reason``.
    """

    service: str
    client: str
    began: float
    ended: float
    server: str | None
    reason: str = ""
    tries: int = 1


class Conversation(Protocol):
    """Says what it has to say, collects the answer up to ``enough``, and finds the server's name in it."""

    def __init__(self, words: bytes, enough: bytes | None, name: Callable[[bytes], str | None]) -> None:
        self._words, self._enough, self._name = words, enough, name
        self._heard = b""
        self.answered: Deferred[str] = Deferred(lambda _: self._abort())

    def connectionMade(self) -> None:
        assert self.transport
        self.transport.write(self._words)

    def dataReceived(self, data: bytes) -> None:
        self._heard += data
        if self._enough is not None and self._enough in self._heard:
            assert self.transport
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        answered, name = self.answered, self._name(self._heard)
        if answered.called:
            return
        if name is None:
            heard = "half an answer" if self._heard else "no answer"
            answered.errback(ConnectionError(f"{heard}: {reason.getErrorMessage()}"))
        else:
            answered.callback(name)

    def _abort(self) -> None:
        if self.transport:
            self.transport.abortConnection()  # type: ignore[attr-defined]


def _web_name(answer: bytes) -> str | None:
    """From ``Server:``; None unless the whole page is there."""
    head, complete, body = answer.partition(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if not complete or len(body) != int(fields.get(b"Content-Length", b"-1")):
        return None
    return fields[b"Server"].decode()


def _mail_name(answer: bytes) -> str | None:
    """From SMTP's greeting."""
    words = answer.split()
    return words[1].decode() if words[:1] == [b"220"] and b"\n" in answer else None


def web_page(address: str) -> Conversation:
    """Ask for a page of the server at ``address``."""
    request = f"GET {PAGES[0]} HTTP/1.0\r\nHost: {address}\r\n\r\n".encode()
    return Conversation(request, None, _web_name)


def tcp_endpoint(
    reactor: Any, address: str, port: int, source: str, timeout: float = PATIENCE
) -> IStreamClientEndpoint:
    """Where a client goes that has ``source`` for its address."""
    return TCP4ClientEndpoint(reactor, address, port, timeout=timeout, bindAddress=(source, 0))


def tls_endpoint(
    tcp: Callable[[str], IStreamClientEndpoint], address: str, ca: Certificate
) -> Callable[[str], IStreamClientEndpoint]:
    """The same over TLS, with a certificate of ``ca`` for ``address``."""
    tls = optionsForClientTLS(address, trustRoot=ca)
    return lambda source: wrapClientTLS(tls, tcp(source))


class Clients:
    """Connections to one service at a steady rate, from all the clients in turn."""

    def __init__(
        self,
        reactor: Any,
        service: str,
        rate: int,
        sources: Iterable[str],
        note: Callable[[Answer], None],
        endpoint: Callable[[str], IStreamClientEndpoint],
        conversation: Callable[[], Conversation],
    ) -> None:
        self._reactor, self.service, self.rate = reactor, service, rate
        self._sources = cycle(sources)
        self._note = note
        self._endpoint, self._conversation = endpoint, conversation
        self._under_way: set[Deferred[None]] = set()
        self._loop = LoopingCall.withCount(self._connect)
        self._loop.clock = reactor

    @classmethod
    def of(cls, reactor: Any, site: Site, ca: Certificate, note: Callable[[Answer], None]) -> list[Clients]:
        """The clients of all three services."""
        address, ports = site.virtual_address, site.ports
        page = partial(web_page, address)

        def tcp(port: int) -> Callable[[str], IStreamClientEndpoint]:
            return partial(tcp_endpoint, reactor, address, port)

        def mail() -> Conversation:
            return Conversation(b"QUIT\r\n", b"221 ", _mail_name)

        https = tls_endpoint(tcp(ports.https), address, ca)
        return [
            cls(reactor, "http", 100, site.clients, note, tcp(ports.http), page),
            cls(reactor, "https", 20, site.clients, note, https, page),
            cls(reactor, "smtp", 20, site.clients, note, tcp(ports.smtp), mail),
        ]

    def start(self) -> None:
        """Begin."""
        self._loop.start(1 / self.rate)

    def stop(self) -> None:
        """End, connections under way too."""
        if self._loop.running:
            self._loop.stop()
        for connection in list(self._under_way):
            connection.cancel()

    def _connect(self, count: int) -> None:
        for _ in range(min(count, 10)):
            connection = Deferred.fromCoroutine(self._converse(next(self._sources)))
            self._under_way.add(connection)
            connection.addBoth(self._over, connection)

    def _over(self, result: Any, connection: Deferred[None]) -> None:
        self._under_way.discard(connection)
        if isinstance(result, Failure):
            result.trap(CancelledError, ConnectingCancelledError)

    async def _converse(self, source: str) -> None:
        began = self._reactor.seconds()
        server, reason = await self._ask(source, PATIENCE)
        self._note(Answer(self.service, source, began, self._reactor.seconds(), server, reason))

    async def _ask(self, source: str, patience: float) -> tuple[str | None, str]:
        """One connection: who answered, or None and why nobody did."""
        conversation = self._conversation()
        try:
            await self._endpoint(source).connect(Factory.forProtocol(lambda: conversation))
            conversation.answered.addTimeout(patience, self._reactor)
            return await conversation.answered, ""
        except (ConnectError, ConnectionError, TimeoutError) as error:
            return None, f"{type(error).__name__}: {error}"


class PatientClients(Clients):
    """Clients that try again until they are answered; each try is a connection of its own."""

    async def _converse(self, source: str) -> None:
        began, tries = self._reactor.seconds(), 0
        while True:
            tries += 1
            begun = self._reactor.seconds()
            server, reason = await self._ask(source, RETRY)
            now = self._reactor.seconds()
            if server is not None or now - began > GIVES_UP:
                self._note(Answer(self.service, source, began, now, server, reason, tries))
                return
            await deferLater(self._reactor, max(0.0, begun + RETRY - now))

    async def finish(self) -> None:
        """Send no more; over when the last one under way has its answer, or has given up."""
        if self._loop.running:
            self._loop.stop()
        while self._under_way:
            await deferLater(self._reactor, 0.02)
