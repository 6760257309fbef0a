"""Runs a role as a process of its own, and starts it again when it dies."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, DeferredLock, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.config.diff import Changes, compare
from kaltwisted.config.model import Configuration, LvsTimeouts
from kaltwisted.daemon import pidfile
from kaltwisted.daemon.child import Ended, IChild
from kaltwisted.daemon.role import commands, notes
from kaltwisted.daemon.role.facts import Facts
from kaltwisted.daemon.role.parcel import in_memory, pack, read_all
from kaltwisted.daemon.role.seam import (
    FATAL,
    PERMANENT,
    IRunner,
    Life,
    Report,
    RoleError,
    RoleKind,
    Standing,
    Tell,
)
from kaltwisted.daemon.settings import Settings
from kaltwisted.ports import Fact, InThread, StateChange
from kaltwisted.respawn import Respawn

PING_S: Final = 1.0
PINGS_MISSED: Final = 10
"""A role that has not answered for so many pings in a row is stuck, and is killed."""
STOP_S: Final = 20.0
"""How long a role may take to hand over; longer than it gives to its scripts."""

READY_S: Final = 30.0
"""How long a role may take to start and to take its configuration; after that it counts as stuck, too."""
KILLED_MOST: Final = 3
"""How often a role may be killed while it gets ready before that is a refusal."""


class _EndedError(RoleError):
    """The process has ended instead of answering."""

    def __init__(self, ended: Ended) -> None:
        status = ended.status if ended.status in PERMANENT else FATAL
        super().__init__(f"its process {ended}", status or FATAL)
        self.ended = ended


@implementer(IRunner)
class ProcessRunner:
    """A role in a process of its own.

    :param launch: starts the process.
    :param fatal: told the exit status, when the role ended for what a restart does not help.
    :param in_thread: calls a function in a thread: what takes long must not hold up the other roles.
    :param facts: what roles know of one another's things.
    :param fifo: takes its lines for notify FIFOs.
    :param note: hears of the role's state changes and its process's, and when; None: now.
    :param pid_file: where its pid is written; None: nowhere.
    """

    _log = Logger()

    def __init__(
        self,
        kind: RoleKind,
        settings: Settings,
        launch: Callable[[RoleKind], IChild],
        clock: IReactorTime,
        fatal: Callable[[int], object],
        in_thread: InThread,
        facts: Facts,
        fifo: Tell,
        note: Callable[[StateChange, float | None], object],
        pid_file: Path | None = None,
    ) -> None:
        self.kind = kind
        self._settings = settings
        self._launch = launch
        self._clock = clock
        self._fatal = fatal
        self._in_thread = in_thread
        self._facts = facts
        self._fifo = fifo
        self._note = note
        self._leave_facts: Callable[[], None] | None = None
        self._pid_file = pid_file
        self._respawn = Respawn()
        self._child: IChild | None = None
        self._born_s = 0.0
        self._whole: Configuration | None = None
        # What the child has been given: of which whole, and the part.
        self._given: tuple[Configuration, Configuration] | None = None
        self._started = False
        # Its end, when it came before the start, which has to deal with it.
        self._early: tuple[Ended, IChild] | None = None
        self._stopping = False
        self._revival: IDelayedCall | None = None
        self._pings: LoopingCall | None = None
        self._missed = 0
        self._births = 0
        self._standing = Standing.DEAD
        self._since = clock.seconds()
        # Handing it a configuration, the first or another one.
        self._turn = DeferredLock()

    # -- IRunner --------------------------------------------------------------------------

    def prepare(self, configuration: Configuration) -> Deferred[None]:
        """Start the process, and have it build the role."""
        self._whole = configuration
        return self._turn.run(self._coroutine, self._get_ready)

    def start(self) -> Deferred[None]:
        """Let it begin."""
        self._started = True
        if self._child is None:
            if self._early is not None:
                self._deal_with(*self._early)
            return succeed(None)
        return self._turn.run(self._coroutine, self._begin, self._child).addErrback(self._ended_over_start)

    def apply(self, changes: Changes) -> Deferred[None]:
        """Hand it what differs.  While it is dead, nothing: its successor gets all."""
        before, self._whole = self._whole, changes.configuration
        return self._turn.run(self._coroutine, self._update, before, changes).addErrback(self._died_over_it)

    def stop(self) -> Deferred[None]:
        """Have it hand over; it is killed when it does not come to an end."""
        return self._coroutine(self._stop)

    @property
    def life(self) -> Life:
        """Its process as it is now."""
        pid = None if self._child is None else self._child.pid
        return Life(self._standing, pid, self._since, max(0, self._births - 1))

    def report(self, report: Report, version: int = 1) -> Deferred[bytes]:
        """Ask it."""
        return self._coroutine(self._written, commands.Report, what=report.value, version=version)

    def clear_statistics(self) -> Deferred[None]:
        """Tell it."""
        if self._child is None:
            return succeed(None)
        cleared = self._child.call(commands.ClearStatistics)
        return cleared.addCallback(lambda _: None).addErrback(self._died_over_it)

    def foresee(self, fact: Fact) -> Deferred[str]:
        """Ask it."""
        return self._coroutine(self._foresee, fact)

    def run_checks(self, target: str) -> Deferred[bytes]:
        """Have it do so."""
        return self._coroutine(self._written, commands.RunChecks, target=target)

    # -- one life -------------------------------------------------------------------------

    def _is(self, standing: Standing, why: str | None = None) -> None:
        before = None if standing is Standing.STARTING and self._births == 1 else self._standing.value
        self._standing, self._since = standing, self._clock.seconds()
        self._note(StateChange("role", self.kind.name, before, standing.value, why), None)

    def _bear(self) -> IChild:
        self._child = child = self._launch(self.kind)
        self._births += 1
        self._is(Standing.STARTING)
        self._early = None
        self._born_s = self._clock.seconds()
        self._given = None
        self._log.info("Starting {title} child process, pid={pid}", title=self.kind.title, pid=child.pid)
        if self._pid_file is not None:
            pidfile.write(self._pid_file, child.pid)
        child.listen(partial(self._heard, child), self._fifo, self._noted)
        child.when_ended().addCallback(self._over, child).addErrback(self._broken)
        return child

    async def _get_ready(self) -> None:
        """Start it and configure it; when somebody kills it over that, which is no refusal, another one."""
        for killed in itertools.count():
            try:
                child = self._bear()
            except OSError as error:
                raise RoleError(f"its process cannot be started: {error}") from None
            try:
                await self._configure(child)
                return
            except _EndedError as error:
                if self._stopping or error.ended.signal != signal.SIGKILL or killed >= KILLED_MOST:
                    raise
                self._log.warn("{title} was killed before it was ready", title=self.kind.title)

    async def _configure(self, child: IChild) -> None:
        """Hand it everything.  Raises RoleError where it cannot run."""
        whole = self._whole
        assert whole is not None
        part = self.kind.part(whole)
        with self._killed_after(READY_S, child, f"is not ready within {READY_S:g} seconds"):
            answer = await self._hand(child, commands.Configure, (self._settings, part), None)
        if answer["status"]:
            raise RoleError(answer["words"], answer["status"])
        self._given = whole, part

    async def _begin(self, child: IChild) -> None:
        # Watched from now on: it may be stuck in its start, too.
        self._missed = 0
        self._pings = LoopingCall(self._ping, child)
        self._pings.clock = self._clock
        self._pings.start(PING_S, now=False).addErrback(self._broken)
        self._leave_facts = self._facts.listen(self.kind.hears, partial(self._tell, child))
        await _answered(child, child.call(commands.Start))
        self._is(Standing.RUNNING)

    def _leave(self) -> None:
        """Tell it no more facts."""
        if self._leave_facts is not None:
            self._leave_facts()
            self._leave_facts = None

    def _heard(self, child: IChild, fact: Fact) -> None:
        if child is self._child:
            self._facts.publish(fact)

    def _noted(self, text: str) -> None:
        for at, change in notes.changes(text):
            self._note(change, at)

    def _tell(self, child: IChild, fact: Fact) -> None:
        child.call(commands.Tell, **commands.Tell.of(fact)).addErrback(_untold)

    async def _update(self, before: Configuration | None, changes: Changes) -> None:
        child = self._child
        if child is None or self._given is None or changes.configuration is not self._whole:
            return
        whole, part = self._given
        if whole is not before:
            changes = compare(whole, changes.configuration)
        changes = self.kind.part_of(changes)
        self._given = self._whole, changes.configuration
        defs = changes.configuration.global_defs
        # What others can change by hand is put right by a reload, so that is told of all the same.
        by_hand = defs.lvs_sync_daemon is not None or defs.lvs_timeouts != LvsTimeouts()
        if changes or by_hand:
            await self._hand(child, commands.Apply, changes, part)

    async def _hand(
        self, child: IChild, command: type[amp.Command], value: object, known: Configuration | None
    ) -> dict[str, Any]:
        parcel = in_memory(await self._in_thread(lambda: pack(value, known)))
        try:
            return await _answered(child, child.call(command, parcel=parcel))
        finally:
            os.close(parcel)

    async def _written(self, command: type[amp.Command], **arguments: object) -> bytes:
        """What it writes into a file in memory, at a command that asks for that."""
        child = self._child
        if child is None or self._given is None:
            return b""
        text = in_memory(b"")
        try:
            await _answered(child, child.call(command, **arguments, into=text))
        except RoleError as error:
            self._log.warn("{title}: no answer, {why}", title=self.kind.title, why=error)
            os.close(text)
            return b""  # what there is of it may be half an answer
        return read_all(text)

    async def _foresee(self, fact: Fact) -> str:
        child = self._child
        if child is None or self._given is None:
            return ""
        try:
            answer = await _answered(child, child.call(commands.Foresee, **commands.Tell.of(fact)))
        except RoleError:
            return ""  # that it ended is told where it ends
        return str(answer["words"])

    async def _stop(self) -> None:
        self._stopping = True
        if self._revival is not None:
            self._revival.cancel()
            self._revival = None
        self._leave()
        child = self._child
        if child is None:
            return
        with self._killed_after(STOP_S, child, f"does not end within {STOP_S:g} seconds"):
            # It may die over it, which is what we wait for.
            child.call(commands.Stop).addErrback(lambda _: None)
            await child.when_ended()

    def _ping(self, child: IChild) -> None:
        # Counted, not timed: when the whole machine stood still, it was nobody's fault.
        self._missed += 1
        if self._missed > PINGS_MISSED:
            self._kill(child, f"has not answered for {PINGS_MISSED} seconds")
        elif self._missed == 1:
            child.call(commands.Ping).addCallbacks(self._answered_ping, lambda _: None)

    def _answered_ping(self, _: object) -> None:
        self._missed = 0

    @contextmanager
    def _killed_after(self, seconds: float, child: IChild, why: str) -> Iterator[None]:
        """Kill it when what is done in the block takes longer."""
        limit = self._clock.callLater(seconds, self._kill, child, why)
        try:
            yield
        finally:
            if limit.active():
                limit.cancel()

    def _kill(self, child: IChild, why: str) -> None:
        self._log.error(
            "{title} child process({pid}) {why}: killing it", title=self.kind.title, pid=child.pid, why=why
        )
        child.kill()

    # -- death, and the next life -----------------------------------------------------------

    def _over(self, ended: Ended, child: IChild) -> None:
        if child is not self._child:
            return  # another lives already
        self._child = self._given = None
        self._is(Standing.DEAD, f"its process {ended}")
        self._leave()
        self._facts.forget(self.kind.tells)
        if self._pings is not None and self._pings.running:
            self._pings.stop()
        if self._pid_file is not None:
            pidfile.remove(self._pid_file)
        if self._stopping:
            return
        if self._started:
            self._deal_with(ended, child)
        else:
            self._early = ended, child

    def _deal_with(self, ended: Ended, child: IChild) -> None:
        title, pid = self.kind.title, child.pid
        if ended.status in PERMANENT:
            self._log.error(
                "pid {pid} exited with permanent error {word}. Terminating",
                pid=pid,
                word=PERMANENT[ended.status],
            )
            self._fatal(ended.status)
            return
        self._log.error("pid {pid} {ended}", pid=pid, ended=ended)
        if not self._settings.respawn:
            self._log.error("{title} child process({pid}) died: Exiting", title=title, pid=pid)
            self._fatal(FATAL)
            return
        self._log.error("{title} child process({pid}) died: Respawning", title=title, pid=pid)
        self._revive_in(self._respawn.delay_s(self._clock.seconds() - self._born_s))

    def _revive_in(self, delay_s: int) -> None:
        self._log.info(
            "Restart of {title} process delayed {delay} seconds to limit respawn rate",
            title=self.kind.title,
            delay=delay_s,
        )
        self._revival = self._clock.callLater(delay_s, self._revive)

    def _revive(self) -> None:
        self._revival = None
        try:
            child = self._bear()
        except OSError as error:
            self._log.error("{title} process cannot be started: {why}", title=self.kind.title, why=error)
            self._revive_in(self._respawn.delay_s(0.0))
            return
        self._turn.run(self._coroutine, self._live_again, child).addErrback(self._died_over_it)

    async def _live_again(self, child: IChild) -> None:
        await self._configure(child)
        await self._begin(child)

    def _died_over_it(self, failure: Failure) -> None:
        """That it ended is told, and dealt with, where it ends."""
        if failure.check(CancelledError):
            return  # the daemon stops in the middle of a reload
        if not failure.check(RoleError):
            self._broken(failure)
        elif self._child is not None:
            self._log.error("{title}: {why}", title=self.kind.title, why=failure.getErrorMessage())

    @staticmethod
    def _ended_over_start(failure: Failure) -> None:
        """That it ended is dealt with where it ends; one that lives and does not start is a defect."""
        failure.trap(_EndedError)

    def _broken(self, failure: Failure) -> None:
        self._log.failure("Supervision of {title}", failure, title=self.kind.title)

    @staticmethod
    def _coroutine(function: Callable[..., Any], *arguments: Any, **words: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(function(*arguments, **words))


def _untold(_: Failure) -> None:
    """It ends, and its successor is told all; or it has logged what went wrong."""


async def _answered(child: IChild, answer: Deferred[dict[str, Any]]) -> dict[str, Any]:
    """The answer; RoleError where the process ends without one, or cannot give it."""
    try:
        return await answer
    except amp.RemoteAmpError as error:
        # It has logged what went wrong, and lives.
        raise RoleError(f"process {child.pid}: {error}") from None
    except Exception:
        raise _EndedError(await child.when_ended()) from None
