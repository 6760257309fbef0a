"""Turns of the reactor and lateness of timers are counted, reported and begun anew."""

from __future__ import annotations

from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.selectreactor import SelectReactor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.daemon.role.lateness import CLASSES_MS, Lateness, LatenessSeen
from kaltwisted.daemon.role.turns import TurnsSeen, TurnWatch, section, watch_turns


class Turns(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.watch = TurnWatch(self.clock.seconds)
        self.lines: list[dict[str, Any]] = []
        self.patch(self.watch, "_log", self)

        def wait(timeout: float, most: int) -> tuple[float, int]:
            self.clock.advance(100)
            return timeout, most

        self.wait = self.watch.around(wait)
        self.turn(5)
        self.assertEqual(self.watch.seen().long, 0, "the start is no turn")
        self.watch.clear()

    def debug(self, text: str, **values: Any) -> None:
        self.lines.append(values)

    def turn(self, took: float) -> None:
        self.clock.advance(took)
        self.assertEqual(self.wait(0.5, 7), (0.5, 7))

    def test_the_wait_is_no_part_of_a_turn(self) -> None:
        for took in (0.001, 0.004, 0.0051, 0.002):
            self.turn(took)
        seen = self.watch.seen()
        self.assertEqual((seen.count, seen.long), (4, 1))
        self.assertAlmostEqual(seen.longest_s, 0.0051)

    def test_a_wait_that_fails_ends_too(self) -> None:
        def wait(timeout: float, most: int) -> None:
            self.clock.advance(100)
            raise OSError

        failing = self.watch.around(wait)
        for _ in range(2):
            with self.assertRaises(OSError):
                failing(0, 0)
        self.assertEqual(self.watch.seen().longest_s, 0)

    def test_long_turns_are_logged_one_a_second(self) -> None:
        def at_once(timeout: float, most: int) -> None:
            return None

        self.wait = self.watch.around(at_once)
        for _ in range(251):
            self.clock.advance(0.01)
            self.wait(0, 0)
        self.assertEqual(self.watch.seen().long, 250)
        self.assertIn(len(self.lines), (2, 3))
        self.assertAlmostEqual(self.lines[0]["ms"], 10)
        self.assertIn(self.lines[1]["untold"], (99, 100))

    def test_clear_begins_anew(self) -> None:
        self.turn(0.02)
        self.watch.clear()
        self.turn(0.001)
        seen = self.watch.seen()
        self.assertEqual((seen.count, seen.long), (1, 0))

    def test_a_reactor_that_is_watched_works_as_before(self) -> None:
        reactor = EPollReactor()
        self.addCleanup(lambda: [reader.connectionLost(None) for reader in reactor.removeAll()])
        watch = watch_turns(reactor)
        assert watch is not None
        self.assertIs(watch_turns(reactor), watch)
        called: list[bool] = []
        reactor.callFromThread(called.append, True)
        reactor.callLater(0, called.append, True)
        reactor.iterate(0)
        reactor.iterate(0)
        self.assertEqual(called, [True, True])
        self.assertEqual(watch.seen().count, 2)

    def test_reactors_that_wait_otherwise_are_left_alone(self) -> None:
        select = SelectReactor()
        self.addCleanup(lambda: [reader.connectionLost(None) for reader in select.removeAll()])
        self.assertIsNone(watch_turns(select))
        self.assertIsNone(watch_turns(Clock()))


class Late(SynchronousTestCase):
    def test_each_is_counted_in_its_class(self) -> None:
        lateness = Lateness()
        for late_ms in (-3, 0, 0.1, 0.11, 1, 2, 3, 5, 7, 50, 51, 900):
            lateness.note(late_ms / 1000)
        seen = lateness.seen()
        self.assertEqual(seen.classes, (3, 2, 1, 2, 1, 1, 2))
        self.assertEqual(sum(seen.classes), seen.count)
        self.assertEqual(len(seen.classes), len(CLASSES_MS) + 1)
        self.assertAlmostEqual(seen.longest_s, 0.9)
        self.assertAlmostEqual(seen.mean_s * 12, 1.01921)

    def test_clear_begins_anew(self) -> None:
        lateness = Lateness()
        lateness.note(1)
        before = lateness.seen()
        lateness.clear()
        self.assertEqual(lateness.seen(), LatenessSeen())
        self.assertEqual(before.count, 1, "what was taken stays as it was")


class Section(SynchronousTestCase):
    def test_it_has_keepalived_s_layout(self) -> None:
        turns = TurnsSeen(0.0, 1000, 3, 0.0123456)
        late = LatenessSeen(7, 0.0001, 0.0512, (1, 2, 0, 0, 3, 0, 1))
        lines = list(section(turns, late))
        self.assertEqual(lines[0], "------< Timers >------")
        self.assertTrue(lines[1].startswith(" Since = "))
        self.assertEqual(
            lines[2:],
            [
                " Turns = 1000",
                " Turns over 5 ms = 3",
                " Longest turn = 12.346 ms",
                " Timers = 7",
                " Mean lateness = 0.100 ms",
                " Longest lateness = 51.200 ms",
                " Late up to 0.1 ms = 1",
                " Late up to 1 ms = 2",
                " Late up to 2 ms = 0",
                " Late up to 5 ms = 0",
                " Late up to 10 ms = 3",
                " Late up to 50 ms = 0",
                " Late over 50 ms = 1",
            ],
        )
        self.assertEqual(list(section(None)), ["------< Timers >------"])
