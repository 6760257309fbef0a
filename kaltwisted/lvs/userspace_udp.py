"""A UDP service in userspace: a session, with a connected socket of its own, for each client and port.

With ``ops`` (one-packet scheduling) every datagram is scheduled by itself; its
session lives until the answer.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.lvs.schedulers import Client
from kaltwisted.lvs.table import DestinationKey, Service
from kaltwisted.lvs.userspace_budget import Budget
from kaltwisted.lvs.userspace_listen import IReactor, Listening, address_of, family_of
from kaltwisted.lvs.userspace_pool import Assignment, Counters, Pool

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

SESSION_S = 300.0
"""A session without a datagram ends after this long, as in IPVS (``ipvsadm --set udp``)."""

ANSWER_S = 10.0
"""With ``ops``: how long the answer to a datagram is waited for."""

DATAGRAMS_PER_TURN = 64
SWEEP_S = 2.0
LARGEST_DATAGRAM = 65_536


@implementer(IReadDescriptor)
class _Receiver:
    """The socket on the virtual address as the reactor sees it."""

    def __init__(self, listening: socket.socket, service: UdpService) -> None:
        self.socket = listening
        self.fileno = listening.fileno
        self._service = service

    def logPrefix(self) -> str:
        return str(self._service.pool.service.key)

    def doRead(self) -> None:
        self._service.receive()

    def connectionLost(self, reason: Failure) -> None:
        """A datagram socket has nobody to lose; an error pending on it was of one datagram."""
        self._service.listen_again()


@implementer(IReadDescriptor)
class _Session:
    """A client's datagrams on their way to one server, and the answers."""

    __slots__ = (
        "address",
        "assignment",
        "bytes_in",
        "bytes_out",
        "fileno",
        "key",
        "service",
        "socket",
        "used",
    )

    def __init__(
        self,
        service: UdpService,
        key: object,
        address: tuple[object, ...],
        server: socket.socket,
        assignment: Assignment,
        now: float,
    ) -> None:
        self.service = service
        self.key = key
        self.address = address
        self.socket = server
        self.fileno = server.fileno
        self.assignment = assignment
        self.used = now
        self.bytes_in = 0
        self.bytes_out = 0

    def logPrefix(self) -> str:
        return "session"

    def doRead(self) -> None:
        self.service.answer(self)

    def connectionLost(self, reason: Failure) -> None:
        self.service.refused(self)


class UdpService:
    """One UDP service of the userspace data plane.

    ``limit``: sessions at most; then the one unused for longest gives way.
    """

    log = Logger()

    def __init__(self, reactor: IReactor, service: Service, budget: Budget, limit: int) -> None:
        self.pool = Pool(service)
        self._reactor = reactor
        self._budget = budget
        self._limit = limit
        self._view = memoryview(bytearray(LARGEST_DATAGRAM))
        self._sessions: dict[object, _Session] = {}  # by client, or by datagram; the longest unused first
        self._datagrams = 0
        self._sweep_timer: IDelayedCall | None = None
        self._receiver: _Receiver | None = None
        self._listening = Listening(reactor, service.key, socket.SOCK_DGRAM, self._bound)

    def start(self) -> None:
        """Receive, now or as soon as it is possible."""
        self._listening.start()

    def _bound(self, listening: socket.socket) -> None:
        self._receiver = _Receiver(listening, self)
        self.listen_again()

    def listen_again(self) -> None:
        """The reactor let go of the socket for an error that is not its own."""
        if self._receiver is not None:
            self._reactor.addReader(self._receiver)

    @property
    def connections(self) -> int:
        """Sessions now."""
        return len(self._sessions)

    # -- From clients to servers

    def receive(self) -> None:
        """Take datagrams from clients and send them on."""
        now = self._reactor.seconds()
        for _ in range(DATAGRAMS_PER_TURN):
            if self._receiver is None:
                return
            try:
                size, address = self._receiver.socket.recvfrom_into(self._view)
            except OSError as error:
                # Of an answer sent before: the client is gone, which is no matter for the others.
                if error.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH):
                    continue
                return
            session = self._session(address, now)
            if session is None:
                continue
            self._use(session, now)
            session.bytes_in += size
            try:
                session.socket.send(self._view[:size])
            except (BlockingIOError, InterruptedError):
                pass  # a full queue loses datagrams, as any router does
            except OSError:
                self.refused(session)

    def _session(self, address: tuple[object, ...], now: float) -> _Session | None:
        key: object = address
        if self.pool.service.ops:
            self._datagrams += 1
            key = self._datagrams
        else:
            session = self._sessions.get(address)
            if session is not None:
                return session
        return self._new_session(key, address, now)

    def _new_session(
        self,
        key: object,
        address: tuple[object, ...],
        now: float,
        excluded: tuple[DestinationKey, ...] = (),
    ) -> _Session | None:
        if len(self._sessions) >= self._limit:
            self._end(next(iter(self._sessions.values())))
        if not self._budget.take():
            if not self._sessions:
                return None
            self._end(next(iter(self._sessions.values())))
            if not self._budget.take():
                return None
        virtual = self.pool.service.key.address
        assert virtual is not None
        host, port = address[:2]
        assert isinstance(host, str)
        assert isinstance(port, int)
        assignment = self.pool.assign(Client(address_of(host), port, virtual), now, excluded)
        if assignment is None:
            self._budget.give()
            return None
        try:
            server = socket.socket(
                family_of(assignment.target.destination.key.address), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
            )
            try:
                server.connect(assignment.target.sockaddr)
            except OSError:
                server.close()
                raise
        except OSError as error:
            self.log.warn(
                "{service}: no session to {server}: {reason}",
                service=str(self.pool.service.key),
                server=str(assignment.target.destination.key),
                reason=error.strerror,
            )
            self.pool.refused(assignment)
            self._budget.give()
            return None
        session = self._sessions[key] = _Session(self, key, address, server, assignment, now)
        self._reactor.addReader(session)
        if self._sweep_timer is None:
            self._sweep_timer = self._reactor.callLater(SWEEP_S, self._sweep)
        return session

    # -- From servers to clients

    def answer(self, session: _Session) -> None:
        """Take a server's datagrams and send them to its client."""
        for _ in range(DATAGRAMS_PER_TURN):
            try:
                size = session.socket.recv_into(self._view)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self.refused(session)
                return
            self._use(session, self._reactor.seconds())
            session.bytes_out += size
            if self._receiver is not None:
                try:
                    self._receiver.socket.sendto(self._view[:size], session.address)
                except OSError:
                    pass  # the client is gone or the queue full; either way the datagram is lost
            if session.key is not session.address:
                self._end(session)
                return

    def refused(self, session: _Session) -> None:
        """The server's host says that nobody is there: this client's next datagrams go to another."""
        if self._sessions.get(session.key) is not session:
            return
        session.assignment.target.refused += 1
        key = session.assignment.target.destination.key
        self._end(session)
        if session.key is session.address and self._receiver is not None:
            self._new_session(session.key, session.address, self._reactor.seconds(), (key,))

    # -- Ending

    def _use(self, session: _Session, now: float) -> None:
        """It is the one used last."""
        session.used = now
        self._sessions[session.key] = self._sessions.pop(session.key)

    def _end(self, session: _Session) -> None:
        del self._sessions[session.key]
        self._reactor.removeReader(session)
        session.socket.close()
        session.assignment.carried(session.bytes_in, session.bytes_out)
        self.pool.release(session.assignment)
        self._budget.give()

    def _sweep(self) -> None:
        """End sessions unused for long; they stand in front."""
        self._sweep_timer = None
        now = self._reactor.seconds()
        while self._sessions:
            session = next(iter(self._sessions.values()))
            patience = SESSION_S if session.key is session.address else ANSWER_S
            if now - session.used < patience:
                break
            self._end(session)
        if self._sessions:
            self._sweep_timer = self._reactor.callLater(SWEEP_S, self._sweep)

    def statistics(self) -> Iterator[tuple[DestinationKey, Counters]]:
        """What each destination has carried, up to now."""
        for session in self._sessions.values():
            session.assignment.carried(session.bytes_in, session.bytes_out)
        yield from self.pool.counters()

    def close(self) -> None:
        """Receive no more.  Answers need the same socket, so sessions end with it."""
        if self._receiver is not None:
            self._reactor.removeReader(self._receiver)
            self._receiver = None
        self._listening.stop()
        self.abort()

    def finish(self) -> None:
        """Nothing is ever held back here."""
        self.abort()

    def abort(self) -> None:
        """End all sessions now."""
        for session in list(self._sessions.values()):
            self._end(session)
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None
