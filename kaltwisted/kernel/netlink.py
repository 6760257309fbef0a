"""A netlink socket as a reader of any reactor: requests and dumps are Deferreds, events a callback.

The kernel works on a request while it is being sent, and has its answer in our
receive buffer before ``send`` returns.  So what limits us is that buffer: at
most ``WINDOW`` requests are unanswered at any time and the rest wait in line.
Waiting requests go out together, many in one send, each acknowledged by
itself.  A dump's answers are read a little per reactor turn; the kernel makes
more of them only as we read.

Should an answer get lost all the same (buffer overrun, no answer in time, bytes
that are no message), then what is unanswered fails, the socket is replaced, and
``lost`` is told, so that who listens to events reads everything afresh.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.kernel.exchange import Exchange
from kaltwisted.kernel.messages import (
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    NLMSG_NOOP,
    NLMSG_OVERRUN,
    MalformedError,
    Message,
    NetlinkError,
    Request,
    error_of,
    pack,
    split,
)
from kaltwisted.kernel.netlink_socket import NetlinkSocket

T = TypeVar("T")

#: Requests unanswered at a time, and so the most that go into one send.
WINDOW = 100
#: Bytes read per reactor turn before others have theirs; a datagram counts as at least _DATAGRAM_COST,
#: an event, from which more follows than from an answer, as _EVENT_COST: 32 take a good millisecond.
TURN_BYTES = 65_536
_DATAGRAM_COST = 512
_EVENT_COST = 2048
#: And how long a turn may go on: where each answer leads to the next request, the kernel's work is in it.
TURN_S = 0.002
#: The kernel fills dump datagrams up to 32 KiB, whatever larger buffer it is offered.
_DATAGRAM_MAX = 65_536


class Reactor(Protocol):
    """What is asked of the reactor: IReactorFDSet's readers, IReactorTime."""

    def addReader(self, reader: IReadDescriptor) -> object: ...

    def removeReader(self, reader: IReadDescriptor) -> object: ...

    def callLater(self, delay: float, callable: Callable[..., object]) -> IDelayedCall: ...

    def seconds(self) -> float: ...


@implementer(IReadDescriptor)
class Netlink:
    """A conversation with the kernel.

    ``connect`` makes the socket, at once and again after a loss; its OSError
    passes at construction.  ``heard`` gets multicast messages, ``lost`` is
    called when some may be missing.
    """

    def __init__(
        self,
        reactor: Reactor,
        connect: Callable[[], NetlinkSocket],
        *,
        heard: Callable[[Message], object] | None = None,
        lost: Callable[[], object] | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        self._reactor = reactor
        self._connect = connect
        self._heard = heard
        self._lost = lost
        self._timeout_s = timeout_s
        self._sequence = 0
        self._queue: deque[Exchange] = deque()
        self._outstanding: dict[int, Exchange] = {}
        self._dumping = False
        self._watchdog: IDelayedCall | None = None
        self._buffer = bytearray(_DATAGRAM_MAX)
        self._socket: NetlinkSocket | None = connect()
        self._reactor.addReader(self)

    # --- Asking ----------------------------------------------------------------------

    def request(self, request: Request) -> Deferred[list[Message]]:
        """Ask one thing.  Fires with the answers before the acknowledgement, or fails with NetlinkError."""
        answers: list[Message] = []

        def ended(error: Exception | None) -> None:
            if error is None:
                result.callback(answers)
            else:
                result.errback(Failure(error))

        exchange = Exchange(request, answers.append, ended)
        result: Deferred[list[Message]] = Deferred(lambda _: exchange.abandon())
        self._enqueue([exchange])
        return result

    def batch(self, requests: Iterable[Request]) -> Deferred[list[NetlinkError | None]]:
        """Ask many things, in this order.  Fires with the error of each, or None; none stops the others."""
        results: list[NetlinkError | None] = []
        exchanges: list[Exchange] = []
        left = 0

        def ended_at(index: int) -> Callable[[Exception | None], object]:
            def ended(error: Exception | None) -> None:
                nonlocal left
                left -= 1
                if isinstance(error, NetlinkError | None):
                    results[index] = error
                elif not done.called:  # closed
                    done.errback(Failure(error))
                if left == 0 and not done.called:
                    done.callback(results)

            return ended

        def cancel(_: object) -> None:
            for exchange in exchanges:
                exchange.abandon()

        exchanges += (Exchange(each, _ignore, ended_at(index)) for index, each in enumerate(requests))
        left = len(exchanges)
        results += [None] * left
        done: Deferred[list[NetlinkError | None]] = Deferred(cancel)
        if left:
            self._enqueue(exchanges)
        else:
            done.callback(results)
        return done

    def dump(self, request: Request, parse: Callable[[Message], T]) -> Deferred[list[T]]:
        """Ask for a listing.  Each of its messages goes through ``parse`` in the turn it is read in.

        Fails with NetlinkError, EINTR when the kernel says that the listing
        changed meanwhile, or with what ``parse`` raised.
        """
        parsed: list[T] = []

        def heard(message: Message) -> None:
            try:
                parsed.append(parse(message))
            except MalformedError as error:
                exchange.end(error)

        def ended(error: Exception | None) -> None:
            if error is None:
                result.callback(parsed)
            else:
                result.errback(Failure(error))

        exchange = Exchange(request, heard, ended, dump=True)
        result: Deferred[list[T]] = Deferred(lambda _: exchange.abandon())
        self._enqueue([exchange])
        return result

    def close(self) -> None:
        """End the conversation; what was not answered is cancelled."""
        if self._socket is not None:
            self._disconnect()
        waiting = [*self._outstanding.values(), *self._queue]
        self._outstanding.clear()
        self._queue.clear()
        for exchange in waiting:
            exchange.end(CancelledError())

    # --- Sending ---------------------------------------------------------------------

    def _enqueue(self, exchanges: Iterable[Exchange]) -> None:
        self._queue.extend(exchanges)
        if self._socket is None:
            self.close()
        else:
            self._send_waiting()

    def _send_waiting(self) -> None:
        """Send what the window allows, in one piece."""
        if self._socket is None:
            return
        batch: list[bytes] = []
        sequences = []
        while self._queue and len(self._outstanding) < WINDOW:
            exchange = self._queue[0]
            if exchange.abandoned:
                self._queue.popleft()
                continue
            if exchange.dump and self._dumping:
                break  # the kernel refuses a second dump on one socket (EBUSY); order is kept
            self._queue.popleft()
            self._dumping = self._dumping or exchange.dump
            exchange.since = self._reactor.seconds()
            # 0 marks events, so it is never a request's.
            self._sequence = self._sequence % 0xFFFFFFFF + 1
            self._outstanding[self._sequence] = exchange
            sequences.append(self._sequence)
            asked = NLM_F_REQUEST | (NLM_F_DUMP if exchange.dump else NLM_F_ACK)
            batch.append(pack(exchange.request, asked, self._sequence))
        if not batch:
            return
        self._watch()
        try:
            self._socket.send(b"".join(batch))
        except OSError as error:
            refused = error.errno or errno.EIO
            for sequence in sequences:
                self._end(sequence, NetlinkError(refused, self._outstanding[sequence].request.attempted))

    # --- Receiving -------------------------------------------------------------------

    def doRead(self) -> None:
        budget = TURN_BYTES
        until = self._reactor.seconds() + TURN_S
        while budget > 0 and self._socket is not None and self._reactor.seconds() < until:
            try:
                size, sender = self._socket.recvfrom_into(self._buffer)
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                self._restart(error.errno or errno.EIO)
                return
            # Addresses of netlink are (port, groups); port 0 is the kernel.  Others may not speak to us.
            port, groups = sender if isinstance(sender, tuple) else (0, 0)
            budget -= max(size, _EVENT_COST if groups else _DATAGRAM_COST)
            if port != 0:
                continue
            try:
                for message in split(bytes(memoryview(self._buffer)[:size])):
                    if groups == 0:
                        self._answered(message)
                    elif self._heard is not None:
                        self._heard(message)
            except MalformedError:
                self._restart(errno.EBADMSG)
                return
        self._send_waiting()

    def _answered(self, message: Message) -> None:
        if message.type == NLMSG_OVERRUN:
            self._restart(errno.ENOBUFS)
        exchange = self._outstanding.get(message.sequence)
        if exchange is None or message.type == NLMSG_NOOP:
            return  # of a conversation before this one
        exchange.since = self._reactor.seconds()
        exchange.interrupted |= bool(message.flags & NLM_F_DUMP_INTR) and exchange.dump
        if message.type in (NLMSG_ERROR, NLMSG_DONE):
            error = error_of(message, exchange.request.attempted)
            if error is None and exchange.interrupted:
                error = NetlinkError(errno.EINTR, exchange.request.attempted)
            self._end(message.sequence, error)
        elif not exchange.abandoned:
            exchange.heard(message)

    def _end(self, sequence: int, error: NetlinkError | None) -> None:
        exchange = self._outstanding.pop(sequence)
        if exchange.dump:
            self._dumping = False
        exchange.end(error)

    # --- Losing ----------------------------------------------------------------------

    def _watch(self) -> None:
        if self._watchdog is None:
            self._watchdog = self._reactor.callLater(self._timeout_s, self._check_answers)

    def _check_answers(self) -> None:
        self._watchdog = None
        if not self._outstanding:
            return
        due = min(exchange.since for exchange in self._outstanding.values()) + self._timeout_s
        wait = due - self._reactor.seconds()
        if wait <= 0:
            self._restart(errno.ETIMEDOUT)
        else:
            self._watchdog = self._reactor.callLater(wait, self._check_answers)

    def _restart(self, reason: int) -> None:
        """Answers are missing: fail what waits for them and go on with a new socket."""
        self._disconnect()
        unanswered = list(self._outstanding.values())
        self._outstanding.clear()
        try:
            self._socket = self._connect()
        except OSError as error:
            for exchange in unanswered:
                exchange.end(NetlinkError(error.errno or reason, exchange.request.attempted))
            self.close()
            return
        self._reactor.addReader(self)
        for exchange in unanswered:
            exchange.end(NetlinkError(reason, exchange.request.attempted))
        if self._lost is not None:
            self._lost()
        self._send_waiting()

    def _disconnect(self) -> None:
        self._dumping = False
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        if self._socket is not None:
            self._reactor.removeReader(self)
            self._socket.close()
            self._socket = None

    # --- IReadDescriptor -------------------------------------------------------------

    def fileno(self) -> int:
        return -1 if self._socket is None else self._socket.fileno()

    def connectionLost(self, reason: Failure) -> None:
        self.close()

    def logPrefix(self) -> str:
        return "netlink"


def _ignore(message: Message) -> None:
    """For requests whose acknowledgement is all that counts."""
