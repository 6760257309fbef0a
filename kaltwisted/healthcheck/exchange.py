"""Questions that are one datagram, and their answers: what DNS_CHECK, UDP_CHECK and PING_CHECK share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.timeouts import Timeouts


class Asking(Protocol):
    """Who has asked."""

    def heard(self, answer: bytes) -> None:
        """A datagram came back; there may be more."""

    def failed(self, problem: OSError) -> None:
        """The question could not be sent, or was refused; nothing more will come."""


class Exchange(Protocol):
    """A question on its way, and whatever comes back."""

    def close(self) -> None:
        """Hear no more, from now on.  Again: nothing."""


Ask = Callable[[bytes, Asking], Exchange]
"""Sends a question; who asks is told what becomes of it, never at once."""


class Unsent:
    """The exchange of a question that could not be sent: that is told in the reactor's next turn."""

    def __init__(self, reactor: IReactorTime, asking: Asking, problem: OSError) -> None:
        self._asking = asking
        self._call: IDelayedCall | None = reactor.callLater(0, self._tell, problem)

    def close(self) -> None:
        """See ``Exchange``."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _tell(self, problem: OSError) -> None:
        self._call = None
        self._asking.failed(problem)


class Attempt:
    """One exchange, from its question to the Deferred's result.

    :param judge: what an answer comes to; None: it is not the one that is waited for.
    :param silent: what no answer in time comes to.
    :param refused: likewise a question that could not be sent, or was refused.
    """

    __slots__ = ("_exchange", "_judge", "_passed_over", "_refused", "_silent", "_timeouts", "result")

    def __init__(
        self,
        timeouts: Timeouts,
        judge: Callable[[bytes], Outcome | None],
        silent: Outcome,
        refused: Callable[[OSError], Outcome],
    ) -> None:
        self.result: Deferred[Outcome] = Deferred(self._cancel)
        self._exchange: Exchange | None = None
        self._judge = judge
        self._silent = silent
        self._refused = refused
        self._timeouts = timeouts
        self._passed_over = 0

    def begin(self, ask: Ask, question: bytes) -> Deferred[Outcome]:
        """Ask; the result."""
        self._timeouts.begin(self)
        self._exchange = ask(question, self)
        return self.result

    def heard(self, answer: bytes) -> None:
        """As Asking has it."""
        outcome = self._judge(answer)
        if outcome is None:
            self._passed_over += 1
            return
        self._close()
        self.result.callback(outcome)

    def failed(self, problem: OSError) -> None:
        """As Asking has it."""
        self._close()
        self.result.callback(self._refused(problem))

    def timed_out(self) -> None:
        """Nobody answered, or not this."""
        self._close()
        outcome = self._silent
        if self._passed_over:
            outcome = attrs.evolve(outcome, detail=f"{self._passed_over} datagrams came that are no answer")
        self.result.callback(outcome)

    def _cancel(self, _result: Deferred[Any]) -> None:
        self._close()

    def _close(self) -> None:
        self._timeouts.end(self)
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.close()


def refused(problem: OSError) -> Outcome:
    """What an error comes to where keepalived's words do not tell one from another."""
    return Outcome(False, "failed", detail=problem.strerror or str(problem))
