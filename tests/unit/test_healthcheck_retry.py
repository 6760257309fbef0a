"""The retry rule and the schedule."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import SECOND_US, CheckTiming
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.retry import Retry, Step
from kaltwisted.healthcheck.schedule import GRID_S, first_run, next_slot, phase

GOOD, BAD = Outcome(True), Outcome(False)


def steps(rule: Retry, *outcomes: Outcome) -> list[Step]:
    return [rule.handle(outcome) for outcome in outcomes]


class RetryTests(SynchronousTestCase):
    def test_first_failure_after_start_decides_without_retries(self) -> None:
        rule = Retry(CheckTiming(retry=3))
        self.assertEqual(steps(rule, BAD, BAD), [Step.WENT_DOWN, Step.STEADY])
        self.assertFalse(rule.up)

    def test_later_failures_use_up_the_retries_first(self) -> None:
        rule = Retry(CheckTiming(retry=2))
        self.assertEqual(
            steps(rule, GOOD, BAD, BAD, BAD, BAD),
            [Step.CONFIRMED, Step.RETRY, Step.RETRY, Step.WENT_DOWN, Step.STEADY],
        )

    def test_a_success_between_failures_gives_the_retries_back(self) -> None:
        rule = Retry(CheckTiming(retry=1))
        self.assertEqual(
            steps(rule, GOOD, BAD, GOOD, BAD, BAD),
            [Step.CONFIRMED, Step.RETRY, Step.STEADY, Step.RETRY, Step.WENT_DOWN],
        )

    def test_without_retries_the_first_failure_counts(self) -> None:
        self.assertEqual(steps(Retry(CheckTiming(retry=0)), GOOD, BAD), [Step.CONFIRMED, Step.WENT_DOWN])

    def test_one_success_brings_it_back_with_all_retries(self) -> None:
        rule = Retry(CheckTiming(retry=1))
        self.assertEqual(
            steps(rule, BAD, GOOD, BAD, BAD), [Step.WENT_DOWN, Step.WENT_UP, Step.RETRY, Step.WENT_DOWN]
        )

    def test_alpha_waits_for_the_first_success(self) -> None:
        rule = Retry(CheckTiming(alpha=True))
        self.assertFalse(rule.up)
        self.assertEqual(steps(rule, BAD, BAD, GOOD), [Step.CONFIRMED, Step.STEADY, Step.WENT_UP])

    def test_an_adopted_state_goes_before_alpha(self) -> None:
        self.assertEqual(steps(Retry(CheckTiming(alpha=True), up=True), GOOD), [Step.CONFIRMED])
        self.assertEqual(steps(Retry(CheckTiming(), up=False), GOOD), [Step.WENT_UP])

    def test_a_dynamic_weight_is_told_when_it_changes(self) -> None:
        heavy, light = attrs.evolve(GOOD, weight=9), attrs.evolve(GOOD, weight=1)
        rule = Retry(CheckTiming(retry=0))
        self.assertEqual(
            steps(rule, heavy, heavy, light, BAD, light),
            [Step.CONFIRMED, Step.STEADY, Step.REWEIGHTED, Step.WENT_DOWN, Step.WENT_UP],
        )

    @given(st.lists(st.booleans()), st.integers(0, 4), st.booleans())
    def test_whatever_happens_up_follows_the_turns_told(
        self, results: list[bool], retry: int, alpha: bool
    ) -> None:
        rule = Retry(CheckTiming(retry=retry, alpha=alpha))
        up = rule.up
        for good in results:
            step = rule.handle(Outcome(good))
            up = {Step.WENT_UP: True, Step.WENT_DOWN: False}.get(step, up)
            self.assertEqual(rule.up, up)
            self.assertLessEqual(rule.retries_used, retry)
            if good:
                self.assertTrue(rule.up)


class ScheduleTests(SynchronousTestCase):
    def test_first_run_comes_a_second_after_start_plus_a_share_of_warmup(self) -> None:
        timing = CheckTiming(warmup_us=10 * SECOND_US)
        due = first_run(timing, "[10.0.0.1]:tcp:80", now=100.0)
        self.assertTrue(101.0 <= due < 111.0 + GRID_S)
        self.assertEqual(due, first_run(timing, "[10.0.0.1]:tcp:80", now=100.0))
        self.assertEqual(first_run(attrs.evolve(timing, warmup_us=0), "any", now=100.0), 101.0)

    def test_neighbours_are_spread_evenly(self) -> None:
        tenths = [int(phase(f"[10.0.{n // 250}.{n % 250}]:tcp:80") * 10) for n in range(5000)]
        self.assertTrue(all(400 < tenths.count(tenth) < 600 for tenth in range(10)))

    def test_checks_of_one_instant_share_a_turn(self) -> None:
        timing = CheckTiming(warmup_us=SECOND_US)
        runs = {first_run(timing, f"[10.0.0.{n}]:tcp:80", now=7.0 + n / 1000) for n in range(1000)}
        self.assertLessEqual(len(runs), 2 / GRID_S + 1)
        self.assertGreater(len(runs), 0.9 / GRID_S)

    def test_an_attempt_that_overran_skips_to_the_next_slot(self) -> None:
        self.assertEqual(next_slot(origin=10.0, period=2.0, now=10.1), 12.0)
        self.assertEqual(next_slot(origin=10.0, period=2.0, now=15.0), 16.0)

    def test_a_run_exactly_on_its_slot_is_not_run_twice(self) -> None:
        self.assertEqual(next_slot(origin=10.0, period=2.0, now=12.0), 14.0)

    @given(st.floats(0, 2e9), st.floats(0.001, 86400.0), st.floats(-1e6, 1e6))
    def test_the_next_slot_is_ahead_by_a_period_at_most(
        self, origin: float, period: float, passed: float
    ) -> None:
        now = origin + passed
        due = next_slot(origin, period, now)
        self.assertGreater(due, now)
        self.assertLessEqual(due - now, period * 2)
