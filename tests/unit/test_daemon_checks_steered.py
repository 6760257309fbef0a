"""Pausing checks and running them now, by server and by virtual server; through a reload; as facts."""

from __future__ import annotations

import json
from pathlib import Path

from kaltwisted.config.identity import ServerId
from kaltwisted.config.model import Configuration
from kaltwisted.daemon.role.checker import CheckerRole
from kaltwisted.daemon.role.checks import ATTEMPTS_AT_ONCE
from kaltwisted.lvs.table import DestinationKey
from kaltwisted.ports import CHECKS_PAUSED, SERVICE_OF_SERVER, Fact, ScriptResult, ServiceState
from tests.unit.test_daemon_checks import KEY, ONE, TWO, Case, check, exhaust, real, virtual

NAME = ServerId.of(virtual())


class SteeredTests(Case):
    def paused(self, *servers: DestinationKey) -> list[bool]:
        return [running.service.is_paused for each in servers for running in self.checks.of(KEY, each)]

    def test_of_one_server_and_of_all(self) -> None:
        self.begin(virtual(real(ONE, check("/a"), check("/b")), real(TWO)))
        self.checks.pause(KEY, ONE, True)
        self.assertEqual(self.paused(ONE, TWO), [True, True, False])
        self.checks.pause(KEY, None, True)
        self.checks.pause(KEY, ONE, False)
        self.assertEqual(self.paused(ONE, TWO), [True, True, True])
        self.checks.pause(KEY, ONE, True)
        self.checks.pause(KEY, None, False)
        self.assertEqual(self.paused(ONE, TWO), [True, True, False])
        self.clock.advance(5)
        self.assertEqual({run.script.argv for run in self.scripts.runs}, {("/10.0.0.2",)})

    def test_of_one_that_is_not_there_yet(self) -> None:
        self.begin(virtual(real(TWO)))
        self.checks.pause(KEY, ONE, True)
        self.reload(virtual(real(ONE), real(TWO)))
        self.assertEqual(self.paused(ONE, TWO), [True, False])

    def test_a_check_that_is_made_anew_by_a_reload_stands_still_too(self) -> None:
        self.begin(virtual(real(ONE), real(TWO)))
        self.checks.pause(KEY, None, True)
        self.reload(virtual(real(ONE, check("/other")), real(TWO)))
        self.assertEqual(self.paused(ONE, TWO), [True, True])
        self.clock.advance(10)
        self.assertEqual(self.scripts.runs, [])

    def test_run_now_makes_a_few_at_once(self) -> None:
        checks = [check(f"/{n}") for n in range(ATTEMPTS_AT_ONCE + 4)]
        self.begin(virtual(real(ONE, *checks)))
        asked = self.checks.run(KEY, None)
        self.assertEqual(len(self.scripts.runs), ATTEMPTS_AT_ONCE)
        for run in tuple(self.scripts.runs):
            run.end(ScriptResult(status=run.script.argv == ("/1",)))
        for run in self.scripts.runs[ATTEMPTS_AT_ONCE:]:
            run.end(ScriptResult(status=0))
        ran = [each.told(NAME) for each in self.successResultOf(asked)]
        self.assertEqual(len(ran), len(checks))
        self.assertEqual([each["good"] for each in ran].count(False), 1)
        self.assertEqual(
            ran[1],
            {
                "server": f"{NAME}/10.0.0.1:80",
                "kind": "MISC_CHECK",
                "target": "/1",
                "good": False,
                "result": ran[1]["result"],
                "latency_ms": 0.0,
                "up": False,
                "paused": False,
            },
        )

    def test_of_who_has_none_nothing_is_run(self) -> None:
        self.begin(virtual(real(ONE)))
        self.assertEqual(self.successResultOf(self.checks.run(KEY, TWO)), [])


class RoleTests(Case):
    """The role, with a data plane that takes all."""

    def test_facts_before_the_start_and_later(self) -> None:
        one = str(NAME.with_real(ONE.address, ONE.port))
        configuration = Configuration(virtual_servers=(virtual(real(ONE), real(TWO)),))
        role = CheckerRole(
            configuration, self.clock, data_plane="userspace", state_directory=Path(self.mktemp())
        )
        role.lvs.plane = self.plane
        role.learn(Fact(SERVICE_OF_SERVER, one, ServiceState.DISABLED))
        role.learn(Fact(CHECKS_PAUSED, str(NAME), 1))
        self.successResultOf(role.lvs.begin())
        self.addCleanup(role.lvs.stopService)
        role.checks.startService()
        exhaust(role.checks.begin())
        self.addCleanup(role.checks.stopService)
        (pool,) = role.lvs.pools.values()
        self.assertEqual(list(pool.service.destinations), [TWO])
        self.assertTrue(role.checks.of(KEY, TWO)[0].service.is_paused)
        two = Fact(SERVICE_OF_SERVER, str(NAME.with_real(TWO.address, TWO.port)), ServiceState.DRAINED)
        self.assertEqual(role.foresee(two), "weight 0 is left, quorum is 1")
        self.assertEqual(role.foresee(Fact(CHECKS_PAUSED, str(NAME), 1)), "")
        self.assertEqual(json.loads(self.successResultOf(role.run_checks(f"{NAME}/10.0.0.77:80"))), [])
        role.learn(Fact(CHECKS_PAUSED, str(NAME), None))
        self.assertFalse(role.checks.of(KEY, TWO)[0].service.is_paused)
