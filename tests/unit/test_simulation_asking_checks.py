"""DNS_CHECK, UDP_CHECK and PING_CHECK in rehearsals: the real checks, and servers that answer datagrams."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import (
    SECOND_US,
    Check,
    CheckTiming,
    Connection,
    DnsCheck,
    PingCheck,
    RealServer,
    ReplyPattern,
    UdpCheck,
)
from kaltwisted.healthcheck.known import Known
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.ports import ICheck
from kaltwisted.simulation.clock import LifeClock, WorldClock
from kaltwisted.simulation.services import RealServers, simulated_check

ADDRESS = ip_address("10.1.0.1")
TARGET = Connection(ADDRESS, 53)
IMPATIENT = Connection(ADDRESS, 53, 2 * SECOND_US)
TIMING = CheckTiming()
REQUIRED = ReplyPattern(b"\x0a\x00", b"\xff\xf0")
GOOD = Outcome(True)
DNS, PING, UDP = DnsCheck(TIMING, TARGET), PingCheck(TIMING, TARGET), UdpCheck(TIMING, TARGET)
ANSWERED = UdpCheck(TIMING, TARGET, require_reply=REQUIRED, min_reply_length=9)


class AskingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = WorldClock()
        self.servers = RealServers()
        self.is_near = True

    def ask(self, check: Check) -> Deferred[Outcome]:
        life = LifeClock(self.world, lambda: None)
        made = simulated_check(
            check, RealServer(ADDRESS, 53), self.servers, lambda _: self.is_near, life, Known()
        )
        verifyObject(ICheck, made)
        return made.run()

    def outcome(self, check: Check, seconds: float = 6.0) -> Outcome:
        result = self.ask(check)
        self.world.run_until(self.world.now + seconds)
        return self.successResultOf(result)

    def test_who_lives_answers_well(self) -> None:
        for check in (DNS, PING, ANSWERED):
            self.assertEqual(self.outcome(check, 0.1), GOOD)
        self.assertEqual(self.outcome(UDP), GOOD)

    def test_a_closed_port_refuses_and_is_nothing_to_a_ping(self) -> None:
        self.servers.turn(ADDRESS, 53, False)
        self.assertEqual(
            self.outcome(DNS, 0.1).reason, "failed to read socket; errno 111 (Connection refused)"
        )
        for check in (UDP, ANSWERED):
            self.assertEqual(self.outcome(check, 0.1).detail, "Connection refused")
        self.assertEqual(self.outcome(PING, 0.1), GOOD)

    def test_a_dead_host_or_one_that_is_cut_off_is_found_out_after_three_seconds(self) -> None:
        for self.is_near in (True, False):
            self.servers.turn(ADDRESS, None, not self.is_near)
            self.assertEqual(self.outcome(UDP, 3.1).detail, "No route to host")
            # As in the world outside, who does not wait that long takes the silence for success.
            self.assertEqual(self.outcome(UdpCheck(TIMING, IMPATIENT), 2.1), GOOD)
            self.assertEqual(self.outcome(PING, 5.1), Outcome(False, "timeout"))
            self.assertFalse(self.outcome(DnsCheck(TIMING, IMPATIENT), 2.1).good)

    def test_a_cancelled_attempt_leaves_nothing(self) -> None:
        for check in (DNS, PING, UDP):
            result = self.ask(check)
            result.cancel()
            self.failureResultOf(result)
        self.assertEqual(self.world.getDelayedCalls(), [])
