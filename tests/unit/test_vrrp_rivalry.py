"""Two masters at once: told when it is no election, with the likely cause, and told when it is over."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import Authentication, AuthType, Configuration
from kaltwisted.testing.lan import Lan
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import auth, rivalry
from kaltwisted.vrrp.actions import Action, State, TimerName
from kaltwisted.vrrp.packet import Reason
from kaltwisted.vrrp.rivalry import Rivalry

from .vrrp_helpers import Driven, config, seconds

OTHER = ip_address("10.0.0.9").packed
THIRD = ip_address("10.0.0.10").packed


def alarms(actions: list[Action]) -> list[act.Alarm]:
    return [action for action in actions if isinstance(action, act.Alarm)]


class RivalryTests(SynchronousTestCase):
    def test_an_election_of_two_adverts_is_none(self) -> None:
        rivals = Rivalry()
        self.assertIsNone(rivals.heard(OTHER, None, 0, seconds(1)))
        self.assertIsNone(rivals.heard(OTHER, None, seconds(1), seconds(1)))
        self.assertIsNone(rivals.still(seconds(5), seconds(1)))

    def test_the_third_is_told_of_once_with_the_latest_cause(self) -> None:
        rivals = Rivalry()
        rivals.heard(OTHER, Reason.INTERVAL, 0, seconds(1))
        rivals.heard(OTHER, Reason.INTERVAL, seconds(1), seconds(1))
        words = rivals.heard(OTHER, Reason.PASSWORD, seconds(2), seconds(1))
        self.assertEqual(
            words,
            "split brain: 10.0.0.9 is master too, for 2.0 s: its password is another: compare auth_pass",
        )
        self.assertIsNone(rivals.heard(OTHER, Reason.PASSWORD, seconds(3), seconds(1)))

    def test_it_is_over_when_the_rival_is_silent_or_we_yield(self) -> None:
        for yielded in (False, True):
            rivals = Rivalry()
            for second in range(3):
                rivals.heard(OTHER, None, seconds(second), seconds(1))
            self.assertIsNone(rivals.still(seconds(5.9), seconds(1)))
            words = rivals.yielded(seconds(6)) if yielded else rivals.still(seconds(6), seconds(1))
            why = "we are master no more" if yielded else "10.0.0.9 is silent"
            self.assertEqual(words, f"split brain is over after 6.0 s: {why}")
            self.assertIsNone(rivals.still(seconds(20), seconds(1)))
            self.assertIsNone(rivals.yielded(seconds(20)))

    def test_one_rival_is_followed_at_a_time(self) -> None:
        rivals = Rivalry()
        rivals.heard(OTHER, None, 0, seconds(1))
        for second in range(9):
            self.assertIsNone(rivals.heard(THIRD, None, seconds(second), seconds(1)))
        self.assertIsNone(rivals.still(seconds(9), seconds(1)))
        self.assertIsNotNone(
            [rivals.heard(THIRD, None, seconds(second), seconds(1)) for second in (9, 10, 11)][-1]
        )

    def test_adverts_that_have_waited_for_us_are_none_that_stays(self) -> None:
        rivals = Rivalry()
        for _ in range(9):
            self.assertIsNone(rivals.heard(OTHER, None, 0, seconds(1)))
        self.assertIsNone(rivals.still(seconds(4), seconds(1)))
        self.assertIsNone(rivals.rival)

    def test_packets_that_are_no_master_s_do_not_count(self) -> None:
        rivals = Rivalry()
        for _ in range(9):
            self.assertIsNone(rivals.heard(OTHER, Reason.LENGTH, 0, seconds(1)))
        self.assertIsNone(rivals.rival)

    @given(
        st.lists(
            st.tuples(st.sampled_from([OTHER, THIRD]), st.sampled_from([None, *Reason]), st.integers(0, 9))
        )
    )
    def test_what_begins_ends(self, heard: list[tuple[bytes, Reason | None, int]]) -> None:
        rivals = Rivalry()
        now = told = over = 0
        for source, reason, wait in heard:
            now += seconds(wait)
            over += rivals.still(now, seconds(1)) is not None
            told += rivals.heard(source, reason, now, seconds(1)) is not None
            self.assertIn(told - over, (0, 1))
        over += rivals.yielded(now) is not None
        self.assertEqual(told, over)


class InstanceTests(SynchronousTestCase):
    def test_a_rival_that_does_not_yield(self) -> None:
        driven = Driven(priority=150)
        driven.become_master()
        actions: list[Action] = []
        for _ in range(4):
            actions += driven.expire(TimerName.ADVERT)
            actions += driven.hear(100)
        (alarm,) = alarms(actions)
        self.assertEqual((alarm.name, alarm.headline), ("X", "Split brain"))
        self.assertIn(rivalry.NOT_YIELDING, alarm.words)
        self.assertEqual(driven.instance.statistics.split_brains, 1)
        quiet = [alarm for _ in range(5) for alarm in alarms(driven.expire(TimerName.ADVERT))]
        self.assertEqual([each.headline for each in quiet], ["Split brain is over"])

    def test_one_that_yields_is_none(self) -> None:
        driven = Driven(priority=150)
        driven.become_master()
        actions = driven.hear(100) + driven.hear(100) + driven.hear(0)
        self.assertEqual(alarms(actions), [])

    def test_yielding_ends_it(self) -> None:
        driven = Driven(priority=150)
        driven.become_master()
        for _ in range(3):
            driven.after(seconds(1))
            driven.hear(100)
        actions = driven.hear(200)
        self.assertEqual(driven.state, State.BACKUP)
        self.assertEqual([each.headline for each in alarms(actions)], ["Split brain is over"])

    def test_a_password_that_differs(self) -> None:
        driven = Driven(authentication=Authentication(AuthType.PASS, b"right"))
        driven.become_master()
        actions: list[Action] = []
        for _ in range(5):
            driven.after(seconds(1))
            actions += driven.hear(200, password=auth.pad(b"wrong"))
        self.assertEqual([each.headline for each in alarms(actions)], ["Mismatch with a peer", "Split brain"])
        for alarm in alarms(actions):
            self.assertIn("compare auth_pass", alarm.words)
            self.assertNotIn("right", alarm.words)
            self.assertNotIn("wrong", alarm.words)

    def test_other_addresses_and_intervals(self) -> None:
        for version, changed, keyword in (
            (2, {"block": ip_address("10.0.0.77").packed}, "virtual_ipaddress"),
            (3, {"interval_us": seconds(2)}, "advert_int"),
            (2, {"interval_us": seconds(2)}, "advert_int"),
        ):
            driven = Driven(version=version)
            fields: dict[str, Any] = dict(changed)
            (alarm,) = alarms(driven.hear(200, **fields) + driven.hear(200, **fields))
            self.assertEqual(alarm.headline, "Mismatch with a peer")
            self.assertIn(f"compare {keyword}", alarm.words)


def pair(lan: Lan) -> None:
    """a and b on eth0, and a has the higher priority."""
    for name, address, priority in (("a", "10.0.0.1", 150), ("b", "10.0.0.2", 100)):
        lan.host(name, Configuration(vrrp_instances=(config(priority=priority),)), {"eth0": address}).start()
    lan.run(seconds(20))


def splits(lan: Lan, name: str) -> list[str]:
    return [line for line in lan.lines(name) if "split brain" in line]


class LanTests(SynchronousTestCase):
    def test_a_healthy_pair_never_hears_of_it_and_a_healed_one_neither(self) -> None:
        lan = Lan(seed=3)
        pair(lan)
        lan.wire("eth0").part({"a"}, {"b"})
        lan.run(seconds(20))
        self.assertEqual(lan.holders("10.0.0.100"), ["a", "b"])
        lan.wire("eth0").heal()
        lan.run(seconds(20))
        self.assertEqual(lan.holders("10.0.0.100"), ["a"])
        self.assertEqual(splits(lan, "a") + splits(lan, "b"), [])

    def test_a_link_that_is_dead_one_way(self) -> None:
        lan = Lan(seed=4)
        pair(lan)
        lan.wire("eth0").cut.add(("a", "b"))
        lan.run(seconds(20))
        (line,) = splits(lan, "a")
        self.assertIn("split brain: 10.0.0.2 is master too, for", line)
        self.assertIn("it does not hear our adverts", line)
        self.assertEqual(splits(lan, "b"), [])
        lan.wire("eth0").heal()
        lan.run(seconds(20))
        self.assertIn("split brain is over after", splits(lan, "a")[-1])
