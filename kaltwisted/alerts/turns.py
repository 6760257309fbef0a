"""Whose turn it is: a bounded number of things at once, fairly shared between lanes.  Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Lets at most ``limit`` run at once and at most ``share`` of one lane; lanes take turns.

    A lane whose things all hang (a notify script that waits for a dead
    server) so never keeps the others from running.
    """

    def __init__(self, limit: int, share: int) -> None:
        self._limit = limit
        self._share = share
        self._running: dict[Hashable, int] = {}
        # In the order of their turns: a lane that was served goes to the end.
        self._waiting: dict[Hashable, deque[T]] = {}

    @property
    def running(self) -> int:
        """How many have been taken and are not done."""
        return sum(self._running.values())

    @property
    def waiting(self) -> int:
        """How many are queued."""
        return sum(len(lane) for lane in self._waiting.values())

    def add(self, lane: Hashable, item: T) -> None:
        """Queue ``item`` at the end of its lane."""
        self._waiting.setdefault(lane, deque()).append(item)

    def remove(self, lane: Hashable, item: T) -> bool:
        """Take a queued ``item`` back; False when its turn had come already."""
        try:
            self._waiting.get(lane, deque()).remove(item)
        except ValueError:
            return False
        if not self._waiting[lane]:
            del self._waiting[lane]
        return True

    def take(self) -> T | None:
        """The next that may run now, or None.  Its lane must be told to ``done`` when it has ended."""
        if self.running >= self._limit:
            return None
        for lane, items in self._waiting.items():
            if self._running.get(lane, 0) < self._share:
                item = items.popleft()
                del self._waiting[lane]
                if items:
                    self._waiting[lane] = items
                self._running[lane] = self._running.get(lane, 0) + 1
                return item
        return None

    def done(self, lane: Hashable) -> None:
        """One of ``lane`` has ended."""
        self._running[lane] -= 1
        if not self._running[lane]:
            del self._running[lane]
