"""TCP_CHECK: a server is good when it accepts a connection."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.config import model
from kaltwisted.healthcheck.connect import Connect, Opening
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.ports import ICheck

GOOD = Outcome(True)
_TIMEOUT = Outcome(False, "timeout", detail="timeout connecting")


@implementer(ICheck)
class TcpCheck:
    """Connects and closes.  ``connect`` opens connections to the server, for ``timeout_s`` at most."""

    def __init__(self, check: model.TcpCheck, connect: Connect, reactor: IReactorTime) -> None:
        self._connection = check.connection
        self._timeout_s = check.connection.timeout_us / model.SECOND_US
        self._connect = connect
        self._reactor = reactor

    def run(self) -> Deferred[Outcome]:
        """One connection (ICheck)."""
        attempt = _Attempt(self._reactor, self._timeout_s)
        attempt.opening = self._connect(attempt, attempt.connect_failed)
        return attempt.result

    def describe(self) -> str:
        """As ICheck asks."""
        return f"TCP connection to [{self._connection.ip}]:{self._connection.port}"


class _Attempt(Protocol):
    """One connection, from its opening to its end and the Deferred's result."""

    opening: Opening | None = None

    def __init__(self, reactor: IReactorTime, timeout_s: float) -> None:
        self.result: Deferred[Outcome] = Deferred(self._cancel)
        self._outcome = _TIMEOUT
        self._timeout: IDelayedCall = reactor.callLater(timeout_s, self._timed_out)

    def connectionMade(self) -> None:
        """All that was wanted."""
        self._outcome = GOOD
        self.transport.loseConnection()  # type: ignore[union-attr]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Closed: only now, so that the next attempt may come from the same port."""
        if self.opening is not None:
            self.opening = None
            self._timeout.cancel()
            self.result.callback(self._outcome)

    def connect_failed(self, problem: OSError) -> None:
        """The connection did not open."""
        self.opening = None
        self._timeout.cancel()
        self.result.callback(Outcome(False, "failed", detail=problem.strerror or str(problem)))

    def _timed_out(self) -> None:
        self._close()
        self.result.callback(self._outcome)

    def _cancel(self, _result: Deferred[Any]) -> None:
        self._timeout.cancel()
        self._close()

    def _close(self) -> None:
        opening, self.opening = self.opening, None
        if opening is not None:
            opening.abort()
