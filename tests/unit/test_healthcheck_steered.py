"""Checks that stand still, and attempts that an operator asks for."""

from __future__ import annotations

import attrs

from kaltwisted.config.model import SECOND_US
from kaltwisted.healthcheck.outcome import Outcome
from tests.unit.test_healthcheck_service import BAD, GOOD, TCP, TIMING, Case


class PausedTests(Case):
    def test_it_makes_no_attempt_and_goes_on_by_its_old_schedule(self) -> None:
        service = self.make(answer=GOOD)
        self.clock.advance(1)
        service.pause()
        self.assertIsNone(service.statistics.next_run)
        self.clock.pump([1] * 25)
        self.assertEqual(self.check.runs, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        service.resume()
        self.assertEqual(service.statistics.next_run, 31.0)
        self.clock.advance(5)
        self.assertEqual(self.check.runs, 2)

    def test_paused_before_its_start_it_stands_still_from_the_beginning(self) -> None:
        service = self.make()
        service.stopService()
        service.pause()
        service.startService()
        self.clock.advance(100)
        self.assertEqual(self.check.runs, 0)
        service.resume()
        self.clock.advance(11)
        self.assertEqual(self.check.runs, 1)

    def test_what_an_attempt_under_way_finds_changes_nothing(self) -> None:
        service = self.make()
        self.clock.advance(1)
        service.pause()
        self.check.finish(BAD)
        self.assertEqual((service.up, self.reports, self.clock.getDelayedCalls()), (True, [], []))
        self.assertEqual(service.statistics.last_outcome, BAD)

    def test_resumed_over_an_attempt_it_goes_on_with_what_that_finds(self) -> None:
        service = self.make()
        self.clock.advance(1)
        service.pause()
        service.resume()
        self.assertEqual(self.check.runs, 1)
        self.check.finish(BAD)
        self.assertFalse(service.up)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_a_reload_of_its_timing_wakes_it_not(self) -> None:
        service = self.make(answer=GOOD)
        service.pause()
        service.reconfigure(attrs.evolve(TIMING, delay_loop_us=SECOND_US))
        self.clock.pump([1] * 5)
        self.assertEqual(self.check.runs, 0)
        service.resume()
        self.clock.advance(1)
        self.assertEqual(self.check.runs, 1)


class RunNowTests(Case):
    def test_one_attempt_at_once_counts_and_the_schedule_stays(self) -> None:
        service = self.make()
        self.clock.advance(0.25)
        asked = service.run_now()
        self.assertNoResult(asked)
        self.assertEqual(self.check.runs, 1)
        self.check.finish(BAD)
        self.assertEqual(self.successResultOf(asked), BAD)
        self.assertFalse(service.up)
        self.assertEqual(service.statistics.next_run, 1.0)
        self.assertEqual(service.statistics.max_lateness, 0)

    def test_of_one_under_way_all_who_ask_hear(self) -> None:
        service = self.make()
        self.clock.advance(1)
        asked = [service.run_now(), service.run_now()]
        self.assertEqual(self.check.runs, 1)
        self.check.finish(GOOD)
        self.assertEqual([self.successResultOf(each) for each in asked], [GOOD, GOOD])

    def test_of_a_paused_check_it_is_told_and_changes_nothing(self) -> None:
        service = self.make(answer=BAD)
        service.pause()
        self.assertEqual(self.successResultOf(service.run_now()), BAD)
        self.assertEqual((service.up, self.reports, self.clock.getDelayedCalls()), (True, [], []))

    def test_over_a_stop_and_after_it_there_is_no_outcome(self) -> None:
        service = self.make()
        asked = service.run_now()
        service.stopService()
        self.assertIsNone(self.successResultOf(asked))
        self.assertIsNone(self.successResultOf(service.run_now()))
        self.assertEqual((self.check.runs, self.check.cancelled), (1, 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_defect_is_told_as_none(self) -> None:
        service = self.make()
        asked = service.run_now()
        self.check.running.pop().errback(RuntimeError("a defect"))
        self.assertIsNone(self.successResultOf(asked))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_in_place_of_a_retry_it_is_one(self) -> None:
        timing = attrs.evolve(TIMING, retry=1, delay_before_retry_us=5 * SECOND_US)
        service = self.make(attrs.evolve(TCP, timing=timing), answer=Outcome(True))
        self.clock.advance(1)
        self.check.answer = BAD
        self.clock.advance(10)
        self.assertTrue(service.up)
        service.run_now()
        self.assertFalse(service.up)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
