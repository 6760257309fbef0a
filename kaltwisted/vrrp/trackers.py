"""Runs ``vrrp_script``s at their intervals, apart from VRRP's own timing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kaltwisted.config.model import VrrpScript
from kaltwisted.ports import IScripts, ScriptResult
from kaltwisted.vrrp.track import ScriptRuns, ScriptState, Verdict


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
        self._make = partial(_Tracker, scripts=scripts, clock=clock, turned=turned)
        self._trackers = [self._make(each) for each in definitions]

    @property
    def verdicts(self) -> dict[str, bool]:
        """The scripts that are known to be good or bad."""
        return {
            each.definition.name: each.state.good for each in self._trackers if each.state.good is not None
        }

    @property
    def states(self) -> tuple[ScriptState, ...]:
        """What is known of each script, in the order configured."""
        return tuple(each.state for each in self._trackers)

    @property
    def runs(self) -> tuple[ScriptRuns, ...]:
        """When each ran last and runs next, in the order configured."""
        return tuple(ScriptRuns(each.state, each.last_run, each.next_run) for each in self._trackers)

    def start(self) -> None:
        """Run all of them, now and at their intervals."""
        for tracker in self._trackers:
            tracker.start()

    def reconfigure(self, definitions: Iterable[VrrpScript]) -> None:
        """Run these from now on.  Who has not changed notices nothing, who has goes on from its verdict."""
        before = {each.definition.name: each for each in self._trackers}
        self._trackers = []
        for definition in definitions:
            tracker = before.pop(definition.name, None)
            if tracker is None or tracker.definition != definition:
                old, tracker = tracker, self._make(definition)
                if old is not None:
                    old.stop()
                    tracker.state.go_on_from(old.state)
                tracker.start()
            self._trackers.append(tracker)
        for gone in before.values():
            gone.stop()

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
        self.definition = definition
        self._scripts = scripts
        self._clock = clock
        self._turned = turned
        self.state = ScriptState(definition)
        self._next: IDelayedCall | None = None
        self._next_at = 0.0
        self.last_run: float | None = None
        self._running: Deferred[None] | None = None
        # keepalived: a run that takes longer than its interval has failed.
        self._timeout_us = definition.timeout_us or definition.interval_us

    @property
    def next_run(self) -> float | None:
        return None if self._next is None else self._next_at

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
        interval = self.definition.interval_us / 1e6
        now = self._clock.seconds()
        # Past intervals that were slept through (a suspended machine) are not made up for.
        self._next_at = max(self._next_at + interval, now)
        self._next = self._clock.callLater(self._next_at - now, self._due)
        if self.state.due():
            self.last_run = now
            running = self._scripts.run(self.definition.script, self._timeout_us)
            self._running = running.addCallbacks(self._ended, self._not_run)
            if self._running.called:
                self._running = None
        self._tell()

    def _ended(self, result: ScriptResult) -> None:
        self._running = None
        verdict = self.state.finished(result)
        self._tell()
        if verdict is not Verdict.NONE:
            self._turned(self.definition.name, verdict is Verdict.GOOD)

    def _not_run(self, failure: Failure) -> None:
        self._running = None
        if not failure.check(CancelledError):
            self._log.failure("Tracked script {script}", failure, script=self.definition.name)

    def _tell(self) -> None:
        for line in self.state.lines:
            self._log.info("{line}", line=line)
        self.state.lines.clear()
