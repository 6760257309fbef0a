"""``garp_group`` and ``garp_extra_if``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.diff import compare
from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import SECOND_US, Configuration, ExtraGarp, GarpGroup
from tests.unit.test_config_broken import instance


def group(lines: str) -> str:
    return f"garp_group {{\n{lines}\n}}\n"


def read(*groups: str) -> Reading:
    return load_text("".join(map(group, groups)) + instance(""), "x.conf")


SHARED = "gna_interval 0.5\ninterfaces {\n eth2 eth3\n eth4\n}"


class GarpGroups(SynchronousTestCase):
    def test_interfaces_by_themselves_and_together(self) -> None:
        reading = read("garp_interval 0.1\ninterface eth0\ninterface eth1", SHARED)
        self.assertEqual(reading.findings, ())
        one, two = reading.configuration.garp_groups
        self.assertEqual(one, GarpGroup(("eth0", "eth1"), (), 100_000, 0))
        self.assertEqual(two, GarpGroup((), ("eth2", "eth3", "eth4"), 0, 500_000))

    def test_an_interface_in_two_groups_is_of_the_first(self) -> None:
        reading = read("garp_interval 1\ninterface eth3", SHARED, "garp_interval 2\ninterface eth4")
        self.assertEqual(
            [(each.log, each.position.line) for each in reading.findings],
            [
                ("garp_group already specified for eth3 - ignoring", 5),
                ("garp_group already specified for eth4 - ignoring", 12),
            ],
        )
        self.assertEqual(
            [each.names for each in reading.configuration.garp_groups], [("eth3",), ("eth2", "eth4")]
        )

    def test_one_without_a_pace_is_told_of(self) -> None:
        reading = read("interface eth0")
        [finding] = reading.findings
        self.assertEqual(finding.log, "garp group 0 does not have any delay set - removing")
        self.assertEqual(reading.configuration.garp_groups, (GarpGroup(("eth0",)),))

    def test_a_reload_tells_what_differs(self) -> None:
        old = Configuration(garp_groups=(GarpGroup(("eth0",), (), 100_000),))
        new = Configuration(garp_groups=(GarpGroup(("eth0",), ("eth1", "eth2"), 100_000, SECOND_US),))
        self.assertEqual(
            list(compare(old, new).words()),
            [
                "garp_group eth0 garp_interval 0.1 removed",
                "garp_group eth0 together eth1 eth2 garp_interval 0.1 gna_interval 1 added",
            ],
        )


class ExtraGarps(SynchronousTestCase):
    def of(self, lines: str, defaults: str = "") -> tuple[ExtraGarp | None, list[str | None]]:
        reading = load_text(f"global_defs {{\n{defaults}\n}}\n" + instance(lines), "x.conf")
        [found] = reading.configuration.vrrp_instances
        return found.garp_extra_if, [each.log for each in reading.findings]

    def test_all_interfaces_or_those_of_virtual_macs(self) -> None:
        self.assertEqual(self.of("garp_extra_if 60"), (ExtraGarp(60 * SECOND_US), []))
        self.assertEqual(self.of("garp_extra_if all 60"), (ExtraGarp(60 * SECOND_US, every=True), []))

    def test_0_is_none_and_takes_the_default_away(self) -> None:
        default = "vrrp_garp_extra_if all 60"
        self.assertEqual(self.of("", default), (ExtraGarp(60 * SECOND_US, every=True), []))
        self.assertEqual(self.of("garp_extra_if 0", default), (None, []))

    def test_mistakes(self) -> None:
        for words, log in (
            ("all", "garp_extra_if specified without time - ignoring"),
            ("86401", "garp_extra_if '86401' invalid - ignoring"),
            ("all x", "garp_extra_if 'x' invalid - ignoring"),
        ):
            self.assertEqual(self.of(f"garp_extra_if {words}"), (None, [log]))
        found, logs = self.of("", "vrrp_garp_extra_if 0")
        self.assertEqual((found, logs), (None, ["vrrp_garp_extra_if '0' invalid - ignoring"]))
