"""``track_group``: who is concerned by static items, and what is wrong with one."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import Tracked, TrackGroup
from kaltwisted.vrrp.tracked import with_all_tracked
from tests.unit.test_config_broken import TWO

STATICS = """
static_ipaddress {
    10.9.0.1/24 dev eth2 track_group T
    10.9.1.1/24 dev eth3
}
static_routes {
    10.8.0.0/16 nexthop via 10.9.0.2 dev eth4 nexthop via 10.9.0.3 dev eth5 track_group T
    10.7.0.0/16 via 10.9.0.2 dev eth0 track_group T
}
static_rules {
    iif eth6 table 300 priority 5 track_group T
}
"""


def group(name: str, *members: str) -> str:
    lines = "".join(f"    {each}\n" for each in members)
    return f"track_group {name} {{\n  group {{\n{lines}  }}\n}}\n"


def read(*blocks: str) -> Reading:
    return load_text("".join(blocks) + TWO, "x.conf")


class TrackGroups(SynchronousTestCase):
    def logs(self, reading: Reading) -> list[str | None]:
        return [each.log for each in reading.findings]

    def test_its_instances_need_the_interfaces_of_the_static_items_that_name_it(self) -> None:
        reading = read(STATICS, group("T", "VI_1"))
        self.assertEqual(reading.findings, ())
        self.assertEqual(reading.configuration.track_groups, (TrackGroup("T", ("VI_1",)),))
        one, two = with_all_tracked(reading.configuration).vrrp_instances
        self.assertEqual(one.interface, "eth0")
        self.assertEqual(one.track_interface, tuple(Tracked(f"eth{number}") for number in (2, 4, 5, 6)))
        self.assertEqual(two.track_interface, ())

    def test_a_name_that_is_no_group_is_told_at_each_place(self) -> None:
        reading = read(STATICS)
        self.assertEqual(self.logs(reading), ["track_group T not found"] * 4)
        self.assertEqual([each.position.line for each in reading.findings], [3, 7, 8, 11])

    def test_an_item_with_no_track_concerns_nobody(self) -> None:
        reading = read(STATICS.replace("track_group T", "no_track track_group T"), group("T", "VI_1"))
        told = "Static {} has both track_group and no_track set - not tracking"
        kinds = ("address", "route", "route", "rule")
        self.assertEqual(self.logs(reading), [told.format(kind) for kind in kinds])
        self.assertEqual(reading.exit_status, 0)
        one, _ = with_all_tracked(reading.configuration).vrrp_instances
        self.assertEqual(one.track_interface, ())

    def test_what_is_wrong_with_a_group(self) -> None:
        reading = read(group("T", "VI_1", "VI_7"), group("T", "VI_2"), group("E"))
        self.assertEqual(
            set(self.logs(reading)),
            {"Warning - track group E has empty group block", None, "track_group T already defined"},
        )
        self.assertEqual(
            reading.configuration.track_groups, (TrackGroup("T", ("VI_1",)), TrackGroup("E", ()))
        )

    def test_items_without_an_interface_concern_nobody(self) -> None:
        reading = read(
            group("T", "VI_1"),
            "static_routes {\n10.7.0.0/16 via 10.9.0.2 track_group T\n}\n",
            "static_rules {\nfrom 10.0.0.0/8 table 300 priority 5 track_group T\n}\n",
        )
        self.assertEqual(["concerns nobody" in each.message for each in reading.findings], [True, True])
        one, _ = with_all_tracked(reading.configuration).vrrp_instances
        self.assertEqual(one.track_interface, ())
