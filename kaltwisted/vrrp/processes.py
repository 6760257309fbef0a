"""How many processes there are of those that are tracked, and whether that is enough.  Pure.

``Census`` counts; a ``Quorum`` for each ``vrrp_track_process`` turns the
number into good or bad, after the delays.  How the command lines are compared
and which delay counts when is keepalived 2.2.7's way, by trying it.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from kaltwisted.config.model import ParamMatch, VrrpTrackProcess
from kaltwisted.ports import Process


def by_command(definition: VrrpTrackProcess) -> bool:
    """Whether the command line is compared, not the kernel's name: where arguments are named, too."""
    return definition.full_command or len(definition.process) > 1


def matches(definition: VrrpTrackProcess, process: Process) -> bool:
    """Whether a process is one of those.

    ``initial``: the arguments, NUL between them, begin so, be it in the middle of one.
    ``partial``: the first arguments are these, whole.
    """
    program, *arguments = definition.process
    if not by_command(definition):
        return process.name == program
    if not process.command or process.command[0] != program:
        return False
    found = list(process.command[1:])
    match definition.param_match:
        case ParamMatch.INITIAL:
            return "\0".join(found).startswith("\0".join(arguments))
        case ParamMatch.PARTIAL:
            return found[: len(arguments)] == arguments
        case ParamMatch.EXACT:
            return found == arguments
        case None:
            return not arguments or found == arguments


class Census:
    """To each definition the processes that match it."""

    def __init__(self, definitions: Iterable[VrrpTrackProcess]) -> None:
        self._definitions = {each.name: each for each in definitions}
        self._of: dict[int, frozenset[str]] = {}
        self.numbers = dict.fromkeys(self._definitions, 0)

    @property
    def needs_command(self) -> bool:
        """Whether command lines are compared at all."""
        return any(map(by_command, self._definitions.values()))

    @property
    def pids(self) -> frozenset[int]:
        """The processes that match any."""
        return frozenset(self._of)

    def seen(self, pid: int, process: Process | None) -> bool:
        """This is what a process is now (None: gone); whether that changes a number."""
        if process is None:
            return self._put(pid, frozenset())
        found = (name for name, each in self._definitions.items() if matches(each, process))
        return self._put(pid, frozenset(found))

    def forked(self, parent: int, child: int) -> bool:
        """The child is what its parent is, until it runs another program; whether that changes a number."""
        return self._put(child, self._of.get(parent, frozenset()))

    def _put(self, pid: int, names: frozenset[str]) -> bool:
        before = self._of.pop(pid, frozenset())
        if names:
            self._of[pid] = names
        for name in before - names:
            self.numbers[name] -= 1
        for name in names - before:
            self.numbers[name] += 1
        return names != before


@attrs.define
class Quorum:
    """Whether there are enough processes, and not too many.

    ``good`` None: not counted yet.  ``due``: when (monotonic µs) it turns, if
    the number stays as it is.
    """

    definition: VrrpTrackProcess
    good: bool | None = None
    number: int = 0
    due: int | None = None

    def fits(self, number: int) -> bool:
        """Whether that many are right."""
        most = self.definition.quorum_max
        if most == 0:  # none may run
            return number == 0
        return number >= self.definition.quorum and (most is None or number <= most)

    def count(self, number: int, now: int, *, forked: bool = False) -> None:
        """There are so many now.  ``forked``: the newest came by a fork, and may yet become another."""
        fits, fewer = self.fits(number), number < self.number
        self.number = number
        if self.good is None:
            self.good, self.due = fits, None  # the first count has no delay
        elif fits is self.good:
            self.due = None
        elif self.due is None:
            delay_us = self.definition.fork_delay_us if forked else 0
            self.due = now + (self.definition.terminate_delay_us if fewer else delay_us)

    def turn(self, now: int) -> bool:
        """Turn if it is time; whether it did."""
        if self.due is None or now < self.due:
            return False
        self.due, self.good = None, not self.good
        return True
