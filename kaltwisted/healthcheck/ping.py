"""PING_CHECK: a server is good when its host answers an ICMP echo request.

Other than keepalived 2.2.7, which looks at neither, it goes out as ``bindto`` and ``bind_if`` say.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from kaltwisted.config import model
from kaltwisted.healthcheck.exchange import Ask, Attempt, refused
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.timeouts import Timeouts
from kaltwisted.ports import ICheck

_GOOD = Outcome(True)
_SILENT = Outcome(False, "timeout")


@implementer(ICheck)
class PingCheck:
    """Asks for one echo.  ``ask`` sends requests to the server, and knows replies when it sees them."""

    def __init__(self, check: model.PingCheck, ask: Ask, reactor: IReactorTime) -> None:
        self._ip = check.connection.ip
        self._timeouts = Timeouts.shared(reactor, check.connection.timeout_us / model.SECOND_US)
        self._ask = ask

    def run(self) -> Deferred[Outcome]:
        """One request (ICheck)."""
        return Attempt(self._timeouts, _answered, _SILENT, refused).begin(self._ask, b"")

    def describe(self) -> str:
        """As ICheck asks."""
        return f"ICMP echo of {self._ip}"


def _answered(_reply: bytes) -> Outcome:
    return _GOOD
