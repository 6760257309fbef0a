"""The API's place in the daemon: its unix socket beside the daemon's other files, and TCP where configured.

Trouble with it is told, and is no reason for a director not to run.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from kaltwisted.api.crowd import Crowd
from kaltwisted.api.listening import SocketTakenError, Waiting, admit_peer, make_way
from kaltwisted.api.overrides import Overrides
from kaltwisted.config.model import ApiSettings
from kaltwisted.daemon.api_tcp import ApiOverTcp
from kaltwisted.ports import InThread, IOperations

if TYPE_CHECKING:
    from kaltwisted.api.http import Admit, Site


BACKLOG: Final = 128
MODE: Final = 0o660


class Api(Service):
    """Answers on a socket; the server itself is loaded when somebody asks.

    :param path: the socket's.
    :param overrides: told to the roles before anything is answered.
    """

    _log = Logger()

    def __init__(
        self, operations: IOperations, overrides: Overrides, path: Path, reactor: Any, in_thread: InThread
    ) -> None:
        self._operations = operations
        self._overrides = overrides
        self._path = path
        self._reactor = reactor
        self._in_thread = in_thread
        self._waiting = Waiting(partial(self._make, admit_peer), in_thread)
        self._port: IListeningPort | None = None
        self._tcp = ApiOverTcp(self._make, reactor, in_thread)

    def _make(self, admit: Admit, crowd: Crowd | None = None) -> Site:
        """In a thread."""
        from kaltwisted.api.http import Site
        from kaltwisted.api.table import routes

        return Site(routes(self._operations, self._overrides, self._in_thread), admit, self._reactor, crowd)

    def reconfigure(self, settings: ApiSettings) -> None:
        """Be reached over TCP where the configuration says."""
        self._tcp.reconfigure(settings)

    def startService(self) -> None:
        """Listen."""
        super().startService()
        self._overrides.begin()
        self._tcp.startService()
        try:
            make_way(self._path)
            self._port = self._reactor.listenUNIX(str(self._path), self._waiting, BACKLOG, MODE)
        except SocketTakenError as error:
            self._log.warn("No API: {why}; give each daemon a RUNTIME_DIRECTORY of its own", why=error)
        except (OSError, CannotListenError) as error:
            self._log.warn("No API: its socket {path} cannot be made: {why}", path=str(self._path), why=error)

    def stopService(self) -> Deferred[Any]:
        """Listen no more; whoever still is connected is cut off."""
        super().stopService()
        stopped: Deferred[Any] = self._tcp.stopService()
        port, self._port = self._port, None
        if port is None:
            return stopped
        stopped = DeferredList([stopped, maybeDeferred(port.stopListening)])
        server: Any = self._waiting.server
        if server is not None:
            server.close_all()
        return stopped
