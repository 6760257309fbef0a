"""The unix socket of the API, and connections that wait until the server is loaded.

twisted.web is half a megabyte and a hundredth of a second, which a director
that nobody asks does not pay; and whoever asks first must not hold up others.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from kaltwisted.api.access import Access, Role
from kaltwisted.api.browsers import refuse_strangers
from kaltwisted.ports import InThread

_CREDENTIALS = struct.Struct("3i")


class Waiting(Factory):
    """Accepts clients, and makes the server when the first one comes.

    :param make: makes it; called in a thread, for it imports.
    """

    noisy = False
    _log = Logger()

    def __init__(self, make: Callable[[], Factory], in_thread: InThread) -> None:
        self.server: Factory | None = None
        self._make = make
        self._in_thread = in_thread
        self._loading = False
        self._clients: list[_Client] = []

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """A connection."""
        return _Client(self, addr) if self.server is None else self.server.buildProtocol(addr)

    def serve(self, client: _Client) -> None:
        """One that came before the server was loaded."""
        self._clients.append(client)
        if not self._loading:
            self._loading = True
            self._in_thread(self._make).addCallbacks(self._loaded, self._not_loaded)

    def _loaded(self, server: Factory) -> None:
        self.server = server
        clients, self._clients = self._clients, []
        for client in clients:
            client.hand_over(server)

    def _not_loaded(self, failure: Failure) -> None:
        self._loading = False
        self._log.failure("The API cannot be loaded", failure)
        clients, self._clients = self._clients, []
        for client in clients:
            client.give_up()


class _Client(Protocol):
    """One that waits: what it sends stays in its socket."""

    def __init__(self, waiting: Waiting, addr: IAddress | None) -> None:
        self._waiting = waiting
        self._address = addr
        self._gone = False

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.pauseProducing()
        self._waiting.serve(self)

    def hand_over(self, server: Factory) -> None:
        """From now on the connection is the server's."""
        if self._gone:
            return
        transport: Any = self.transport
        protocol: Any = server.buildProtocol(self._address)
        self.dataReceived = protocol.dataReceived  # type: ignore[method-assign]
        self.connectionLost = protocol.connectionLost  # type: ignore[method-assign]
        transport.resumeProducing()
        protocol.makeConnection(transport)

    def give_up(self) -> None:
        """There is no server."""
        if not self._gone:
            transport: Any = self.transport
            transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._gone = True


class SocketTakenError(Exception):
    """Another daemon listens there."""


def make_way(path: Path) -> None:
    """Remove a socket at ``path`` that nobody listens on any more.

    :raises SocketTakenError: somebody does.
    :raises OSError: it cannot be.
    """
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:
            pass  # its backlog is full: it lives
    raise SocketTakenError(f"{path} belongs to another daemon that runs")


def admit_peer(transport: Any, headers: Mapping[str, str]) -> Access:
    """Whoever may open the socket may do everything; the kernel tells who it is.

    :raises RefusalError: it may be a browser at a tunnel's other end that another page has led here.
    """
    refuse_strangers(headers)
    connection: socket.socket = transport.socket
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _pid, uid, _gid = _CREDENTIALS.unpack(raw)
    return Access(Role.CONTROL, "root (uid 0)" if uid == 0 else f"uid {uid}")
