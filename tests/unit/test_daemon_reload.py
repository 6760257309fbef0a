"""HUP: what is refused, what is queued, which roles come, go and stay."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any
from unittest import mock

import attrs
from twisted.internet.defer import Deferred, execute, succeed
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.findings import Consequence, Finding, Severity
from kaltwisted.config.load import Reading
from kaltwisted.config.model import (
    Configuration,
    FirewallMark,
    GlobalDefs,
    Position,
    VirtualAddress,
    VirtualServer,
    VrrpInstance,
)
from kaltwisted.daemon import systemd
from kaltwisted.daemon.pipes import Pipes
from kaltwisted.daemon.reload import Reload
from kaltwisted.daemon.role.kinds import KINDS
from kaltwisted.daemon.role.seam import IRunner, RoleError, RoleKind
from kaltwisted.daemon.roles import Roles
from kaltwisted.testing.daemon import FakeRunner

ONE = VirtualServer(VirtualAddress(ip_address("10.9.9.9"), 80))
TWO = VirtualServer(FirewallMark(2))
ROUTER = VrrpInstance("one", "eth0", 7)
BALANCING, BOTH = (
    Configuration(virtual_servers=(ONE,)),
    Configuration(virtual_servers=(ONE,), vrrp_instances=(ROUTER,)),
)
ERROR = Finding(Severity.ERROR, Position("f", 3), "no such thing")


class ReloadTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.lines: list[str] = []

        def observe(event: LogEvent) -> None:
            self.lines.append(formatEvent(event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.told: list[str] = []
        patched = mock.patch.object(systemd, "notify", self.told.append)
        patched.start()
        self.addCleanup(patched.stop)
        self.missing: set[str] = set()
        self.in_thread: Callable[[Callable[[], Any]], Deferred[Any]] = execute

    def begin(self, configuration: Configuration) -> None:
        def run(kind: RoleKind) -> FakeRunner:
            missing = kind.name in self.missing
            return FakeRunner(RoleError(f"no {kind.title} here", 4) if missing else None)

        self.roles = Roles(KINDS.values(), run, configuration, Pipes(Clock()))
        began = Deferred.fromCoroutine(self.roles.begin())
        self.file = Reading(configuration)
        self.reads = 0

        def read() -> Reading:
            self.reads += 1
            return self.file

        self.reload = Reload(read, self.roles, "/etc/f.conf", self.clock, lambda call: self.in_thread(call))
        self.successResultOf(began)
        self.reload.begin()

    def role(self, name: str = "checkers") -> FakeRunner:
        runner = self.roles.running[name]
        assert isinstance(runner, FakeRunner)
        return runner

    def hup(self, configuration: Configuration | None = None, *findings: Finding) -> None:
        if configuration is not None:
            self.file = Reading(configuration, findings)
        self.reload.request()
        self.settle()

    def settle(self) -> None:
        for _ in range(10):
            self.clock.advance(0)

    def test_a_fake_runner_is_one(self) -> None:
        verifyObject(IRunner, FakeRunner())

    def test_the_roles_hear_of_what_differs_with_the_old_objects_kept(self) -> None:
        self.begin(BALANCING)
        again = attrs.evolve(ONE)
        self.hup(Configuration(virtual_servers=(again, TWO)))
        [applied] = self.role().applied
        self.assertEqual(applied.configuration.virtual_servers, (ONE, TWO))
        self.assertIs(applied.configuration.virtual_servers[0], ONE)
        self.assertEqual(
            self.lines, ["Reloading ...", "virtual_server FWM 2 added, 0 real servers", "Reload complete"]
        )
        self.assertEqual(self.told[0].split("=")[0], "RELOADING")
        self.assertIn("MONOTONIC_USEC=", self.told[0])
        self.assertEqual(self.told[1:], ["READY=1"])

    def test_any_error_keeps_everything(self) -> None:
        for finding in (ERROR, attrs.evolve(ERROR, consequence=Consequence.FATAL)):
            self.begin(BALANCING)
            self.lines.clear()
            self.hup(Configuration(virtual_servers=(TWO,)), finding)
            self.assertEqual(self.role().applied, [])
            self.assertEqual(self.lines[0], "Reloading ...")
            self.assertIn("no such thing", self.lines[1])
            self.assertEqual(self.lines[2:], ["New config failed validation, see /etc/f.conf for details"])
            self.assertEqual(self.told[-1], "READY=1")

    def test_another_name_of_the_daemon_needs_a_restart_and_changes_nothing(self) -> None:
        self.begin(BALANCING)
        self.hup(Configuration(GlobalDefs(instance="edge"), virtual_servers=(TWO,)))
        self.assertEqual(self.role().applied, [])
        self.assertEqual(
            self.lines,
            [
                "Reloading ...",
                "Cannot change instance name at a reload - please restart keepalived",
                "New config failed validation, see /etc/f.conf for details",
            ],
        )
        self.assertEqual(self.told[-1], "READY=1")

    def test_warnings_are_told_and_taken(self) -> None:
        self.begin(BALANCING)
        self.hup(Configuration(virtual_servers=(TWO,)), attrs.evolve(ERROR, severity=Severity.WARNING))
        self.assertEqual(len(self.role().applied), 1)
        self.assertEqual(self.lines[-1], "Reload complete")

    def test_an_emptied_file_ends_nothing(self) -> None:
        self.begin(BALANCING)
        self.hup(Configuration())
        self.assertEqual(self.role().applied, [])
        self.assertIn("nothing to run", self.lines[1])

    def test_roles_come_and_go_with_their_work(self) -> None:
        self.begin(BALANCING)
        self.hup(BOTH)
        router = self.role("vrrp")
        self.assertTrue(router.running)
        self.hup(BALANCING)
        self.assertEqual(list(self.roles.running), ["checkers"])
        gone = router.applied[-1].configuration.vrrp_instances
        self.assertEqual(gone, (), "it lets go of what it holds before it ends")
        self.assertTrue(router.stopped)

    def test_a_role_that_cannot_come_keeps_everything(self) -> None:
        self.missing.add("vrrp")
        self.begin(BALANCING)
        self.hup(attrs.evolve(BOTH, virtual_servers=(TWO,)))
        self.assertEqual(self.role().applied, [])
        self.assertIn("VRRP does not run: no VRRP here", self.lines)
        self.assertEqual(self.roles.configuration, BALANCING)

    def test_a_role_that_cannot_run_at_the_start_ends_the_others(self) -> None:
        self.missing.add("vrrp")
        made: list[FakeRunner] = []

        def run(kind: RoleKind) -> FakeRunner:
            made.append(FakeRunner(RoleError("no VRRP here", 4) if kind.name == "vrrp" else None))
            return made[-1]

        roles = Roles(KINDS.values(), run, BOTH, Pipes(Clock()))
        error = self.failureResultOf(Deferred.fromCoroutine(roles.begin()), RoleError).value
        self.assertEqual((str(error), error.status), ("VRRP does not run: no VRRP here", 4))
        self.assertEqual([runner.stopped for runner in made], [True, True])
        self.assertEqual(roles.running, {})

    def test_all_roles_run_where_that_is_asked_for(self) -> None:
        roles = Roles(KINDS.values(), lambda kind: FakeRunner(), BALANCING, Pipes(Clock()), idle=True)
        self.successResultOf(Deferred.fromCoroutine(roles.begin()))
        self.assertEqual(list(roles.running), ["vrrp", "checkers", "bfd"])

    def test_who_acts_on_facts_is_stopped_before_who_publishes_them(self) -> None:
        """Or the end of the sessions would look like a failure, and a notify script would be told."""
        stopped: list[str] = []

        def run(kind: RoleKind) -> FakeRunner:
            runner = FakeRunner()

            def stop() -> Deferred[None]:
                stopped.append(kind.name)
                return succeed(None)

            runner.stop = stop  # type: ignore[method-assign]
            return runner

        roles = Roles(reversed(KINDS.values()), run, BALANCING, Pipes(Clock()), idle=True)
        self.successResultOf(Deferred.fromCoroutine(roles.begin()))
        roles.stop()
        self.assertLess(stopped.index("vrrp"), stopped.index("bfd"))

    def test_a_stop_reaches_those_that_get_ready(self) -> None:
        ready: Deferred[None] = Deferred()
        runner = FakeRunner()
        runner.prepare = lambda configuration: ready  # type: ignore[method-assign]
        roles = Roles(KINDS.values(), lambda kind: runner, BALANCING, Pipes(Clock()))
        began = Deferred.fromCoroutine(roles.begin())
        self.successResultOf(roles.stop())
        self.assertTrue(runner.stopped)
        ready.errback(RoleError("its process exited with status 0"))
        self.failureResultOf(began, RoleError)

    def test_a_stop_in_a_reload_reaches_a_role_that_gets_ready_or_is(self) -> None:
        """Or its process and pid file would outlive the daemon."""
        for ready in (False, True):
            self.begin(BALANCING)
            new = FakeRunner()
            if not ready:
                new.prepare = lambda configuration: Deferred()  # type: ignore[method-assign]
            self.roles._run = lambda kind, new=new: new  # type: ignore[misc]
            self.file = Reading(BOTH)
            self.reload.request()  # and the clock stands still: it is about to tell what changes
            self.reload.stop()
            self.successResultOf(self.roles.stop())
            self.assertTrue(new.stopped)
            self.settle()
            self.assertFalse(new.running)
            self.assertNotIn("Reload complete", self.lines)

    def test_what_is_asked_for_before_the_start_is_through_is_done_then(self) -> None:
        self.begin(BALANCING)
        early = Reload(lambda: Reading(BOTH), self.roles, "/etc/f.conf", self.clock, execute)
        early.request()
        self.settle()
        self.assertEqual(self.lines, [])
        early.begin()
        self.settle()
        self.assertEqual(self.lines[-1], "Reload complete")

    def test_requests_during_a_reload_make_one_more_and_the_last_file_wins(self) -> None:
        self.begin(BALANCING)
        self.role().slow = True
        self.hup(Configuration(virtual_servers=(TWO,)))
        for mark in (3, 4, 5):
            self.hup(Configuration(virtual_servers=(VirtualServer(FirewallMark(mark)),)))
        self.assertEqual(self.reads, 1)
        self.role().pending.pop().callback(None)
        self.settle()
        self.assertEqual(self.reads, 2)
        self.assertEqual(
            self.role().applied[-1].configuration.virtual_servers, (VirtualServer(FirewallMark(5)),)
        )
        self.role().pending.pop().callback(None)
        self.settle()
        self.assertEqual((self.reads, self.lines.count("Reload complete")), (2, 2))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_file_is_compared_with_what_runs_not_with_what_was_refused(self) -> None:
        self.begin(BALANCING)
        self.hup(Configuration(virtual_servers=(TWO,)), ERROR)
        self.hup(BALANCING)
        self.assertIn("Nothing has changed", self.lines)

    def test_stop_while_the_file_is_read_changes_nothing(self) -> None:
        reading: Deferred[Any] = Deferred()
        self.begin(BALANCING)
        self.in_thread = lambda call: reading
        self.hup(Configuration(global_defs=GlobalDefs(router_id="x"), virtual_servers=(TWO,)))
        self.reload.stop()
        self.settle()
        self.assertEqual(self.role().applied, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_defect_while_reading_is_logged_and_the_next_reload_works(self) -> None:
        self.begin(BALANCING)
        self.in_thread = lambda call: execute(lambda: 1 / 0)
        self.hup()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.in_thread = execute
        self.hup(Configuration(virtual_servers=(TWO,)))
        self.assertEqual(len(self.role().applied), 1)
