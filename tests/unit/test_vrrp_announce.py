"""Announcements: their bytes, their order and their pace."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import GarpGroup
from kaltwisted.ports import IAnnouncer, IFrames, Link
from kaltwisted.testing.vrrp import FakeAnnouncer, FakeFrames
from kaltwisted.vrrp.announce import (
    Announcement,
    AnnounceQueue,
    Paces,
    gratuitous_arp,
    neighbour_advertisement,
)
from kaltwisted.vrrp.announcer import Announcer
from kaltwisted.vrrp.checksum import is_intact

MAC = bytes.fromhex("020000000001")
ETH0 = Link(2, "eth0", mac=MAC)


def announcements(owner: str, *lasts: int) -> list[Announcement]:
    return [Announcement(owner, "eth0", ip_address(f"10.0.0.{last}")) for last in lasts]


class TickingClock(Clock):
    """Half a millisecond passes from one look at it to the next; ``turns`` counts what was scheduled."""

    turns = 0

    def seconds(self) -> float:
        self.rightNow += 0.0005
        return self.rightNow

    def callLater(self, *args: Any, **kwargs: Any) -> IDelayedCall:
        self.turns += 1
        return super().callLater(*args, **kwargs)


class Frames(SynchronousTestCase):
    def test_gratuitous_arp(self) -> None:
        """RFC 5227 §3, with keepalived's broadcast target MAC."""
        self.assertEqual(
            gratuitous_arp(IPv4Address("10.0.0.100"), MAC).hex(" "),
            "ff ff ff ff ff ff 02 00 00 00 00 01 08 06 00 01 08 00 06 04 00 01 "
            "02 00 00 00 00 01 0a 00 00 64 ff ff ff ff ff ff 0a 00 00 64",
        )

    def test_unsolicited_neighbour_advertisement(self) -> None:
        """RFC 4861 §4.4, §7.2.6: to all nodes, hop limit 255, override, our MAC, a good checksum."""
        address = IPv6Address("2001:db8::100")
        frame = neighbour_advertisement(address, MAC, router=True)
        self.assertEqual(frame[:14].hex(), "333300000001" + MAC.hex() + "86dd")
        self.assertEqual((frame[20], frame[21]), (58, 255))
        self.assertEqual(frame[22:54], address.packed + IPv6Address("ff02::1").packed)
        body = frame[54:]
        self.assertEqual((body[0], body[4], len(body)), (136, 0xA0, 32))
        self.assertEqual(body[8:24], address.packed)
        self.assertEqual(body[24:].hex(), "0201" + MAC.hex())
        self.assertTrue(is_intact(frame[22:54] + len(body).to_bytes(4) + bytes((0, 0, 0, 58)) + body))
        self.assertEqual(neighbour_advertisement(address, MAC, router=False)[58], 0x20)


class Queue(SynchronousTestCase):
    def test_everybody_is_announced_once_before_anybody_twice(self) -> None:
        queue = AnnounceQueue()
        queue.add(announcements("A", 1, 2), 2)
        self.assertEqual(queue.take(0, 1), announcements("A", 1))
        queue.add(announcements("B", 3), 1)
        self.assertEqual(queue.take(0, 2), announcements("A", 2) + announcements("B", 3))
        self.assertEqual(queue.take(0, 9), announcements("A", 1, 2))
        self.assertIsNone(queue.due())

    def test_what_waits_is_not_queued_again(self) -> None:
        """A peer that makes us announce again and again does not make the queue grow."""
        queue = AnnounceQueue()
        for _ in range(1000):
            queue.add(announcements("A", 1, 2), 5)
        self.assertEqual(len(queue), 10)

    def test_what_an_instance_gave_up_is_not_announced(self) -> None:
        queue = AnnounceQueue()
        queue.add(announcements("A", 1), 3)
        queue.add(announcements("B", 2), 1)
        queue.drop("A")
        self.assertEqual(queue.take(0, 9), announcements("B", 2))

    def test_an_interval_lets_one_go_at_a_time(self) -> None:
        queue = AnnounceQueue(interval_us=1000)
        queue.add(announcements("A", 1, 2), 1)
        self.assertEqual(queue.take(5000, 9), announcements("A", 1))
        self.assertEqual(queue.take(5999, 9), [])
        self.assertEqual(queue.due(), 6000)
        self.assertEqual(queue.take(6000, 9), announcements("A", 2))

    @given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 5), st.integers(0, 4))))
    def test_nothing_is_lost_and_nothing_made_up(self, added: list[tuple[str, int, int]]) -> None:
        queue = AnnounceQueue()
        wanted: dict[Announcement, int] = {}
        for owner, last, repeat in added:
            [announcement] = announcements(owner, last)
            queue.add([announcement], repeat)
            if repeat:
                wanted[announcement] = max(wanted.get(announcement, 0), repeat)
        taken = queue.take(0, 10_000)
        self.assertEqual({each: taken.count(each) for each in taken}, wanted)


class Sending(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.frames = FakeFrames()
        self.links = {"eth0": ETH0, "lo": Link(1, "lo", mac=bytes(6), loopback=True), "tun0": Link(9, "tun0")}

    def announcer(self, interval_us: int = 0) -> Announcer:
        return Announcer(self.clock, self.frames, self.links.get, paces=Paces(garp_interval_us=interval_us))

    def test_frames_go_out_on_their_interface_with_its_mac(self) -> None:
        announcer = self.announcer()
        for provided, interface in (
            (announcer, IAnnouncer),
            (FakeAnnouncer(), IAnnouncer),
            (self.frames, IFrames),
        ):
            verifyObject(interface, provided)
        address = IPv4Address("10.0.0.100")
        announcer.announce("A", [("eth0", address), ("lo", address), ("tun0", address), ("gone", address)], 2)
        self.assertEqual(self.frames.sent, [])
        self.clock.advance(0)
        self.clock.advance(0)
        self.assertEqual(self.frames.sent, [("eth0", gratuitous_arp(address, MAC))] * 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_long_queue_takes_many_turns(self) -> None:
        clock = TickingClock()
        announcer = Announcer(clock, self.frames, self.links.get)
        addresses = [("eth0", ip_address(int(ip_address("10.0.0.1")) + number)) for number in range(500)]
        announcer.announce("A", addresses, 1)
        clock.advance(0)
        self.assertEqual(len(self.frames.sent), 500)
        self.assertGreater(clock.turns, 10)

    def test_the_interval_is_kept(self) -> None:
        announcer = self.announcer(interval_us=10_000)
        announcer.announce("A", [("eth0", ip_address(f"10.0.0.{last}")) for last in (1, 2, 3)], 1)
        counts = []
        for _ in range(5):
            self.clock.advance(0.005)
            counts.append(len(self.frames.sent))
        self.assertEqual(counts[-1], 3)
        self.assertEqual(counts, sorted(counts))
        self.assertLess(counts[1], 3)

    def test_announcements_are_logged_only_when_asked_for(self) -> None:
        for log_each, lines in ((False, 0), (True, 3)):
            announcer = Announcer(self.clock, self.frames, self.links.get, log_each=log_each)
            with capturedLogs() as logs:
                announcer.announce("A", [("eth0", IPv4Address("10.0.0.100"))], 2)
                self.clock.pump([0] * 20)
            self.assertEqual(len(logs), lines)

    def test_a_neighbour_advertisement_tells_whether_the_host_forwards(self) -> None:
        address = ip_address("fd00::100")
        for forwards in (False, True):
            announcer = Announcer(
                self.clock,
                self.frames,
                self.links.get,
                forwards=lambda interface, forwards=forwards: forwards and interface == "eth0",
                log_each=True,
            )
            self.frames.sent.clear()
            with capturedLogs() as logs:
                announcer.announce("A", [("eth0", address)], 1)
                self.clock.pump([0] * 20)
            [(_, sent)] = self.frames.sent
            self.assertEqual(sent, neighbour_advertisement(address, MAC, router=forwards))
            self.assertEqual(
                [formatEvent(event) for event in logs],
                [
                    "(A) Sending/queueing Unsolicited Neighbour Adverts on eth0 for fd00::100",
                    "Sending unsolicited Neighbour Advert on eth0 for fd00::100",
                ],
            )

    def test_the_interval_of_ipv6_is_its_own(self) -> None:
        announcer = Announcer(self.clock, self.frames, self.links.get, paces=Paces(gna_interval_us=1_000_000))
        for network in ("10.0.0.", "fd00::"):
            announcer.announce("A", [("eth0", ip_address(f"{network}{last}")) for last in (1, 2)], 1)
        self.clock.pump([0] * 20)
        self.assertEqual(len(self.frames.sent), 3)
        self.clock.advance(1)
        self.assertEqual(len(self.frames.sent), 4)

    def counts(self, pace_s: float, turns: int) -> list[int]:
        """How many frames have gone after each turn."""
        found = []
        for _ in range(turns):
            self.clock.advance(pace_s)
            self.clock.pump([0] * 5)
            found.append(len(self.frames.sent))
        return found

    def test_interfaces_of_a_group_go_by_one_pace_together_and_others_by_their_own(self) -> None:
        for number in (1, 2, 3):
            self.links[f"eth{number}"] = Link(3 + number, f"eth{number}", mac=MAC)
        for group, expected in (
            (GarpGroup(shared=("eth1", "eth2"), garp_interval_us=100_000), [2, 3, 4, 5]),
            (GarpGroup(interfaces=("eth1", "eth2"), garp_interval_us=100_000), [3, 5, 5, 5]),
            # Of what a group says nothing there is no pace, whatever the others have.
            (GarpGroup(interfaces=("eth1", "eth2"), gna_interval_us=100_000), [5, 5, 5, 5]),
        ):
            self.frames.sent.clear()
            paces = Paces(garp_interval_us=5_000_000, groups=(group,))
            announcer = Announcer(self.clock, self.frames, self.links.get, paces=paces)
            addresses = [("eth3", ip_address("10.0.0.9"))]
            addresses += [
                (name, ip_address(f"10.0.0.{last}")) for name in ("eth1", "eth2") for last in (1, 2)
            ]
            announcer.announce("A", addresses, 1)
            self.assertEqual(self.counts(0.1, 4), expected, group)
            announcer.stop()

    def test_another_pace_counts_from_the_next_announcement_on(self) -> None:
        announcer = self.announcer(interval_us=1_000_000)
        announcer.announce("A", [("eth0", ip_address(f"10.0.0.{last}")) for last in (1, 2)], 1)
        self.assertEqual(self.counts(0.1, 1), [1])
        announcer.reconfigure(Paces())
        announcer.announce("A", [("eth0", ip_address(f"10.0.0.{last}")) for last in (3, 4, 5)], 1)
        self.assertEqual(self.counts(0.1, 1), [4])
        self.assertEqual(self.counts(1, 1), [5], "what waited was not lost")
        announcer.cancel("A")

    def test_a_broken_interface_is_told_once(self) -> None:
        self.frames.broken = "Network is down"
        announcer = self.announcer()
        announcer.announce("A", [("eth0", IPv4Address("10.0.0.100"))], 50)
        with capturedLogs() as logs:
            self.clock.pump([0] * 20)
        self.assertEqual([event["why"] for event in logs if "why" in event], ["Network is down"])
        self.assertEqual(self.clock.getDelayedCalls(), [])
