"""An instance and packets that are not as they should be: what it drops and tells, and sequence numbers."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import Authentication, AuthType
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import auth
from kaltwisted.vrrp.actions import State, TimerName
from kaltwisted.vrrp.packet import Reason

from .vrrp_helpers import SECRET, Driven, kinds, lines, seconds, sent


class BadPacketTests(SynchronousTestCase):
    def test_each_is_counted_and_a_kind_is_told_once_a_minute(self) -> None:
        driven = Driven(authentication=Authentication(AuthType.PASS, b"right"))
        actions = []
        for _ in range(1000):
            actions += driven.hear(200, password=auth.pad(b"wrong"))
            driven.after(100)
        self.assertEqual(lines(actions), ["(X) dropped a packet from 10.0.0.9: wrong password"])
        self.assertEqual(kinds(actions), [act.Alarm])
        self.assertEqual(driven.instance.statistics.packet_errors[Reason.PASSWORD], 1000)
        driven.after(seconds(60))
        again = driven.hear(200, password=auth.pad(b"wrong"))
        # A line a minute, but a mail an hour.
        self.assertEqual((len(lines(again)), kinds(again)), (1, []))
        driven.after(seconds(3600))
        self.assertEqual(kinds(driven.hear(200, password=auth.pad(b"wrong"))), [act.Alarm])

    def test_and_again_in_another_state(self) -> None:
        driven = Driven()
        self.assertEqual(len(lines(driven.hear(200, version=3))), 1)
        self.assertEqual(lines(driven.hear(200, version=3)), [])
        driven.become_master()
        self.assertEqual(len(lines(driven.hear(200, version=3))), 1)

    def test_other_virtual_routers_are_nobodys_fault(self) -> None:
        driven = Driven()
        self.assertEqual(driven.hear(200, vrid=52), [])
        self.assertEqual(driven.instance.statistics.packet_errors, {})


class SealedTests(SynchronousTestCase):
    def test_one_counter_serves_both_ways(self) -> None:
        driven = Driven(authentication=SECRET)
        driven.hear(200, sequence=41)
        self.assertEqual(driven.instance.sequence.value, 41)
        advert = driven.become_master()[0]
        assert isinstance(advert, act.SendAdvert)
        self.assertEqual(int.from_bytes(advert.packet[28:32]), 42)

    def test_a_replayed_packet_is_dropped(self) -> None:
        driven = Driven(authentication=SECRET)
        driven.hear(200, sequence=41)
        driven.after(seconds(1))
        self.assertEqual(
            lines(driven.hear(200, sequence=41)),
            [f"(X) dropped a packet from 10.0.0.9: {Reason.SEQUENCE.value}"],
        )

    def test_a_master_passes_a_lesser_masters_counter(self) -> None:
        driven = Driven(authentication=SECRET)
        driven.become_master()
        driven.after(seconds(0.5))
        advert = driven.hear(90, sequence=1000)[0]
        assert isinstance(advert, act.SendAdvert)
        self.assertEqual(int.from_bytes(advert.packet[28:32]), 1002)

    def test_two_masters_of_one_moment_do_not_stay_deaf_to_each_other(self) -> None:
        driven = Driven(authentication=SECRET)
        driven.become_master()
        driven.hear(100, "10.0.0.9", sequence=1)
        self.assertEqual(driven.instance.sequence.value, 1)
        driven.hear(100, "10.0.0.4", sequence=1)
        driven.hear(100, "10.0.0.4", sequence=1)
        self.assertEqual(driven.instance.sequence.value, 2)

    def test_a_spent_counter_means_backup_and_begins_anew(self) -> None:
        driven = Driven(authentication=SECRET)
        driven.instance.sequence.value = auth.SEQUENCE_LIMIT
        self.assertEqual(sent(driven.become_master()), [100])
        actions = driven.expire(TimerName.ADVERT)
        self.assertEqual((driven.state, sent(actions)), (State.BACKUP, []))
        driven.become_master()
        self.assertEqual(driven.instance.sequence.value, 1)
