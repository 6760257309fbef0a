"""The process of one role: obeys its supervisor, and ends when that is gone.

Descriptor 3 is the socket to the supervisor.  Until the log is open, what goes
wrong is told on stderr, which the supervisor logs.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from functools import partial
from types import FrameType
from typing import Any, NoReturn

from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger, globalLogBeginner
from twisted.protocols import amp
from twisted.python.failure import Failure

from kaltwisted import __version__
from kaltwisted.alerts.notify import PIPES
from kaltwisted.config.diff import Changes
from kaltwisted.config.model import SECOND_US, Configuration
from kaltwisted.daemon import signals
from kaltwisted.daemon.ending import end_with
from kaltwisted.daemon.log import observer
from kaltwisted.daemon.role import commands, notes
from kaltwisted.daemon.role.capabilities import keep_only
from kaltwisted.daemon.role.collector import beside_the_reactor, postpone_collections, resume_collections
from kaltwisted.daemon.role.facts import Facts
from kaltwisted.daemon.role.kinds import KINDS
from kaltwisted.daemon.role.libc import prctl
from kaltwisted.daemon.role.lines import Lines
from kaltwisted.daemon.role.local import LocalRunner
from kaltwisted.daemon.role.naming import name_process, role_name
from kaltwisted.daemon.role.parcel import read_all, unpack
from kaltwisted.daemon.role.scheduling import Scheduling
from kaltwisted.daemon.role.seam import FATAL, Report, RoleError, RoleKind
from kaltwisted.daemon.settings import Settings
from kaltwisted.ports import Fact, StateChange

ORPHAN_S = 20
"""How long a role may take to end when its supervisor is gone."""

_PR_SET_PDEATHSIG = 1
_ORPHANED = signal.SIGRTMIN + 5


class Control(amp.AMP):  # type: ignore[misc,unused-ignore]
    """The role's end of the socket: carries out what the supervisor says."""

    _log = Logger()

    def __init__(self, kind: RoleKind, reactor: Any) -> None:
        super().__init__()
        self._kind = kind
        self._reactor = reactor
        self._scheduling = Scheduling(kind.keyword, reactor)
        self._facts = Facts()
        self._facts.listen(kind.tells, self._tell)
        self._lines = Lines(reactor, self.callRemote)
        self._notes = Lines(reactor, self.callRemote, commands.Noted)
        self._runner: LocalRunner | None = None
        self._configuration: Configuration | None = None
        self._ends_with: int | None = None
        self._leaving = False
        self._stopped: Deferred[None] | None = None

    # -- commands -----------------------------------------------------------------------

    @commands.Configure.responder
    def configure(self, parcel: int) -> Deferred[dict[str, object]]:
        """Open the log, take the process's place in the system, build the role."""
        settings: Settings
        settings, self._configuration = unpack(read_all(parcel))
        globalLogBeginner.beginLoggingTo(
            [observer(settings, self._kind.ident)], redirectStandardIO=False, discardBuffer=False
        )
        # Before any thread runs: rights are a thread's.
        why = keep_only(self._kind.capabilities)
        if why is not None:
            self._log.warn("{why}", why=why)
        self._adopt(self._configuration)
        self._runner = LocalRunner(self._kind, settings, self._reactor, self._facts, self._write, self._note)
        prepared: Deferred[Any] = self._runner.prepare(self._configuration)
        return prepared.addCallbacks(lambda _: self._prepared(), self._refused)

    def _prepared(self) -> dict[str, object]:
        self._watch_lateness()
        return {"status": 0, "words": ""}

    def _watch_lateness(self) -> None:
        """Have the priority rise when timers come too late, where the role counts that."""
        assert self._runner is not None and self._configuration is not None
        role, defs = self._runner.role, self._configuration.global_defs
        lateness = None if role is None else role.lateness
        if lateness is not None:
            lateness.too_late_s = defs.min_auto_priority_delay / SECOND_US
            lateness.too_late = partial(self._scheduling.step_up, defs.max_auto_priority)

    def _adopt(self, configuration: Configuration) -> None:
        """Be the process that the configuration asks for."""
        name_process(role_name(configuration.global_defs, self._kind.keyword))
        for line in self._scheduling.adopt(self._kind.process(configuration)):
            self._log.warn("{line}", line=line)

    def _refused(self, failure: Failure) -> dict[str, object]:
        failure.trap(RoleError)
        error = failure.value
        assert isinstance(error, RoleError)
        self._end_after_answer(error.status)
        return {"status": error.status, "words": str(error)}

    @commands.Start.responder
    def start(self) -> dict[str, object]:
        """Begin to work."""
        assert self._runner is not None
        self._runner.start()
        resume_collections()
        return {}

    @commands.Apply.responder
    def apply(self, parcel: int) -> Deferred[dict[str, object]]:
        """Unpack beside the reactor, which has better to do, and go over."""
        return Deferred.fromCoroutine(self._apply(parcel))

    async def _apply(self, parcel: int) -> dict[str, object]:
        assert self._runner is not None
        pool = self._reactor.getThreadPool()
        with beside_the_reactor():
            changes: Changes = await deferToThreadPool(self._reactor, pool, self._unpack, parcel)
        self._configuration = changes.configuration
        if changes.global_defs:
            self._adopt(changes.configuration)
            self._watch_lateness()
        await self._runner.apply(changes)
        return {}

    def _unpack(self, parcel: int) -> Any:
        return unpack(read_all(parcel), self._configuration)

    @commands.Tell.responder
    def hear(self, **words: Any) -> dict[str, object]:
        """Somebody else's fact."""
        self._facts.publish(commands.Tell.fact(**words))
        return {}

    def _tell(self, fact: Fact) -> None:
        """Ours, to the supervisor; when that is gone, nobody is left who would want it."""
        self.callRemote(commands.Tell, **commands.Tell.of(fact)).addErrback(lambda _: None)

    def _write(self, lines: str) -> None:
        """Lines for notify FIFOs, where the supervisor has any that they would go to."""
        assert self._configuration is not None
        if any(getattr(self._configuration.global_defs, name) for name in PIPES.get(self._kind.name, ())):
            self._lines.write(lines)

    def _note(self, change: StateChange) -> None:
        """What operators may want to know."""
        self._notes.write(notes.line(change, time.time()))

    @commands.Stop.responder
    def stop(self) -> Deferred[dict[str, object]]:
        """Hand over, answer, and end."""
        return Deferred.fromCoroutine(self._hand_over())

    async def _hand_over(self) -> dict[str, object]:
        await self._stop()
        self._lines.flush()
        self._notes.flush()
        self._end_after_answer(0)
        return {}

    def _end_after_answer(self, status: int) -> None:
        """What is written goes out before the connection ends, and we with it."""
        self._ends_with = status
        # TERM may have been quicker, and then nobody is left who would hear the answer.
        if self.transport is not None:
            self._reactor.callLater(0, self.transport.loseConnection)

    @commands.Ping.responder
    def ping(self) -> dict[str, object]:
        """We live."""
        return {}

    @commands.Report.responder
    def report(self, what: str, version: int, into: int) -> Deferred[dict[str, object]]:
        """Tell."""
        return Deferred.fromCoroutine(self._report(Report(what), version, into))

    async def _report(self, report: Report, version: int, into: int) -> dict[str, object]:
        assert self._runner is not None
        with open(into, "wb") as file:
            await self._runner.write_report(report, version, file.write)
        return {}

    @commands.Foresee.responder
    def foresee(self, **words: Any) -> Deferred[dict[str, object]]:
        """Look ahead."""
        assert self._runner is not None
        return self._runner.foresee(commands.Tell.fact(**words)).addCallback(lambda said: {"words": said})

    @commands.RunChecks.responder
    def run_checks(self, target: str, into: int) -> Deferred[dict[str, object]]:
        """Check, and tell."""
        return Deferred.fromCoroutine(self._run_checks(target, into))

    async def _run_checks(self, target: str, into: int) -> dict[str, object]:
        assert self._runner is not None
        with open(into, "wb") as file:
            file.write(await self._runner.run_checks(target))
        return {}

    @commands.ClearStatistics.responder
    def clear_statistics(self) -> dict[str, object]:
        """Count from zero."""
        if self._runner is not None:
            self._runner.clear_statistics()
        return {}

    # -- the end --------------------------------------------------------------------------

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """We have answered to the end, or the supervisor is gone."""
        super().connectionLost(reason)
        if self._ends_with is None:
            self.orphaned()
        else:
            self._leave(self._ends_with)

    def orphaned(self) -> None:
        """Nobody is left to tell us anything: hand over what a successor would not take, and end."""
        if self._leaving:
            return
        signal.alarm(ORPHAN_S)
        self._log.warn("The supervisor is gone: ending")
        if self._runner is not None and self._runner.role is not None:
            self._runner.role.let_go()
        self._leave(FATAL)

    def told_to_end(self) -> None:
        """TERM, sent to us alone or to all of the daemon's processes."""
        self._leave(0)

    def _leave(self, status: int) -> None:
        if not self._leaving:
            self._leaving = True
            end_with(self._reactor, status)

    def shut_down(self) -> Deferred[None]:
        """The reactor is about to stop, for whatever reason; fires when it may."""
        self._leaving = True
        self._scheduling.stop()
        return self._stop()

    def _stop(self) -> Deferred[None]:
        """Stop the role, once; every caller hears of its end."""
        if self._stopped is None:
            self._stopped = succeed(None) if self._runner is None else self._runner.stop()
            self._stopped.addErrback(lambda failure: self._log.failure("Stopping", failure))
        heard: Deferred[None] = Deferred()
        self._stopped.addCallback(heard.callback)
        return heard


def main(words: Sequence[str]) -> NoReturn:
    """Run the role that is named first; the second word is the supervisor's version."""
    name, version = words
    if version != __version__:
        # Its parcels may be of another shape, and only a restart of the whole daemon helps.
        print(f"kaltwisted was upgraded from {version} to {__version__}: restart it", file=sys.stderr)
        sys.exit(FATAL)
    _die_with_the_parent()
    postpone_collections()
    from twisted.internet import reactor

    control = Control(KINDS[name], reactor)
    factory = Factory.forProtocol(lambda: control)
    reactor.adoptStreamConnection(  # type: ignore[attr-defined]
        commands.CONTROL, socket.AF_UNIX, factory
    )
    os.close(commands.CONTROL)
    reactor.addSystemEventTrigger("before", "shutdown", control.shut_down)
    reactor.callWhenRunning(_listen_to_signals, control, reactor)
    reactor.run()
    sys.exit(0)


def _die_with_the_parent() -> None:
    """Hear of the supervisor's death, in case that we do not come to read the end of its socket.

    By a signal of its own: it comes when the main thread dies, and as long as
    another thread does not we still have the parent that we had.
    """
    try:
        prctl(_PR_SET_PDEATHSIG, _ORPHANED)
    except OSError:
        pass  # and the end of the socket tells it all the same


def _listen_to_signals(control: Control, reactor: Any) -> None:
    supervisor = os.getppid()

    def end(_: int, __: FrameType | None) -> None:
        reactor.callFromThread(control.told_to_end)

    def orphaned(_: int, __: FrameType | None) -> None:
        signal.alarm(ORPHAN_S)
        reactor.callFromThread(control.orphaned)

    def pass_on(number: int, _: FrameType | None) -> None:
        os.kill(supervisor, number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(_ORPHANED, orphaned)
    # A terminal sends it to all of us, and the supervisor tells us what follows.  (Ignored
    # in the other way, it would be ignored by our scripts, too.)
    signal.signal(signal.SIGINT, lambda *_: None)
    # What operators send to a daemon is the supervisor's to answer.
    for number in signals.OPERATORS:
        signal.signal(number, pass_on)
    signals.release()
