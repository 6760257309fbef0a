"""alerts.turns: nobody hogs the slots."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts.turns import Turns


class TestTurns(SynchronousTestCase):
    def test_a_lane_that_hangs_leaves_room_for_others(self) -> None:
        turns: Turns[str] = Turns(4, 3)
        for n in range(10):
            turns.add("hung", f"hung {n}")
        self.assertEqual([turns.take() for _ in range(4)], ["hung 0", "hung 1", "hung 2", None])
        turns.add("check", "check 0")
        self.assertEqual(turns.take(), "check 0")
        turns.add("check", "check 1")
        self.assertIsNone(turns.take())
        turns.done("check")
        self.assertEqual(turns.take(), "check 1")
        self.assertEqual((turns.running, turns.waiting), (4, 7))

    def test_lanes_take_turns(self) -> None:
        turns: Turns[str] = Turns(9, 9)
        for item in ("a0", "a1", "a2", "b0", "c0"):
            turns.add(item[0], item)
        self.assertEqual([turns.take() for _ in range(5)], ["a0", "b0", "c0", "a1", "a2"])

    def test_taken_back(self) -> None:
        turns: Turns[str] = Turns(1, 1)
        turns.add("a", "a0")
        turns.add("a", "a1")
        self.assertTrue(turns.remove("a", "a0"))
        self.assertFalse(turns.remove("a", "a0"))
        self.assertFalse(turns.remove("z", "z0"))
        self.assertEqual(turns.take(), "a1")
        self.assertFalse(turns.remove("a", "a1"))

    @given(st.lists(st.one_of(st.integers(0, 4), st.just("done"))))
    def test_bounds_hold_and_nothing_is_lost(self, steps: list[int | str]) -> None:
        turns: Turns[tuple[int, int]] = Turns(5, 3)
        running: list[tuple[int, int]] = []
        added: list[tuple[int, int]] = []
        seen: list[tuple[int, int]] = []
        for count, step in enumerate(steps):
            if isinstance(step, int):
                added.append((step, count))
                turns.add(step, (step, count))
            elif running:
                turns.done(running.pop(0)[0])
            while (item := turns.take()) is not None:
                running.append(item)
                seen.append(item)
            self.assertLessEqual(len(running), 5)
            for lane in range(5):
                self.assertLessEqual(sum(item[0] == lane for item in running), 3)
        while running:
            turns.done(running.pop()[0])
            while (item := turns.take()) is not None:
                running.append(item)
                seen.append(item)
        self.assertEqual(sorted(seen), sorted(added))
        for lane in range(5):
            mine = [item for item in seen if item[0] == lane]
            self.assertEqual(mine, sorted(mine), "first come, first served within a lane")
