"""Scenario files: what they may say, and what is told of what they may not."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.findings import render
from kaltwisted.simulation import scenario as sc
from kaltwisted.simulation.grammar import ACTIONS, UnfitError, read_time
from kaltwisted.simulation.reading import read_scenario
from kaltwisted.simulation.scenario import Event, Life
from tests.unit.simulation_helpers import VIP, instance, pair, script

WHOLE = (
    "vrrp_script fit {\nscript /bin/fit\n}\nvrrp_track_process web {\nprocess nginx\n}\n"
    "bfd_instance far {\nneighbor_ip 10.9.9.9\n}\ntrack_file load {\nfile /run/load\n}\n"
    + instance(150)
    + "virtual_server 192.168.200.10 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n"
    "real_server 10.1.0.1 80 {\nTCP_CHECK {\n}\n}\n}\n"
)
DIRECTORS = pair(WHOLE, instance(100))
EACH = {
    "one starts": sc.Lives("one", Life.STARTS),
    "one stops": sc.Lives("one", Life.STOPS),
    "one dies": sc.Lives("one", Life.DIES),
    "one crashes": sc.Lives("one", Life.CRASHES),
    "one eth0 down": sc.Cable("one", "eth0", False),
    "one eth0 up": sc.Cable("one", "eth0", True),
    "one script fit fails": sc.ScriptTurns("one", "fit", False),
    "one script fit works": sc.ScriptTurns("one", "fit", True),
    "one process web fails": sc.ProcessTurns("one", "web", False),
    "one process web works": sc.ProcessTurns("one", "web", True),
    "one bfd far down": sc.SessionTurns("one", "far", False),
    "one bfd far up": sc.SessionTurns("one", "far", True),
    "one file load is -5": sc.FileWritten("one", "load", -5),
    "one clock 1h ahead": sc.ClockSet("one", 3_600_000_000),
    "one clock 2s behind": sc.ClockSet("one", -2_000_000),
    "one clock right": sc.ClockSet("one", 0),
    f"two loses {VIP}": sc.Deletes("two", ip_address(VIP)),
    "cut one -> two": sc.Cut("one", "two", None, True),
    "cut one->two on eth0": sc.Cut("one", "two", "eth0", True),
    "heal one -> two": sc.Cut("one", "two", None, False),
    "heal one -> two on eth0": sc.Cut("one", "two", "eth0", False),
    "lan eth0 loses 12.5%": sc.Loses("eth0", 0.125),
    "lan eth0 delays 200ms": sc.Delays("eth0", 200_000),
    "server 10.1.0.1 dies": sc.ServerTurns(ip_address("10.1.0.1"), None, False),
    "server 10.1.0.1:80 returns": sc.ServerTurns(ip_address("10.1.0.1"), 80, True),
    f"expect {VIP} on one,two": sc.Expect(ip_address(VIP), frozenset(("one", "two"))),
    "expect VI_1 on nobody": sc.Expect("VI_1", frozenset()),
}


def told(text: str) -> list[str]:
    """The findings as people read them."""
    return [render(finding) for finding in read_scenario(text, "x.scenario", DIRECTORS).findings]


class ReadingTests(SynchronousTestCase):
    def test_every_action(self) -> None:
        text = "".join(f"at {number}s: {words}\n" for number, words in enumerate(EACH))
        scenario = script(text, DIRECTORS).scenario
        assert scenario is not None
        self.assertEqual([event.action for event in scenario.events], list(EACH.values()))
        self.assertEqual(len(EACH) - 1, len(ACTIONS), "every pattern once, expect twice")

    def test_settings_comments_and_order(self) -> None:
        text = (
            "# about\ntitle  Two  things  # and no more\nduration 2m ! so long\n\n"
            "allow nobody 5\nallow two 200ms\nseed 7\nat 20s one dies\nat 10s: two dies\n"
        )
        scenario = script(text, DIRECTORS).scenario
        assert scenario is not None
        self.assertEqual(
            (
                scenario.name,
                scenario.title,
                scenario.duration_us,
                scenario.allow_nobody_us,
                scenario.allow_two_us,
                scenario.seed,
            ),
            ("test", "Two things", 120_000_000, 5_000_000, 200_000, 7),
        )
        self.assertEqual(
            [(event.at, event.words) for event in scenario.events],
            [(10_000_000, "two dies"), (20_000_000, "one dies")],
        )

    def test_without_an_event_it_is_about_the_site(self) -> None:
        self.assertIsNone(script("one eth0 has 10.0.0.1/24\nseed 3\n", DIRECTORS).scenario)

    def test_it_goes_on_for_a_while_after_the_last_event(self) -> None:
        scenario = script("at 10s: one dies", DIRECTORS).scenario
        assert scenario is not None
        self.assertEqual(scenario.duration_us, 70_000_000)


class MistakeTests(SynchronousTestCase):
    def one(self, text: str, *parts: str) -> None:
        found = told(text)
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])

    def test_place_remedy_and_suggestion(self) -> None:
        self.assertEqual(
            told("at 10s: one eth0 down\nat 10s: one dyes\n"),
            [
                "x.scenario:2:13: error: `dyes` is not what may stand here\n"
                "    at 10s: one dyes\n"
                "                ^~~~\n"
                "    expected: `starts`, `stops`, `dies`, `crashes`, an interface of one: eth0, `script`,"
                " `process`, `bfd`, `file`, `clock` or `loses`\n"
                "    did you mean `dies`?"
            ],
        )

    def test_names_are_those_of_the_directors(self) -> None:
        self.one("at 1s: three dies", ":1:8:", "a director: one, two")
        self.one("at 1s: one eth7 down", "an interface of one: eth0", "did you mean `eth0`?")
        self.one("at 1s: two script fit fails", ":1:19:", "a vrrp_script of two, and there is none")
        self.one("at 1s: server 10.1.0.2 dies", "a real server: 10.1.0.1", "did you mean `10.1.0.1`?")
        self.one("at 1s: expect 192.168.200.11 on one", "did you mean `192.168.200.10`?")
        self.one("at 1s: lan eth1 loses 1%", "a LAN: eth0")

    def test_lines_that_are_too_short_or_too_long(self) -> None:
        self.one("at 1s: one eth0", ":1:16:", "the line is not complete", "expected: `down` or `up`")
        self.one("at 1s: one dies now", ":1:17:", "expected: nothing more")
        self.one("at", "the line is not complete", "a time such as 10s")
        self.one("at 1s:", "the line is not complete", "a director")
        self.one("duration", "the line is not complete")
        self.one("lan a is", "the line is not complete", "a director")
        self.one("lan a is one eth0,", "the line is not complete", "a director")

    def test_times_and_shares(self) -> None:
        self.one("at soon: one dies", ":1:4:", "a time such as 10s")
        self.one("duration 400d", "at most 366d")
        self.one("at 1s: lan eth0 loses 101%", "a share from 0% to 100%")
        self.one("seed -1", "a whole number")

    def test_a_line_of_no_kind(self) -> None:
        self.one("durations 10s", "did you mean `duration`?")
        self.one("allow noone 10s", "`nobody` or `two`")

    def test_what_comes_after_the_end(self) -> None:
        self.one("duration 10s\nat 11s: one dies", ":2:1:", "comes after the end", "up to 10s")

    def test_an_interface_is_on_one_lan(self) -> None:
        self.one("lan a is one eth0\nlan b is one eth0, two eth0", ":2:1:", "one eth0 is on a LAN already")

    @given(st.text(max_size=200))
    @example("at 1s: \x00\nlan")
    @example("!")
    def test_any_text_is_read_or_told_of(self, text: str) -> None:
        for finding in read_scenario(text, "x", DIRECTORS).findings:
            self.assertTrue(1 <= finding.position.line <= text.count("\n") + len(text) + 1)
            self.assertTrue(finding.expected)

    @given(
        st.lists(
            st.sampled_from(
                [
                    *" ".join(EACH).split(),
                    "at",
                    "1s:",
                    "allow",
                    "two",
                    "lan",
                    "is",
                    "has",
                    "10.0.0.1/24",
                    ",",
                    "\n",
                ]
            ),
            max_size=30,
        )
    )
    def test_any_words_are_read_or_told_of(self, words: list[str]) -> None:
        read_scenario(" ".join(words), "x", DIRECTORS)


class TimeTests(SynchronousTestCase):
    def test_forms(self) -> None:
        for text, us in {
            "90": 90_000_000,
            "1.5s": 1_500_000,
            "200ms": 200_000,
            "2m": 120_000_000,
            "2min": 120_000_000,
            "1h30m": 5_400_000_000,
            "1d": 86_400_000_000,
        }.items():
            self.assertEqual(read_time(text), us, text)

    def test_none(self) -> None:
        for text in ("", "s", "-1s", "1x", "1s2", "1.2.3", "1e3", "٣s", "9" * 40, "367d"):
            self.assertRaises(UnfitError, read_time, text)

    @given(st.integers(0, 366 * 86400 * 1000))
    def test_what_is_written_in_milliseconds_is_read_so(self, ms: int) -> None:
        self.assertEqual(read_time(f"{ms // 1000}s{ms % 1000}ms"), ms * 1000)
        self.assertEqual(read_time(f"{ms / 1000:.3f}"), ms * 1000)


class EventTests(SynchronousTestCase):
    def test_places_take_no_part_in_comparing(self) -> None:
        scenario = script("at 1s: one dies", DIRECTORS).scenario
        assert scenario is not None
        self.assertEqual(scenario.events[0], Event(1_000_000, sc.Lives("one", Life.DIES), "one dies"))
        self.assertEqual(str(scenario.events[0].where), "test.scenario:1:1")
