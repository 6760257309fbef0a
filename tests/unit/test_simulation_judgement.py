"""What rehearsals find that no checker of one file can, and what they say of it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import SECOND_US
from kaltwisted.simulation.judgement import Kind
from kaltwisted.simulation.ready import ready
from kaltwisted.simulation.rehearsal import Rehearsal
from kaltwisted.simulation.report import masters, mistakes, site, story, table
from kaltwisted.simulation.topology import lay_out
from tests.unit.simulation_helpers import VIP, configurations, instance, pair, rehearsed, rehearsed_ready

AUTH = "authentication {{\nauth_type {}\nauth_pass {}\n}}"
PASSWORD = "tops3c"


def sentences(rehearsal: Rehearsal) -> list[str]:
    """What is wrong."""
    return list(mistakes([rehearsal]))


class MistakeTests(SynchronousTestCase):
    def two(self, one: str, two: str, why: str, since: str = "3.609") -> None:
        """Both directors are master from the beginning on."""
        rehearsal = rehearsed_ready("start", pair(one, two))
        self.assertFalse(rehearsal.judgement.good)
        (told,) = sentences(rehearsal)
        self.assertTrue(told.startswith(f"start: one and two both have {VIP} from {since} s on ("), told)
        self.assertTrue(told.endswith(f": {why}"), told)

    def test_numbers(self) -> None:
        self.two(instance(150), instance(100, vrid=52), "virtual_router_id 51 on one, 52 on two")

    def test_passwords_which_are_never_told(self) -> None:
        one, two = (AUTH.format("PASS", password) for password in (PASSWORD, f"{PASSWORD}2"))
        self.two(instance(150, one), instance(100, two), "auth_pass differs")
        directors = pair(instance(150, one), instance(100, two))
        rehearsal = rehearsed_ready("start", directors)
        told = [*story(rehearsal, log=True), *table([rehearsal]), *site(lay_out(directors))]
        self.assertNotIn(PASSWORD, "\n".join(told) + repr(rehearsal))

    def test_kinds_of_authentication(self) -> None:
        self.two(
            instance(150, AUTH.format("AH", "k")),
            instance(100, AUTH.format("PASS", "k")),
            "auth_type AH on one, PASS on two",
        )
        self.two(instance(150), instance(100, AUTH.format("PASS", "k")), "auth_type none on one, PASS on two")

    def test_intervals(self) -> None:
        self.two(
            instance(150),
            instance(100, "advert_int 2"),
            "advert_int 1 s on one, 2 s on two",
            since="6.609",
        )

    def test_versions_and_families(self) -> None:
        self.two(instance(150), instance(100, "version 3"), "version 2 on one, 3 on two")

    def test_signatures(self) -> None:
        key, other = (f"key {{}} hex:{letter * 64}" for letter in "ab")

        def signed(*keys: str, mode: str = "enforce") -> str:
            return "version 3\nauth_hmac {\n" + "\n".join((*keys, f"mode {mode}")) + "\n}"

        good = signed(key.format(1))
        self.two(
            instance(150, good),
            instance(100, "version 3"),
            "auth_hmac: adverts to two are signed, and it has none;"
            " auth_hmac: one asks for signed adverts, and gets others",
        )
        self.two(
            instance(150, good),
            instance(100, signed(other.format(1))),
            "; ".join(f"auth_hmac: {name} does not have key 1 of the other" for name in ("two", "one")),
        )
        for mode in ("receive-only", "permissive"):
            both = pair(instance(150, good), instance(100, signed(key.format(1), mode=mode)))
            self.assertTrue(rehearsed_ready("one-eth0-down", both).judgement.good, mode)

    def test_clocks_that_differ(self) -> None:
        signed = "version 3\nauth_hmac {\nkey 1 hex:" + "a" * 64 + "\n}"
        both = pair(instance(150, signed), instance(100, signed))
        (told,) = sentences(rehearsed("at 20s: two clock 1h ahead\nat 60s: two clock right", both))
        self.assertIn("compare them with NTP", told)
        self.assertIn("to 60.", told)

    def test_groups_that_adverts_go_to(self) -> None:
        self.two(
            instance(150, "mcast_dst_ip 224.0.0.99"),
            instance(100),
            "adverts go to 224.0.0.99 on one, 224.0.0.18 on two",
        )

    def test_unicast_on_one_side(self) -> None:
        self.two(
            instance(150, "unicast_peer {\n192.168.200.6\n}"),
            instance(100),
            "one has unicast_peer, two has none",
        )

    def test_peers_that_are_not_there(self) -> None:
        self.two(
            instance(150, "unicast_src_ip 192.168.200.5", "unicast_peer {\n192.168.200.7\n}"),
            instance(100, "unicast_src_ip 192.168.200.6", "unicast_peer {\n192.168.200.5\n}"),
            "unicast_peer of one does not name two, which is 192.168.200.6",
        )

    def test_lans_that_the_scenario_keeps_apart(self) -> None:
        rehearsal = rehearsed(
            "lan a is one eth0\nlan b is two eth0\nat 30s: expect VI_1 on one,two",
            pair(instance(150), instance(100)),
        )
        (told,) = sentences(rehearsal)
        self.assertIn("eth0 of one and eth0 of two are on different LANs, a and b", told)

    def test_a_sync_group_that_only_one_has(self) -> None:
        group = "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}\n"
        both = [
            instance(priority) + instance(priority, name="VI_2", vrid=52, interface="eth1", vip="10.0.0.10")
            for priority in (150, 100)
        ]
        rehearsal = rehearsed_ready("two-eth0-down", pair(group + both[0], both[1]))
        self.assertEqual(sentences(rehearsal), [])
        rehearsal = rehearsed(
            "duration 60s\nat 10s: one dies\nat 20s: two eth0 down\n",
            pair(group + both[0], both[1]),
        )
        split = [each for each in rehearsal.judgement.troubles if each.kind is Kind.SPLIT]
        self.assertEqual(len(split), 1)
        self.assertEqual(split[0].cause, f"two has 10.0.0.10 and not {VIP}: it has no sync group like G")
        self.assertIn("sync group G is torn from 20.000 s on", "\n".join(sentences(rehearsal)))

    def test_nobody_is_left(self) -> None:
        rehearsal = rehearsed(
            "duration 60s\nat 20s: one dies\nat 30s: two script fit fails",
            pair(
                instance(150),
                "vrrp_script fit {\nscript /bin/fit\n}\n" + instance(100, "track_script {\nfit\n}"),
            ),
        )
        (told,) = sentences(rehearsal)
        self.assertEqual(
            told,
            f"test: nobody has {VIP} from 31.000 s on (29.000 s, allowed are 5.609 s):"
            " one does not run; two is in FAULT (script fit failed)",
        )

    def test_a_group_that_waits_for_one_of_its_members(self) -> None:
        """The other's master of VI_2 is heard, so nobody takes VI_1."""
        group = "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}\n"
        one = instance(150) + instance(150, name="VI_2", vrid=52, interface="eth1", vip="10.0.0.10")
        two = instance(100) + instance(100, name="VI_2", vrid=52, interface="eth1", vip="10.0.0.10")
        rehearsal = rehearsed("duration 60s\nat 20s: one eth0 down", pair(one, group + two))
        told = "\n".join(sentences(rehearsal))
        self.assertIn("two is BACKUP, and waits for VI_2 of its sync group G", told)

    def test_a_killed_daemon(self) -> None:
        rehearsal = rehearsed("at 20s: one crashes", pair(instance(150), instance(100)))
        (told,) = sentences(rehearsal)
        self.assertIn("the daemon of one does not run, and nobody has taken its addresses away", told)

    def test_what_is_found_in_many_is_told_once(self) -> None:
        directors = pair(instance(150), instance(100, vrid=52))
        rehearsals = [rehearsed_ready(name, directors) for name in ("start", "one-dies", "two-dies")]
        self.assertEqual(len(list(mistakes(rehearsals))), 1)
        self.assertIn("(so also in one-dies, two-dies)", next(mistakes(rehearsals)))


class JudgementTests(SynchronousTestCase):
    def test_one_that_is_in_order(self) -> None:
        directors = pair(instance(150), instance(100))
        for scenario in ready(lay_out(directors)):
            rehearsal = rehearsed_ready(scenario.name, directors)
            self.assertTrue(rehearsal.judgement.good, (scenario.name, rehearsal.judgement.troubles))
            self.assertEqual(rehearsal.masters, {"one": ("VI_1",), "two": ()}, scenario.name)

    def test_a_cut_makes_two_and_no_configuration_prevents_it(self) -> None:
        rehearsal = rehearsed_ready("cut-one-two-eth0", pair(instance(150), instance(100)))
        (trouble,) = (each for each in rehearsal.judgement.troubles if each.by_cut)
        self.assertTrue(rehearsal.judgement.good)
        self.assertEqual(trouble.cause, "two does not hear one on eth0, which the scenario has cut")
        self.assertTrue(26 * SECOND_US < trouble.span.length < 28 * SECOND_US)
        self.assertIn("cut off", list(table([rehearsal]))[1])

    def test_a_cut_excuses_no_longer_than_it_lasts(self) -> None:
        """Both stay master after the cut has healed: their passwords differ."""
        one, two = (instance(priority, AUTH.format("PASS", priority)) for priority in (150, 100))
        rehearsal = rehearsed("at 0s: cut one -> two\nat 10s: heal one -> two", pair(one, two))
        self.assertFalse(rehearsal.judgement.good)

    def test_nobody_is_missed_before_somebody_runs(self) -> None:
        directors = pair(instance(150), instance(100))
        rehearsal = rehearsed("at 30s: two starts\nat 60s: one starts", directors)
        self.assertTrue(rehearsal.judgement.good, rehearsal.judgement.troubles)
        self.assertTrue(3 * SECOND_US < rehearsal.judgement.longest_us(Kind.NOBODY) < 4 * SECOND_US)

    def test_what_is_allowed_can_be_said(self) -> None:
        directors = pair(instance(150), instance(100))
        for allowed, good in (("2s", False), ("4s", True)):
            text = f"allow nobody {allowed}\nat 20s: one dies"
            self.assertIs(rehearsed(text, directors).judgement.good, good)
        for allowed, good in (("0s", False), ("1s", True)):
            text = f"allow two {allowed}\nat 20s: one dies\nat 30s: one starts"
            self.assertIs(rehearsed(text, directors).judgement.good, good)

    def test_expectations(self) -> None:
        directors = pair(instance(150), instance(100))
        rehearsal = rehearsed(
            f"at 10s: expect {VIP} on two\nat 10s: expect VI_1 on one\nat 1s: expect {VIP} on nobody",
            directors,
        )
        self.assertFalse(rehearsal.judgement.good)
        self.assertEqual(
            sentences(rehearsal),
            [f"test: test.scenario:1:1: expect {VIP} on two, at 10.000 s: it is on one"],
        )

    def test_slow_intervals_are_allowed_more(self) -> None:
        directors = pair(*(instance(each, "advert_int 10") for each in (150, 100)))
        rehearsal = rehearsed_ready("one-dies", directors)
        self.assertTrue(rehearsal.judgement.good, rehearsal.judgement.troubles)
        self.assertGreater(rehearsal.judgement.longest_us(Kind.NOBODY), 20 * SECOND_US)

    def test_lost_packets_make_no_failover_of_one_in_ten(self) -> None:
        rehearsal = rehearsed_ready("loss-eth0", pair(instance(150), instance(100)))
        self.assertTrue(rehearsal.judgement.good)

    def test_delays(self) -> None:
        rehearsal = rehearsed("at 10s: lan eth0 delays 500ms", pair(instance(150), instance(100)))
        self.assertTrue(rehearsal.judgement.good)
        self.assertEqual(rehearsal.masters["one"], ("VI_1",))


class ReadyTests(SynchronousTestCase):
    def test_all_that_can_fail_fails(self) -> None:
        text = (
            "vrrp_script fit {\nscript /bin/fit\n}\nvrrp_track_process web {\nprocess nginx\n}\n"
            "bfd_instance far {\nneighbor_ip 10.9.9.9\n}\ntrack_file load {\nfile /run/load\n}\n"
            + instance(
                150,
                "track_script {\nfit\n}\ntrack_process {\nweb\n}",
                "track_file {\nload\n}\ntrack_bfd {\nfar\n}\ntrack_interface {\neth1\n}",
            )
            + "virtual_server 192.168.200.10 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n"
            "real_server 10.1.0.1 80 {\nTCP_CHECK {\n}\n}\n}\n"
        )
        self.assertEqual(
            [each.name for each in ready(lay_out(pair(text, instance(100))))],
            [
                "start",
                "one-dies",
                "one-stops",
                "two-dies",
                "two-stops",
                "one-eth0-down",
                "one-eth1-down",
                "two-eth0-down",
                "cut-one-two-eth0",
                "cut-two-one-eth0",
                "loss-eth0",
                "one-script-fit-fails",
                "one-process-web-fails",
                "one-bfd-far-down",
                "one-file-load-is-1",
                "server-10.1.0.1-dies",
            ],
        )

    def test_there_is_time_for_what_is_slow(self) -> None:
        slow = pair(*(instance(each, "preempt_delay 100", "state BACKUP") for each in (150, 100)))
        rehearsal = rehearsed_ready("one-dies", slow)
        self.assertEqual(rehearsal.masters["one"], ("VI_1",))
        self.assertEqual(rehearsal.meanwhile["two"], ("VI_1",))


class ReportTests(SynchronousTestCase):
    def test_the_story(self) -> None:
        rehearsal = rehearsed(
            "title A bad day\nduration 40s\nat 20s: one dies", pair(instance(150), instance(100))
        )
        lines = list(story(rehearsal))
        self.assertEqual(lines[0], "test: A bad day")
        self.assertIn(" 3.414 s  one  VI_1: MASTER, priority 150", lines)
        self.assertIn("20.000 s  --   one dies", lines)
        self.assertIn(f"20.000 s  one  has no longer {VIP}", lines)
        self.assertRegex(
            lines[-1], rf"{VIP}  nobody 3\.414 s, one 16\.586 s, nobody \d\.\d+ s, two \d+\.\d+ s"
        )
        self.assertIn(" 3.414 s  one  | (VI_1) Entering MASTER STATE", story(rehearsal, log=True))

    def test_many_instances_are_counted(self) -> None:
        self.assertEqual(
            masters({"one": tuple("abcde"), "two": ("x", "y"), "three": ()}), "one: 5 instances, two: x y"
        )
        self.assertEqual(masters({"one": ()}), "nobody")

    def test_the_site(self) -> None:
        lines = list(
            site(lay_out(configurations(one=instance(150, "mcast_src_ip 192.168.200.5"), two=instance(100))))
        )
        self.assertEqual(lines[0], "LAN eth0  one eth0 192.168.200.5, two eth0 192.168.200.241*")
        self.assertIn("made up", lines[1])
