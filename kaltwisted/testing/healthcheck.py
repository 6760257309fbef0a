"""Stand-ins for checks and for the scripts they run: answers by hand, no reactor, no sockets."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from zope.interface import implementer

from kaltwisted.config.model import Script
from kaltwisted.healthcheck.exchange import Asking, Exchange
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.ports import ICheck, IScripts, ScriptResult


@implementer(ICheck)
class FakeCheck:
    """A check whose attempts end when the test says so.

    ``running``: the attempts that were begun and have not ended, oldest first.
    With ``answer`` set, attempts end at once with it.
    """

    def __init__(self, answer: Outcome | None = None) -> None:
        self.answer = answer
        self.runs = 0
        self.cancelled = 0
        self.running: list[Deferred[Outcome]] = []

    def run(self) -> Deferred[Outcome]:
        """As ICheck asks."""
        self.runs += 1
        attempt: Deferred[Outcome] = Deferred(self._cancel)
        if self.answer is not None:
            attempt.callback(self.answer)
        else:
            self.running.append(attempt)
        return attempt

    def finish(self, outcome: Outcome) -> None:
        """End the oldest attempt."""
        self.running.pop(0).callback(outcome)

    def _cancel(self, attempt: Deferred[Outcome]) -> None:
        self.cancelled += 1
        self.running.remove(attempt)

    def describe(self) -> str:
        """As ICheck asks."""
        return "fake"


class FakeExchanges:
    """Datagrams that go nowhere (``healthcheck.exchange.Ask``): who asked hears what the test says.

    ``questions``: all that was sent; ``open``: who still listens, oldest first.
    """

    def __init__(self) -> None:
        self.questions: list[bytes] = []
        self.open: list[Asking] = []

    def __call__(self, question: bytes, asking: Asking) -> Exchange:
        """As Ask has it."""
        self.questions.append(question)
        self.open.append(asking)
        return _FakeExchange(self.open, asking)

    def refuse(self, problem: OSError) -> None:
        """Nothing comes back to the oldest but that."""
        self.open[0].failed(problem)


class _FakeExchange:
    def __init__(self, open_: list[Asking], asking: Asking) -> None:
        self._open, self._asking = open_, asking

    def close(self) -> None:
        """As Exchange has it."""
        if self._asking in self._open:
            self._open.remove(self._asking)


@implementer(IScripts)
class FakeScripts:
    """Scripts that end when the test says so; ``running`` holds (script, timeout, Deferred)."""

    def __init__(self) -> None:
        self.running: list[tuple[Script, int | None, Deferred[ScriptResult]]] = []
        self.cancelled: list[Script] = []

    def run(
        self, script: Script, timeout_us: int | None = None, arguments: tuple[str, ...] = ()
    ) -> Deferred[ScriptResult]:
        """As IScripts asks."""
        ending: Deferred[ScriptResult] = Deferred(lambda _: self.cancelled.append(script))
        self.running.append((script, timeout_us, ending))
        return ending

    def finish(self, result: ScriptResult) -> None:
        """End the oldest script."""
        self.running.pop(0)[2].callback(result)
