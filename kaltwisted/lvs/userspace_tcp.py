"""A TCP service in userspace: accept, schedule, connect to the real server, splice.

A server that refuses or does not answer is passed over for the next one, so
that the client notices nothing while the checker has not seen it yet.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IReadDescriptor, IReadWriteDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.lvs.schedulers import Client
from kaltwisted.lvs.table import DestinationKey, Service
from kaltwisted.lvs.userspace_budget import Budget
from kaltwisted.lvs.userspace_listen import IReactor, Listening, address_of, family_of
from kaltwisted.lvs.userspace_pool import Assignment, Counters, Pool
from kaltwisted.lvs.userspace_splice import BUFFER_SIZE, Splice, reset

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

CONNECT_TIMEOUT_S = 3.0
"""For one server; a SYN is repeated after one second, so this allows for a lost one."""

TRIES = 5
"""Servers tried for one client."""

IDLE_S = 900
"""A connection without a byte is closed after this long, as IPVS forgets it (``ipvsadm --set tcp``)."""

HALF_CLOSED_IDLE_S = 120
"""The same when one side has finished (``ipvsadm --set tcpfin``)."""

ACCEPTS_PER_TURN = 64

SWEEP_S = 15.0
SWEPT_PER_TURN = 2000

_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_OUT_OF_RESOURCES_PAUSE_S = 0.1
_OUT_OF_RESOURCES_SILENCE_S = 60.0


@implementer(IReadDescriptor)
class _Acceptor:
    """The listening socket as the reactor sees it."""

    def __init__(self, listening: socket.socket, service: TcpService) -> None:
        self.socket = listening
        self.fileno = listening.fileno
        self._service = service

    def logPrefix(self) -> str:
        return str(self._service.pool.service.key)

    def doRead(self) -> None:
        self._service.accept()

    def connectionLost(self, reason: Failure) -> None:
        """A listening socket has no peer to lose."""


@implementer(IReadWriteDescriptor)
class _Attempt:
    """A client waiting while a server is connected to."""

    __slots__ = ("assignment", "client", "deadline", "excluded", "fileno", "service", "socket", "who")

    def __init__(self, service: TcpService, client: socket.socket, who: Client) -> None:
        self.service = service
        self.client = client
        self.who = who
        self.excluded: tuple[DestinationKey, ...] = ()
        self.deadline = 0.0

    def start(self, assignment: Assignment, server: socket.socket) -> None:
        self.assignment = assignment
        self.socket = server
        self.fileno = server.fileno

    def logPrefix(self) -> str:
        return "connecting"

    def doRead(self) -> None:
        """Never asked for."""

    def doWrite(self) -> None:
        self.service.connected(self, self.socket.connect_ex(self.assignment.target.sockaddr))

    def connectionLost(self, reason: Failure) -> None:
        self.doWrite()


class TcpService:
    """One TCP service of the userspace data plane.

    ``limit``: connections of this service at most; at the limit the next
    clients wait in the kernel's queue rather than being refused.
    """

    log = Logger()

    def __init__(self, reactor: IReactor, service: Service, budget: Budget, limit: int) -> None:
        self.pool = Pool(service)
        self._reactor = reactor
        self._budget = budget
        self._limit = limit
        self._view = memoryview(bytearray(BUFFER_SIZE))
        self._attempts: dict[_Attempt, None] = {}  # in the order of their deadlines
        self._splices: dict[Splice, Assignment] = {}
        self._seen: dict[Splice, tuple[int, float]] = {}
        self._to_sweep: list[Splice] = []
        self._timer: IDelayedCall | None = None
        self._sweep_timer: IDelayedCall | None = None
        self._pause_timer: IDelayedCall | None = None
        self._acceptor: _Acceptor | None = None
        self._accepting = False
        self._silent_until = 0.0
        self._stopped = False
        self._listening = Listening(reactor, service.key, socket.SOCK_STREAM, self._bound)

    # -- Listening

    def start(self) -> None:
        """Listen, now or as soon as it is possible."""
        self._listening.start()

    def _bound(self, listening: socket.socket) -> None:
        # Accepted sockets inherit both.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listening.listen(socket.SOMAXCONN)
        self._acceptor = _Acceptor(listening, self)
        self.resume_accepting()

    def resume_accepting(self) -> None:
        """There may be room again."""
        if self._acceptor is not None and not self._accepting and self.connections < self._limit:
            self._accepting = True
            self._reactor.addReader(self._acceptor)

    def _pause_accepting(self) -> None:
        if self._acceptor is not None and self._accepting:
            self._accepting = False
            self._reactor.removeReader(self._acceptor)

    @property
    def connections(self) -> int:
        """Clients here now, those waiting for a server included."""
        return len(self._splices) + len(self._attempts)

    def accept(self) -> None:
        """Take clients from the listening socket's queue."""
        for _ in range(ACCEPTS_PER_TURN):
            if self._acceptor is None:
                return
            if self.connections >= self._limit:
                self._pause_accepting()
                return
            if not self._budget.take():
                self._pause_accepting()
                self._budget.wait(self)
                return
            try:
                client, address = self._acceptor.socket.accept()
            except OSError as error:
                self._budget.give()
                if error.errno in _OUT_OF_RESOURCES:
                    self._short_of_resources(error)
                # Anything else is of the client that has gone again, or says there is none.
                if error.errno != errno.ECONNABORTED:
                    return
                continue
            client.setblocking(False)
            virtual = self.pool.service.key.address
            assert virtual is not None
            attempt = _Attempt(self, client, Client(address_of(address[0]), address[1], virtual))
            self._connect(attempt)

    def _short_of_resources(self, error: OSError) -> None:
        now = self._reactor.seconds()
        if now >= self._silent_until:
            self._silent_until = now + _OUT_OF_RESOURCES_SILENCE_S
            self.log.warn(
                "{service}: cannot accept: {reason}; raise the limit on open files (LimitNOFILE, ulimit -n)",
                service=str(self.pool.service.key),
                reason=error.strerror,
            )
        self._pause_accepting()
        if self._pause_timer is None:
            self._pause_timer = self._reactor.callLater(_OUT_OF_RESOURCES_PAUSE_S, self._end_of_pause)

    def _end_of_pause(self) -> None:
        self._pause_timer = None
        self.resume_accepting()

    # -- Connecting

    def _connect(self, attempt: _Attempt) -> None:
        """Try servers until one can be waited for."""
        now = self._reactor.seconds()
        while len(attempt.excluded) < TRIES:
            assignment = self.pool.assign(attempt.who, now, attempt.excluded)
            if assignment is None:
                break
            try:
                server = socket.socket(
                    family_of(assignment.target.destination.key.address),
                    socket.SOCK_STREAM | socket.SOCK_NONBLOCK,
                )
            except OSError as error:
                self.pool.refused(assignment)
                self._short_of_resources(error)
                break
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            attempt.start(assignment, server)
            result = server.connect_ex(assignment.target.sockaddr)
            if result == errno.EINPROGRESS:
                # On this host (loopback, a container) it is connected by now: that saves a turn.
                result = server.connect_ex(assignment.target.sockaddr)
            if result in (0, errno.EISCONN):
                self._carry(attempt)
                return
            if result == errno.EALREADY:
                attempt.deadline = now + CONNECT_TIMEOUT_S
                self._attempts[attempt] = None
                self._reactor.addWriter(attempt)
                if self._timer is None:
                    self._timer = self._reactor.callLater(CONNECT_TIMEOUT_S, self._overdue)
                return
            self._failed(attempt)
        reset(attempt.client)
        self._one_less()

    def _failed(self, attempt: _Attempt) -> None:
        attempt.socket.close()
        attempt.excluded = (*attempt.excluded, attempt.assignment.target.destination.key)
        self.pool.refused(attempt.assignment)

    def connected(self, attempt: _Attempt, result: int) -> None:
        """The server's socket became writable; ``result``: what connecting again says."""
        if attempt not in self._attempts:
            return
        if result in (errno.EALREADY, errno.EINPROGRESS):
            self._reactor.addWriter(attempt)
            return
        self._reactor.removeWriter(attempt)
        del self._attempts[attempt]
        if result not in (0, errno.EISCONN):
            self._failed(attempt)
            self._connect(attempt)
            return
        self._carry(attempt)

    def _carry(self, attempt: _Attempt) -> None:
        splice = Splice(self._reactor, attempt.client, attempt.socket, self._view, self._spliced)
        self._splices[splice] = attempt.assignment
        if self._sweep_timer is None:
            self._sweep_timer = self._reactor.callLater(SWEEP_S, self._sweep)
        splice.start()

    def _overdue(self) -> None:
        """Give up on servers that do not answer."""
        self._timer = None
        now = self._reactor.seconds()
        while self._attempts:
            attempt = next(iter(self._attempts))
            if attempt.deadline > now:
                self._timer = self._reactor.callLater(attempt.deadline - now, self._overdue)
                return
            self._reactor.removeWriter(attempt)
            del self._attempts[attempt]
            self._failed(attempt)
            self._connect(attempt)

    # -- Carrying

    def _spliced(self, splice: Splice) -> None:
        """A splice has ended."""
        assignment = self._splices.pop(splice)
        self._seen.pop(splice, None)
        assignment.carried(splice.client.received, splice.server.received)
        self.pool.release(assignment)
        self._one_less()

    def _one_less(self) -> None:
        self._budget.give()
        if not self._accepting and not self._stopped:
            self.resume_accepting()

    def _sweep(self) -> None:
        """End connections on which nothing has moved for long: once in a while, to cost nothing per byte."""
        self._sweep_timer = None
        now = self._reactor.seconds()
        if not self._to_sweep:
            self._to_sweep = list(self._splices)
        batch, self._to_sweep = self._to_sweep[:SWEPT_PER_TURN], self._to_sweep[SWEPT_PER_TURN:]
        for splice in batch:
            if splice.closed:
                continue
            transferred, since = self._seen.get(splice, (-1, now))
            if splice.transferred != transferred:
                self._seen[splice] = (splice.transferred, now)
            elif now - since >= (HALF_CLOSED_IDLE_S if splice.half_closed else IDLE_S):
                splice.abort()
        if self._splices:
            self._sweep_timer = self._reactor.callLater(0.0 if self._to_sweep else SWEEP_S, self._sweep)

    def statistics(self) -> Iterator[tuple[DestinationKey, Counters]]:
        """What each destination has carried, up to now."""
        for splice, assignment in self._splices.items():
            assignment.carried(splice.client.received, splice.server.received)
        yield from self.pool.counters()

    # -- Ending

    def close(self) -> None:
        """Listen no more; connections go on."""
        self._stopped = True
        self._pause_accepting()
        self._listening.stop()
        self._acceptor = None
        if self._pause_timer is not None:
            self._pause_timer.cancel()
            self._pause_timer = None

    def finish(self) -> None:
        """End all connections once what was read has been sent."""
        self._drop_attempts()
        for splice in list(self._splices):
            splice.finish()

    def abort(self) -> None:
        """End all connections now."""
        self._drop_attempts()
        for splice in list(self._splices):
            splice.abort()
        for timer in (self._timer, self._sweep_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._sweep_timer = None

    def _drop_attempts(self) -> None:
        attempts, self._attempts = self._attempts, {}
        for attempt in attempts:
            self._reactor.removeWriter(attempt)
            attempt.socket.close()
            self.pool.release(attempt.assignment)
            reset(attempt.client)
            self._one_less()
