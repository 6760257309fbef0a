"""daemon.operations: the status document, put together from what the roles say."""

from __future__ import annotations

import json
from typing import Any

import attrs
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.api.events import EventLog
from kaltwisted.config.findings import Finding, Severity
from kaltwisted.config.load import Reading
from kaltwisted.config.model import Configuration, Position, VrrpInstance
from kaltwisted.daemon.operations import ANSWER_S, DEAD_S, LEAST_S, Operations
from kaltwisted.daemon.pipes import Pipes
from kaltwisted.daemon.reload import Reload
from kaltwisted.daemon.role.kinds import KINDS
from kaltwisted.daemon.role.seam import Life, Report, RoleKind, Standing
from kaltwisted.daemon.roles import Roles
from kaltwisted.ports import IOperations, Part
from kaltwisted.testing.daemon import FakeRunner

ERROR = Finding(Severity.ERROR, Position("f", 3), "no such thing")
WITH_VRRP = Configuration(vrrp_instances=(VrrpInstance("one", "eth0", 7),))
TEXTS = {Report.PROCESS: b'{"timer_lateness": null, "turns": null}', Report.STATUS: b'{"instances":[]}'}


async def no_overrides() -> bytes:
    return b"[]"


class Runner(FakeRunner):
    """Answers when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Report, Deferred[bytes]]] = []

    def report(self, report: Report, version: int = 1) -> Deferred[bytes]:
        self.asked.append((report, Deferred()))
        return self.asked[-1][1]

    def answer(self) -> None:
        asked, self.asked = self.asked, []
        for report, answer in asked:
            answer.callback(TEXTS[report])


class OperationsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.runner = Runner()
        self.reading = Reading(WITH_VRRP)
        self.roles = Roles(KINDS.values(), self.run_kind, WITH_VRRP, Pipes(self.clock))
        self.reload = Reload(lambda: self.reading, self.roles, "f", self.clock, execute)
        self.operations = Operations(
            self.roles, self.reload, "f", (ERROR,), self.clock, EventLog(), no_overrides
        )
        self.successResultOf(Deferred.fromCoroutine(self.roles.begin()))
        self.operations.started = True

    def run_kind(self, kind: RoleKind) -> Runner:
        return self.runner

    def ask(self, *parts: Part) -> Deferred[bytes]:
        return self.operations.status(frozenset(parts or Part))

    def told(self, *parts: Part) -> Any:
        self.clock.advance(LEAST_S)
        answer = self.ask(*parts)
        self.runner.answer()
        return json.loads(self.successResultOf(answer))

    def test_it_provides_what_it_says(self) -> None:
        verifyObject(IOperations, self.operations)

    def test_the_document_has_every_part_and_null_for_roles_that_are_not_there(self) -> None:
        document = self.told()
        self.assertEqual(list(document), ["schema", "daemon", "overrides", "vrrp", "checkers", "bfd"])
        self.assertEqual(document["vrrp"], {"instances": []})
        self.assertEqual((document["checkers"], document["bfd"]), (None, None))
        (role,) = document["daemon"]["roles"]
        self.assertEqual((role["name"], role["state"], role["pid"]), ("vrrp", "running", 4711))
        self.assertIsNone(role["timer_lateness"])
        self.assertEqual(document["daemon"]["configuration"]["errors"], 1)
        self.assertIn("the configuration has 1 error", document["daemon"]["warnings"])

    def test_a_part_asks_for_no_more_than_it_needs(self) -> None:
        answer = self.ask(Part.DAEMON)
        self.assertEqual([report for report, _ in self.runner.asked], [Report.PROCESS])
        self.runner.answer()
        self.assertEqual(list(json.loads(self.successResultOf(answer))), ["schema", "daemon", "overrides"])
        self.assertEqual(self.told(Part.BFD), {"schema": 1, "bfd": None})

    def test_who_asks_meanwhile_shares_the_next_answer(self) -> None:
        first, *others = [self.ask(Part.VRRP) for _ in range(100)]
        self.assertEqual(len(self.runner.asked), 1)
        self.runner.answer()
        self.successResultOf(first)
        self.assertNoResult(others[0])
        self.assertEqual(self.runner.asked, [], "not at once: a role has other work")
        self.clock.advance(LEAST_S)
        self.assertEqual(len(self.runner.asked), 1)
        self.runner.answer()
        for each in others:
            self.successResultOf(each)
        self.assertEqual(self.runner.asked, [])

    def test_a_role_that_does_not_answer_is_null_and_told_of(self) -> None:
        answer = self.ask()
        self.clock.advance(ANSWER_S)
        document = json.loads(self.successResultOf(answer))
        self.assertIsNone(document["vrrp"])
        self.assertIn("vrrp did not tell its state", document["daemon"]["warnings"])
        again = self.ask()
        self.assertEqual(len(self.runner.asked), 2, "it is not asked on and on")
        self.runner.answer()
        self.runner.answer()
        self.assertIsNotNone(json.loads(self.successResultOf(again))["vrrp"])

    def test_who_goes_away_is_forgotten(self) -> None:
        self.ask(Part.VRRP)
        gone = self.ask(Part.VRRP)
        gone.cancel()
        self.failureResultOf(gone)
        self.runner.answer()
        self.clock.advance(LEAST_S)
        self.assertEqual(self.runner.asked, [])

    def test_a_dead_role_is_not_ready_and_after_a_while_not_live(self) -> None:
        self.assertEqual(self.operations.health().why_not_ready, ())
        self.runner.life = Life(Standing.DEAD, None, self.clock.seconds())
        health = self.operations.health()
        self.assertEqual((health.why_not_live, health.why_not_ready), ((), ("vrrp is dead for 0 s",)))
        self.clock.advance(DEAD_S + 1)
        self.assertEqual(self.operations.health().why_not_live, ("vrrp is dead for 121 s",))

    def test_before_the_start_and_at_the_stop_it_is_not_ready(self) -> None:
        self.operations.started, self.operations.stopping = False, True
        self.assertEqual(
            self.operations.health().why_not_ready, ("the start is not complete", "the daemon stops")
        )

    def test_a_reload_and_what_became_of_it(self) -> None:
        self.assertIsNone(self.told()["daemon"]["configuration"]["reload"])
        self.reload.begin()
        self.reading = attrs.evolve(self.reading, findings=(ERROR, ERROR))
        self.reload.request()
        daemon = self.told()["daemon"]
        reload = daemon["configuration"]["reload"]
        self.assertEqual(
            (reload["result"], reload["why"]), ("refused", "(f: Line 3) no such thing (and 1 more)")
        )
        self.assertTrue([each for each in daemon["warnings"] if "the last reload was refused" in each])
        self.reading = Reading(WITH_VRRP)
        self.reload.request()
        self.clock.pump([0.0] * 5)
        daemon = self.told()["daemon"]
        self.assertEqual(daemon["configuration"]["reload"]["result"], "unchanged")
        self.assertEqual((daemon["configuration"]["errors"], daemon["warnings"]), (0, []))
