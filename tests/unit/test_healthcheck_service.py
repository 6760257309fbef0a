"""The service around a check: pacing, keepalived's log lines, reports."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import (
    SECOND_US,
    Check,
    CheckTiming,
    Connection,
    HttpCheck,
    MiscCheck,
    Script,
    TcpCheck,
    TlsOptions,
    Url,
)
from kaltwisted.healthcheck.misc import judge
from kaltwisted.healthcheck.outcome import Outcome, Verdict
from kaltwisted.healthcheck.service import CheckService
from kaltwisted.ports import ICheck, IScripts, ScriptResult
from kaltwisted.testing.healthcheck import FakeCheck, FakeScripts
from tests.unit.healthcheck_helpers import CheckCase

TIMING = CheckTiming(delay_loop_us=10 * SECOND_US, retry=2, warmup_us=0)
TARGET = Connection(ip_address("10.0.0.1"), 80)
TCP = TcpCheck(TIMING, TARGET)
HTTP = HttpCheck(TIMING, TARGET, (Url("/"),))
SSL = attrs.evolve(HTTP, tls=TlsOptions())
MISC = MiscCheck(TIMING, Script(("/bin/probe", "-x")), SECOND_US)

GOOD, BAD = Outcome(True), Outcome(False, "failed", detail="Connection refused")


class Case(CheckCase):
    def make(
        self, configured: Check = TCP, answer: Outcome | None = None, initially_up: bool | None = None
    ) -> CheckService:
        self.check = FakeCheck(answer)
        service = CheckService(
            self.check,
            configured,
            service="[10.0.0.1]:tcp:80",
            virtual_server="[10.0.0.9]:tcp:80",
            report=self.reports.append,
            clock=self.clock,
            initially_up=initially_up,
        )
        service.startService()
        return service

    def run_through(self, configured: Check, *outcomes: Outcome) -> list[str]:
        """What is logged while the attempts end so, one after the other."""
        service = self.make(configured)
        self.lines.clear()
        for outcome in outcomes:
            while not self.check.running:
                self.clock.advance(0.5)
            self.check.finish(outcome)
        service.stopService()
        return self.lines


class PacingTests(Case):
    def test_runs_keep_to_a_grid_however_long_an_attempt_takes(self) -> None:
        self.make()
        begun = []
        for _tick in range(36):
            self.clock.advance(1)
            if len(self.check.running) == 1 and self.check.runs > len(begun):
                begun.append(self.clock.seconds())
            elif self.check.running and self.clock.seconds() - begun[-1] >= 3:
                self.check.finish(GOOD)
        self.assertEqual(begun, [1.0, 11.0, 21.0, 31.0])

    def test_an_attempt_that_overruns_skips_slots_and_is_never_doubled(self) -> None:
        service = self.make()
        self.clock.pump([1] * 34)
        self.assertEqual(self.check.runs, 1)
        self.check.finish(GOOD)
        self.clock.advance(6.9)
        self.assertEqual(self.check.runs, 1)
        self.clock.advance(0.2)
        self.assertEqual(self.check.runs, 2)
        self.assertEqual(service.statistics.skipped, 3)

    def test_retries_come_delay_before_retry_after_each_failure_then_the_grid_again(self) -> None:
        service = self.make(answer=GOOD)
        self.clock.advance(1)
        self.check.answer = BAD
        self.clock.advance(10)
        self.assertEqual((service.up, self.check.runs), (True, 2))
        self.clock.pump([1, 1])
        self.assertEqual((service.up, self.check.runs), (False, 4))
        self.clock.advance(7.9)
        self.assertEqual(self.check.runs, 4)
        self.clock.advance(0.2)
        self.assertEqual(self.check.runs, 5)

    def test_stop_ends_the_attempt_and_leaves_nothing_behind(self) -> None:
        service = self.make()
        self.clock.advance(1)
        service.stopService()
        self.assertEqual((self.check.cancelled, self.check.running), (1, []))
        self.assertEqual((self.clock.getDelayedCalls(), self.reports), ([], []))

    def test_stop_between_runs_leaves_nothing_behind(self) -> None:
        self.make(answer=GOOD).stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_shorter_loop_counts_from_now_on_and_state_stays(self) -> None:
        service = self.make(answer=BAD)
        self.clock.advance(1)
        service.reconfigure(attrs.evolve(TIMING, delay_loop_us=2 * SECOND_US))
        self.clock.advance(2.1)
        self.assertEqual((self.check.runs, service.up, len(self.reports)), (2, False, 1))

    def test_a_check_that_breaks_changes_nothing_and_goes_on(self) -> None:
        service = self.make()
        self.clock.advance(1)
        self.check.running.pop().errback(ZeroDivisionError("a defect"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.clock.advance(10)
        self.assertEqual((self.check.runs, service.up, self.reports), (2, True, []))

    def test_statistics_tell_what_happened(self) -> None:
        service = self.make()
        self.clock.advance(1.25)
        self.clock.advance(0.5)
        self.check.finish(BAD)
        facts = service.statistics
        self.assertEqual((facts.runs, facts.failures, facts.last_outcome), (1, 1, BAD))
        self.assertEqual((facts.last_run, facts.last_latency, facts.next_run), (1.25, 0.5, 11.0))
        self.assertEqual(facts.max_lateness, 0.25)


class ReportTests(Case):
    def test_every_change_is_reported_once_with_the_line_for_the_mail(self) -> None:
        self.run_through(TCP, GOOD, BAD, BAD, BAD, BAD, GOOD, GOOD)
        self.assertEqual(
            self.reports,
            [
                Verdict(False, "=> TCP CHECK failed on service <=", why="failed (Connection refused)"),
                Verdict(True, "=> TCP CHECK succeed on service <=", why="success"),
            ],
        )

    def test_an_adopted_state_is_where_changes_are_counted_from(self) -> None:
        self.make(answer=GOOD, initially_up=False)
        self.clock.advance(1)
        self.assertEqual([verdict.up for verdict in self.reports], [True])

    def test_a_dynamic_weight_is_reported_when_it_changes(self) -> None:
        heavy, light = (judge(ScriptResult(status=status), True) for status in (12, 3))
        self.run_through(attrs.evolve(MISC, dynamic=True), heavy, heavy, light)
        self.assertEqual([(verdict.up, verdict.weight) for verdict in self.reports], [(True, 10), (True, 1)])


class LogTests(Case):
    def test_start_is_logged(self) -> None:
        self.make()
        self.assertEqual(
            self.lines,
            ["Activating healthchecker for service [10.0.0.1]:tcp:80 for VS [10.0.0.9]:tcp:80"],
        )

    def test_tcp(self) -> None:
        self.assertEqual(
            self.run_through(TCP, GOOD, BAD, BAD, BAD, GOOD),
            [
                "TCP connection to [10.0.0.1]:tcp:80 success.",
                "[10.0.0.1]:tcp:80: Connection refused",
                "TCP_CHECK on service [10.0.0.1]:tcp:80 failed after 2 retries.",
                "TCP connection to [10.0.0.1]:tcp:80 success.",
            ],
        )
        self.lines.clear()
        self.assertEqual(self.run_through(TCP, BAD)[1:], ["TCP_CHECK on service [10.0.0.1]:tcp:80 failed."])

    def test_web(self) -> None:
        wrong = Outcome(False, "MD5 digest error to")
        self.assertEqual(
            self.run_through(HTTP, GOOD, wrong, wrong, wrong),
            [
                "Remote Web server [10.0.0.1]:tcp:80 succeed on service.",
                "HTTP_CHECK on service [10.0.0.1]:tcp:80 failed after 2 retries.",
            ],
        )
        self.assertEqual(self.run_through(SSL, wrong), ["SSL_CHECK on service [10.0.0.1]:tcp:80 failed."])

    def test_every_failed_attempt_only_where_it_is_asked_for(self) -> None:
        timing = attrs.evolve(TIMING, log_all_failures=True, retry=1)
        timeout = Outcome(False, "Timeout connecting")
        self.assertEqual(
            self.run_through(attrs.evolve(HTTP, timing=timing), GOOD, timeout, timeout, timeout)[1:],
            [
                "Timeout connecting server [10.0.0.1]:tcp:80.",
                "Timeout connecting server [10.0.0.1]:tcp:80.",
                "HTTP_CHECK on service [10.0.0.1]:tcp:80 failed after 1 retries.",
                "Timeout connecting server [10.0.0.1]:tcp:80.",
            ],
        )
        self.assertIn(
            "TCP connection to [10.0.0.1]:tcp:80 timeout.",
            self.run_through(attrs.evolve(TCP, timing=timing), Outcome(False, "timeout")),
        )

    def test_misc(self) -> None:
        good, bad, killed, slow = (
            judge(result, False)
            for result in (
                ScriptResult(status=0),
                ScriptResult(status=1),
                ScriptResult(signal=11),
                ScriptResult(timed_out=True),
            )
        )
        start = "Misc check for [[10.0.0.1]:tcp:80 VS [10.0.0.9]:tcp:80] by [/bin/probe -x] "
        self.assertEqual(
            [line.removeprefix(start) for line in self.run_through(MISC, good, bad, killed, slow, bad, good)],
            [
                "succeeded.",
                "failed, will do 2 retries (exited with status 1).",
                "failed on retry 1/2 (due to signal 11).",
                "timed out after 2 retries.",
                "succeeded.",
            ],
        )
        self.lines.clear()
        self.assertEqual(
            [line.removeprefix(start) for line in self.run_through(MISC, bad)],
            ["failed (exited with status 1)."],
        )
        none = attrs.evolve(MISC, timing=attrs.evolve(TIMING, retry=0))
        self.assertEqual(
            [line.removeprefix(start) for line in self.run_through(none, bad)],
            ["failed with retry disabled (exited with status 1)."],
        )


class FakeTests(SynchronousTestCase):
    def test_the_fakes_provide_what_they_say(self) -> None:
        verifyObject(ICheck, FakeCheck())
        verifyObject(IScripts, FakeScripts())
