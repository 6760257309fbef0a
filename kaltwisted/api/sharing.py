"""One answer for all who ask at a time: a hundred clients cost what one does, in work and in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


class Shared(Generic[T]):
    """A question that is under way at most once; who asks meanwhile shares the next answer.

    :param ask: asks it.
    """

    def __init__(self, ask: Callable[[], Deferred[T]]) -> None:
        self._ask = ask
        self._under_way = False
        self._waiting: list[Deferred[T]] = []

    def answer(self) -> Deferred[T]:
        """An answer that is newer than the call; who cancels it leaves the others theirs."""
        waiting: Deferred[T] = Deferred(self._leave)
        self._waiting.append(waiting)
        if not self._under_way:
            self._begin()
        return waiting

    def _begin(self) -> None:
        self._under_way = True
        waiting, self._waiting = self._waiting, []
        self._ask().addBoth(self._answered, waiting)

    def _answered(self, answer: T | Failure, waiting: list[Deferred[T]]) -> None:
        self._under_way = False
        for each in waiting:
            if not each.called:
                each.callback(answer)
        if self._waiting and not self._under_way:
            self._begin()

    def _leave(self, waiting: Deferred[T]) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
