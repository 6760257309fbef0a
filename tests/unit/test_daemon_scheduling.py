"""Priority, processors, memory and the limit of real-time turns, with a kernel of the test's."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model_process import ProcessSettings
from kaltwisted.daemon.role import realtime
from kaltwisted.daemon.role.scheduling import Scheduling
from kaltwisted.daemon.role.system import UNLIMITED, System

RESET = os.SCHED_RESET_ON_FORK
ORDINARY = (os.SCHED_OTHER | RESET, 0)
REAL_TIME = (os.SCHED_RR | RESET, 50)
LIMIT_US = realtime.DEFAULT_LIMIT_US
HARD_US = realtime.LEAST_HARD_LIMIT_US


class FakeSystem(System):
    """A kernel that notes what it is told.  ``refuses``: names of methods that are not permitted."""

    def __init__(self, *refuses: str) -> None:
        self.refuses = set(refuses)
        self.value_of_nice = 0
        self.value_of_policy = (os.SCHED_OTHER, 0)
        self.processors = frozenset({0, 1})
        self.there = frozenset({0, 1})
        self.limits = (UNLIMITED, UNLIMITED)
        self.may_lock = True
        self.locked = False
        self.calls: list[str] = []
        self.over: Callable[[], None] = self.fail

    def fail(self) -> None:
        raise AssertionError("SIGXCPU would have ended the process")

    def _told(self, what: str) -> None:
        if what in self.refuses:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        self.calls.append(what)

    def nice(self) -> int:
        return self.value_of_nice

    def set_nice(self, value: int) -> None:
        self._told("set_nice")
        self.value_of_nice = value

    def policy(self) -> tuple[int, int]:
        return self.value_of_policy

    def set_policy(self, policy: int, priority: int) -> None:
        if priority:
            self._told("set_policy")
        self.value_of_policy = policy, priority

    def affinity(self) -> frozenset[int]:
        return self.processors

    def set_affinity(self, processors: frozenset[int]) -> None:
        self._told("set_affinity")
        if not processors & self.there:
            raise OSError(errno.EINVAL, "Invalid argument")
        self.processors = processors & self.there

    def rttime(self) -> tuple[int, int]:
        return self.limits

    def set_rttime(self, soft: int, hard: int) -> None:
        self._told("set_rttime")
        self.calls.pop()
        before = self.limits[1]
        if before != UNLIMITED and (hard == UNLIMITED or hard > before):
            raise PermissionError(errno.EPERM, "not allowed to raise maximum limit")
        assert hard == UNLIMITED or 0 < soft <= hard
        self.limits = soft, hard

    def may_lock_memory(self) -> bool:
        return self.may_lock

    def lock_memory(self) -> None:
        self._told("lock_memory")
        self.locked = True

    def unlock_memory(self) -> None:
        self.locked = False

    def answer_rttime(self, how: Callable[[], None]) -> None:
        self.over = how

    def exceed(self) -> None:
        """What the kernel does at the soft limit: a signal, and another second."""
        self.limits = self.limits[0] + 1_000_000, self.limits[1]
        self.over()


class Reactor(Clock):
    """A clock that signal handlers may call."""

    def callFromThread(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.callLater(0, call, *arguments)


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = Reactor()
        self.system = FakeSystem()

    def scheduling(self) -> Scheduling:
        return Scheduling("vrrp", self.reactor, self.system)


class Adopts(Case):
    def test_nothing_said_changes_nothing_but_what_children_inherit(self) -> None:
        self.assertEqual(self.scheduling().adopt(ProcessSettings()), ())
        self.assertEqual(self.system.value_of_policy, ORDINARY)
        self.assertEqual(self.system.calls, [])
        self.assertEqual(self.system.limits, (UNLIMITED, UNLIMITED))

    def test_all_at_once_and_taken_back_by_a_reload(self) -> None:
        scheduling = self.scheduling()
        everything = ProcessSettings(
            priority=-5, no_swap=True, rt_priority=50, cpu_affinity=(1,), rlimit_rttime=20_000
        )
        self.assertEqual(scheduling.adopt(everything), ())
        system = self.system
        self.assertEqual(system.value_of_nice, -5)
        self.assertEqual(system.value_of_policy, REAL_TIME)
        self.assertEqual(system.processors, {1})
        self.assertTrue(system.locked)
        self.assertEqual(system.limits, (20_000, HARD_US))
        told = list(system.calls)
        self.assertEqual(scheduling.adopt(everything), ())
        self.assertEqual(system.calls, [*told, "set_policy"], "what is so already is not asked for again")
        self.assertEqual(scheduling.adopt(ProcessSettings()), ())
        self.assertEqual(system.value_of_nice, 0)
        self.assertEqual(system.value_of_policy, ORDINARY)
        self.assertEqual(system.processors, {0, 1})
        self.assertFalse(system.locked)
        self.assertEqual(system.limits, (HARD_US, HARD_US))

    def test_who_was_started_real_time_stays_so_and_his_scripts_are_not(self) -> None:
        self.system.value_of_policy = (os.SCHED_FIFO, 7)
        self.assertEqual(self.scheduling().adopt(ProcessSettings()), ())
        self.assertEqual(self.system.value_of_policy, (os.SCHED_FIFO | RESET, 7))
        self.assertEqual(self.system.limits, (UNLIMITED, UNLIMITED))

    def test_what_is_not_permitted_is_told_with_what_would_help(self) -> None:
        self.system.refuses = {"set_nice", "set_policy"}
        self.system.may_lock = False
        words = self.scheduling().adopt(ProcessSettings(priority=-5, no_swap=True, rt_priority=50))
        self.assertEqual(
            words,
            (
                "vrrp_priority -5: Operation not permitted"
                " (it needs CAP_SYS_NICE, or LimitNICE=-5 in the unit)",
                "vrrp_no_swap: not permitted (it needs CAP_IPC_LOCK, or LimitMEMLOCK=infinity in the unit)",
                "vrrp_rt_priority 50: Operation not permitted"
                " (it needs CAP_SYS_NICE, or LimitRTPRIO=50 in the unit)",
            ),
        )
        self.assertFalse(self.system.locked)

    def test_processors_that_are_not_there(self) -> None:
        scheduling = self.scheduling()
        [some] = scheduling.adopt(ProcessSettings(cpu_affinity=(0, 8, 9)))
        self.assertIn("no processor 8 9", some)
        self.assertEqual(self.system.processors, {0})
        [none] = scheduling.adopt(ProcessSettings(cpu_affinity=(9,)))
        self.assertIn("vrrp_cpu_affinity 9: this machine has no such", none)
        self.assertEqual(self.system.processors, {0})

    def test_a_hard_limit_that_cannot_be_raised_is_told(self) -> None:
        self.system.limits = (UNLIMITED, 1_000_000)
        scheduling = self.scheduling()
        self.assertEqual(scheduling.adopt(ProcessSettings(rt_priority=50)), ())
        self.assertEqual(self.system.limits, (LIMIT_US, 1_000_000))
        [words] = scheduling.adopt(ProcessSettings(rt_priority=50, rlimit_rttime=2_000_000))
        self.assertIn("vrrp_rlimit_rttime 2000000: 500000 is used", words)
        self.assertEqual(self.system.limits, (500_000, 1_000_000))

    def test_where_no_limit_can_be_set_the_priority_is_had_without(self) -> None:
        self.system.refuses = {"set_rttime"}
        [words] = self.scheduling().adopt(ProcessSettings(rt_priority=50))
        self.assertIn("vrrp_rlimit_rttime: no limit", words)
        self.assertEqual(self.system.value_of_policy, REAL_TIME)


class LongTurns(Case):
    def setUp(self) -> None:
        super().setUp()
        self.real_time = realtime.RealTime("vrrp", self.reactor, self.system)
        self.lines: list[dict[str, Any]] = []
        self.patch(self.real_time, "_log", self)
        self.real_time.adopt(50, None)

    def warn(self, text: str, **values: Any) -> None:
        self.lines.append(values)

    def test_ordinary_at_once_and_real_time_again_after_a_second(self) -> None:
        self.system.exceed()
        self.assertEqual(self.system.value_of_policy, ORDINARY)
        self.assertEqual(self.lines, [], "within the signal handler nothing is logged")
        self.reactor.advance(0)
        self.assertEqual([line["limit"] for line in self.lines], [LIMIT_US])
        self.reactor.advance(0.9)
        self.assertEqual(self.system.value_of_policy, ORDINARY)
        self.reactor.advance(0.1)
        self.assertEqual(self.system.value_of_policy, REAL_TIME)
        self.assertEqual(self.system.limits[0], LIMIT_US + 1_000_000, "the old turn still counts")
        self.reactor.advance(realtime.SETTLE_S)
        self.assertEqual(self.system.limits, (LIMIT_US, HARD_US))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_all_are_counted_and_few_are_logged(self) -> None:
        for _ in range(10):
            self.system.exceed()
            self.reactor.pump([0, 1, 1])
        self.assertEqual(self.real_time.long_turns, 10)
        self.assertEqual(len(self.lines), 1)
        self.reactor.advance(realtime.LOG_EVERY_S)
        self.system.exceed()
        self.reactor.advance(0)
        self.assertEqual([line["n"] for line in self.lines], [1, 11])

    def test_a_second_signal_during_the_pause_is_nothing_new(self) -> None:
        self.system.exceed()
        self.system.exceed()
        self.reactor.advance(0)
        self.assertEqual(self.real_time.long_turns, 1)

    def test_a_reload_during_the_pause_decides(self) -> None:
        self.system.exceed()
        self.real_time.adopt(None, None)
        self.reactor.pump([0, 1, 1])
        self.assertEqual(self.system.value_of_policy, ORDINARY)
        self.system.over()
        self.assertEqual(self.real_time.long_turns, 1)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_the_permission_may_be_gone_by_then(self) -> None:
        self.system.exceed()
        self.system.refuses = {"set_policy"}
        self.reactor.pump([0, 1, 1])
        self.assertEqual(self.system.value_of_policy, ORDINARY)
        self.assertEqual(self.lines[-1], {"why": "Operation not permitted"})

    def test_nothing_is_scheduled_after_stop(self) -> None:
        self.system.exceed()
        self.reactor.advance(0)
        self.real_time.stop()
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class StepsUp(Case):
    """``max_auto_priority``: the numbers are keepalived 2.2.7's."""

    def stepped(self, most: int, configured: int | None = None, times: int = 4) -> list[int]:
        self.setUp()
        self.real_time = realtime.RealTime("vrrp", self.reactor, self.system)
        self.real_time.adopt(configured, None)
        priorities = []
        for _ in range(times):
            self.real_time.step_up(most)
            priorities.append(self.system.value_of_policy[1])
        return priorities

    def test_by_1_each_time_up_to_the_most(self) -> None:
        self.assertEqual(self.stepped(2), [1, 2, 2, 2])
        self.assertEqual(self.system.value_of_policy, (os.SCHED_RR | RESET, 2))
        self.assertEqual(self.system.limits, (LIMIT_US, HARD_US), "a real-time process has a limit")
        self.assertEqual(self.stepped(12, 10), [11, 12, 12, 12])
        self.assertEqual(self.stepped(5, 10), [10] * 4)
        self.assertEqual(self.stepped(0), [0] * 4)
        self.assertEqual(self.stepped(-1), [0] * 4)
        self.assertEqual(self.system.limits, (UNLIMITED, UNLIMITED))

    def test_a_reload_begins_anew(self) -> None:
        self.stepped(9)
        self.real_time.adopt(None, None)
        self.assertEqual(self.system.value_of_policy, ORDINARY)
        self.assertEqual(self.system.limits, (HARD_US, HARD_US))
        self.real_time.step_up(9)
        self.assertEqual(self.system.value_of_policy[1], 1)

    def test_after_a_long_turn_it_is_what_it_was(self) -> None:
        self.stepped(9)
        self.system.exceed()
        self.real_time.step_up(9)
        self.assertEqual(self.system.value_of_policy, ORDINARY)
        self.reactor.pump([0, 1, 1])
        self.assertEqual(self.system.value_of_policy[1], 4)

    def test_what_is_not_permitted_is_told_once(self) -> None:
        self.system.refuses = {"set_policy"}
        real_time = realtime.RealTime("vrrp", self.reactor, self.system)
        real_time.adopt(None, None)
        with capturedLogs() as events:
            for _ in range(3):
                real_time.step_up(9)
        [line] = [formatEvent(each) or "" for each in events]
        self.assertIn("max_auto_priority 9: Operation not permitted", line)
        self.assertEqual(self.system.value_of_policy, ORDINARY)


class TheSystemItself(SynchronousTestCase):
    """What needs no permission, on the present process."""

    def test_what_it_tells(self) -> None:
        system = System()
        self.assertEqual(system.nice(), os.nice(0))
        self.assertEqual(system.policy()[0] & ~RESET, os.sched_getscheduler(0) & ~RESET)
        self.assertEqual(system.affinity(), os.sched_getaffinity(0))
        system.set_affinity(system.affinity())
        system.set_rttime(*system.rttime())
        self.assertIn(system.may_lock_memory(), (True, False))

    def test_the_signal_calls_what_was_given(self) -> None:
        before = signal.getsignal(signal.SIGXCPU)
        self.addCleanup(signal.signal, signal.SIGXCPU, before)
        called: list[bool] = []
        System().answer_rttime(lambda: called.append(True))
        signal.raise_signal(signal.SIGXCPU)
        self.assertEqual(called, [True])
