"""Opening connections for checks: a lean Twisted transport.

``reactor.connectTCP`` and the endpoints serve every purpose and cost twice
what a check needs: a connector and a factory per connection, two registrations
with epoll before and three after the connection opens, another turn of the
reactor to close it.  With thousands of checks a second that is most of their
cost (docs/architecture.md has the figures), and they have no place for socket
options that must be set before ``connect``: ``fwmark`` and ``bind_if``.
This one is a plain ``tcp.Connection`` to its protocol, TLS included.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from errno import ECONNABORTED, EINPROGRESS
from typing import Any, Protocol

from twisted.internet import abstract, error, tcp
from twisted.internet.interfaces import IDelayedCall, IProtocol, IReactorTime
from twisted.python.failure import Failure

from kaltwisted.config import model
from kaltwisted.healthcheck.ends import Ends, os_error

_NON_BLOCKING_STREAM = socket.SOCK_STREAM | socket.SOCK_NONBLOCK
_DONE = Failure(error.ConnectionDone())


class Opening(Protocol):
    """A connection that is being opened or is open."""

    def abort(self) -> None:
        """Close at once; the protocol, if it was connected, hears of it now.  Again: nothing."""

    def loseConnection(self) -> None:
        """Close an open connection when all is sent."""


Connect = Callable[[IProtocol, Callable[[OSError], object]], Opening]
"""Opens a connection: the protocol for it, and whom to tell (never at once) when it can't be opened."""


class Connector:
    """Opens connections to one address.  ``reactor`` provides IReactorFDSet and IReactorTime."""

    def __init__(self, connection: model.Connection, reactor: Any) -> None:
        self._ends = Ends(connection)
        self._reactor = reactor

    def __call__(self, protocol: IProtocol, failed: Callable[[OSError], object]) -> Opening:
        """Open one; at most one of ``protocol.makeConnection`` and ``failed`` will be called."""
        ends = self._ends
        outgoing = OutgoingConnection(protocol, failed, self._reactor)
        outgoing.open(ends.family, ends.target(), None if ends.plain else ends.prepare)
        return outgoing


class OutgoingConnection(tcp.Connection):
    """A TCP connection from its opening to its end, registered with the reactor no more than needed.

    Other than Twisted's own transports, it sends at once what the socket
    takes, and closes at once where nothing is left to send: ``abort`` before
    it returns, ``loseConnection`` when the protocol's method that called it
    has returned.
    """

    logstr = "check"
    _shouldShutdown = False

    def __init__(self, protocol: IProtocol, failed: Callable[[OSError], object], reactor: Any) -> None:
        # Not Connection's: it wants an open socket.
        abstract.FileDescriptor.__init__(self, reactor)
        self._clock: IReactorTime = reactor
        self.protocol = protocol
        self._failed: Callable[[OSError], object] | None = failed
        self._stillborn: IDelayedCall | None = None
        self._in_protocol = False

    def open(
        self,
        family: int,
        target: tuple[Any, ...],
        prepare: Callable[[socket.socket], None] | None = None,
    ) -> None:
        """Begin to connect.  ``prepare`` may set options and bind the socket first."""
        try:
            self.socket = socket.socket(family, _NON_BLOCKING_STREAM)
            self.fileno = self.socket.fileno
            if prepare is not None:
                prepare(self.socket)
            problem = self.socket.connect_ex(target)
        except OSError as could_not:
            self._stillborn = self._clock.callLater(0, self._give_up, could_not)
            return
        if problem and problem != EINPROGRESS:
            self._stillborn = self._clock.callLater(0, self._give_up, os_error(problem))
            return
        self.startWriting()

    def abort(self) -> None:
        """Close at once (see ``Opening``)."""
        if self._failed is not None:
            self._failed = None
            self._discard()
        elif self.connected:
            self.connectionLost(Failure(error.ConnectionAborted()))

    def doWrite(self) -> Any:
        """The connection opened, or there is room to send more."""
        if self._failed is None:
            return super().doWrite()
        problem = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            return self._give_up(os_error(problem))
        self._failed = None
        self.connected = 1
        self._in_protocol = True
        self.protocol.makeConnection(self)
        self._in_protocol = False
        if self.disconnecting:
            self._close()
        elif self.connected:
            self.startReading()
            if not self._tempDataLen:
                self.stopWriting()
        return None

    def doRead(self) -> Any:
        """Bytes arrived, or the end of the connection."""
        self._in_protocol = True
        problem = super().doRead()
        self._in_protocol = False
        if self.disconnecting and self.connected and not problem and not self._unsent():
            self._close()
        return problem

    def write(self, data: bytes) -> None:
        """Send it, as far as the socket takes it now; the rest as it takes more."""
        if self.connected and not self._unsent():
            sent = self.writeSomeData(data)
            if isinstance(sent, int):
                if sent == len(data):
                    return
                data = data[sent:]
        super().write(data)

    def loseConnection(self) -> None:
        """Close when all is sent."""
        if self._in_protocol and not self._unsent():
            self.disconnecting = 1
        else:
            super().loseConnection()

    def readConnectionLost(self, reason: Failure) -> None:
        """The peer closed.  No protocol of ours wants to write on after that."""
        self.connectionLost(reason)

    def connectionLost(self, reason: Failure) -> None:
        """Called by the reactor, also when the connection could not be opened."""
        if self._failed is not None:
            problem = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._give_up(os_error(problem or ECONNABORTED))
        else:
            super().connectionLost(reason)

    def _close(self) -> None:
        """What ``connectionLost`` does, for an end that was wished and has nothing to hand over."""
        self.connected, self.disconnected = 0, 1
        protocol = self.protocol
        self._discard()
        protocol.connectionLost(_DONE)

    def _unsent(self) -> bool:
        return bool(self.dataBuffer or self._tempDataLen)

    def _give_up(self, problem: OSError) -> None:
        failed, self._failed = self._failed, None
        self._stillborn = None
        self._discard()
        if failed is not None:
            failed(problem)

    def _discard(self) -> None:
        if self._stillborn is not None:
            self._stillborn.cancel()
            self._stillborn = None
        if hasattr(self, "socket"):
            self.stopReading()
            self.stopWriting()
            self.socket.close()
            del self.socket, self.fileno
        del self.protocol
