"""BFD_CHECK: what it makes of what the BFD role tells, in keepalived's words, and when it hears."""

from __future__ import annotations

from ipaddress import ip_address

from kaltwisted.config.model import BfdCheck, CheckTiming, RealServer, VirtualAddress, VirtualServer
from kaltwisted.healthcheck import report
from kaltwisted.healthcheck.build import build_check
from kaltwisted.healthcheck.heard import HeardCheckService, check_service
from kaltwisted.healthcheck.status import target
from kaltwisted.ports import BFD_SESSION, Fact
from kaltwisted.testing.healthcheck import FakeScripts
from tests.unit.healthcheck_helpers import HeardCheckCase

SERVER = RealServer(ip_address("10.0.0.1"), 80)
SERVICE = VirtualServer(VirtualAddress(ip_address("10.9.9.9"), 80), real_servers=(SERVER,))
UP = "BFD check of [far] RS([10.0.0.1]:tcp:80) is UP"
DOWN = "BFD check of [far] RS([10.0.0.1]:tcp:80) is DOWN"


class BfdCheckTests(HeardCheckCase):
    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def tell(self, value: int | None, name: str = "far") -> None:
        self.known.learn(Fact(BFD_SESSION, name, value))

    def make(self, *, alpha: bool = False) -> HeardCheckService:
        configured = BfdCheck(CheckTiming(retry=0, alpha=alpha), "far")
        return self.make_heard(configured, SERVER, SERVICE)

    def start(self, *, alpha: bool = False) -> HeardCheckService:
        service = self.make(alpha=alpha)
        service.startService()
        return service

    def test_it_follows_the_session_at_once_and_without_retries(self) -> None:
        self.tell(0)
        service = self.start()
        self.assertEqual([service.up, service.standing.has_run], [False, True])
        self.tell(1)
        self.assertTrue(service.up)
        self.tell(1)
        self.tell(0, "another")
        self.tell(0)
        self.assertFalse(service.up)
        self.assertEqual(self.lines, [DOWN, UP, DOWN])
        failed = "=> BFD CHECK far failed on service <="
        self.assertEqual(
            [(each.up, each.summary) for each in self.reports],
            [(False, failed), (True, "=> BFD CHECK far succeeded on service <="), (False, failed)],
        )
        self.assertEqual(self.reports[-1].why, "the session is down")
        self.assertIsNone(service.statistics.next_run)

    def test_a_session_of_which_nobody_knows_is_down(self) -> None:
        service = self.start()
        self.assertFalse(service.up)
        self.tell(1)
        self.assertTrue(service.up)
        self.tell(None)  # the BFD role has died
        self.assertFalse(service.up)
        self.tell(0)  # its successor has begun the session, and nothing has changed
        self.assertEqual(self.lines, [DOWN, UP, DOWN])

    def test_with_alpha_it_says_that_it_is_down_but_nothing_turns(self) -> None:
        self.start(alpha=True)
        self.assertEqual([self.lines, self.reports], [[DOWN], []])

    def test_one_that_is_up_already_is_confirmed(self) -> None:
        self.tell(1)
        self.start()
        self.assertEqual([self.lines, self.reports], [[UP], []])

    def test_stopped_it_hears_nothing_and_nothing_is_kept_of_it(self) -> None:
        self.tell(1)
        service = self.start()
        service.stopService()
        self.tell(0)
        self.assertEqual(self.lines, [UP])
        self.assertEqual(self.known._followers, {})

    def test_paused_it_stands_still_and_then_finds_what_it_has_missed(self) -> None:
        self.tell(1)
        service = self.start()
        service.pause()
        self.tell(0)
        self.assertTrue(service.up)
        service.resume()
        self.assertFalse(service.up)

    def test_paused_before_its_start_it_says_nothing(self) -> None:
        service = self.make()
        service.pause()
        service.startService()
        self.assertEqual([self.lines, service.standing.has_run], [[], False])

    def test_asked_by_an_operator_it_says_how_the_session_is(self) -> None:
        self.tell(1)
        service = self.start()
        outcome = self.successResultOf(service.run_now())
        assert outcome is not None
        self.assertEqual((outcome.good, outcome.words), (True, "the session is up"))

    def test_two_checks_of_one_session_both_hear(self) -> None:
        one, two = self.start(), self.start()
        one.stopService()
        self.tell(1)
        self.assertEqual([one.up, two.up], [False, True])

    def test_braces_in_a_name_are_no_fields(self) -> None:
        configured = BfdCheck(CheckTiming(retry=0), "f{x}")
        check = build_check(configured, SERVER, SERVICE, self.clock, FakeScripts(), self.known)
        service = check_service(
            check,
            configured,
            service="S",
            virtual_server="V",
            report=self.reports.append,
            clock=self.clock,
        )
        service.startService()
        service.stopService()
        self.assertEqual(self.lines, ["BFD check of [f{x}] RS(S) is DOWN"])
        self.assertEqual(target(configured), "f{x}")

    def test_the_data_file_lists_who_goes_by_which_session(self) -> None:
        checks = (BfdCheck(CheckTiming(), "far"), BfdCheck(CheckTiming(), "near"))
        two = RealServer(ip_address("10.0.0.2"), 80, checks=checks[:1])
        service = VirtualServer(
            SERVICE.listen, real_servers=(RealServer(SERVER.address, 80, checks=checks), two)
        )
        self.assertEqual(
            list(report.sessions([service])),
            [
                "------< Checker track BFDs >------",
                " Checker Track BFD = far",
                "   Tracking RS :",
                "   [10.0.0.1]:tcp:80",
                "   [10.0.0.2]:tcp:80",
                " Checker Track BFD = near",
                "   Tracking RS :",
                "   [10.0.0.1]:tcp:80",
            ],
        )
        self.assertEqual(list(report.sessions([SERVICE])), [])
