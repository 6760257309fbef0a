"""The API over TCP: listening where the configuration says, for whom its token file says.

An address may be a virtual one that another director has at present, and a file
may be wrong: each is told, tried again or left out, and nothing else suffers.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
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

from kaltwisted.api.listening import Waiting
from kaltwisted.api.tokens import MOST_TEXT, Tokens, TokensError
from kaltwisted.config.model import ApiListen, ApiSettings
from kaltwisted.daemon.role.seam import InThread

if TYPE_CHECKING:
    from kaltwisted.api.http import Admit, Site
    from kaltwisted.daemon.api_tls import Tls

AGAIN_S: Final = 5.0
BACKLOG: Final = 128

MakeSite = Callable[["Admit"], "Site"]


@attrs.frozen
class _Served:
    """What is served: the settings, and what their files say; ``tls`` None: nothing that could be used."""

    settings: ApiSettings
    tokens: Tokens = Tokens()
    tls: Tls | None = None
    troubles: tuple[str, ...] = ()


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
        self._ports: dict[ApiListen, tuple[IListeningPort, Waiting]] = {}
        self._again: IDelayedCall | None = None
        self._told: set[ApiListen] = set()

    def reconfigure(self, settings: ApiSettings) -> None:
        """Listen there from now on.  Files are read again: they may have changed where nothing else has."""
        self._wanted = settings
        if self.running and (settings.listen or self._ports):
            reading = self._in_thread(partial(_read, settings))
            reading.addCallback(self._serve).addErrback(self._failed)

    def _serve(self, found: _Served) -> Deferred[None] | None:
        for trouble in found.troubles:
            self._log.error("API: {trouble}", trouble=trouble)
        if not self.running or found == self._served or found.settings is not self._wanted:
            return None
        # All anew: who is connected was let in by what is no longer so.
        self._served = found
        self._told.clear()
        return self._close().addCallback(lambda _: self._listen())

    def _listen(self) -> None:
        self._again = None
        if not self.running:
            return
        missing = False
        for where in self._served.settings.listen:
            if where not in self._ports:
                missing |= not self._begin(where)
        if missing:
            self._again = self._reactor.callLater(AGAIN_S, self._listen)

    def _begin(self, where: ApiListen) -> bool:
        """Listen at one address; false: not now."""
        wants_tls, tls = self._served.settings.certificate is not None, self._served.tls
        waiting = Waiting(partial(self._make, secure=wants_tls or where.address.is_loopback), self._in_thread)
        factory: Factory = waiting
        if wants_tls:
            if tls is None:
                return True  # told; plain HTTP in its place would be the wrong answer
            factory = tls.behind(waiting, self._reactor)
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
        self._ports[where] = port, waiting
        self._log.info(
            "API: listening on {scheme}://{where}", scheme="https" if wants_tls else "http", where=str(where)
        )
        return True

    def _make(self, *, secure: bool) -> Site:
        """In a thread."""
        from kaltwisted.api.door import Door

        door = Door(self._served.settings, self._served.tokens, self._reactor, secure=secure)
        return self._site(door.admit)

    def _close(self) -> Deferred[Any]:
        if self._again is not None:
            self._again.cancel()
            self._again = None
        ports, self._ports = self._ports, {}
        for _, waiting in ports.values():
            server: Any = waiting.server
            if server is not None:
                server.close_all()
        return DeferredList([maybeDeferred(port.stopListening) for port, _ in ports.values()])

    def startService(self) -> None:
        """Listen."""
        super().startService()
        self.reconfigure(self._wanted)

    def stopService(self) -> Deferred[Any]:
        """Listen no more, and cut off who is connected."""
        super().stopService()
        return self._close()

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


def _read(settings: ApiSettings) -> _Served:
    """What the files say.  Runs in a thread."""
    troubles: list[str] = []
    tokens, tls = Tokens(), None
    if settings.tokens is not None:
        try:
            tokens = _tokens(Path(settings.tokens))
        except (OSError, UnicodeError, TokensError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            troubles.append(f"{settings.tokens}: {why}: no token is taken")
    if settings.listen and settings.certificate is not None:
        from kaltwisted.daemon.api_tls import Tls, TlsError

        try:
            tls = Tls.read(settings.certificate, settings.key or settings.certificate)
        except TlsError as error:
            troubles.append(f"{error}: it is not served over TLS, nor in plain")
    return _Served(settings, tokens, tls, tuple(troubles))


def _tokens(path: Path) -> Tokens:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise TokensError("that is no file")
        if mode & 0o022:
            raise TokensError("others may write to it: chmod 600")
        return Tokens.read(file.read(MOST_TEXT).decode())
