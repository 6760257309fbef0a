"""The clients: a steady stream of connections to the virtual addresses, each with its answer noted.

A client is as impatient as a person with a browser: it tries once, without retry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import cycle
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, ConnectingCancelledError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from demo.site import PAGES, Site

PATIENCE = 5.0


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


class Clients:
    """Connections to one service at a steady rate, from all the clients in turn."""

    def __init__(
        self, reactor: Any, service: str, rate: int, sources: Iterable[str], note: Callable[[Answer], None]
    ):
        self._reactor, self.service, self.rate = reactor, service, rate
        self._sources = cycle(sources)
        self._note = note
        self._under_way: set[Deferred[None]] = set()
        self._loop = LoopingCall.withCount(self._connect)
        self._loop.clock = reactor
        self._endpoint: Callable[[str], IStreamClientEndpoint]
        self._conversation: Callable[[], Conversation]

    @classmethod
    def of(cls, reactor: Any, site: Site, ca: Certificate, note: Callable[[Answer], None]) -> list[Clients]:
        """The clients of all three services."""
        request = f"GET {PAGES[0]} HTTP/1.0\r\nHost: {site.virtual_address}\r\n\r\n".encode()
        address, ports = site.virtual_address, site.ports
        tls = optionsForClientTLS(address, trustRoot=ca)

        def tcp(port: int) -> Callable[[str], IStreamClientEndpoint]:
            return lambda source: TCP4ClientEndpoint(
                reactor, address, port, timeout=PATIENCE, bindAddress=(source, 0)
            )

        http = cls(reactor, "http", 100, site.clients, note)
        http._endpoint = tcp(ports.http)
        http._conversation = lambda: Conversation(request, None, _web_name)
        https = cls(reactor, "https", 20, site.clients, note)
        https._endpoint = lambda source: wrapClientTLS(tls, tcp(ports.https)(source))
        https._conversation = lambda: Conversation(request, None, _web_name)
        smtp = cls(reactor, "smtp", 20, site.clients, note)
        smtp._endpoint = tcp(ports.smtp)
        smtp._conversation = lambda: Conversation(b"QUIT\r\n", b"221 ", _mail_name)
        return [http, https, smtp]

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
        conversation = self._conversation()
        server, reason = None, ""
        try:
            await self._endpoint(source).connect(Factory.forProtocol(lambda: conversation))
            conversation.answered.addTimeout(PATIENCE, self._reactor)
            server = await conversation.answered
        except (ConnectError, ConnectionError, TimeoutError) as error:
            reason = f"{type(error).__name__}: {error}"
        self._note(Answer(self.service, source, began, self._reactor.seconds(), server, reason))
