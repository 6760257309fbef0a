"""TCP_CHECK: a server is good when it accepts a connection."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.config import model
from kaltwisted.healthcheck.connect import Connect, Opening
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.timeouts import Timeouts
from kaltwisted.ports import ICheck

GOOD = Outcome(True)
_TIMEOUT = Outcome(False, "timeout", detail="timeout connecting")


@implementer(ICheck)
class TcpCheck:
    """Connects and closes.  ``connect`` opens connections to the server."""

    def __init__(self, check: model.TcpCheck, connect: Connect, reactor: IReactorTime) -> None:
        self._connection = check.connection
        self._timeouts = Timeouts.shared(reactor, check.connection.timeout_us / model.SECOND_US)
        self._connect = connect

    def run(self) -> Deferred[Outcome]:
        """One connection (ICheck)."""
        attempt = Attempt(self._timeouts)
        attempt.opening = self._connect(attempt, attempt.connect_failed)
        return attempt.result

    def describe(self) -> str:
        """As ICheck asks."""
        return f"TCP connection to [{self._connection.ip}]:{self._connection.port}"


class Attempt(Protocol):
    """One connection, from its opening to its end and the Deferred's result.

    ``_outcome`` is what it comes to if nothing more happens; ``refused``: the
    reason, if the connection does not open.
    """

    opening: Opening | None = None
    refused = "failed"

    def __init__(self, timeouts: Timeouts, outcome: Outcome = _TIMEOUT) -> None:
        self.result: Deferred[Outcome] = Deferred(self._cancel)
        self._outcome = outcome
        self._timeouts = timeouts
        timeouts.begin(self)

    def connectionMade(self) -> None:
        """All that was wanted."""
        self._outcome = GOOD
        self.transport.loseConnection()  # type: ignore[union-attr]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Closed: only now, so that the next attempt may come from the same port."""
        if self.opening is not None:
            self.opening = None
            self._timeouts.end(self)
            self.result.callback(self._outcome)

    def connect_failed(self, problem: OSError) -> None:
        """The connection did not open."""
        self.opening = None
        self._timeouts.end(self)
        self.result.callback(Outcome(False, self.refused, detail=problem.strerror or str(problem)))

    def timed_out(self) -> None:
        """The server took too long."""
        self._close()
        self.result.callback(self._outcome)

    def _cancel(self, _result: Deferred[Any]) -> None:
        self._timeouts.end(self)
        self._close()

    def _close(self) -> None:
        opening, self.opening = self.opening, None
        if opening is not None:
            opening.abort()
