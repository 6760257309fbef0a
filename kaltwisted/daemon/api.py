"""The API's place in the daemon: its unix socket beside the daemon's other files.

Trouble with it is told, and is no reason for a director not to run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from kaltwisted.api.listening import SocketTakenError, Waiting, admit_peer, make_way
from kaltwisted.daemon.role.seam import InThread
from kaltwisted.ports import IOperations

if TYPE_CHECKING:
    from kaltwisted.api.http import Site


BACKLOG: Final = 128
MODE: Final = 0o660


class Api(Service):
    """Answers on a socket; the server itself is loaded when somebody asks.

    :param path: the socket's.
    """

    _log = Logger()

    def __init__(self, operations: IOperations, path: Path, reactor: Any, in_thread: InThread) -> None:
        self._operations = operations
        self._path = path
        self._reactor = reactor
        self._in_thread = in_thread
        self._waiting = Waiting(self._make, in_thread)
        self._port: IListeningPort | None = None

    def _make(self) -> Site:
        """In a thread."""
        from kaltwisted.api.http import Site
        from kaltwisted.api.table import routes

        return Site(routes(self._operations, self._in_thread), admit_peer, self._reactor)

    def startService(self) -> None:
        """Listen."""
        super().startService()
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
        port, self._port = self._port, None
        if port is None:
            return succeed(None)
        stopped = maybeDeferred(port.stopListening)
        server: Any = self._waiting.server
        if server is not None:
            server.close_all()
        return stopped
