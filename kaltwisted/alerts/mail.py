"""Sends alerts through ``smtp_server``.  Provides IMailer.

A bounded queue and one connection at a time; nothing else ever waits for it.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.error import TimeoutError as ConnectTimeoutError
from twisted.internet.interfaces import IDelayedCall, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.alerts.message import compose, envelope
from kaltwisted.alerts.smtp import Delivery, Refusal, Transaction
from kaltwisted.config.model import GlobalDefs
from kaltwisted.ports import IMailer, Mail

LIMIT = 1000
TRIES = 5
FIRST_PAUSE_S = 10.0
# The whole of one transaction, in units of smtp_connect_timeout, which also bounds each of its steps.
WHOLE = 4
STOP_WAIT_S = 0.1


@attrs.define(eq=False)
class _Letter:
    """A mail on its way: to whom it still has to go, and how often that was tried."""

    message: bytes
    recipients: tuple[str, ...]
    done: Deferred[bool]
    tries: int = 0
    delivered: bool = False


@implementer(IMailer)
class MailService(Service):
    """Queues alerts and sends them one after another.

    :param endpoint: the server to use instead of ``smtp_server``, for tests.

    A server that cannot be reached is tried again after 10, 20, 40 and 80 s,
    all mails waiting; a recipient who is refused for now (greylisting) is
    tried as often by himself.  What is refused for good is logged and given
    up.  Beyond ``limit`` mails the oldest is dropped.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        global_defs: GlobalDefs,
        *,
        endpoint: IStreamClientEndpoint | None = None,
        limit: int = LIMIT,
    ) -> None:
        self._reactor = reactor
        self._limit = limit
        self._set_up(global_defs, endpoint)
        self._queue: deque[_Letter] = deque()
        self._later: dict[_Letter, IDelayedCall] = {}
        self._current: _Letter | None = None
        self._transaction: Transaction | None = None
        self._connecting: Deferred[Any] | None = None
        self._whole: IDelayedCall | None = None
        self._pause: IDelayedCall | None = None
        self._dropped = 0
        self._stopping = False
        self._stopped: Deferred[None] | None = None
        self._stop_limit: IDelayedCall | None = None

    def _set_up(self, global_defs: GlobalDefs, endpoint: IStreamClientEndpoint | None = None) -> None:
        self._timeout_s = global_defs.smtp_connect_timeout_us / 1e6
        self._envelope = envelope(global_defs, socket.gethostname())
        server = global_defs.smtp_server
        self._server = "" if server is None else f"[{server.host}]:{server.port}"
        if endpoint is None and server is not None:
            endpoint = HostnameEndpoint(self._reactor, server.host, server.port, timeout=self._timeout_s)
        self._endpoint = endpoint

    def reconfigure(self, global_defs: GlobalDefs) -> None:
        """Send by these settings from the next mail on; what is queued keeps its text and recipients."""
        self._set_up(global_defs)
        self._tell_unusable()
        if self._pause is not None:  # for a server that may be another now
            self._pause.cancel()
            self._resume()

    # --- IMailer -------------------------------------------------------------------

    def send(self, mail: Mail) -> Deferred[bool]:
        """Queue ``mail``; fires with whether at least one recipient's server took it."""
        done: Deferred[bool] = Deferred(lambda d: d.callback(False))
        if self._endpoint is None or not self._envelope.recipients or self._stopping:
            done.callback(False)
            return done
        # The reactor's seconds may be those of the monotonic clock, which knows no date.
        message = compose(mail, self._envelope, time.time())
        self._queue.append(_Letter(message, self._envelope.recipients, done))
        if len(self._queue) + len(self._later) > self._limit:
            self._drop_oldest()
        self._next()
        return done

    # --- IService ------------------------------------------------------------------

    def startService(self) -> None:
        """Tell which recipients are none, and send what is queued."""
        super().startService()
        self._stopping = False
        self._tell_unusable()
        self._next()

    def _tell_unusable(self) -> None:
        for text in self._envelope.unusable:
            self.log.warn("notification_email {text!r} is no address that mail can be sent to", text=text)

    def stopService(self) -> Deferred[None]:
        """Send what is queued if that takes no time, drop the rest; fires within 0.1 s."""
        super().stopService()
        self._stopping = True
        self._stopped = Deferred()
        stopped = self._stopped
        self._stop_limit = self._reactor.callLater(STOP_WAIT_S, self._give_up)
        if self._pause is not None:  # a server that was just found dead
            self._give_up()
        else:
            self._check_stopped()
        return stopped

    def _give_up(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        for call in self._later.values():
            call.cancel()
        rest = [*self._queue, *self._later]
        self._queue.clear()
        self._later.clear()
        if self._current is not None:
            rest.append(self._current)
        if rest:
            self.log.warn("{count} SMTP alerts were not sent before the end", count=len(rest))
        for letter in rest:
            self._settle(letter)
        if self._connecting is not None:
            self._connecting.cancel()
        elif self._transaction is not None:
            self._transaction.abort()
        self._check_stopped()

    def _check_stopped(self) -> None:
        if self._stopped is None or self._busy() or self._queue:
            return
        if self._later:
            self._give_up()
            return
        stopped, self._stopped = self._stopped, None
        if self._stop_limit is not None and self._stop_limit.active():
            self._stop_limit.cancel()
        stopped.callback(None)

    # --- the queue -----------------------------------------------------------------

    def _busy(self) -> bool:
        return self._connecting is not None or self._transaction is not None

    def _next(self) -> None:
        if self._busy() or self._pause is not None or not (self.running or self._stopping):
            return
        while self._queue and self._queue[0].done.called:  # withdrawn
            self._queue.popleft()
        if not self._queue:
            if self._dropped and not self._later:
                self.log.warn("{count} SMTP alerts were dropped in all", count=self._dropped)
                self._dropped = 0
            self._check_stopped()
            return
        letter = self._queue.popleft()
        letter.tries += 1
        self._current = letter
        self._connect(letter)

    def _drop_oldest(self) -> None:
        if self._queue:
            oldest = self._queue.popleft()
        else:
            oldest = next(iter(self._later))
            self._later.pop(oldest).cancel()
        if not self._dropped:
            self.log.warn("More than {limit} SMTP alerts are waiting: dropping the oldest", limit=self._limit)
        self._dropped += 1
        self._settle(oldest)

    def _settle(self, letter: _Letter) -> None:
        if not letter.done.called:
            letter.done.callback(letter.delivered)

    # --- one transaction -----------------------------------------------------------

    def _connect(self, letter: _Letter) -> None:
        transaction = Transaction(
            self._envelope.helo, self._envelope.sender, letter.recipients, letter.message, self._timeout_s
        )
        factory = Factory.forProtocol(lambda: transaction)
        factory.noisy = False
        assert self._endpoint is not None
        # The endpoint's own timeout does not cover looking the name up.
        self._whole = self._reactor.callLater(self._timeout_s + 1, self._timed_out)
        self._connecting = self._endpoint.connect(factory)
        self._connecting.addCallbacks(self._connected, self._not_connected)
        self._connecting.addErrback(lambda failure: self.log.failure("SMTP alert", failure))

    def _timed_out(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        elif self._transaction is not None:
            self._transaction.timeoutConnection()

    def _connected(self, transaction: Transaction) -> None:
        self._connecting = None
        self._transaction = transaction
        self._limit_whole(self._timeout_s * WHOLE)
        assert transaction.transport is not None
        peer = transaction.transport.getPeer()
        if isinstance(peer, IPv4Address | IPv6Address):
            self._server = f"[{peer.host}]:{peer.port}"
        self.log.info("Remote SMTP server {server} connected.", server=self._server)
        transaction.delivered.addCallback(self._delivered)
        transaction.closed.addCallback(self._closed)

    def _not_connected(self, failure: Failure) -> None:
        self._connecting = None
        self._limit_whole(None)
        if self._current is None or self._current.done.called:
            self._current = None  # given up at stop, and logged there
        else:
            if failure.check(ConnectTimeoutError, ConnectingCancelledError, CancelledError):
                self.log.warn("Timeout connecting SMTP server {server}.", server=self._server)
            else:
                self._log_error(failure.getErrorMessage())
            self._server_failed(self._current)
        self._next()

    def _delivered(self, delivery: Delivery) -> None:
        letter, self._current = self._current, None
        if letter is None or letter.done.called:
            return
        if delivery.accepted:
            letter.delivered = True
            self.log.info("SMTP alert successfully sent.")
        for refusal in delivery.refusals:
            if refusal.recipient is not None:
                self._tell_refused(letter, refusal)
        refused = {refusal.recipient: refusal for refusal in delivery.refusals}
        whole = refused.pop(None, None)
        if whole is not None:
            good = (recipient for recipient in letter.recipients if recipient not in refused)
            letter.recipients = (*good, *(who for who, why in refused.items() if who and why.temporary))
            self._transaction_failed(letter, whole, delivery.silent)
            return
        letter.recipients = tuple(who for who, why in refused.items() if who and why.temporary)
        if letter.recipients and letter.tries < TRIES and not self._stopping:
            self._later[letter] = self._reactor.callLater(_pause(letter.tries), self._again, letter)
        else:
            self._settle(letter)

    def _tell_refused(self, letter: _Letter, refusal: Refusal) -> None:
        again = refusal.temporary and letter.tries < TRIES and not self._stopping
        self.log.warn(
            "SMTP alert for {recipient} refused by {server}{outlook}: {refusal}",
            recipient=refusal.recipient,
            server=self._server,
            outlook=" for now" if again else "",
            refusal=str(refusal),
        )

    def _transaction_failed(self, letter: _Letter, refusal: Refusal, silent: bool) -> None:
        """The server refused all recipients in one, or went away."""
        if silent:
            self.log.warn("Timeout reading data to remote SMTP server {server}.", server=self._server)
        else:
            self._log_error(str(refusal))
        if refusal.temporary:
            self._server_failed(letter)
        else:
            self._settle(letter)

    def _log_error(self, why: str) -> None:
        # Monitoring looks for the first line to the letter, so the reason has a line of its own.
        self.log.warn("SMTP connection ERROR to {server}.", server=self._server)
        self.log.warn("SMTP server {server}: {why}", server=self._server, why=why)

    def _server_failed(self, letter: _Letter) -> None:
        """Try ``letter`` again after a pause, in which no other mail has better chances."""
        self._current = None
        if self._stopping or letter.tries >= TRIES:
            self.log.warn("SMTP alert not sent, given up after {tries} tries", tries=letter.tries)
            self._settle(letter)
            if self._stopping:
                self._give_up()
            return
        self._queue.appendleft(letter)
        self._pause = self._reactor.callLater(_pause(letter.tries), self._resume)

    def _resume(self) -> None:
        self._pause = None
        self._next()

    def _again(self, letter: _Letter) -> None:
        del self._later[letter]
        self._queue.append(letter)
        self._next()

    def _closed(self, _: None) -> None:
        self._transaction = None
        self._limit_whole(None)
        self._next()

    def _limit_whole(self, seconds: float | None) -> None:
        if self._whole is not None and self._whole.active():
            self._whole.cancel()
        self._whole = None if seconds is None else self._reactor.callLater(seconds, self._timed_out)


def _pause(tries: int) -> float:
    return float(FIRST_PAUSE_S * 2 ** (tries - 1))
