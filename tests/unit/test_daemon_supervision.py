"""A role in a process of its own: what it is given, when it is watched, how it comes back."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import attrs
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.protocols import amp
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.diff import compare
from kaltwisted.config.model import (
    Configuration,
    GlobalDefs,
    LvsSyncDaemon,
    LvsTimeouts,
    VirtualAddress,
    VirtualServer,
    VrrpInstance,
)
from kaltwisted.daemon.child import Ended, IChild
from kaltwisted.daemon.role import commands, notes
from kaltwisted.daemon.role.facts import Facts
from kaltwisted.daemon.role.kinds import CHECKERS
from kaltwisted.daemon.role.seam import IRunner, Report, RoleError, RoleKind, Standing
from kaltwisted.daemon.settings import Settings
from kaltwisted.daemon.supervision import KILLED_MOST, PINGS_MISSED, READY_S, STOP_S, ProcessRunner
from kaltwisted.ports import Fact, StateChange
from kaltwisted.respawn import Respawn
from kaltwisted.testing.daemon import FakeChild

ONE = VirtualServer(VirtualAddress(ip_address("10.9.9.9"), 80))
TWO = attrs.evolve(ONE, lb_algo="rr")
THREE = attrs.evolve(ONE, lb_algo="sh")
ROUTER = VrrpInstance("one", "eth0", 7)
KIND = attrs.evolve(CHECKERS, tells=frozenset({"told"}), hears=frozenset({"heard"}))


def configured(*servers: VirtualServer) -> Configuration:
    return Configuration(virtual_servers=servers, vrrp_instances=(ROUTER,))


class RespawnTests(SynchronousTestCase):
    def test_short_lives_wait_longer_each_time_up_to_a_minute(self) -> None:
        respawn = Respawn()
        self.assertEqual([respawn.delay_s(1.0) for _ in range(9)], [0, 1, 2, 4, 8, 16, 32, 60, 60])

    def test_a_long_life_starts_over(self) -> None:
        respawn = Respawn()
        for _ in range(5):
            respawn.delay_s(59.9)
        self.assertEqual([respawn.delay_s(60.0), respawn.delay_s(0.0)], [0, 1])


class ProcessRunnerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.children: list[FakeChild] = []
        self.refusal = (0, "")
        self.unstartable: OSError | None = None
        self.holds: set[type[amp.Command]] = set()
        self.fatal: list[int] = []
        self.pid_file = Path(self.mktemp())
        self.facts = Facts()
        self.noted: list[tuple[StateChange, float | None]] = []
        self.lines: list[str] = []

        def observe(event: LogEvent) -> None:
            self.lines.append(formatEvent(event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.lines: list[str] = []
        self.runner = self.make(Settings())

    def make(self, settings: Settings) -> ProcessRunner:
        return ProcessRunner(
            KIND,
            settings,
            self.launch,
            self.clock,
            self.fatal.append,
            execute,
            self.facts,
            self.lines.append,
            lambda change, at: self.noted.append((change, at)),
            self.pid_file,
        )

    def launch(self, kind: RoleKind) -> FakeChild:
        if self.unstartable is not None:
            raise self.unstartable
        child = FakeChild(100 + len(self.children), self.refusal)
        child.holds = set(self.holds)
        self.children.append(child)
        return child

    @property
    def child(self) -> FakeChild:
        return self.children[-1]

    def run_it(self, configuration: Configuration | None = None) -> None:
        self.configuration = configuration or configured(ONE)
        self.successResultOf(self.runner.prepare(self.configuration))
        self.successResultOf(self.runner.start())

    def change_to(self, *servers: VirtualServer) -> Deferred[None]:
        changes = compare(self.configuration, configured(*servers))
        self.configuration = changes.configuration
        return self.runner.apply(changes)

    def served(self) -> list[tuple[VirtualServer, ...]]:
        return [configuration.virtual_servers for configuration in self.child.configurations]

    # -- a life ---------------------------------------------------------------------------

    def test_its_life_is_told_with_what_the_role_notes(self) -> None:
        self.successResultOf(self.runner.prepare(configured(ONE)))
        self.successResultOf(self.runner.start())
        change = StateChange("instance", "one", "BACKUP", "MASTER")
        self.children[0].note(notes.line(change, 12.5))
        self.assertEqual(self.runner.life.pid, self.children[0].pid)
        self.children[0].end(Ended(signal=9))
        self.assertEqual((self.runner.life.standing, self.runner.life.pid), (Standing.DEAD, None))
        self.clock.advance(0)
        self.assertEqual((self.runner.life.standing, self.runner.life.restarts), (Standing.RUNNING, 1))
        self.assertIn((change, 12.5), self.noted)
        lives = [(each.before, each.after) for each, _ in self.noted if each.kind == "role"]
        self.assertEqual(
            lives,
            [
                (None, "starting"),
                ("starting", "running"),
                ("running", "dead"),
                ("dead", "starting"),
                ("starting", "running"),
            ],
        )

    def test_they_are_what_they_pass_for(self) -> None:
        verifyObject(IRunner, self.runner)
        verifyObject(IChild, FakeChild(1))

    def test_it_is_given_its_part_and_started(self) -> None:
        self.run_it()
        self.assertEqual(self.child.commands, ["Configure", "Start"])
        self.assertEqual(self.child.configurations, [Configuration(virtual_servers=(ONE,))])
        self.assertEqual(self.lines, ["Starting Healthcheck child process, pid=100"])
        self.assertEqual(self.pid_file.read_text(), "100\n")

    def test_a_stop_waits_for_its_end(self) -> None:
        self.run_it()
        self.child.holds.add(commands.Stop)
        stopped = self.runner.stop()
        self.assertNoResult(stopped)
        self.child.end(Ended(status=0))
        self.successResultOf(stopped)
        self.assertFalse(self.pid_file.exists())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.children), 1)

    def test_one_that_does_not_end_is_killed(self) -> None:
        self.run_it()
        self.child.holds.add(commands.Stop)
        stopped = self.runner.stop()
        self.clock.advance(STOP_S)
        self.assertTrue(self.child.killed)
        self.successResultOf(stopped)

    def test_a_stop_before_the_start_and_of_nothing(self) -> None:
        self.successResultOf(self.runner.stop())
        self.runner = self.make(Settings())
        self.holds = {commands.Configure}
        prepared = self.runner.prepare(configured(ONE))
        self.successResultOf(self.runner.stop())
        self.failureResultOf(prepared, RoleError)

    # -- facts ------------------------------------------------------------------------------

    def facts_told(self, child: FakeChild) -> list[Fact]:
        return [commands.Tell.fact(**call.arguments) for call in child.calls if call.command is commands.Tell]

    def test_it_is_told_facts_before_it_starts_and_as_they_change_and_so_is_its_successor(self) -> None:
        one, two = Fact("heard", "x", 1), Fact("heard", "x", 0)
        self.facts.publish(one)
        self.run_it()
        self.assertEqual(self.child.commands, ["Configure", "Tell", "Start"])
        self.facts.publish(Fact("told", "x", 1))
        self.facts.publish(two)
        self.assertEqual(self.facts_told(self.child), [one, two])
        self.child.end(Ended(signal=9))
        self.facts.publish(one)
        self.clock.advance(0)
        self.assertEqual([self.facts_told(child) for child in self.children], [[one, two], [one]])

    def test_what_it_published_is_unknown_when_it_dies_and_the_dead_publish_nothing(self) -> None:
        heard: list[Fact] = []
        self.facts.listen(KIND.tells, heard.append)
        self.run_it()
        fact = Fact("told", "x", 1)
        dead = self.child
        dead.tell(fact)
        dead.end(Ended(signal=9))
        dead.tell(fact)
        self.clock.advance(0)
        dead.tell(fact)
        self.assertEqual(heard, [fact, Fact("told", "x", None)])
        self.child.tell(fact)
        self.assertEqual(heard[2:], [fact])

    def test_a_death_over_a_fact_is_no_failure_of_it(self) -> None:
        self.run_it()
        self.child.holds.add(commands.Tell)
        self.facts.publish(Fact("heard", "x", 1))
        self.child.end(Ended(signal=9))
        self.assertEqual(self.flushLoggedErrors(), [])

    # -- what operators ask -----------------------------------------------------------------

    def test_what_a_fact_would_cost_and_checks_now_are_asked_of_it(self) -> None:
        fact = Fact("heard", "x", 1)
        self.assertEqual(self.successResultOf(self.runner.foresee(fact)), "")
        self.assertEqual(self.successResultOf(self.runner.run_checks("it")), b"")
        self.run_it()
        self.assertEqual(self.successResultOf(self.runner.foresee(fact)), "costs 100")
        self.assertEqual(self.successResultOf(self.runner.run_checks("it")), b'["it"]')

    def test_a_death_over_it_is_no_answer(self) -> None:
        self.run_it()
        self.child.holds |= {commands.Foresee, commands.RunChecks}
        foreseen, ran = self.runner.foresee(Fact("heard", "x", 1)), self.runner.run_checks("it")
        self.child.end(Ended(signal=9))
        self.assertEqual((self.successResultOf(foreseen), self.successResultOf(ran)), ("", b""))

    # -- what cannot be -----------------------------------------------------------------------

    def test_a_refusal_has_its_words_and_its_status(self) -> None:
        self.refusal = (4, "no raw sockets here")
        error = self.failureResultOf(self.runner.prepare(configured(ONE)), RoleError).value
        self.assertEqual((str(error), error.status), ("no raw sockets here", 4))

    def test_one_that_ends_while_it_prepares_is_a_refusal(self) -> None:
        self.holds = {commands.Configure}
        for ended, status in ((Ended(status=2), 2), (Ended(status=3), 1), (Ended(signal=11), 1)):
            self.runner = self.make(Settings())
            prepared = self.runner.prepare(configured(ONE))
            self.child.end(ended)
            error = self.failureResultOf(prepared, RoleError).value
            self.assertEqual((str(error), error.status), (f"its process {ended}", status))
        self.assertEqual(str(Ended(signal=11)), "exited due to signal 11 (Segmentation fault)")

    def test_one_that_is_killed_while_it_prepares_is_followed_by_another(self) -> None:
        self.holds = {commands.Configure}
        prepared = self.runner.prepare(configured(ONE))
        self.holds = set()
        self.child.end(Ended(signal=9))
        self.successResultOf(prepared)
        self.successResultOf(self.runner.start())
        self.assertEqual([child.commands[-1] for child in self.children], ["Configure", "Start"])

    def test_one_that_is_killed_every_time_it_prepares_is_a_refusal(self) -> None:
        self.holds = {commands.Configure}
        prepared = self.runner.prepare(configured(ONE))
        for _ in range(KILLED_MOST + 1):
            self.assertNoResult(prepared)
            self.child.end(Ended(signal=9))
        self.failureResultOf(prepared, RoleError)
        self.assertEqual(len(self.children), KILLED_MOST + 1)

    def test_one_that_is_killed_between_its_preparation_and_its_start_comes_back(self) -> None:
        """Other roles may take long to get ready."""
        self.successResultOf(self.runner.prepare(configured(ONE)))
        self.child.end(Ended(signal=9))
        self.successResultOf(self.runner.start())
        self.clock.advance(0)
        self.assertEqual([child.commands[-1] for child in self.children], ["Configure", "Start"])

    def test_one_that_is_killed_over_its_start_comes_back_and_the_others_go_on(self) -> None:
        self.holds = {commands.Start}
        self.successResultOf(self.runner.prepare(configured(ONE)))
        started = self.runner.start()
        self.holds = set()
        self.child.end(Ended(signal=9))
        self.successResultOf(started)
        self.clock.advance(0)
        self.assertEqual([child.commands for child in self.children], 2 * [["Configure", "Start"]])

    def test_a_machine_out_of_processes_is_a_refusal_at_first_and_waited_for_later(self) -> None:
        self.unstartable = OSError(11, "Resource temporarily unavailable")
        self.failureResultOf(self.runner.prepare(configured(ONE)), RoleError)
        self.unstartable = None
        self.run_it()
        self.unstartable = OSError(11, "Resource temporarily unavailable")
        self.child.end(Ended(signal=9))
        self.clock.advance(0)
        self.unstartable = None
        self.clock.advance(1)
        self.assertEqual(self.child.commands, ["Configure", "Start"])

    def test_an_end_that_a_restart_does_not_help_ends_all(self) -> None:
        self.run_it()
        self.child.end(Ended(status=2))
        self.assertEqual(self.fatal, [2])
        self.assertIn("pid 100 exited with permanent error CONFIG. Terminating", self.lines)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_without_respawn_any_end_does(self) -> None:
        self.runner = self.make(Settings(respawn=False))
        self.run_it()
        self.child.end(Ended(signal=9))
        self.assertEqual(self.fatal, [1])
        self.assertIn("Healthcheck child process(100) died: Exiting", self.lines)

    def test_one_that_dies_before_it_begins_comes_back(self) -> None:
        self.holds = {commands.Start}
        self.successResultOf(self.runner.prepare(configured(ONE)))
        started = self.runner.start()
        self.holds = set()
        self.child.end(Ended(signal=9))
        self.successResultOf(started)
        self.clock.advance(0)
        self.assertEqual([child.commands for child in self.children], [["Configure", "Start"]] * 2)

    # -- another life -----------------------------------------------------------------------

    def test_it_comes_back_with_the_latest_configuration(self) -> None:
        self.run_it()
        self.successResultOf(self.change_to(TWO))
        self.child.end(Ended(signal=9))
        self.assertEqual(
            self.lines[-3:],
            [
                "pid 100 exited due to signal 9 (Killed)",
                "Healthcheck child process(100) died: Respawning",
                "Restart of Healthcheck process delayed 0 seconds to limit respawn rate",
            ],
        )
        self.clock.advance(0)
        self.assertEqual(self.child.commands, ["Configure", "Start"])
        self.assertEqual(self.served(), [(TWO,)])
        self.assertEqual(self.pid_file.read_text(), "101\n")

    def test_a_change_while_it_is_dead_reaches_its_successor(self) -> None:
        self.run_it()
        self.child.end(Ended(status=0))
        self.successResultOf(self.change_to(TWO))
        self.clock.advance(0)
        self.assertEqual(self.served(), [(TWO,)])

    def test_a_change_while_its_successor_gets_ready_follows(self) -> None:
        self.run_it()
        self.child.end(Ended(status=0))
        self.holds = {commands.Configure}
        self.clock.advance(0)
        changed = [self.change_to(TWO), self.change_to(THREE)]
        self.child.calls[0].answer(status=0, words="")
        for each in changed:
            self.successResultOf(each)
        self.assertEqual(self.child.commands, ["Configure", "Start", "Apply"])
        self.assertEqual(self.served(), [(ONE,), (THREE,)])

    def test_a_successor_that_cannot_run_ends_all_by_its_status(self) -> None:
        self.run_it()
        self.refusal = (4, "no raw sockets any more")
        self.child.end(Ended(signal=9))
        self.clock.advance(0)
        self.assertIn("Healthcheck: no raw sockets any more", self.lines)
        self.child.end(Ended(status=4))
        self.assertEqual(self.fatal, [4])

    def test_no_successor_after_a_stop(self) -> None:
        self.run_it()
        self.child.end(Ended(signal=9))
        self.successResultOf(self.runner.stop())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    # -- changes ------------------------------------------------------------------------------

    def test_what_does_not_concern_it_is_not_sent(self) -> None:
        self.run_it()
        changes = compare(self.configuration, attrs.evolve(self.configuration, vrrp_instances=()))
        self.successResultOf(self.runner.apply(changes))
        self.assertEqual(self.child.commands, ["Configure", "Start"])

    def test_what_is_changed_by_hand_it_puts_right_at_every_reload(self) -> None:
        for defs, told in (
            (GlobalDefs(), False),
            (GlobalDefs(lvs_timeouts=LvsTimeouts(tcp=100)), True),
            (GlobalDefs(lvs_sync_daemon=LvsSyncDaemon("eth1", "VI_1", 51)), True),
        ):
            configuration = attrs.evolve(configured(ONE), global_defs=defs)
            self.runner = self.make(Settings())
            self.run_it(configuration)
            self.successResultOf(self.runner.apply(compare(configuration, configuration)))
            self.assertEqual(self.child.commands, ["Configure", "Start", *["Apply"] * told])

    def test_unchanged_parts_go_as_references(self) -> None:
        other = attrs.evolve(ONE, listen=VirtualAddress(ip_address("10.9.9.8"), 80))
        self.run_it(configured(ONE, other))
        self.successResultOf(self.change_to(ONE, attrs.evolve(other, lb_algo="rr")))
        before, after = self.served()
        self.assertIs(after[0], before[0])
        self.assertEqual(after[1].lb_algo, "rr")

    def test_a_change_fires_when_it_is_in_effect(self) -> None:
        self.run_it()
        self.child.holds.add(commands.Apply)
        changed = self.change_to(TWO)
        self.assertNoResult(changed)
        self.child.calls[-1].answer()
        self.successResultOf(changed)

    def test_a_death_in_the_middle_of_a_change_is_no_failure_of_the_reload(self) -> None:
        self.run_it()
        self.child.holds.add(commands.Apply)
        changed = self.change_to(TWO)
        self.child.end(Ended(signal=9))
        self.successResultOf(changed)
        self.clock.advance(0)
        self.assertEqual(self.served(), [(TWO,)])

    def test_a_change_that_is_cancelled_by_a_stop_is_no_defect(self) -> None:
        self.run_it()
        self.runner._in_thread = lambda call: Deferred()
        changed = self.change_to(TWO)
        changed.cancel()
        self.successResultOf(changed)
        self.assertEqual(self.flushLoggedErrors(), [])

    # -- the watch --------------------------------------------------------------------------

    def test_one_that_answers_is_left_alone(self) -> None:
        self.run_it()
        self.clock.pump([1] * 4 * PINGS_MISSED)
        self.assertFalse(self.child.killed)
        self.assertEqual(self.child.commands.count("Ping"), 4 * PINGS_MISSED)

    def test_one_that_is_stuck_is_killed_and_comes_back(self) -> None:
        self.run_it()
        self.child.holds.add(commands.Ping)
        self.clock.pump([1] * PINGS_MISSED)
        self.assertFalse(self.child.killed)
        self.assertEqual(self.child.commands.count("Ping"), 1)
        self.clock.advance(1)
        self.assertEqual([child.killed for child in self.children], [True, False])
        self.assertIn(
            "Healthcheck child process(100) has not answered for 10 seconds: killing it", self.lines
        )

    def test_one_that_is_stuck_before_it_is_ready_is_killed_and_followed_by_another(self) -> None:
        self.holds = {commands.Configure}
        prepared = self.runner.prepare(configured(ONE))
        self.holds = set()
        self.clock.advance(READY_S)
        self.assertTrue(self.children[0].killed)
        self.successResultOf(prepared)
        self.assertEqual(len(self.children), 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_that_is_stuck_in_its_start_is_killed_and_comes_back(self) -> None:
        self.holds = {commands.Start, commands.Ping}
        self.successResultOf(self.runner.prepare(configured(ONE)))
        started = self.runner.start()
        self.holds = set()
        self.clock.pump([1.0] * (PINGS_MISSED + 1))
        self.assertTrue(self.children[0].killed)
        self.successResultOf(started)
        self.assertEqual(self.child.commands, ["Configure", "Start"])

    def test_a_machine_that_stood_still_is_nobodys_fault(self) -> None:
        self.run_it()
        self.child.holds.add(commands.Ping)
        self.clock.advance(1)
        self.clock.advance(3600)
        self.assertFalse(self.child.killed)

    # -- reports ------------------------------------------------------------------------------

    def test_it_is_asked_for_a_report(self) -> None:
        self.run_it()
        self.assertEqual(self.successResultOf(self.runner.report(Report.JSON, 2)), b"json of 100\n")
        self.assertEqual(self.child.calls[-1].arguments["version"], 2)
        self.successResultOf(self.runner.clear_statistics())
        self.assertEqual(self.child.commands[-1], "ClearStatistics")

    def test_the_dead_tell_nothing(self) -> None:
        self.run_it()
        self.child.holds.add(commands.Report)
        told = self.runner.report(Report.DATA)
        self.child.end(Ended(signal=9))
        self.assertEqual(self.successResultOf(told), b"")
        self.assertEqual(self.successResultOf(self.runner.report(Report.DATA)), b"")
        self.successResultOf(self.runner.clear_statistics())
