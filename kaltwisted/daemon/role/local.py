"""Runs a role in this very process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.config.diff import Changes
from kaltwisted.config.model import Configuration
from kaltwisted.daemon.role.facts import Facts
from kaltwisted.daemon.role.seam import IRole, IRunner, Life, Report, RoleError, RoleKind, Standing, Tell
from kaltwisted.daemon.role.turns import section, watch_turns
from kaltwisted.daemon.settings import Settings
from kaltwisted.ports import Fact, Note
from kaltwisted.slices import in_slices

WRITTEN_AT_ONCE = 65536

_WORDS = {Report.DATA: "data", Report.STATISTICS: "stats", Report.JSON: "as json"}
"""keepalived's; of others the log is told nothing."""


@implementer(IRunner)
class LocalRunner:
    """A role on the reactor of this process.

    :param facts: where it publishes what it knows, and hears what others do.
    :param fifo: takes its lines for notify FIFOs.
    :param note: hears of its state changes.
    """

    _log = Logger()

    def __init__(
        self,
        kind: RoleKind,
        settings: Settings,
        reactor: Any,
        facts: Facts,
        fifo: Tell,
        note: Note,
    ) -> None:
        self.kind = kind
        self.role: IRole | None = None
        self._settings = settings
        self._reactor = reactor
        self._facts = facts
        self._fifo = fifo
        self._note = note
        self._leave_facts: Callable[[], None] | None = None
        self._turns = watch_turns(reactor)
        self.life = Life(Standing.STARTING, os.getpid(), reactor.seconds())

    def prepare(self, configuration: Configuration) -> Deferred[None]:
        """Build the role."""
        try:
            part = self.kind.part(configuration)
            self.role = self.kind.make(
                self._settings, part, self._reactor, self._facts.publish, self._fifo, self._note
            )
        except RoleError as error:
            return fail(error)
        return succeed(None)

    def start(self) -> Deferred[None]:
        """Start it."""
        assert self.role is not None
        self._leave_facts = self._facts.listen(self.kind.hears, self.role.learn)
        self.role.startService()
        self.life = Life(Standing.RUNNING, os.getpid(), self._reactor.seconds())
        return succeed(None)

    def apply(self, changes: Changes) -> Deferred[None]:
        """Pass them on."""
        return succeed(None) if self.role is None else self.role.apply(self.kind.part_of(changes))

    def stop(self) -> Deferred[None]:
        """Stop it, once."""
        role, self.role = self.role, None
        if self._leave_facts is not None:
            self._leave_facts()
        if role is None or not role.running:
            return succeed(None)
        return maybeDeferred(role.stopService).addCallback(lambda _: self._facts.forget(self.kind.tells))

    def report(self, report: Report, version: int = 1) -> Deferred[bytes]:
        """Ask the role, a little per turn of the reactor."""
        pieces: list[bytes] = []
        return self.write_report(report, version, pieces.append).addCallback(lambda _: b"".join(pieces))

    def write_report(self, report: Report, version: int, write: Callable[[bytes], object]) -> Deferred[None]:
        """The same, handed to ``write`` as it comes: all at once would take long."""
        if self.role is None:
            return succeed(None)
        if report in _WORDS:
            self._log.info(
                "Printing {title} {what} for process({pid}) on signal",
                title=self.kind.title,
                what=_WORDS[report],
                pid=os.getpid(),
            )
        written = in_slices(
            _write(self._text(self.role, report, version), write), self._reactor, self.kind.report_slice_s
        )
        return written.whenDone().addCallback(lambda _: None)

    def _text(self, role: IRole, report: Report, version: int) -> Iterator[str]:
        if report is Report.JSON:
            yield from role.json(version)
            yield "\n"
            return
        if report is Report.STATUS:
            yield from role.status()
            return
        if report is Report.PROCESS:
            yield json.dumps(self._process(role))
            return
        for line in role.data() if report is Report.DATA else role.statistics():
            yield f"{line}\n"
        if report is Report.DATA:
            turns = None if self._turns is None else self._turns.seen()
            for line in section(turns, None if role.lateness is None else role.lateness.seen()):
                yield f"{line}\n"

    def _process(self, role: IRole) -> dict[str, object]:
        """What there is to know of this process."""
        turns = None if self._turns is None else self._turns.seen()
        return {
            "timer_lateness": None if role.lateness is None else role.lateness.seen().summary(),
            "turns": None if turns is None else turns.summary(),
        }

    def foresee(self, fact: Fact) -> Deferred[str]:
        """Ask the role."""
        return succeed("" if self.role is None else self.role.foresee(fact))

    def run_checks(self, target: str) -> Deferred[bytes]:
        """Pass it on."""
        if self.role is None:
            return succeed(b"")
        return self.role.run_checks(target).addCallback(str.encode)

    def clear_statistics(self) -> Deferred[None]:
        """Pass it on."""
        if self.role is not None:
            self.role.clear_statistics()
            if self.role.lateness is not None:
                self.role.lateness.clear()
        if self._turns is not None:
            self._turns.clear()
        return succeed(None)


def _write(text: Iterator[str], write: Callable[[bytes], object]) -> Iterator[None]:
    """Pass the pieces on, some at a time."""
    pieces: list[str] = []
    length = 0
    for piece in text:
        pieces.append(piece)
        length += len(piece)
        if length >= WRITTEN_AT_ONCE:
            write("".join(pieces).encode(errors="backslashreplace"))
            pieces.clear()
            length = 0
        yield
    write("".join(pieces).encode(errors="backslashreplace"))
