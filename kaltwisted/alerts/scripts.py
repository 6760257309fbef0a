"""Runs scripts: MISC_CHECK, notify, quorum.  Provides IScripts.

Every script gets a session and process group of its own (``setsid``), so that
it can be ended whole, and another user by ``setpriv``: done in the child by
util-linux, since forking ourselves to do it stops the reactor ten times as
long as posix_spawn does, which Twisted takes when uid and directory stay.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.alerts.group import ProcessGroup
from kaltwisted.alerts.security import SEARCH_PATH, Identity, Users, find, is_root, tampering
from kaltwisted.alerts.turns import Turns
from kaltwisted.config.model import GlobalDefs, Script
from kaltwisted.ports import IScripts, ScriptResult

LIMIT = 64
SHARE = 48
STOP_WAIT_S = 10.0
# What of our own environment concerns a script: language and time zone, nothing of how we were started.
PASSED_ON = ("LANG", "LC_ALL", "TZ")


@attrs.define(eq=False)
class _Run:
    """One run, from its place in the queue to its end."""

    script: Script
    timeout_us: int | None
    arguments: tuple[str, ...]
    done: Deferred[ScriptResult]
    group: ProcessGroup | None = None


@implementer(IScripts)
class ScriptService(Service):
    """Runs scripts, at most ``limit`` at once and ``share`` of one program; the rest wait for their turn.

    ``global_defs`` tells ``script_user`` and ``enable_script_security``.  At
    stop the running scripts have ``STOP_WAIT_S`` to end, then they are ended.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, global_defs: GlobalDefs, *, limit: int = LIMIT, share: int = SHARE
    ) -> None:
        self._reactor = reactor
        self._users = Users(global_defs)
        self._secure = global_defs.enable_script_security
        self._turns: Turns[_Run] = Turns(limit, share)
        self._groups: set[ProcessGroup] = set()
        self._stopping = False
        self._closed = False
        self._starting = False
        self._stopped: Deferred[None] | None = None
        self._stop_limit: IDelayedCall | None = None

    # --- IScripts ------------------------------------------------------------------

    def run(
        self, script: Script, timeout_us: int | None = None, arguments: tuple[str, ...] = ()
    ) -> Deferred[ScriptResult]:
        """Run ``script`` when its turn has come; ``timeout_us`` counts from then on."""
        run = _Run(script, timeout_us, arguments, Deferred(lambda _: self._cancel(run)))
        if self._stopping:
            run.done.callback(ScriptResult(error="not started: the daemon is stopping"))
            return run.done
        self._turns.add(script.argv[0], run)
        self._start_waiting()
        return run.done

    def reconfigure(self, global_defs: GlobalDefs) -> None:
        """Start scripts by these settings from now on; users are looked up afresh."""
        self._users = Users(global_defs)
        self._secure = global_defs.enable_script_security

    # --- IService ------------------------------------------------------------------

    def startService(self) -> None:
        """Take scripts again after a stop."""
        super().startService()
        self._stopping = self._closed = False

    def stopService(self) -> Deferred[None]:
        """Take no more scripts; fires when those that were accepted have ended, by themselves or by us."""
        super().stopService()
        self._stopping = True
        self._stopped = Deferred()
        self._stop_limit = self._reactor.callLater(STOP_WAIT_S, self._end_all)
        stopped = self._stopped
        self._check_stopped()
        return stopped

    def _end_all(self) -> None:
        self._stop_limit = None
        self._closed = True
        for group in tuple(self._groups):
            self.log.warn("Script {script} is still running: ending it", script=str(group.script))
            group.end()

    def _check_stopped(self) -> None:
        if self._stopped is None or self._groups or self._turns.waiting:
            return
        stopped, self._stopped = self._stopped, None
        if self._stop_limit is not None:
            self._stop_limit.cancel()
            self._stop_limit = None
        stopped.callback(None)

    # --- one run -------------------------------------------------------------------

    def _start_waiting(self) -> None:
        if self._starting:  # a script that could not be started has ended: the loop below goes on
            return
        self._starting = True
        try:
            while (run := self._turns.take()) is not None:
                try:
                    self._start(run)
                except (LookupError, OSError, TypeError, ValueError) as error:
                    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                    self._finish(run, ScriptResult(error=words))
        finally:
            self._starting = False

    def _start(self, run: _Run) -> None:
        if self._closed:
            raise LookupError("not started: the daemon is stopping")
        who = self._users.of(run.script)
        program = find(run.script.argv[0])
        self._check_security(program, who)
        words = [_tool("setsid"), *_as_user(who), program, *run.script.argv[1:], *run.arguments]

        def ended(result: ScriptResult) -> None:
            self._finish(run, result)

        group = ProcessGroup(self._reactor, run.script, ended, self._gone)
        # Entered before it starts: a script may be over when spawnProcess returns.
        run.group = group
        self._groups.add(group)
        devnull = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._reactor.spawnProcess(
                group, words[0], words, env=_environment(who), childFDs={0: devnull, 1: "r", 2: "r"}
            )
        except BaseException:
            run.group = None
            self._groups.discard(group)
            raise
        finally:
            os.close(devnull)
        if run.timeout_us is not None and group in self._groups:
            group.limit(run.timeout_us / 1e6)

    def _finish(self, run: _Run, result: ScriptResult) -> None:
        self._turns.done(run.script.argv[0])
        if not run.done.called:
            run.done.callback(result)
        self._start_waiting()
        self._check_stopped()

    def _cancel(self, run: _Run) -> None:
        if run.group is not None:
            run.group.end()
        elif self._turns.remove(run.script.argv[0], run):
            self._check_stopped()
        run.done.errback(CancelledError())

    def _gone(self, group: ProcessGroup) -> None:
        self._groups.discard(group)
        self._check_stopped()

    # --- whether -------------------------------------------------------------------

    def _check_security(self, program: str, who: Identity | None) -> None:
        """Afresh at each run: who could not tamper with it at start may be able to now."""
        if self._secure and is_root(who):
            why = tampering(program)
            if why is not None:
                raise LookupError(f"insecure: {why}, and the script would run as root")


def _tool(name: str) -> str:
    found = shutil.which(name, path=SEARCH_PATH)
    if found is None:
        raise LookupError(f"{name} is missing (package util-linux)")
    return found


def _as_user(who: Identity | None) -> list[str]:
    if who is None:
        return []
    groups = "--init-groups" if who.groups else "--clear-groups"
    # A daemon that is not root has its capabilities for itself; somebody else's scripts get none.
    none = ["--inh-caps=-all", "--ambient-caps=-all"]
    return [_tool("setpriv"), f"--reuid={who.uid}", f"--regid={who.gid}", groups, *none, "--"]


def _environment(who: Identity | None) -> dict[str, str]:
    environment = {"PATH": SEARCH_PATH, "HOME": "/", "SHELL": "/bin/sh"}
    environment |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    if who is not None:
        environment |= {"HOME": who.home, "USER": who.name, "LOGNAME": who.name}
    return environment
