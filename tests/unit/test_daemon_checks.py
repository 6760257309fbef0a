"""Checks and pools through a reload: what goes on, what is made, what ends, what the table is asked for."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable
from ipaddress import ip_address

import attrs
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts.notify import NotifyQueue
from kaltwisted.config.diff import compare
from kaltwisted.config.model import (
    Check,
    CheckTiming,
    Configuration,
    Connection,
    FirewallMark,
    HttpCheck,
    MiscCheck,
    RealServer,
    Script,
    Url,
    VirtualAddress,
    VirtualServer,
)
from kaltwisted.daemon.role.checks import Checks
from kaltwisted.healthcheck.known import Known
from kaltwisted.healthcheck.service import CheckService
from kaltwisted.lvs.entries import pool_key
from kaltwisted.lvs.service import Alerts, LvsService
from kaltwisted.lvs.table import AddDestination, DestinationKey, SetDestination, Step, Table, steps_between
from kaltwisted.ports import VIRTUAL_SERVER, Fact, ScriptResult
from kaltwisted.testing.alerts import FakeMailer, FakeScripts
from kaltwisted.testing.lvs import FakeDataPlane

TIMING = CheckTiming(delay_loop_us=2_000_000, retry=0, warmup_us=0)
ONE, TWO, THREE = (DestinationKey(ip_address(f"10.0.0.{n}"), 80) for n in (1, 2, 3))


def check(word: str, timing: CheckTiming = TIMING) -> MiscCheck:
    return MiscCheck(timing, Script((word,)), 1_000_000)


def real(key: DestinationKey, *checks: Check, **fields: object) -> RealServer:
    return RealServer(key.address, key.port, checks=checks or (check(f"/{key.address}"),), **fields)  # type: ignore[arg-type]


def virtual(*servers: RealServer, **fields: object) -> VirtualServer:
    fields.setdefault("listen", VirtualAddress(ip_address("10.9.9.9"), 80))
    return VirtualServer(real_servers=servers, **fields)  # type: ignore[arg-type]


KEY = pool_key(virtual())


class Plane(FakeDataPlane):
    """Remembers the steps."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []

    def apply(self, desired: Table):  # type: ignore[no-untyped-def]
        self.steps += steps_between(self.table, desired, self.ours)
        return super().apply(desired)


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.scripts = FakeScripts()
        self.notified = FakeScripts(ScriptResult(status=0))
        self.plane = Plane()

    def begin(self, *servers: VirtualServer) -> None:
        self.begin_pools(*servers)
        self.begin_checks()
        self.forget()

    def begin_pools(self, *servers: VirtualServer) -> None:
        self.configuration = Configuration(virtual_servers=servers)
        self.mailer = FakeMailer()
        alerts = Alerts(NotifyQueue(self.notified), self.mailer)
        self.facts: list[Fact] = []
        self.lvs = LvsService(servers, self.plane, alerts, self.clock, publish=self.facts.append)
        self.lvs.startService()
        self.successResultOf(self.lvs.begin())

    def begin_checks(self, wanted: Callable[[VirtualServer], bool] = lambda _: True) -> None:
        self.checks = Checks(self.clock, self.scripts, self.lvs, Known(), wanted)
        self.checks.startService()
        exhaust(self.checks.begin())
        self.addCleanup(self.stop)

    def begin_and_run(self, *servers: VirtualServer) -> None:
        self.begin(*servers)
        self.clock.advance(2)

    def stop(self) -> None:
        self.checks.stopService()
        self.lvs.stopService()
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def forget(self) -> None:
        self.plane.steps.clear()
        self.notified.runs.clear()
        self.mailer.mails.clear()

    def reload(self, *servers: VirtualServer) -> None:
        changes = compare(self.configuration, Configuration(virtual_servers=servers))
        self.configuration = changes.configuration
        exhaust(self.checks.reload(changes.virtual_servers))
        self.clock.advance(0)

    def services(self, server: DestinationKey, key: object = KEY) -> list[object]:
        return [running.service for running in self.checks.of(key, server)]  # type: ignore[arg-type]

    def finds_bad(self, word: str) -> None:
        """The run that is under way finds it bad."""
        next(run for run in self.scripts.runs if run.script.argv == (word,) and not run.done.called).end(
            ScriptResult(status=1)
        )
        self.clock.advance(0)


class ReloadTests(Case):
    def test_nothing_changed_nothing_is_touched(self) -> None:
        self.begin_and_run(virtual(real(ONE), real(TWO)))
        before, asked = self.services(ONE) + self.services(TWO), len(self.scripts.runs)
        applied = len(self.plane.applied)
        self.reload(virtual(real(ONE), real(TWO)))
        self.assertEqual(self.services(ONE) + self.services(TWO), before)
        self.assertEqual((len(self.scripts.runs), len(self.plane.applied)), (asked, applied))
        self.assertFalse(any(run.cancelled for run in self.scripts.runs))

    def test_a_changed_weight_is_one_step_and_no_check_notices(self) -> None:
        self.begin_and_run(virtual(real(ONE), real(TWO)))
        before = self.services(ONE)
        self.reload(virtual(real(ONE, weight=4), real(TWO)))
        self.assertEqual(
            [(type(step), step.destination.weight) for step in self.plane.steps],  # type: ignore[union-attr]
            [(SetDestination, 4)],
        )
        self.assertEqual(self.services(ONE), before)
        self.assertEqual(self.notified.runs, [])

    def test_a_changed_timing_goes_to_the_check_that_runs(self) -> None:
        self.begin_and_run(virtual(real(ONE)))
        self.scripts.runs.pop().end()
        [service] = self.services(ONE)
        seldom = attrs.evolve(TIMING, delay_loop_us=60_000_000)
        self.reload(virtual(real(ONE, check(f"/{ONE.address}", seldom))))
        self.assertEqual(self.services(ONE), [service])
        self.clock.advance(2)
        self.assertEqual(len(self.scripts.runs), 1, "the run that was due")
        self.scripts.runs.pop().end()
        self.clock.advance(30)
        self.assertEqual(self.scripts.runs, [])
        self.assertEqual(self.plane.steps, [])

    def test_a_changed_check_is_replaced_and_counts_as_the_old_one_did(self) -> None:
        self.begin_and_run(virtual(real(ONE, notify_down=Script(("/down",))), real(TWO)))
        self.finds_bad(f"/{ONE.address}")
        self.assertEqual(set(self.plane.table[KEY].destinations), {TWO})
        self.forget()
        [old] = self.services(ONE)
        self.reload(virtual(real(ONE, check("/better"), notify_down=Script(("/down",))), real(TWO)))
        [new] = self.services(ONE)
        self.assertIsNot(new, old)
        self.assertFalse(old.running)  # type: ignore[attr-defined]
        self.assertFalse(new.up)  # type: ignore[attr-defined]
        self.assertEqual((self.plane.steps, self.notified.runs, self.mailer.mails), ([], [], []))
        self.clock.advance(2)
        self.scripts.runs[-1].end()
        self.clock.advance(0)
        self.assertEqual(set(self.plane.table[KEY].destinations), {ONE, TWO})

    def test_a_server_more_is_in_the_table_and_checked_from_now_on(self) -> None:
        self.begin_and_run(virtual(real(ONE)))
        self.reload(virtual(real(ONE), real(TWO)))
        self.assertEqual([type(step) for step in self.plane.steps], [AddDestination])
        self.clock.advance(2)
        self.assertIn((f"/{TWO.address}",), [run.script.argv for run in self.scripts.runs])
        self.finds_bad(f"/{TWO.address}")
        self.assertEqual(set(self.plane.table[KEY].destinations), {ONE})

    def test_the_checks_of_a_server_that_is_gone_end(self) -> None:
        self.begin_and_run(virtual(real(ONE), real(TWO)))
        self.reload(virtual(real(TWO)))
        self.assertEqual(set(self.plane.table[KEY].destinations), {TWO})
        [gone] = [run for run in self.scripts.runs if run.script.argv == (f"/{ONE.address}",)]
        self.assertTrue(gone.cancelled)
        self.clock.advance(20)
        self.assertEqual(
            len([run for run in self.scripts.runs if run.script.argv == (f"/{ONE.address}",)]), 1
        )

    def test_a_check_that_moved_reports_in_its_new_place(self) -> None:
        self.begin_and_run(virtual(real(ONE, check("/a"), check("/b")), real(TWO)))
        self.reload(virtual(real(ONE, check("/new"), check("/b"), check("/a")), real(TWO)))
        self.finds_bad("/a")
        pool = self.lvs.pools[KEY]
        self.assertEqual([pool.is_up(ONE, index) for index in range(3)], [True, True, False])

    def test_what_is_dropped_goes_without_the_garbage_collector(self) -> None:
        """Which does not look at what was there when the daemon started (``resume_collections``)."""
        # The log of before the log begins would keep them too.
        self.patch(CheckService, "_log", Logger(observer=lambda _: None))
        self.begin_and_run(virtual(real(ONE), real(TWO)))
        gone = [weakref.ref(service) for service in self.services(ONE)]
        gone.append(weakref.ref(self.lvs.pools[KEY]))
        gc.disable()
        self.addCleanup(gc.enable)
        self.reload(virtual(real(THREE), listen=FirewallMark(5)))
        self.scripts.runs.clear()
        self.assertEqual([ref() for ref in gone], [None, None])

    def test_virtual_servers_come_and_go_whole(self) -> None:
        mark = virtual(real(THREE), listen=FirewallMark(5))
        self.begin_and_run(virtual(real(ONE)))
        self.reload(mark)
        key = pool_key(mark)
        self.assertEqual(set(self.plane.table), {key})
        self.assertEqual(self.services(ONE), [])
        self.assertEqual(len(self.services(THREE, key)), 1)
        self.assertTrue(all(run.cancelled for run in self.scripts.runs))

    def test_another_virtualhost_makes_http_checks_ask_for_it_and_leaves_others_alone(self) -> None:
        http = HttpCheck(TIMING, Connection(ONE.address, 80), (Url("/"),))
        self.begin(virtual(real(ONE, http, check("/a"))))
        asks, runs = self.services(ONE)
        self.reload(virtual(real(ONE, http, check("/a")), virtualhost="www.example"))
        self.assertIsNot(self.services(ONE)[0], asks)
        self.assertIs(self.services(ONE)[1], runs)


class FactsTests(Case):
    """Whether a pool has quorum is a fact once all its checks have run, and not before."""

    name = "[10.9.9.9]:tcp:80"

    def told(self) -> list[int | None]:
        """What is published, by value."""
        self.assertEqual({(fact.kind, fact.name) for fact in self.facts}, {(VIRTUAL_SERVER, self.name)})
        values = [fact.value for fact in self.facts]
        self.facts.clear()
        return values

    def finds(self, word: str, status: int) -> None:
        run = next(run for run in self.scripts.runs if run.script.argv == (word,) and not run.done.called)
        run.end(ScriptResult(status=status))
        self.clock.advance(0)

    def test_nothing_is_said_until_every_check_has_run(self) -> None:
        self.begin_and_run(virtual(real(ONE), real(TWO)))
        self.finds(f"/{ONE.address}", 1)
        self.assertEqual(self.facts, [])
        self.finds(f"/{TWO.address}", 0)
        self.assertEqual(self.told(), [1])
        self.clock.advance(2)
        self.finds(f"/{TWO.address}", 1)
        self.assertEqual(self.told(), [0])
        self.clock.advance(2)
        self.finds(f"/{ONE.address}", 0)
        self.assertEqual(self.told(), [1])

    def test_a_pool_that_is_found_dead_is_told_once(self) -> None:
        self.begin_and_run(virtual(real(ONE)))
        self.finds(f"/{ONE.address}", 1)
        self.assertEqual(self.told(), [0])

    def test_servers_without_checks_are_waited_for_by_nobody(self) -> None:
        self.begin(virtual(RealServer(ONE.address, 80)))
        self.assertEqual(self.told(), [1])

    def test_a_check_that_a_reload_removes_is_waited_for_no_longer(self) -> None:
        self.begin_and_run(virtual(real(ONE), real(TWO)))
        self.finds(f"/{ONE.address}", 0)
        self.reload(virtual(real(ONE)))
        self.assertEqual(self.told(), [1])

    def test_a_virtual_server_that_is_gone_is_unknown_and_a_stop_says_nothing(self) -> None:
        other = virtual(real(TWO), listen=VirtualAddress(ip_address("10.9.9.8"), 80))
        self.begin_and_run(virtual(real(ONE), omega=True), other)
        self.finds(f"/{ONE.address}", 0)
        self.reload(other)
        self.assertEqual(self.told(), [1, None])
        self.finds(f"/{TWO.address}", 0)
        self.facts.clear()
        self.lvs.stopService()
        self.clock.advance(1)
        self.assertEqual(self.facts, [])

    def test_a_mark_is_told_with_its_family(self) -> None:
        self.name = "FWM 7 inet6"
        self.begin(virtual(RealServer(ip_address("fd00::1"), 80), listen=FirewallMark(7, ipv6=True)))
        self.assertEqual(self.told(), [1])


def exhaust(steps: Iterable[None]) -> None:
    for _ in steps:
        pass
