"""SMTP_CHECK: a mail server is good when it greets, and takes our HELO."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from kaltwisted.config import model
from kaltwisted.healthcheck.connect import Connect
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.smtp_reply import Reply
from kaltwisted.healthcheck.tcp import GOOD, Attempt
from kaltwisted.healthcheck.timeouts import Timeouts
from kaltwisted.ports import ICheck

GREETING, HELO = 220, 250

_NOT_CONNECTED = Outcome(False, "Connection timeout to")
_SILENT = Outcome(False, "Read timeout from")
_NO_GREETING = Outcome(False, "Bad greeting banner from")
_NO_HELO = Outcome(False, "Bad HELO response from")


@implementer(ICheck)
class SmtpCheck:
    """Greeting, HELO, QUIT.  ``connect`` opens connections to the server."""

    def __init__(self, check: model.SmtpCheck, connect: Connect, reactor: IReactorTime) -> None:
        self._connection = check.connection
        self._helo = f"HELO {check.helo_name or model.SMTP_HELO_NAME}\r\n".encode(errors="surrogateescape")
        self._timeouts = Timeouts.shared(reactor, check.connection.timeout_us / model.SECOND_US)
        self._connect = connect

    def run(self) -> Deferred[Outcome]:
        """One dialogue (ICheck); each step of it may take as long as connecting."""
        attempt = _Attempt(self._helo, self._timeouts)
        attempt.opening = self._connect(attempt, attempt.connect_failed)
        return attempt.result

    def describe(self) -> str:
        """As ICheck asks."""
        return f"SMTP server [{self._connection.ip}]:{self._connection.port}"


class _Attempt(Attempt):
    """A connection and the dialogue on it."""

    refused = "Could not connect to"

    def __init__(self, helo: bytes, timeouts: Timeouts) -> None:
        super().__init__(timeouts, _NOT_CONNECTED)
        self._helo = helo
        self._awaited = 0
        self._reply = Reply()
        self._late = _NOT_CONNECTED

    def connectionMade(self) -> None:
        """The server greets first (RFC 5321 §3.1)."""
        self._await(GREETING, _NO_GREETING)

    def dataReceived(self, data: bytes) -> None:
        """It greets, takes our HELO, or says goodbye."""
        code = self._reply.feed(data)
        if code is None:
            return
        if code != self._awaited or self._outcome is GOOD:
            self.transport.loseConnection()  # type: ignore[union-attr]
        elif code == GREETING:
            self._say(self._helo)
            self._await(HELO, _NO_HELO)
        else:
            self._say(b"QUIT\r\n")
            # Who closes before the server's goodbye makes it log an error.
            self._await(0, GOOD)
            self._late = GOOD

    def timed_out(self) -> None:
        """It took too long for one step."""
        self._outcome = self._late
        super().timed_out()

    def _await(self, code: int, otherwise: Outcome) -> None:
        """The next reply has to be this one."""
        self._reply = Reply()
        self._awaited = code
        self._outcome, self._late = otherwise, _SILENT
        self._timeouts.end(self)
        self._timeouts.begin(self)

    def _say(self, line: bytes) -> None:
        self.transport.write(line)  # type: ignore[union-attr]
