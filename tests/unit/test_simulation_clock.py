"""Simulated time against the clock that Twisted's own tests trust, and the end of a life."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.simulation.clock import LifeClock, WorldClock

#: Eighths of a second, which floats hold exactly.
TIMES = st.integers(0, 40).map(lambda eighths: eighths / 8)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), TIMES),
        st.tuples(st.just("cancel"), st.integers(0, 20)),
        st.tuples(st.just("reset"), st.integers(0, 20), TIMES),
        st.tuples(st.just("run"), TIMES),
    ),
    max_size=40,
)


class ClockTests(SynchronousTestCase):
    def test_interfaces(self) -> None:
        world = WorldClock()
        self.assertTrue(verifyObject(IReactorTime, world))
        self.assertTrue(verifyObject(IReactorTime, LifeClock(world, lambda: None)))

    def test_the_order_of_one_time_is_that_of_asking(self) -> None:
        clock = WorldClock()
        told: list[object] = []
        clock.callLater(1, told.append, "first")
        clock.at(1, told.append, "second")
        clock.callLater(1, lambda: clock.callLater(0, told.append, clock.now_us))
        clock.run_until(1)
        self.assertEqual(told, ["first", "second", 1_000_000])

    @given(STEPS)
    def test_calls_come_when_those_of_twisteds_clock_come(self, steps: list[tuple[Any, ...]]) -> None:
        theirs, ours = Clock(), WorldClock()
        told: tuple[list[tuple[int, float]], list[tuple[int, float]]] = ([], [])
        calls: list[tuple[Any, Any]] = []
        for step in steps:
            match step:
                case ("call", delay):
                    number = len(calls)
                    calls.append(
                        (
                            theirs.callLater(delay, lambda n: told[0].append((n, theirs.seconds())), number),
                            ours.callLater(delay, lambda n: told[1].append((n, ours.seconds())), number),
                        )
                    )
                case ("cancel", number) if number < len(calls) and calls[number][0].active():
                    for call in calls[number]:
                        call.cancel()
                case ("reset", number, delay) if number < len(calls) and calls[number][0].active():
                    for call in calls[number]:
                        call.reset(delay)
                case ("run", duration):
                    # task.Clock tells a call the end of its step, ours the time that it is due.
                    end = theirs.seconds() + duration
                    theirs.advance(0)
                    while theirs.seconds() < end:
                        theirs.advance(1 / 8)
                    ours.run_until(end)
            active = [sum(call.active() for call in side) for side in zip(*calls, strict=True)]
            self.assertEqual(active[:1], active[1:])
        theirs.advance(0)
        ours.run_until(ours.seconds())
        self.assertEqual(sorted(told[0]), sorted(told[1]))
        self.assertEqual([at for _, at in told[1]], sorted(at for _, at in told[1]))

    def test_with_a_life_ends_all_that_it_waits_for(self) -> None:
        world = WorldClock()
        told: list[str] = []
        lives = [LifeClock(world, lambda: told.append("enter")) for _ in range(2)]
        for number, life in enumerate(lives):
            life.callLater(1, told.append, f"called {number}")
        lives[0].do(told.append, "done")
        lives[0].end()
        lives[0].do(told.append, "not done")
        world.run_until(2)
        self.assertEqual(told, ["enter", "done", "enter", "called 1"])
