"""LvsService: whole tables, one at a time, retried and re-read; scripts and mail for what changed."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts.notify import NotifyQueue
from kaltwisted.config.model import (
    CheckTiming,
    Connection,
    RealServer,
    Script,
    TcpCheck,
    VirtualAddress,
    VirtualServer,
)
from kaltwisted.lvs.entries import pool_key
from kaltwisted.lvs.pool import Pool
from kaltwisted.lvs.service import RECONCILE_S, RETRY_FIRST_S, Alerts, LvsService
from kaltwisted.lvs.table import AddService, Applied, DestinationKey, Failure, Table
from kaltwisted.ports import ScriptResult
from kaltwisted.testing.alerts import FakeMailer, FakeScripts
from kaltwisted.testing.lvs import FakeDataPlane

ONE, TWO = (DestinationKey(ip_address(f"10.0.0.{n}"), 80) for n in (1, 2))


def real(key: DestinationKey, **fields: object) -> RealServer:
    check = TcpCheck(CheckTiming(), Connection(key.address, key.port))
    return RealServer(key.address, key.port, checks=(check,), **fields)  # type: ignore[arg-type]


SERVER = VirtualServer(
    VirtualAddress(ip_address("10.9.9.9"), 80),
    real_servers=(
        real(ONE, notify_up=Script(("/up",)), notify_down=Script(("/down",))),
        real(TWO, smtp_alert=False),
    ),
    quorum_up=Script(("/quorum-up",)),
    quorum_down=Script(("/quorum-down",)),
    smtp_alert=True,
)
KEY = pool_key(SERVER)


class SlowDataPlane(FakeDataPlane):
    """Applies when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.pending: list[Deferred[Applied]] = []

    def apply(self, desired: Table) -> Deferred[Applied]:
        self.applied.append(desired)
        self.pending.append(Deferred())
        return self.pending[-1]


class LvsServiceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.scripts = FakeScripts()
        self.mailer = FakeMailer()

    def service(self, plane: FakeDataPlane, **options: bool) -> LvsService:
        service = LvsService(
            [SERVER], plane, Alerts(NotifyQueue(self.scripts), self.mailer), self.clock, **options
        )
        service.startService()
        self.begun = service.begin()
        return service

    def turn(self, service: LvsService, key: DestinationKey, *, up: bool, summary: str = "=> x <=") -> None:
        service.report(KEY, key, 0, up=up, summary=summary)

    def serving(self, plane: FakeDataPlane) -> set[DestinationKey]:
        return set(plane.table[KEY].destinations)

    def test_it_begins_with_the_table_in_place(self) -> None:
        plane = FakeDataPlane()
        self.service(plane)
        self.successResultOf(self.begun)
        self.assertEqual(self.serving(plane), {ONE, TWO})

    def test_changes_of_one_turn_are_applied_together(self) -> None:
        plane = FakeDataPlane()
        service = self.service(plane)
        self.turn(service, ONE, up=False)
        self.turn(service, TWO, up=False)
        self.assertEqual(len(plane.applied), 1)
        self.clock.advance(0)
        self.assertEqual(len(plane.applied), 2)
        self.assertEqual(self.serving(plane), set())

    def test_one_apply_at_a_time_and_the_latest_wins(self) -> None:
        plane = SlowDataPlane()
        service = self.service(plane)
        self.assertNoResult(self.begun)
        self.turn(service, ONE, up=False)
        self.clock.advance(0)
        self.turn(service, TWO, up=False)
        self.clock.advance(0)
        self.assertEqual(len(plane.applied), 1, "the first is still under way")
        plane.pending.pop(0).callback(Applied(3))
        self.assertEqual(len(plane.applied), 2)
        self.assertEqual(plane.applied[-1][KEY].destinations, {})
        plane.pending.pop(0).callback(Applied(2))
        self.successResultOf(self.begun)
        self.assertEqual(plane.pending, [])

    def test_what_is_refused_is_tried_again_with_back_off_and_does_not_hold_back_changes(self) -> None:
        plane = FakeDataPlane()
        refused = Applied(0, (Failure(AddService(Pool(SERVER).service), "no scheduler 'x'"),))
        plane.outcomes = [refused, refused]
        service = self.service(plane)
        self.successResultOf(self.begun)
        self.clock.advance(RETRY_FIRST_S)
        self.assertEqual(len(plane.applied), 2)
        self.turn(service, ONE, up=False)
        self.clock.advance(0)
        self.assertEqual(len(plane.applied), 3, "a change does not wait for the retry")
        self.assertEqual(self.serving(plane), {TWO})
        self.clock.advance(2 * RETRY_FIRST_S)
        self.assertEqual(len(plane.applied), 3, "and nothing is left to retry")

    def test_a_manual_change_is_put_right_at_the_next_reading(self) -> None:
        plane = FakeDataPlane()
        self.service(plane)
        service = plane.table[KEY]
        plane.table = {KEY: attrs.evolve(service, destinations={})}
        self.clock.advance(RECONCILE_S)
        self.assertEqual(self.serving(plane), {ONE, TWO})
        plane.table = {}
        self.clock.advance(RECONCILE_S)
        self.assertEqual(self.serving(plane), {ONE, TWO})

    def test_it_adopts_what_an_earlier_life_left_and_ignores_what_others_made(self) -> None:
        earlier = Pool(SERVER)
        earlier.failed(ONE, 0)
        adopted = FakeDataPlane({KEY: earlier.service})
        adopted.ours = frozenset({KEY})
        service = self.service(adopted)
        self.assertEqual(self.serving(adopted), {TWO})
        self.assertFalse(service.pools[KEY].is_up(ONE, 0))
        foreign = FakeDataPlane({KEY: earlier.service})
        self.service(foreign)
        self.assertEqual(self.serving(foreign), {ONE, TWO})

    def test_scripts_and_mails_tell_what_changed(self) -> None:
        service = self.service(FakeDataPlane())
        self.turn(service, ONE, up=False, summary="=> TCP CHECK failed on service <=")
        self.turn(service, TWO, up=False)
        self.assertEqual([run.script.argv[0] for run in self.scripts.runs], ["/quorum-up", "/down"])
        self.scripts.runs[0].end()
        self.assertEqual([run.script.argv[0] for run in self.scripts.runs[2:]], ["/quorum-down"])
        self.assertEqual(
            [(mail.subject, mail.body) for mail in self.mailer.mails],
            [
                ("Virtualserver [10.9.9.9]:tcp:80 - UP", "=> Gained quorum 1+0=1 <= 2 <="),
                (
                    "Realserver [10.0.0.1]:tcp:80 of virtual server [10.9.9.9]:tcp:80 - DOWN",
                    "=> TCP CHECK failed on service <=",
                ),
                ("Virtualserver [10.9.9.9]:tcp:80 - DOWN", "=> Lost quorum 1-0=1 > 0 <="),
            ],
        )

    def test_scripts_of_one_server_run_one_after_the_other(self) -> None:
        service = self.service(FakeDataPlane())
        for up in (False, True, False):
            self.turn(service, ONE, up=up)
        _, *runs = self.scripts.runs
        self.assertEqual([run.script.argv[0] for run in runs], ["/down"])
        runs[0].end()
        self.scripts.runs[2].end(ScriptResult(status=1))
        self.assertEqual([run.script.argv[0] for run in self.scripts.runs[1:]], ["/down", "/up", "/down"])

    def test_stop_waits_for_the_table_and_the_scripts(self) -> None:
        plane = SlowDataPlane()
        service = self.service(plane)
        self.turn(service, ONE, up=False)
        stopped = service.stopService()
        self.assertIsNone(plane.stopped, "an apply is under way")
        plane.pending.pop(0).callback(Applied())
        self.assertIs(plane.stopped, False)
        self.assertNoResult(stopped)
        for run in self.scripts.runs:
            run.end()
        self.clock.advance(0)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_can_leave_the_table(self) -> None:
        plane = FakeDataPlane()
        stopped = self.service(plane, keep_at_stop=True).stopService()
        self.scripts.runs[0].end()
        self.clock.advance(0)
        self.successResultOf(stopped)
        self.assertIs(plane.stopped, True)
        self.assertEqual(self.serving(plane), {ONE, TWO})

    def test_with_lvs_flush_on_stop_nothing_is_told_of_real_servers(self) -> None:
        for flush in (False, True):
            service = self.service(FakeDataPlane())
            service.expect(mail_every_checker=True, flush_on_stop=flush)
            with capturedLogs() as logs:
                service.stopService()
                self.clock.advance(0)
            told = [formatEvent(event) for event in logs]
            self.assertEqual(any("Shutting down service" in line for line in told), not flush)

    def test_what_is_abandoned_is_left_to_a_successor_and_nobody_is_told(self) -> None:
        plane = FakeDataPlane()
        service = self.service(plane)
        self.scripts.runs[0].end()
        told = len(self.scripts.runs)
        service.abandon()
        self.successResultOf(service.stopService())
        self.assertIs(plane.stopped, True)
        self.assertEqual((self.serving(plane), len(self.scripts.runs)), ({ONE, TWO}, told))
