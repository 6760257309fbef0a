"""An instance whose timers come late, for it stood still itself: what it did not hear is nobody's silence."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp.actions import State, TimerName

from .vrrp_helpers import Driven, kinds, lines, seconds


class BackupTests(SynchronousTestCase):
    def test_after_a_stall_of_our_own_the_master_has_the_time_of_one_more_advert(self) -> None:
        driven = Driven()
        driven.hear(200)
        actions = driven.expire(TimerName.MASTER_DOWN, late_us=seconds(2))
        self.assertEqual(lines(actions), ["(X) was held up for 2000 ms: waiting for one more advert"])
        self.assertEqual((driven.state, driven.waits_us(TimerName.MASTER_DOWN)), (State.BACKUP, 1_609_375))
        driven.hear(200)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_609_375)
        driven.expire(TimerName.MASTER_DOWN, late_us=seconds(2))
        self.assertEqual(driven.state, State.BACKUP)

    def test_a_stall_is_no_excuse_twice(self) -> None:
        driven = Driven()
        driven.expire(TimerName.MASTER_DOWN, late_us=seconds(2))
        driven.expire(TimerName.MASTER_DOWN, late_us=seconds(2))
        self.assertEqual(driven.state, State.MASTER)

    def test_a_stall_in_the_midst_of_a_silence_counts_too(self) -> None:
        driven = Driven()
        driven.hear(200)
        self.assertEqual(driven.waits_us(TimerName.OVERDUE), seconds(1.5))
        driven.expire(TimerName.OVERDUE)
        self.assertEqual(driven.waits_us(TimerName.OVERDUE), seconds(1))
        driven.expire(TimerName.OVERDUE, late_us=seconds(0.9))
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 1_609_375)
        driven.expire(TimerName.OVERDUE, late_us=seconds(0.3))
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 309_375)
        self.assertNotIn(TimerName.OVERDUE, driven.timers)
        driven.expire(TimerName.MASTER_DOWN)
        self.assertEqual(driven.state, State.MASTER)

    def test_nothing_is_overdue_for_a_master(self) -> None:
        driven = Driven()
        driven.hear(200)
        driven.expire(TimerName.MASTER_DOWN)
        self.assertEqual(driven.state, State.MASTER)
        self.assertNotIn(TimerName.OVERDUE, driven.timers)

    def test_a_timer_that_is_a_little_late_is_no_stall(self) -> None:
        for version, interval_us, late_us in ((2, seconds(1), 100_000), (3, 10_000, 2_500)):
            for more_us, state in ((0, State.MASTER), (1, State.BACKUP)):
                driven = Driven(version=version, advert_int_us=interval_us)
                driven.expire(TimerName.MASTER_DOWN, late_us=late_us + more_us)
                self.assertEqual(driven.state, state)


class MasterTests(SynchronousTestCase):
    def test_a_master_that_another_may_have_stood_in_for_wins_the_neighbours_back(self) -> None:
        driven = Driven()
        driven.become_master()
        self.assertEqual(kinds(driven.expire(TimerName.ADVERT, late_us=seconds(1.9))), [act.SendAdvert])
        actions = driven.expire(TimerName.ADVERT, late_us=seconds(2))
        self.assertEqual(kinds(actions), [act.SendAdvert, act.Announce])
        self.assertEqual(lines(actions), ["(X) was held up for 2000 ms: announcing the addresses again"])
