"""The API over TCP: listening where the configuration says, for whom its token file says.

An address may be a virtual one that another director has at present, and a file
may be wrong: each is told, tried again or left out, and nothing else suffers.
A reload closes what is configured no more; who is connected elsewhere stays,
as long as his token does.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from kaltwisted.api.crowd import Crowd
from kaltwisted.api.listening import Waiting
from kaltwisted.api.tokens import MOST_TEXT, Tokens, TokensError
from kaltwisted.config.model import ApiListen, ApiSettings
from kaltwisted.ports import InThread

if TYPE_CHECKING:
    from kaltwisted.api.door import Rules
    from kaltwisted.api.http import Admit, Site
    from kaltwisted.daemon.api_tls import Tls

AGAIN_S: Final = 5.0
BACKLOG: Final = 128

MakeSite = Callable[["Admit", Crowd | None], "Site"]


@attrs.frozen
class _Served:
    """What is served: the settings, and what their files say; ``tls`` None: nothing that could be used."""

    settings: ApiSettings
    tokens: Tokens = Tokens()
    tls: Tls | None = None
    troubles: tuple[str, ...] = ()


@attrs.frozen
class _Listening:
    """One address that is listened at."""

    port: IListeningPort
    waiting: Waiting
    over_tls: bool


class ApiOverTcp(Service):
    """All listening addresses.

    :param site: makes the server behind a door; called in a thread, for it imports.
    """

    _log = Logger()

    def __init__(self, site: MakeSite, reactor: Any, in_thread: InThread) -> None:
        self._site = site
        self._reactor = reactor
        self._in_thread = in_thread
        self._wanted = ApiSettings()
        self._served = _Served(ApiSettings())
        self._listening: dict[ApiListen, _Listening] = {}
        self._crowd = Crowd()
        self._again: IDelayedCall | None = None
        self._told: set[ApiListen] = set()

    def reconfigure(self, settings: ApiSettings) -> None:
        """Listen there from now on.  Files are read again: they may have changed where nothing else has."""
        self._wanted = settings
        if self.running and (settings.listen or self._listening or self._again):
            reading = self._in_thread(partial(_read, settings, self._served))
            reading.addCallback(self._serve).addErrback(self._failed)

    def _serve(self, found: _Served) -> Deferred[None] | None:
        if not self.running or found.settings is not self._wanted:
            return None  # there is a newer wish, which is being read
        for trouble in found.troubles:
            self._log.error("API: {trouble}", trouble=trouble)
        self._served = found
        self._told.clear()
        over_tls = found.settings.certificate is not None
        gone = [
            where
            for where, listening in self._listening.items()
            if where not in found.settings.listen or listening.over_tls != over_tls
        ]
        for server in self._servers():
            server.look_again()
        return self._close(gone).addCallback(lambda _: self._listen())

    def _listen(self) -> None:
        self._stop_trying()
        if not self.running:
            return
        missing = False
        for where in self._served.settings.listen:
            if where not in self._listening:
                missing |= not self._begin(where)
        if missing:
            self._again = self._reactor.callLater(AGAIN_S, self._listen)

    def _begin(self, where: ApiListen) -> bool:
        """Listen at one address; false: not now."""
        over_tls, tls = self._served.settings.certificate is not None, self._served.tls
        waiting = Waiting(partial(self._make, secure=over_tls or where.address.is_loopback), self._in_thread)
        factory: Factory = waiting
        if over_tls:
            if tls is None:
                return True  # told; plain HTTP in its place would be the wrong answer
            from kaltwisted.daemon.api_tls import behind

            factory = behind(lambda: self._served.tls or tls, waiting, self._reactor)
        try:
            listening = _socket(where)
        except OSError as error:
            if where not in self._told:
                self._told.add(where)
                self._log.warn(
                    "API: cannot listen on {where}: {why}; tried again every {s:.0f} s",
                    where=str(where),
                    why=os.strerror(error.errno or 0),
                    s=AGAIN_S,
                )
            return False
        with listening:
            port = self._reactor.adoptStreamPort(listening.fileno(), listening.family, factory)
        self._listening[where] = _Listening(port, waiting, over_tls)
        scheme = "https" if over_tls else "http"
        self._log.info("API: listening on {scheme}://{where}", scheme=scheme, where=str(where))
        return True

    def _make(self, *, secure: bool) -> Site:
        """In a thread."""
        from kaltwisted.api.door import Door

        return self._site(Door(self._rules, self._reactor, secure=secure).admit, self._crowd)

    def _rules(self) -> Rules:
        from kaltwisted.api.door import Rules

        return Rules(self._served.settings, self._served.tokens)

    def _servers(self, where: Iterable[ApiListen] | None = None) -> Iterator[Site]:
        """Those that are loaded, of these addresses or of all."""
        for each in self._listening if where is None else where:
            server: Any = self._listening[each].waiting.server
            if server is not None:
                yield server

    def _close(self, gone: Iterable[ApiListen]) -> Deferred[Any]:
        """Listen there no more; whoever came that way is cut off."""
        for server in self._servers(gone):
            server.close_all()
        ports = [self._listening.pop(where).port for where in gone]
        return DeferredList([maybeDeferred(port.stopListening) for port in ports])

    def _stop_trying(self) -> None:
        again, self._again = self._again, None
        if again is not None and again.active():
            again.cancel()

    def startService(self) -> None:
        """Listen."""
        super().startService()
        self.reconfigure(self._wanted)

    def stopService(self) -> Deferred[Any]:
        """Listen no more, and cut off who is connected."""
        super().stopService()
        self._stop_trying()
        return self._close(tuple(self._listening))

    def _failed(self, failure: Failure) -> None:
        self._log.failure("The API over TCP", failure)


def _socket(where: ApiListen) -> socket.socket:
    """Listening; at an address of ours or one that may come to us."""
    family = socket.AF_INET6 if where.address.version == 6 else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        listening.bind((str(where.address), where.port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


_IP_FREEBIND: Final = 15
"""From linux/in.h; it holds for IPv6 sockets, too."""


def _read(settings: ApiSettings, before: _Served) -> _Served:
    """What the files say, and where one is wrong what it said before.  Runs in a thread."""
    troubles: list[str] = []
    tokens, tls = Tokens(), None
    if settings.tokens is not None:
        try:
            tokens = _tokens(Path(settings.tokens))
        except (OSError, UnicodeError, TokensError) as error:
            tokens = before.tokens
            why = error.strerror if isinstance(error, OSError) else error
            rest = "the tokens before it are still good" if tokens.known else "no token is taken"
            troubles.append(f"{settings.tokens}: {why}: {rest}")
    if settings.listen and settings.certificate is not None:
        from kaltwisted.daemon.api_tls import Tls, TlsError

        try:
            tls = Tls.read(settings.certificate, settings.key or settings.certificate)
        except TlsError as error:
            tls = before.tls
            rest = "it is not served over TLS, nor in plain" if tls is None else "the one before it stays"
            troubles.append(f"{error}: {rest}")
    return _Served(settings, tokens, tls, tuple(troubles))


def _tokens(path: Path) -> Tokens:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise TokensError("that is no file")
        if mode & 0o022:
            raise TokensError("others may write to it: chmod 600")
        return Tokens.read(file.read(MOST_TEXT).decode())
