"""A datagram to a server, and what comes back: a connected UDP socket for each attempt of a check.

A socket of its own lets the kernel sort out what others send, and tells of an
ICMP error; a new port each time is one more thing that a forger has to guess.
"""

from __future__ import annotations

import socket
from errno import ECONNABORTED
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.config import model
from kaltwisted.healthcheck.ends import Ends, os_error
from kaltwisted.healthcheck.exchange import Asking, Exchange, Unsent

_NON_BLOCKING_DATAGRAMS = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK


class Datagrams:
    """Sends datagrams to one server (``Ask``).

    ``reactor`` provides IReactorFDSet and IReactorTime.  ``longest``: of a
    datagram that comes back no more bytes are handed over.
    """

    def __init__(self, connection: model.Connection, longest: int, reactor: Any) -> None:
        self._ends = Ends(connection)
        self._longest = longest
        self._reactor = reactor

    def __call__(self, datagram: bytes, asking: Asking) -> Exchange:
        """Send one."""
        ends = self._ends
        try:
            opened = socket.socket(ends.family, _NON_BLOCKING_DATAGRAMS)
            try:
                if not ends.plain:
                    ends.prepare(opened)
                opened.connect(ends.target())
                opened.send(datagram)
            except BaseException:
                opened.close()
                raise
        except OSError as could_not:
            return Unsent(self._reactor, asking, could_not)
        return _Exchange(opened, asking, self._longest, self._reactor)


@implementer(IReadDescriptor)
class _Exchange:
    """An open socket until its end (``Exchange``)."""

    __slots__ = ("_asking", "_longest", "_reactor", "_socket")

    def __init__(self, opened: socket.socket, asking: Asking, longest: int, reactor: Any) -> None:
        self._socket: socket.socket | None = opened
        self._asking = asking
        self._longest = longest
        self._reactor = reactor
        reactor.addReader(self)

    def close(self) -> None:
        """See ``Exchange``."""
        opened = self._socket
        if opened is not None:
            self._reactor.removeReader(self)  # finds it by its number
            self._socket = None
            opened.close()

    # -- IReadDescriptor --------------------------------------------------------------

    def fileno(self) -> int:
        """As the reactor asks; -1 when it is closed."""
        return -1 if self._socket is None else self._socket.fileno()

    def logPrefix(self) -> str:
        """As the reactor asks."""
        return "check"

    def doRead(self) -> None:
        """One datagram a turn, so that who sends thousands delays nobody."""
        assert self._socket is not None
        try:
            datagram = self._socket.recv(self._longest)
        except BlockingIOError:
            return  # its checksum was wrong
        except OSError as problem:
            self._fail(problem)
            return
        self._asking.heard(datagram)

    def connectionLost(self, reason: Failure) -> None:
        """The reactor found an error on the socket, such as an ICMP port unreachable."""
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if self._socket else 0
        self._fail(os_error(number or ECONNABORTED))

    def _fail(self, problem: OSError) -> None:
        self.close()
        self._asking.failed(problem)
