"""DNS_CHECK: a server is good when it answers a question without an error."""

from __future__ import annotations

import os
from errno import ENETUNREACH
from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from kaltwisted.config import model
from kaltwisted.healthcheck.dns_message import IDENT_SIZE, judge, query
from kaltwisted.healthcheck.exchange import Ask, Attempt
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.timeouts import Timeouts
from kaltwisted.ports import ICheck

_SILENT = Outcome(False, "read timeout from socket")


@implementer(ICheck)
class DnsCheck:
    """Asks one question, with another ident each time.  ``ask`` sends datagrams to the server."""

    def __init__(self, check: model.DnsCheck, ask: Ask, reactor: IReactorTime) -> None:
        target = check.connection
        self._question = f"{check.name or '.'} {check.type}"
        self._server = f"[{target.ip}]:{target.port}"
        self._query = query(check.type, check.name)
        self._timeouts = Timeouts.shared(reactor, target.timeout_us / model.SECOND_US)
        self._ask = ask

    def run(self) -> Deferred[Outcome]:
        """One question (ICheck)."""
        ident = os.urandom(IDENT_SIZE)
        attempt = Attempt(self._timeouts, partial(judge, ident), _SILENT, self._refused)
        return attempt.begin(self._ask, ident + self._query)

    def describe(self) -> str:
        """As ICheck asks."""
        return f"DNS question {self._question} to {self._server}"

    def _refused(self, problem: OSError) -> Outcome:
        if problem.errno == ENETUNREACH:
            return Outcome(False, f"network unreachable for {self._server}")
        return Outcome(False, f"failed to read socket; errno {problem.errno} ({problem.strerror})")
