"""One answer for all who ask at a time: a hundred clients cost what one does, in work and in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

T = TypeVar("T")


class Shared(Generic[T]):
    """A question that is under way at most once; who asks meanwhile shares the next answer.

    :param ask: asks it.
    :param least_s: from one question to the next, by ``clock``; only who asks without a pause waits for it.
    """

    def __init__(
        self, ask: Callable[[], Deferred[T]], clock: IReactorTime | None = None, least_s: float = 0.0
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._least_s = least_s
        self._under_way = False
        self._began = float("-inf")
        self._waiting: list[Deferred[T]] = []

    def answer(self) -> Deferred[T]:
        """An answer that is newer than the call; who cancels it leaves the others theirs."""
        waiting: Deferred[T] = Deferred(self._leave)
        self._waiting.append(waiting)
        if not self._under_way:
            self._go_on()
        return waiting

    def _go_on(self) -> None:
        self._under_way = True
        clock = self._clock
        wait = 0.0 if clock is None else self._began + self._least_s - clock.seconds()
        if clock is not None and wait > 0:
            clock.callLater(wait, self._begin)
        else:
            self._begin()

    def _begin(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            self._under_way = False
            return
        if self._clock is not None:
            self._began = self._clock.seconds()
        self._ask().addBoth(self._answered, waiting)

    def _answered(self, answer: T | Failure, waiting: list[Deferred[T]]) -> None:
        self._under_way = False
        for each in waiting:
            if not each.called:
                each.callback(answer)
        if self._waiting and not self._under_way:
            self._go_on()

    def _leave(self, waiting: Deferred[T]) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
