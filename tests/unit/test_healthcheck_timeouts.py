"""Time-outs of many attempts on one delayed call."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.healthcheck.timeouts import Timeouts


class Attempt:
    """Notes when it timed out, and may then do something."""

    def __init__(self, clock: Clock, then: Callable[[], object] = lambda: None) -> None:
        self._clock = clock
        self._then = then
        self.ended: list[float] = []

    def timed_out(self) -> None:
        self.ended.append(self._clock.seconds())
        self._then()


class TimeoutsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.timeouts = Timeouts(self.clock, 3.0)

    def test_many_attempts_share_one_delayed_call_and_leave_none(self) -> None:
        attempts = [Attempt(self.clock) for _ in range(20)]
        for attempt in attempts:
            self.timeouts.begin(attempt)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        for attempt in attempts:
            self.timeouts.end(attempt)
            self.timeouts.end(attempt)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    @given(st.lists(st.tuples(st.integers(0, 2000), st.booleans()), min_size=1, max_size=30))
    def test_each_that_did_not_end_hears_of_it_once_and_on_time(self, begins: list[tuple[int, bool]]) -> None:
        clock = Clock()
        timeouts = Timeouts(clock, 3.0)
        made = []
        for pause_ms, ends in begins:
            clock.pump([pause_ms / 4000] * 4)
            attempt = Attempt(clock)
            made.append((attempt, clock.seconds(), ends))
            timeouts.begin(attempt)
            if ends:
                timeouts.end(attempt)
        clock.pump([0.25] * 13)
        for attempt, began, ends in made:
            self.assertEqual(len(attempt.ended), 0 if ends else 1)
            for ended in attempt.ended:
                self.assertTrue(2.99 <= ended - began <= 3.51)
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_one_that_times_out_may_end_another_and_begin_a_new_one(self) -> None:
        second, third = Attempt(self.clock), Attempt(self.clock)

        def then() -> None:
            self.timeouts.end(second)
            self.timeouts.begin(third)

        self.timeouts.begin(Attempt(self.clock, then))
        self.timeouts.begin(second)
        self.clock.advance(3)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.advance(3)
        self.assertEqual((second.ended, third.ended), ([], [6.0]))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_checks_of_one_reactor_share_them_by_length(self) -> None:
        shared = Timeouts.shared(self.clock, 3.0)
        self.assertIs(Timeouts.shared(self.clock, 3.0), shared)
        self.assertIsNot(Timeouts.shared(self.clock, 5.0), shared)
        self.assertIsNot(Timeouts.shared(Clock(), 3.0), shared)
