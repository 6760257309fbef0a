"""HTTP/1.1 for the API: twisted.web's parser with bounds on all that a client can do.

Not loaded before the first client comes (``listening``).  Of twisted.web it is
only the protocol: sites, sessions and cookies are nothing for an API.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

import attrs
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from zope.interface import implementer

from kaltwisted.api.access import Access
from kaltwisted.api.crowd import Crowd
from kaltwisted.api.exchange import Answer, Asked, RefusalError
from kaltwisted.api.exchange import Stream as Begin
from kaltwisted.api.routes import Routes

MOST_STREAMS: Final = 128
MOST_BODY: Final = 65_536
MOST_FIELDS: Final = 20
IDLE_S: Final = 60
"""How long a connection may be without a request."""
REQUEST_S: Final = 10.0
"""How long a request may take to come in, from its first byte to its last."""
ANSWER_S: Final = 30.0
"""How long a client may take to read an answer."""
HEARTBEAT_S: Final = 15.0
SLICE: Final = 65_536
MOST_UNREAD: Final = 262_144
"""Bytes of a stream that wait for a client; one that reads more slowly than things happen is cut off."""

Admit: TypeAlias = Callable[[Any, Mapping[str, str]], Access]
"""Who it is, by the transport and the headers of the request; raises ``RefusalError``."""

_FIXED: Final = {
    # State is of this moment, and nobody's page may be made of it by mistake.
    b"Cache-Control": b"no-store",
    b"X-Content-Type-Options": b"nosniff",
}


class Site(Factory):
    """The API on a listening socket.

    ``answers``: how many there were, by HTTP status; ``cut``: connections that were cut off.

    :param routes: who answers what.
    :param admit: who may.
    :param crowd: of all addresses together; None: this one has its own.
    """

    noisy = False

    def __init__(self, routes: Routes, admit: Admit, clock: IReactorTime, crowd: Crowd | None = None) -> None:
        self.routes = routes
        self.admit = admit
        self.clock = clock
        self.crowd = crowd or Crowd()
        self.answers: Counter[int] = Counter()
        self.cut = 0

    def buildProtocol(self, addr: Any) -> _Channel:
        """One connection."""
        return _Channel(self)

    def look_again(self) -> None:
        """Who may has changed: cut off who is being answered and would not be let in now."""
        for channel in self.crowd:
            for request in channel.requests if channel.site is self else ():
                if not request.may_still():
                    channel.cut()
                    break

    def close_all(self) -> None:
        """The end: nobody is waited for."""
        for channel in self.crowd:
            if channel.site is self:
                channel.cut()


class _Channel(http.HTTPChannel):  # type: ignore[misc,unused-ignore]
    """One connection, with a limit on the time that a request may take to come in."""

    timeOut = IDLE_S
    abortTimeout = 5
    maxHeaders = 64

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site
        self.requestFactory: Any = _Request
        self._limit: IDelayedCall | None = None

    def callLater(self, period: Any, func: Any) -> Any:
        """TimeoutMixin's clock."""
        return self.site.clock.callLater(period, func)

    def connectionMade(self) -> None:
        super().connectionMade()
        self.site.crowd.begun(self)

    def dataReceived(self, data: bytes) -> None:
        if self._limit is None and not self._handlingRequest:
            self._limit = self.site.clock.callLater(REQUEST_S, self._too_slow)
        super().dataReceived(data)

    def allContentReceived(self) -> None:
        self._in_time()
        self.site.crowd.is_busy(self)
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        self.site.crowd.is_idle(self)
        super().requestDone(request)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._in_time()
        self.site.crowd.ended(self)
        super().connectionLost(reason)

    def timeoutConnection(self) -> None:
        """twisted.web's own logs a line for each."""
        self.cut()

    def cut(self) -> None:
        """Close it, whatever waits to be sent."""
        self.site.cut += 1
        self.setTimeout(None)
        self._in_time()
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()

    def refuse(self, refusal: RefusalError) -> None:
        """Answer what is no request, or too much of one, and close."""
        self._in_time()
        answer = refusal.answer
        self.site.answers[answer.status] += 1
        transport: Any = self.transport
        transport.write(
            b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
            b"Connection: close\r\n\r\n%s"
            % (answer.status, http.RESPONSES[answer.status], len(answer.body), answer.body)
        )
        self.loseConnection()

    def _respondToBadRequestAndDisconnect(self) -> None:
        """In place of twisted.web's answer without words."""
        self.refuse(RefusalError(400, "that is no HTTP request", "speak HTTP/1.1"))

    def _too_slow(self) -> None:
        self._limit = None
        self.cut()

    def _in_time(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None


class _Request(http.Request):  # type: ignore[misc,unused-ignore]
    """One request and its answer."""

    _log = Logger()

    def __init__(self, channel: _Channel, queued: object = False) -> None:
        super().__init__(channel)
        self._site = channel.site
        self._channel = channel
        self._body = BytesIO()
        self._refused = False
        self._due: IDelayedCall | None = None
        self._pending: Deferred[Any] | None = None
        self._limit: IDelayedCall | None = None
        self._end: Callable[[], object] | None = None
        self._asked: Asked | None = None

    # -- what comes in ----------------------------------------------------------------------

    def gotLength(self, length: int | None) -> None:
        if length is not None and length > MOST_BODY:
            self._too_big()

    def handleContentChunk(self, data: bytes) -> None:
        if self._refused:
            return
        if self._body.tell() + len(data) > MOST_BODY:
            self._too_big()
        else:
            self._body.write(data)

    def _too_big(self) -> None:
        self._refused = True
        self.requestHeaders.removeHeader(b"Expect")
        self._channel.refuse(RefusalError(413, "the body is too long", f"send {MOST_BODY} bytes at most"))

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """In place of twisted.web's, which parses forms."""
        if self._refused:
            return
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        # Each in a turn of its own: a thousand requests in one packet hold nobody up.
        self._due = self._site.clock.callLater(0, self._begin)

    def _begin(self) -> None:
        self._due = None
        self._pending = maybeDeferred(self._ask)
        self._pending.addErrback(self._failed).addCallback(self._answer).addErrback(self._broken)

    def _ask(self) -> Any:
        headers = {
            name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
            for name, values in self.requestHeaders.getAllRawHeaders()
        }
        access = self._site.admit(self.channel.transport, headers)
        query = self.uri.partition(b"?")[2].decode("ascii", "replace")
        try:
            fields = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_FIELDS))
        except ValueError:
            raise RefusalError(400, "too many fields in the query", f"send {MOST_FIELDS} at most") from None
        asked = self._asked = Asked(
            self.method.decode("ascii", "replace"),
            self.path.decode("ascii", "replace"),
            access,
            fields,
            headers,
            self._body.getvalue(),
        )
        return self._site.routes.find(asked).handler(asked)

    def may_still(self) -> bool:
        """Whether who asked would be let in now, too."""
        asked = self._asked
        if asked is None:
            return True  # will be looked at
        try:
            access = self._site.admit(self.channel.transport, asked.headers)
            self._site.routes.find(attrs.evolve(asked, access=access))
        except RefusalError:
            return False
        return True

    # -- what goes out ----------------------------------------------------------------------

    def _failed(self, failure: Failure) -> Answer:
        if failure.check(RefusalError):
            refusal = failure.value
            assert isinstance(refusal, RefusalError)
            return refusal.answer
        if not failure.check(CancelledError):
            self._log.failure("Answering {method} {path}", failure, method=self.method, path=self.path)
        return RefusalError(500, "a defect of ours", "the log tells what it is; please report it").answer

    def _answer(self, answer: Answer) -> None:
        self._pending = None
        if self._disconnected:
            return
        if answer.stream is not None and self._site.crowd.streams >= MOST_STREAMS:
            answer = RefusalError(503, "too many streams", "try again, or close some").answer
        self._site.answers[answer.status] += 1
        self.setResponseCode(answer.status)
        headers = self.responseHeaders
        for name, value in _FIXED.items():
            headers.setRawHeaders(name, [value])
        headers.setRawHeaders(b"Content-Type", [answer.content_type.encode()])
        for field, text in answer.headers.items():
            headers.setRawHeaders(field.encode(), [text.encode("latin-1", "replace")])
        if answer.stream is not None and self.method != b"HEAD":
            self._begin_stream(answer, answer.stream)
            return
        headers.setRawHeaders(b"Content-Length", [b"%d" % len(answer.body)])
        if self.method == b"HEAD" or len(answer.body) <= SLICE:
            self.write(answer.body)
            self.finish()
            return
        self._limit = self._site.clock.callLater(ANSWER_S, self._not_read)
        self._site.crowd.answers(self._channel, answer.body)
        slices = _Slices(self, answer.body)
        self.registerProducer(slices, True)
        slices.resumeProducing()

    def _begin_stream(self, answer: Answer, begin: Begin) -> None:
        stream = _Stream(self)
        self.registerProducer(stream, True)
        stream.send(answer.body)
        self._end = begin(stream.send)
        self._site.crowd.streams += 1
        self._beat(stream, answer.heartbeat)

    def _beat(self, stream: _Stream, heartbeat: bytes) -> None:
        """Show both ends that the other one is there."""
        self._limit = self._site.clock.callLater(HEARTBEAT_S, self._beat, stream, heartbeat)
        stream.send(heartbeat)

    def finish(self) -> None:
        self._stop()
        super().finish()

    def _not_read(self) -> None:
        self._limit = None
        self._channel.cut()

    def _broken(self, failure: Failure) -> None:
        self._log.failure("Answering {path}", failure, path=self.path)
        if not self._disconnected:
            self._channel.cut()

    def connectionLost(self, reason: Failure) -> None:
        """Whoever asked wants no answer any more."""
        super().connectionLost(reason)
        self._stop()
        if self._pending is not None:
            self._pending.cancel()

    def _stop(self) -> None:
        for call in (self._due, self._limit):
            if call is not None:
                call.cancel()
        self._due = self._limit = None
        if self._end is not None:
            end, self._end = self._end, None
            self._site.crowd.streams -= 1
            end()


@implementer(IPushProducer)
class _Slices:
    """Gives a long answer as the client takes it: a thousand clients of one status hold one text."""

    def __init__(self, request: _Request, body: bytes) -> None:
        self._request = request
        self._body = memoryview(body)
        self._at = 0
        self._paused = True

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        while not self._paused and self._at < len(self._body):
            slice_ = bytes(self._body[self._at : self._at + SLICE])
            self._at += SLICE
            self._request.write(slice_)
        if self._at >= len(self._body) and not self._request.finished:
            self._request.unregisterProducer()
            self._request.finish()

    def stopProducing(self) -> None:
        self._paused = True
        self._at = len(self._body)


@implementer(IPushProducer)
class _Stream:
    """Sends what happens, as long as somebody reads it."""

    def __init__(self, request: _Request) -> None:
        self._request = request
        self._paused = False
        self._waiting = 0

    def send(self, data: bytes) -> None:
        """Some more."""
        if self._request._disconnected:
            return
        if self._paused:
            self._waiting += len(data)
            if self._waiting > MOST_UNREAD:
                self._request._channel.cut()
                return
        self._request.write(data)

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused, self._waiting = False, 0

    def stopProducing(self) -> None:
        self._paused = True
