"""Case study X of the guide, rehearsed: every sentence about what can be seen, in its order."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.load import load_text
from kaltwisted.config.model import Configuration
from kaltwisted.simulation.rehearsal import Rehearsal
from tests.unit.simulation_helpers import rehearsed

GUIDE = Path(__file__).parents[1] / "data" / "guide"
VIPS = [f"192.168.200.{number}" for number in (10, 11, 12, 13)]
DIPS = [f"192.168.100.{number}" for number in (10, 11)]
SITE = """
director1 eth0 has 192.168.200.5/24
director1 eth1 has 192.168.100.5/24
director2 eth0 has 192.168.200.6/24
director2 eth1 has 192.168.100.6/24
"""


def symmetric(text: str) -> str:
    """The other director's file: what is MASTER with 150 is BACKUP with 100, and the other way round."""
    swapped = {"MASTER": "BACKUP", "BACKUP": "MASTER", "150": "100", "100": "150"}
    return re.sub(
        r"^( *(?:state|priority) )(\w+)$",
        lambda found: found[1] + swapped[found[2]],
        text,
        flags=re.MULTILINE,
    )


def directors() -> dict[str, Configuration]:
    """The guide's file, and the symmetric one."""
    one = (GUIDE / "case_study_10.conf").read_text()
    return {
        name: load_text(text, f"{name}.conf").configuration
        for name, text in (("director1", one), ("director2", symmetric(one)))
    }


class CaseStudyTests(SynchronousTestCase):
    def tell(self, *lines: str) -> Rehearsal:
        rehearsal = rehearsed(SITE + "\n".join(lines), directors())
        self.assertEqual(rehearsal.judgement.missed, ())
        self.assertTrue(rehearsal.judgement.good, rehearsal.judgement.troubles)
        return rehearsal

    def test_the_second_file_is_symmetric(self) -> None:
        states = [
            [(each.state, each.priority) for each in configuration.vrrp_instances]
            for configuration in directors().values()
        ]
        favoured, other = ("MASTER", 150), ("BACKUP", 100)
        self.assertEqual(states, [[favoured, favoured, other, other], [other, other, favoured, favoured]])

    def test_without_director_2_director_1_owns_all_virtual_addresses(self) -> None:
        rehearsal = self.tell(
            *(f"at 10s: expect {address} on director1" for address in (*VIPS, *DIPS)),
            "at 20s: director2 starts",
        )
        shown = {str(each.address) for each in rehearsal.history.holdings if each.since < 10_000_000}
        self.assertEqual(shown, {*VIPS, *DIPS})

    def test_once_director_2_is_started_each_owns_its_half(self) -> None:
        self.tell(
            "at 20s: director2 starts",
            *(f"at 30s: expect {address} on director1" for address in (*VIPS[:2], DIPS[0])),
            *(f"at 30s: expect {address} on director2" for address in (*VIPS[2:], DIPS[1])),
            *(f"at 30s: expect {name} on director1" for name in ("VI_1", "VI_2")),
            *(f"at 30s: expect {name} on director2" for name in ("VI_3", "VI_4")),
        )

    def test_when_eth0_of_director_1_fails_vi_2_is_forced_to_follow_vi_1(self) -> None:
        rehearsal = self.tell(
            "at 29s: expect VI_1 on director1",
            "at 30s: director1 eth0 down",
            *(f"at 40s: expect {name} on director2" for name in ("VI_1", "VI_2", "VI_3", "VI_4")),
            *(f"at 40s: expect {address} on director2" for address in (*VIPS, *DIPS)),
        )
        self.assertEqual(rehearsal.masters["director1"], ())
        gap = rehearsal.spans(ip_address(DIPS[0]))[2]
        self.assertEqual(gap.directors, ())
        self.assertTrue(2_600_000 < gap.length < 3_610_000, gap)

    def test_when_eth0_is_available_again_the_distribution_is_the_initial_one(self) -> None:
        rehearsal = self.tell(
            "at 30s: director1 eth0 down",
            "at 60s: director1 eth0 up",
            *(f"at 70s: expect {name} on director1" for name in ("VI_1", "VI_2")),
            *(f"at 70s: expect {name} on director2" for name in ("VI_3", "VI_4")),
        )
        self.assertEqual(rehearsal.masters, {"director1": ("VI_1", "VI_2"), "director2": ("VI_3", "VI_4")})

    def test_without_sync_groups_vi_2_would_stay_on_director_1(self) -> None:
        """The guide's distribution before it tells what the groups are for."""
        apart = {name: attrs.evolve(each, vrrp_sync_groups=()) for name, each in directors().items()}
        rehearsal = rehearsed(
            SITE
            + "at 30s: director1 eth0 down\nat 40s: expect VI_2 on director1\n"
            + "".join(f"at 40s: expect {name} on director2\n" for name in ("VI_1", "VI_3", "VI_4")),
            apart,
        )
        self.assertEqual(rehearsal.judgement.missed, ())
