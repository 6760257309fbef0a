"""BFD_CHECK: a server is good while a BFD session is up, most often the one with its host."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from kaltwisted.config import model
from kaltwisted.healthcheck.known import Known
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.ports import BFD_SESSION, IHeardCheck

_UP = Outcome(True, "the session is up")
_DOWN = Outcome(False, "the session is down")
_UNKNOWN = Outcome(False, "nothing is known of the session")


@implementer(IHeardCheck)
class BfdCheck:
    """Goes by what the BFD role tells.  While it tells nothing the session counts as down."""

    def __init__(self, check: model.BfdCheck, known: Known) -> None:
        self._name = check.name
        self._known = known

    def run(self) -> Deferred[Outcome]:
        """How the session is (ICheck)."""
        up = self._known.value(BFD_SESSION, self._name)
        return succeed(_UNKNOWN if up is None else _UP if up else _DOWN)

    def describe(self) -> str:
        """As ICheck asks."""
        return f"BFD session {self._name}"

    def follow(self, turned: Callable[[], object]) -> Callable[[], None]:
        """As IHeardCheck asks."""
        return self._known.follow(BFD_SESSION, self._name, turned)
