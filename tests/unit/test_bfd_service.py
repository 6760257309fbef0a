"""Sessions run: whose a packet is, what is published and logged, timers, reloads, ports that are taken."""

from __future__ import annotations

from ipaddress import ip_address
from random import Random

import attrs
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.bfd import report
from kaltwisted.bfd.packet import Control, Reason, State, decode, encode
from kaltwisted.bfd.service import COMPLAINT_S, LISTEN_AGAIN_S, BfdService
from kaltwisted.config.model import BfdInstance
from kaltwisted.ports import (
    BFD_SESSION,
    Datagram,
    Fact,
    IBfdListener,
    IBfdSender,
    IBfdWire,
)
from kaltwisted.testing.bfd import FakeBfdListener, FakeBfdSender, FakeBfdWire
from tests.unit.bfd_helpers import THERE, packet

FAR = BfdInstance("far", ip_address("10.0.0.2"), multiplier=3)
SIX = BfdInstance("six", ip_address("fe80::2"), multiplier=3, ttl=64)
ME = ip_address("10.0.0.1").packed


class ServiceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.wire = FakeBfdWire()
        self.facts: list[Fact] = []
        self.lines: list[str] = []

        def observe(event: LogEvent) -> None:
            self.lines.append(formatEvent(event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def start(self, *sessions: BfdInstance, detail: bool = False) -> BfdService:
        self.service = BfdService(
            sessions, self.clock, self.wire, self.facts.append, Random(5), log_detail=detail
        )
        self.service.startService()
        return self.service

    def stop(self) -> None:
        self.service.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertTrue(all(each.closed for each in self.wire.listeners.values()))
        self.assertTrue(all(each.closed for each in self.wire.senders.values()))

    def listener(self, port: int = 3784, *, ipv6: bool = False) -> FakeBfdListener:
        return self.wire.listeners[port, ipv6]

    def number(self, name: str = "far") -> int:
        return self.service.sessions[name].session.variables.discriminator

    def datagram(self, control: Control, source: str = "10.0.0.2", ttl: int = 255) -> Datagram:
        return Datagram(encode(control), ip_address(source).packed, ME, ttl)

    def hear(self, state: State, name: str = "far", source: str = "10.0.0.2", ttl: int = 255) -> None:
        known = self.number(name)
        self.listener(ipv6=":" in source).received(
            self.datagram(packet(state, your_discriminator=known), source, ttl)
        )

    def rise(self, name: str = "far", source: str = "10.0.0.2", ttl: int = 255) -> None:
        self.hear(State.DOWN, name, source, ttl)
        self.hear(State.UP, name, source, ttl)

    def sent(self, name: str = "far") -> list[State]:
        found = [decode(each) for each in self.wire.senders[name].sent]
        return [each.state for each in found if isinstance(each, Control)]

    def values(self, name: str = "far") -> list[int | None]:
        return [fact.value for fact in self.facts if fact.name == name]

    # -- what it is made of ----------------------------------------------------------------

    def test_the_fakes_are_what_they_pass_for(self) -> None:
        verifyObject(IBfdWire, self.wire)
        verifyObject(IBfdSender, FakeBfdSender(FAR))
        verifyObject(IBfdListener, FakeBfdListener(id))

    def test_it_listens_where_it_must_and_nowhere_else(self) -> None:
        self.start(FAR, attrs.evolve(SIX, multihop=True))
        self.assertEqual(set(self.wire.listeners), {(3784, False), (4784, True)})
        self.stop()

    def test_numbers_are_unique_and_not_0(self) -> None:
        self.start(*(BfdInstance(f"n{n}", ip_address(n + 1)) for n in range(50)))
        numbers = {self.number(name) for name in self.service.sessions}
        self.assertEqual(len(numbers), 50)
        self.assertNotIn(0, numbers)
        self.stop()

    def test_a_number_that_another_session_has_is_not_given_again(self) -> None:
        numbers = iter([7, 7, 7, 8])

        class Dice(Random):
            def randint(self, a: int, b: int) -> int:
                return next(numbers)

        near = attrs.evolve(FAR, name="near", neighbor=ip_address("10.0.0.3"))
        self.service = BfdService((FAR, near), self.clock, self.wire, self.facts.append, Dice(1))
        self.service.startService()
        self.assertEqual((self.number(), self.number("near")), (7, 8))
        self.stop()

    # -- a life ------------------------------------------------------------------------------

    def test_down_from_the_start_up_when_it_is_and_down_when_nothing_is_heard(self) -> None:
        self.start(FAR)
        self.assertEqual(self.facts, [Fact(BFD_SESSION, "far", 0)])
        self.rise()
        self.assertEqual(self.values(), [0, 1])
        for _ in range(29):
            self.clock.advance(0.001)
        self.assertEqual(self.values(), [0, 1])
        self.clock.advance(0.002)
        self.assertEqual(self.values(), [0, 1, 0])
        self.assertIn("(far) Entering Up state", self.lines)
        self.assertTrue(any("Control Detection Time Expired" in line for line in self.lines))
        self.stop()

    def test_packets_go_out_at_the_interval(self) -> None:
        self.start(FAR)
        self.rise()
        before = len(self.sent())
        for _ in range(100):
            self.clock.advance(0.01)
            self.hear(State.UP)
        # 1 s by 8.75 ms on average, in steps of 10 ms.
        self.assertTrue(95 <= len(self.sent()) - before <= 120, len(self.sent()) - before)
        self.stop()

    def test_what_waits_in_the_socket_when_time_is_up_counts_as_heard(self) -> None:
        self.start(FAR)
        self.rise()
        alive = self.datagram(packet(State.UP, your_discriminator=self.number()))
        self.listener().waiting.append(alive)
        self.clock.advance(0.5)  # we were held up
        self.assertEqual(self.values(), [0, 1])
        self.clock.advance(0.031)
        self.assertEqual(self.values(), [0, 1, 0])
        self.stop()

    def test_a_stop_says_goodbye_and_publishes_nothing(self) -> None:
        self.start(FAR)
        self.rise()
        self.stop()
        self.assertIs(self.sent()[-1], State.ADMIN_DOWN)
        self.assertEqual(self.values(), [0, 1])

    def test_details_are_logged_where_they_are_wanted(self) -> None:
        self.start(FAR)
        self.rise()
        self.assertFalse(any("Session parameters" in line for line in self.lines))
        self.stop()
        self.start(FAR, detail=True)
        self.rise()
        self.assertTrue(any("Session parameters" in line for line in self.lines))
        self.stop()

    # -- whose a packet is ---------------------------------------------------------------------

    def test_the_first_packet_is_known_by_its_addresses(self) -> None:
        near = attrs.evolve(FAR, name="near", source=ip_address("10.0.0.1"))
        other = attrs.evolve(FAR, name="other", source=ip_address("10.0.0.9"))
        self.start(FAR, near, other)
        first = packet(your_discriminator=0)
        self.listener().received(self.datagram(first))
        self.listener().received(
            attrs.evolve(self.datagram(first), destination=ip_address("10.0.0.7").packed)
        )
        states = {name: each.session.state for name, each in self.service.sessions.items()}
        self.assertEqual(states, {"far": State.INIT, "near": State.INIT, "other": State.DOWN})
        self.stop()

    def test_strangers_are_counted_and_told_of_once_a_minute(self) -> None:
        self.start(FAR)
        for _ in range(1000):
            self.listener().received(self.datagram(packet(your_discriminator=0), "192.0.2.66"))
            self.listener().received(Datagram(b"junk", ME, ME, 255))
        self.assertEqual(self.service.discarded, {Reason.SESSION: 1000, Reason.SHORT: 1000})
        told = [line for line in self.lines if line.startswith("Discarding")]
        self.assertEqual(
            told,
            [
                "Discarding packet from 192.0.2.66 (it belongs to no session)",
                "Discarding packet from 10.0.0.1 (it is too small)",
            ],
        )
        self.clock.advance(COMPLAINT_S)
        self.listener().received(self.datagram(packet(your_discriminator=7)))
        self.assertEqual(self.lines[-1], "Discarding packet from 10.0.0.2 (it belongs to no session)")
        self.stop()

    def test_who_is_not_next_door_is_not_heard(self) -> None:
        self.start(FAR, SIX)
        self.hear(State.DOWN, ttl=254)
        self.assertEqual(self.service.discarded, {Reason.HOPS: 1})
        self.rise("six", "fe80::2", ttl=64)
        self.assertEqual(self.values("six"), [0, 1])
        self.stop()

    def test_a_packet_by_the_wrong_port_is_nobodys(self) -> None:
        self.start(FAR, attrs.evolve(FAR, name="over", multihop=True))
        self.listener(4784).received(self.datagram(packet(your_discriminator=self.number())))
        self.listener().received(self.datagram(packet(your_discriminator=self.number("over"))))
        self.assertEqual(self.service.discarded, {Reason.SESSION: 2})
        self.stop()

    # -- what does not work ----------------------------------------------------------------------

    def test_that_it_cannot_send_is_told_once_until_it_can(self) -> None:
        self.start(FAR)
        sender = self.wire.senders["far"]
        sender.refusal = "Network is unreachable"
        self.clock.pump([1.0] * 5)
        sender.refusal = None
        self.clock.advance(1)
        sender.refusal = "Network is unreachable"
        self.clock.advance(1)
        line = "(far) Error sending packet to 10.0.0.2: Network is unreachable"
        self.assertEqual(self.lines.count(line), 2)
        self.stop()

    def test_a_port_that_is_taken_is_tried_again(self) -> None:
        self.wire.refusal = "BFD cannot receive on UDP port 3784 (IPv4): Address already in use"
        self.start(FAR)
        self.assertEqual(self.lines, [f"{self.wire.refusal}; it is tried again"])
        self.wire.refusal = None
        self.clock.advance(LISTEN_AGAIN_S)
        self.rise()
        self.assertEqual(self.values(), [0, 1])
        self.stop()

    def test_a_stop_while_a_port_is_taken(self) -> None:
        self.wire.refusal = "no"
        self.start(FAR)
        self.stop()

    # -- a reload --------------------------------------------------------------------------------

    def test_a_session_that_did_not_change_goes_on_and_one_with_other_timing_too(self) -> None:
        self.start(FAR, SIX)
        self.rise()
        number = self.number()
        self.service.reconfigure((attrs.evolve(FAR, min_tx_us=20_000, weight=5),))
        self.assertEqual((self.number(), self.values()), (number, [0, 1]))
        final = packet(State.UP, your_discriminator=number, final=True)
        self.listener().received(self.datagram(final))
        self.hear(State.UP)
        last = decode(self.wire.senders["far"].sent[-1])
        self.clock.advance(0.01)
        last = decode(self.wire.senders["far"].sent[-1])
        assert isinstance(last, Control)
        self.assertEqual((last.poll, last.desired_min_tx_us), (True, 20_000))
        self.assertTrue(self.wire.senders["six"].closed)
        self.assertTrue(self.listener(ipv6=True).closed)
        self.stop()

    def test_of_what_is_gone_nothing_is_published(self) -> None:
        """Who tracked it is told of the reload a moment later, and must not see it fail meanwhile."""
        self.start(FAR)
        self.rise()
        self.service.reconfigure(())
        self.assertEqual(self.values(), [0, 1])
        self.assertIs(self.sent()[-1], State.ADMIN_DOWN)
        self.stop()

    def test_another_neighbour_is_another_session(self) -> None:
        self.start(FAR)
        self.rise()
        number = self.number()
        self.service.reconfigure((attrs.evolve(FAR, neighbor=ip_address("10.0.0.3")),))
        self.assertNotEqual(self.number(), number)
        self.assertEqual(self.values(), [0, 1, 0])
        self.listener().received(self.datagram(packet(your_discriminator=number)))
        self.assertEqual(self.service.discarded, {Reason.SESSION: 1})
        self.rise(source="10.0.0.3")
        self.assertEqual(self.values()[-1], 1)
        self.stop()

    # -- the report --------------------------------------------------------------------------------

    def test_the_report_is_laid_out_as_keepalived_s(self) -> None:
        self.start(FAR)
        self.rise()
        self.listener().received(Datagram(b"junk", ME, ME, 255))
        service = self.service
        sessions = [each.session for each in service.sessions.values()]
        lines = list(report.data(sessions, service.discarded, 0))
        self.assertEqual(lines[:2], ["------< BFD Topology >------", " BFD Instance = far"])
        self.assertIn("   local state = Up", lines)
        self.assertIn(f"   remote discriminator = 0x{THERE:x}", lines)
        self.assertIn("   poll, !final", lines)
        self.assertIn("   local detection time = 30000 us", lines)
        self.assertIn("   packets received = 2", lines)
        self.assertEqual(lines[-2:], ["------< BFD packets discarded >------", " it is too small = 1"])
        service.clear_statistics()
        self.assertIn("   packets received = 0", list(report.data(sessions, service.discarded, 0)))
        self.stop()
