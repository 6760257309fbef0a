"""Fakes of what a daemon runs its roles by: processes that are none, runners that run nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone
from twisted.protocols import amp
from zope.interface import implementer

from kaltwisted.config.diff import Changes
from kaltwisted.config.model import Configuration
from kaltwisted.daemon.child import Ended, IChild
from kaltwisted.daemon.role import commands
from kaltwisted.daemon.role.parcel import unpack
from kaltwisted.daemon.role.seam import IRunner, Life, Report, RoleError, Standing
from kaltwisted.ports import Fact


@attrs.define(eq=False)
class Call:
    """A command that a process was given; the test answers it with ``answer`` where it is ``held``."""

    command: type[amp.Command]
    arguments: dict[str, Any]
    answered: Deferred[dict[str, Any]] = attrs.field(factory=Deferred)

    def answer(self, **values: object) -> None:
        """It is done."""
        self.answered.callback(values)


@implementer(IChild)
class FakeChild:
    """A process that does at once what it is told, but for what is in ``holds``.

    ``configurations``: what it was given, unpacked as a role would; ``refusal``: its answer to Configure.
    ``tell``: publishes a fact; ``write``: has lines for notify FIFOs; ``note``: tells state changes.
    """

    def __init__(self, pid: int, refusal: tuple[int, str] = (0, "")) -> None:
        self.pid = pid
        self.refusal = refusal
        self.holds: set[type[amp.Command]] = set()
        self.calls: list[Call] = []
        self.configurations: list[Configuration] = []
        self.killed = False
        self.ended: Ended | None = None
        self.tell: Callable[[Fact], object] = lambda _: None
        self.write: Callable[[str], object] = lambda _: None
        self.note: Callable[[str], object] = lambda _: None
        self._waiting: list[Deferred[Ended]] = []

    @property
    def commands(self) -> list[str]:
        """The names of what it was told."""
        return [call.command.__name__ for call in self.calls]

    def call(self, command: type[amp.Command], **arguments: object) -> Deferred[dict[str, Any]]:
        """Do it."""
        if self.ended is not None:
            return fail(ConnectionDone())
        call = Call(command, dict(arguments))
        self.calls.append(call)
        if command is commands.Configure:
            _, configuration = unpack(self._parcel(call))
            self.configurations.append(configuration)
        elif command is commands.Apply:
            changes: Changes = unpack(self._parcel(call), self.configurations[-1])
            self.configurations.append(changes.configuration)
        if command in self.holds:
            return call.answered
        if command is commands.Configure:
            status, words = self.refusal
            call.answer(status=status, words=words)
        elif command is commands.Stop:
            call.answer()
            self.end(Ended(status=0))
        else:
            if command is commands.Report:
                os.write(call.arguments["into"], f"{call.arguments['what']} of {self.pid}\n".encode())
            elif command is commands.RunChecks:
                os.write(call.arguments["into"], f'["{call.arguments["target"]}"]'.encode())
            call.answer(**({"words": f"costs {self.pid}"} if command is commands.Foresee else {}))
        return call.answered

    @staticmethod
    def _parcel(call: Call) -> bytes:
        parcel: int = call.arguments["parcel"]
        return os.pread(parcel, os.fstat(parcel).st_size, 0)

    def end(self, ended: Ended) -> None:
        """The process ends; what it has not answered fails."""
        self.ended = ended
        for call in self.calls:
            if not call.answered.called:
                call.answered.errback(ConnectionDone())
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(ended)

    def listen(
        self,
        heard: Callable[[Fact], object],
        lines: Callable[[str], object],
        notes: Callable[[str], object],
    ) -> None:
        """``tell`` it, ``write`` them, ``note`` them."""
        self.tell, self.write, self.note = heard, lines, notes

    def when_ended(self) -> Deferred[Ended]:
        """As the real one."""
        if self.ended is not None:
            return succeed(self.ended)
        self._waiting.append(Deferred())
        return self._waiting[-1]

    def kill(self) -> None:
        """It ends at once."""
        self.killed = True
        self.end(Ended(signal=9))


@implementer(IRunner)
class FakeRunner:
    """Remembers.

    ``refusal``: why it cannot prepare; ``slow``: ``apply`` fires when the test says so;
    ``cost``: what it foresees.
    """

    def __init__(self, refusal: RoleError | None = None) -> None:
        self.refusal = refusal
        self.slow = False
        self.prepared: list[Configuration] = []
        self.applied: list[Changes] = []
        self.pending: list[Deferred[None]] = []
        self.running = False
        self.stopped = False
        self.cleared = 0
        self.life = Life(Standing.RUNNING, 4711, 0.0)
        self.cost = ""

    def prepare(self, configuration: Configuration) -> Deferred[None]:
        """Remember it."""
        if self.refusal is not None:
            return fail(self.refusal)
        self.prepared.append(configuration)
        return succeed(None)

    def start(self) -> Deferred[None]:
        """Run."""
        self.running = True
        return succeed(None)

    def apply(self, changes: Changes) -> Deferred[None]:
        """Remember them."""
        self.applied.append(changes)
        if not self.slow:
            return succeed(None)
        self.pending.append(Deferred())
        return self.pending[-1]

    def stop(self) -> Deferred[None]:
        """Run no more."""
        self.running, self.stopped = False, True
        return succeed(None)

    def report(self, report: Report, version: int = 1) -> Deferred[bytes]:
        """Say what was asked."""
        return succeed(f"{report.value} {version}\n".encode())

    def foresee(self, fact: Fact) -> Deferred[str]:
        """Say what the test says."""
        return succeed(self.cost)

    def run_checks(self, target: str) -> Deferred[bytes]:
        """Say whose."""
        return succeed(f'["{target}"]'.encode())

    def clear_statistics(self) -> Deferred[None]:
        """Count it."""
        self.cleared += 1
        return succeed(None)
