"""What operators ask of the daemon: the supervisor's own facts, and the roles' parts put to them.

The roles' texts are put together as they come; nobody reads them here.  At most
one question of a kind is under way to a role, and one document is made at a
time (``api.sharing``).
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from kaltwisted import __version__
from kaltwisted.api.sharing import Shared
from kaltwisted.config.findings import Finding, Severity
from kaltwisted.daemon.reload import Outcome, Reload
from kaltwisted.daemon.role.kinds import BFD, CHECKERS, VRRP
from kaltwisted.daemon.role.reports import TIME_OF_DAY
from kaltwisted.daemon.role.seam import IRunner, Life, Report, Standing
from kaltwisted.daemon.roles import Roles
from kaltwisted.ports import Health, IEvents, IOperations, Part

SCHEMA: Final = 1
"""Of the document; one more when a member's meaning changes or a member goes."""

ANSWER_S: Final = 5.0
"""How long a role may take to tell; after that its part is null."""

LEAST_S: Final = 0.02
"""From one question of a kind to a role to the next: only who asks without a pause waits for it."""

DEAD_S: Final = 120.0
"""How long a role may be dead or starting until only a restart of the daemon promises help."""

MOST_FINDINGS: Final = 50

_PARTS: Final = {Part.VRRP: VRRP.name, Part.CHECKERS: CHECKERS.name, Part.BFD: BFD.name}


@implementer(IOperations)
class Operations:
    """The daemon, to whom it may concern.

    :param file: the configuration's.
    :param findings: what was to be said of it at the start.
    :param events: what has happened.
    :param overrides: the JSON list of those that operators have made.
    :param started: whether all roles have been started once.
    """

    def __init__(
        self,
        roles: Roles,
        reload: Reload,
        file: str,
        findings: tuple[Finding, ...],
        clock: IReactorTime,
        events: IEvents,
        overrides: Callable[[], Coroutine[Deferred[Any], Any, bytes]],
    ) -> None:
        self.events = events
        self._overrides = overrides
        self._roles = roles
        self._reload = reload
        self._file = file
        self._findings = findings
        self._clock = clock
        self._began = time.time()
        self._began_s = clock.seconds()
        self.started = False
        self.stopping = False
        self._questions: dict[tuple[str, Report], Shared[bytes]] = {}
        self._documents: dict[frozenset[Part], Shared[bytes]] = {}

    # -- IOperations --------------------------------------------------------------------

    def status(self, parts: frozenset[Part]) -> Deferred[bytes]:
        """Ask the roles that run, and put together what they say; one text for all who ask at a time."""
        document = self._documents.get(parts)
        if document is None:
            document = Shared(lambda: Deferred.fromCoroutine(self._status(parts)))
            self._documents[parts] = document
        return document.answer()

    def health(self) -> Health:
        """By the roles' processes; that this is answered at all says the rest."""
        dead, not_running = [], []
        for name, runner in self._roles.running.items():
            life: Life = runner.life
            if life.standing is not Standing.RUNNING:
                age = self._clock.seconds() - life.since
                words = f"{name} is {life.standing.value} for {age:.0f} s"
                not_running.append(words)
                if age > DEAD_S and self.started:
                    dead.append(words)
        if not self.started:
            not_running.append("the start is not complete")
        if self.stopping:
            not_running.append("the daemon stops")
        return Health(tuple(dead), tuple(not_running))

    # -- the document -------------------------------------------------------------------

    async def _status(self, parts: frozenset[Part]) -> bytes:
        running = tuple(self._roles.running)
        processes = [self._ask(name, Report.PROCESS) for name in running if Part.DAEMON in parts]
        wanted = [part for part in _PARTS if part in parts]
        texts = [self._ask(_PARTS[part], Report.STATUS) for part in wanted]
        answers: list[bytes] = await gatherResults([*processes, *texts], consumeErrors=True)
        members = [b'{"schema":%d' % SCHEMA]
        if Part.DAEMON in parts:
            seen = dict(zip(running, answers[: len(processes)], strict=True))
            members.append(b'"daemon":' + self._daemon(seen))
            members.append(b'"overrides":' + await self._overrides())
        for part, text in zip(wanted, answers[len(processes) :], strict=True):
            members.append(b'"%s":%s' % (part.value.encode(), text or b"null"))
        return b",".join(members) + b"}\n"

    def _ask(self, name: str, report: Report) -> Deferred[bytes]:
        if name not in self._roles.running:
            return succeed(b"")
        question = self._questions.get((name, report))
        if question is None:
            question = Shared(lambda: self._report(name, report), self._clock, LEAST_S)
            self._questions[name, report] = question
        answer = question.answer().addTimeout(ANSWER_S, self._clock)
        return answer.addErrback(lambda _: b"")

    def _report(self, name: str, report: Report) -> Deferred[bytes]:
        runner: IRunner | None = self._roles.running.get(name)
        return succeed(b"") if runner is None else runner.report(report)

    def _daemon(self, processes: dict[str, bytes]) -> bytes:
        """The supervisor's part; ``processes``: what each role's tells of itself."""
        health = self.health()
        findings = self._findings if self._reload.findings is None else self._reload.findings
        last = self._reload.last
        daemon: dict[str, Any] = {
            "version": __version__,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started": round(self._began, 3),
            "uptime_s": round(self._clock.seconds() - self._began_s, 3),
            "ready": not health.why_not_ready,
            "live": not health.why_not_live,
            "configuration": _configuration(self._file, self._began, findings, last),
            "warnings": list(_warnings(health, findings, last, processes)),
        }
        roles = b",".join(self._role(name, text) for name, text in processes.items())
        return json.dumps(daemon)[:-1].encode() + b', "roles": [' + roles + b"]}"

    def _role(self, name: str, process: bytes) -> bytes:
        runner: IRunner | None = self._roles.running.get(name)
        life: Life = Life(Standing.DEAD, None, self._clock.seconds()) if runner is None else runner.life
        epoch = TIME_OF_DAY.epoch_us(self._clock.seconds()) / 1_000_000
        role = {
            "name": name,
            "pid": life.pid,
            "state": life.standing.value,
            "since": round(life.since + epoch, 3),
            "restarts": life.restarts,
        }
        rest = process[1:] if process else b'"timer_lateness": null, "turns": null}'
        return json.dumps(role)[:-1].encode() + b", " + rest


def _configuration(
    file: str, began: float, findings: tuple[Finding, ...], last: Outcome | None
) -> dict[str, Any]:
    applied = last is not None and last.result != "refused"
    return {
        "file": file,
        "read": round(last.at if last is not None and applied else began, 3),
        "errors": sum(each.severity is Severity.ERROR for each in findings),
        "warnings": sum(each.severity is Severity.WARNING for each in findings),
        "findings": [each.log_line() for each in findings[:MOST_FINDINGS]],
        "reload": None if last is None else {"at": round(last.at, 3), "result": last.result, "why": last.why},
    }


def _warnings(
    health: Health, findings: tuple[Finding, ...], last: Outcome | None, processes: dict[str, bytes]
) -> Iterable[str]:
    yield from health.why_not_ready
    for name, process in processes.items():
        if not process:
            yield f"{name} did not tell its state"
    if last is not None and last.result == "refused":
        yield f"the last reload was refused, and the configuration before it runs: {last.why}"
    errors = sum(each.severity is Severity.ERROR for each in findings)
    if errors:
        yield f"the configuration has {errors} {'error' if errors == 1 else 'errors'}"
