"""Runs ``vrrp_script``s at their intervals, apart from VRRP's own timing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kaltwisted.config.model import VrrpScript
from kaltwisted.ports import IScripts, ScriptResult
from kaltwisted.vrrp.track import ScriptState, Verdict


class Trackers:
    """All tracked scripts; ``turned`` hears ``(name, good)`` whenever one turns.

    The first run is at once, the next on an absolute schedule.  A script that
    still runs when its time comes again is not run twice.
    """

    def __init__(
        self,
        definitions: Iterable[VrrpScript],
        scripts: IScripts,
        clock: IReactorTime,
        turned: Callable[[str, bool], object],
    ) -> None:
        self._trackers = [_Tracker(each, scripts, clock, turned) for each in definitions]

    def start(self) -> None:
        """Run all of them, now and at their intervals."""
        for tracker in self._trackers:
            tracker.start()

    def stop(self) -> None:
        """Run none any more; what runs is ended."""
        for tracker in self._trackers:
            tracker.stop()


class _Tracker:
    _log = Logger()

    def __init__(
        self,
        definition: VrrpScript,
        scripts: IScripts,
        clock: IReactorTime,
        turned: Callable[[str, bool], object],
    ) -> None:
        self._definition = definition
        self._scripts = scripts
        self._clock = clock
        self._turned = turned
        self._state = ScriptState(definition)
        self._next: IDelayedCall | None = None
        self._next_at = 0.0
        self._running: Deferred[None] | None = None
        # keepalived: a run that takes longer than its interval has failed.
        self._timeout_us = definition.timeout_us or definition.interval_us

    def start(self) -> None:
        self._next_at = self._clock.seconds()
        self._due()

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._running is not None:
            self._running.cancel()

    def _due(self) -> None:
        interval = self._definition.interval_us / 1e6
        now = self._clock.seconds()
        # Past intervals that were slept through (a suspended machine) are not made up for.
        self._next_at = max(self._next_at + interval, now)
        self._next = self._clock.callLater(self._next_at - now, self._due)
        if self._state.due():
            running = self._scripts.run(self._definition.script, self._timeout_us)
            self._running = running.addCallbacks(self._ended, self._not_run)
            if self._running.called:
                self._running = None
        self._tell()

    def _ended(self, result: ScriptResult) -> None:
        self._running = None
        verdict = self._state.finished(result)
        self._tell()
        if verdict is not Verdict.NONE:
            self._turned(self._definition.name, verdict is Verdict.GOOD)

    def _not_run(self, failure: Failure) -> None:
        self._running = None
        if not failure.check(CancelledError):
            self._log.failure("Tracked script {script}", failure, script=self._definition.name)

    def _tell(self) -> None:
        for line in self._state.lines:
            self._log.info("{line}", line=line)
        self._state.lines.clear()
