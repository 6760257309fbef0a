"""daemon.role's reports: sections put together from what runs, and times of day that stay where they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from ipaddress import ip_address

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts.notify import NotifyQueue
from kaltwisted.config.model import (
    CheckTiming,
    Configuration,
    GlobalDefs,
    MiscCheck,
    RealServer,
    Script,
    Tracked,
    VirtualAddress,
    VirtualIpAddress,
    VirtualServer,
    VrrpScript,
)
from kaltwisted.daemon.role import checker_reports, vrrp_reports
from kaltwisted.daemon.role.checks import Checks
from kaltwisted.daemon.role.reports import STEP_US, TimeOfDay, owners, parent_data
from kaltwisted.healthcheck.known import Known
from kaltwisted.lvs.service import Alerts, LvsService
from kaltwisted.ports import ScriptResult
from kaltwisted.testing.alerts import FakeMailer, FakeScripts
from kaltwisted.testing.lvs import FakeDataPlane
from tests.unit.test_vrrp_service import World
from tests.unit.vrrp_helpers import VIP, config

NOON_US = 1_795_532_429_625_800


class TimeOfDayTests(SynchronousTestCase):
    def test_a_transition_stays_where_it_was(self) -> None:
        now = [NOON_US]
        time_of_day = TimeOfDay(lambda: now[0])
        first = time_of_day.epoch_us(10.0)
        self.assertEqual(first, NOON_US - 10_000_000)
        now[0] += 1_000_037
        self.assertEqual(time_of_day.epoch_us(11.0), first)

    def test_it_follows_a_clock_that_was_set(self) -> None:
        now = [NOON_US]
        time_of_day = TimeOfDay(lambda: now[0])
        first = time_of_day.epoch_us(10.0)
        now[0] += 2 * STEP_US
        self.assertEqual(time_of_day.epoch_us(10.0), first + 2 * STEP_US)


class OwnerTests(SynchronousTestCase):
    def test_a_script_without_a_user_is_the_default_s(self) -> None:
        owner = owners(GlobalDefs(script_user=("0", "0")))
        self.assertEqual(owner(None), owner(Script(("/bin/true",))))

    def test_one_whose_user_is_unknown_is_nobody_s(self) -> None:
        self.assertEqual(owners(GlobalDefs())(Script(("/bin/true",), "no such user")), "none")

    def test_the_parent_has_the_global_definitions_alone(self) -> None:
        lines = list(parent_data(Configuration(GlobalDefs(router_id="LVS1"))))
        self.assertEqual(lines[:2], ["------< Global definitions >------", " Router ID = LVS1"])
        self.assertEqual(len([line for line in lines if line.startswith("------<")]), 1)

    def test_the_parent_tells_of_the_scripts_that_it_runs(self) -> None:
        us = f"{os.geteuid()}:{os.getegid()}"
        script = Script(("/bin/hook", "a word"), str(os.geteuid()), str(os.getegid()))
        defs = GlobalDefs(startup_script=script, shutdown_script=script, shutdown_script_timeout_us=7_000_000)
        lines = list(parent_data(Configuration(defs)))
        self.assertIn(f" Startup script = '/bin/hook' 'a word', uid:gid {us}, timeout 10", lines)
        self.assertIn(f" Shutdown script = '/bin/hook' 'a word', uid:gid {us} timeout 7", lines)


class VrrpReportTests(World):
    def lines(self) -> list[str]:
        configuration = Configuration(vrrp_instances=tuple(self.service._instances.values()))
        return list(vrrp_reports.data(configuration, self.service, self.clock))

    def test_it_tells_of_the_network_too(self) -> None:
        refused = VirtualIpAddress(ip_address("10.0.0.101"), 32)
        self.start(
            config(virtual_ipaddress=(VIP, refused), track_script=(Tracked("s"),)),
            vrrp_scripts=(VrrpScript("s", Script(("/bin/true",)), weight=1),),
        )
        self.addresses.unwanted.add(refused.address)
        self.wait(4)
        lines = self.lines()
        for line in (
            "   State = MASTER",
            "     10.0.0.100 dev eth0 scope global set",
            "     10.0.0.101 dev eth0 scope global",
            " VRRP Script = s",
            " Name = eth0",
            "   IPv4 address = 10.0.0.5",
        ):
            self.assertIn(line, lines)
        self.stop()

    def test_statistics_may_begin_anew(self) -> None:
        self.start(config())
        self.wait(5)
        counted = self.service.router.instances["X"]
        self.assertGreater(counted.statistics.adverts_sent, 0)
        vrrp_reports.clear_statistics(self.service)
        self.assertEqual((counted.statistics.adverts_sent, counted.statistics.became_master), (0, 0))
        self.wait(1)
        self.assertGreater(counted.statistics.adverts_sent, 0)
        self.stop()


class CheckerReportTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.scripts = Clock(), FakeScripts()
        check = MiscCheck(CheckTiming(2_000_000, 0, warmup_us=0), Script(("/bin/check",)), 1_000_000)
        servers = tuple(RealServer(ip_address(f"10.0.0.{number}"), 80, checks=(check,)) for number in (1, 2))
        service = VirtualServer(VirtualAddress(ip_address("10.9.9.9"), 80), real_servers=servers)
        self.configuration = Configuration(virtual_servers=(service,))
        alerts = Alerts(NotifyQueue(FakeScripts(ScriptResult(status=0))), FakeMailer())
        self.lvs = LvsService((service,), FakeDataPlane(), alerts, self.clock)
        self.checks = Checks(self.clock, self.scripts, self.lvs, Known())
        self.lvs.startService()
        self.successResultOf(self.lvs.begin())
        self.checks.startService()
        for _ in self.checks.begin():
            pass
        self.addCleanup(self.lvs.stopService)
        self.addCleanup(self.checks.stopService)

    def lines(self) -> Iterator[str]:
        return checker_reports.data(self.configuration, self.lvs, self.checks, self.clock)

    def test_pools_and_checkers_agree(self) -> None:
        self.clock.advance(2)
        self.scripts.runs[0].end(ScriptResult(status=1))
        self.clock.advance(0)
        lines = list(self.lines())
        self.assertEqual(lines.count("   Up = no"), 1)
        self.assertEqual(lines.count("   num failed checkers = 1"), 1)
        self.assertEqual(lines.count("   Has run = yes"), 1)
        self.assertEqual(len([line for line in lines if line.startswith("   Last ran = ")]), 1)

    def test_a_reload_in_the_middle_does_no_harm(self) -> None:
        """A report takes several turns of the reactor; what is gone by then is not told of."""
        lines = self.lines()
        while "Virtual server" not in next(lines):
            pass
        self.lvs.remove(next(iter(self.lvs.pools)))
        self.assertEqual(list(lines)[-1], "------< Health checkers >------")
