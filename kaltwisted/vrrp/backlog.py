"""What is to be done in order and need not be done at once, a little per turn of the reactor."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from kaltwisted.vrrp.actions import Action
from kaltwisted.vrrp.group import Step
from kaltwisted.waiting import Waiting

#: What is worked off per reactor turn before others have theirs.
TURN_S = 0.002


class Backlog:
    """Actions of instances that wait for their turn.

    :param do: does one of an instance; what it raises is logged, and the others go on.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, do: Callable[[str, Action], object]) -> None:
        self._clock = clock
        self._do = do
        self._steps: deque[Step] = deque()
        self._due: IDelayedCall | None = None
        self._waiting = Waiting()

    def add(self, name: str, action: Action) -> None:
        """One more, after all that there are."""
        self._steps.append((name, action))
        if self._due is None:
            self._due = self._clock.callLater(0, self._work_off)

    def worked_off(self) -> Deferred[None]:
        """Fires when nothing waits any more."""
        return self._waiting.until(not self._steps)

    def rename(self, names: Mapping[str, str]) -> None:
        """Instances have other names."""
        self._steps = deque((names[name], action) for name, action in self._steps)

    def stop(self) -> None:
        """Do no more."""
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _work_off(self) -> None:
        self._due = None
        until = self._clock.seconds() + TURN_S
        while self._steps:
            name, action = self._steps.popleft()
            try:
                self._do(name, action)
            except Exception:  # whatever one action hits, the others are still to be done
                self._log.failure("({name}) {action}", name=name, action=action)
            if self._clock.seconds() >= until:
                break
        if self._steps:
            # What was done may have added to it, and so have asked for a turn already.
            self._due = self._due or self._clock.callLater(0, self._work_off)
            return
        self._waiting.tell()
