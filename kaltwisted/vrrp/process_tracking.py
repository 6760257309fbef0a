"""Counts tracked processes as the host tells of them, and says when there are enough or too few."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import CooperativeTask, TaskStopped
from twisted.logger import Logger
from twisted.python.failure import Failure

from kaltwisted.config.model import VrrpTrackProcess
from kaltwisted.ports import (
    IProcesses,
    ProcessChanged,
    ProcessesUnknown,
    ProcessEvent,
    ProcessForked,
    ProcessGone,
)
from kaltwisted.slices import in_slices
from kaltwisted.vrrp.processes import Census, Quorum


class ProcessTracking:
    """All tracked processes; ``turned`` hears ``(name, good)`` at the first count and whenever one turns.

    While all processes are looked at, nothing turns: one that is started
    afresh between two looks is not missed.
    """

    _log = Logger()

    def __init__(
        self,
        definitions: Iterable[VrrpTrackProcess],
        processes: IProcesses | None,
        clock: IReactorTime,
        turned: Callable[[str, bool], object],
    ) -> None:
        self._processes = processes
        self._clock = clock
        self._turned = turned
        self._quorums = {each.name: Quorum(each) for each in definitions}
        self._census = Census(definitions)
        self._looking: CooperativeTask[Iterator[None]] | None = None
        self._watching = False
        self._again = False
        self._timer: IDelayedCall | None = None

    @property
    def verdicts(self) -> dict[str, bool]:
        """The processes of which it is known whether there are enough."""
        return {name: each.good for name, each in self._quorums.items() if each.good is not None}

    @property
    def numbers(self) -> dict[str, int]:
        """How many there are of each that was counted."""
        return {name: each.number for name, each in self._quorums.items() if each.good is not None}

    @property
    def quorums(self) -> Mapping[str, Quorum]:
        """What is known of each, by name."""
        return self._quorums

    def start(self) -> None:
        """Count, if anything is tracked."""
        if self._quorums and self._processes is not None and not self._watching:
            self._watching = True
            self._processes.start(self._heard)

    def reconfigure(self, definitions: Iterable[VrrpTrackProcess]) -> None:
        """Count these from now on; what was good or bad stays so until it is counted."""
        wanted = {each.name: each for each in definitions}
        if wanted == {name: each.definition for name, each in self._quorums.items()}:
            return
        before = self._quorums
        self.stop()
        self._quorums = {}
        for name, definition in wanted.items():
            old = before.get(name)
            if old is not None and old.definition != definition:
                old = Quorum(definition, old.good, old.number)
            self._quorums[name] = Quorum(definition) if old is None else old
        self._census = Census(wanted.values())
        self.start()

    def stop(self) -> None:
        """Count no more."""
        self._look_no_more()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._watching and self._processes is not None:
            self._processes.stop()
        self._watching = False

    # -- what happens -------------------------------------------------------------------

    def _heard(self, event: ProcessEvent) -> None:
        match event:
            case ProcessForked(parent, child):
                changed, forked = self._census.forked(parent, child), True
            case ProcessChanged(pid):
                changed, forked = self._look(pid), False
            case ProcessGone(pid):
                changed, forked = self._census.seen(pid, None), False
            case ProcessesUnknown():
                self._look_at_all()
                return
        if changed and self._looking is None:
            self._count(forked=forked)

    def _look(self, pid: int) -> bool:
        assert self._processes is not None
        process = self._processes.look(pid, command=self._census.needs_command)
        return self._census.seen(pid, process)

    def _look_at_all(self) -> None:
        """If it is being done, again afterwards: it must come to an end however often it is asked for."""
        if self._looking is not None:
            self._again = True
            return
        self._again = False
        self._looking = in_slices(self._each(), self._clock)
        self._looking.whenDone().addCallbacks(self._looked, self._not_looked)

    def _each(self) -> Iterator[None]:
        assert self._processes is not None
        there = self._processes.pids()
        for pid in self._census.pids - there:
            self._census.seen(pid, None)
        for pid in there:
            self._look(pid)
            yield

    def _looked(self, _: object) -> None:
        self._looking = None
        self._count()
        if self._again:
            self._look_at_all()

    def _not_looked(self, failure: Failure) -> None:
        if not failure.check(TaskStopped):
            self._looking = None
            self._log.failure("Looking at processes", failure)

    def _look_no_more(self) -> None:
        if self._looking is not None:
            task, self._looking = self._looking, None
            task.stop()

    # -- what follows from it -----------------------------------------------------------

    def _now(self) -> int:
        return int(self._clock.seconds() * 1_000_000)

    def _count(self, *, forked: bool = False) -> None:
        now = self._now()
        for name, quorum in self._quorums.items():
            first = quorum.good is None
            quorum.count(self._census.numbers[name], now, forked=forked)
            if first:
                self._turned(name, bool(quorum.good))
        self._turn()

    def _turn(self) -> None:
        """Turn what is due, and come again when the next is."""
        now = self._now()
        for name, quorum in tuple(self._quorums.items()):
            if quorum.turn(now):
                how = "gained" if quorum.good else "lost"
                self._log.info("Quorum {how} for tracked process {name}", how=how, name=name)
                self._turned(name, bool(quorum.good))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = min((each.due for each in self._quorums.values() if each.due is not None), default=None)
        if due is not None:
            # A microsecond more: rounding must not bring us here before it is time.
            delay = max(0.0, (due + 1) / 1_000_000 - self._clock.seconds())
            self._timer = self._clock.callLater(delay, self._is_due)

    def _is_due(self) -> None:
        self._timer = None
        self._turn()
