"""vrrp's reports as exporters for monitoring read them: by patterns, indentation and JSON's keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import (
    SECOND_US,
)
from kaltwisted.vrrp.packet import Reason
from kaltwisted.vrrp.report_json import json_document
from kaltwisted.vrrp.report_statistics import COUNTED_AS, counters, statistics
from kaltwisted.vrrp.statistics import Statistics
from tests.unit.vrrp_helpers import config
from tests.unit.vrrp_reports import EPOCH_US, NOTIFY, Running


class StatisticsTests(SynchronousTestCase):
    def test_every_reason_has_its_name_or_none(self) -> None:
        self.assertEqual(set(COUNTED_AS), set(Reason))
        names = set(counters(Statistics(), extended=True))
        self.assertLessEqual({name for name in COUNTED_AS.values() if name is not None}, names)

    def test_errors_add_up_under_their_names(self) -> None:
        kept = Statistics(adverts_received=3, interval_mismatches=4, address_list_errors=5)
        kept.packet_errors.update(
            {
                Reason.UNKNOWN_PEER: 10,
                Reason.INTERVAL: 20,
                Reason.ADDRESS_COUNT: 30,
                Reason.LENGTH: 40,
                Reason.IP_LENGTH: 50,
                Reason.PASSWORD: 60,
                Reason.SEQUENCE: 70,
                Reason.CHECKSUM: 1000,
            }
        )
        counted = counters(kept)
        self.assertEqual(
            {name: count for name, count in counted.items() if count},
            {
                "advert_rcvd": 13,
                "packet_len_err": 90,
                "advert_interval_err": 24,
                "addr_list_err": 35,
                "auth_failure": 130,
            },
        )

    def test_the_file_is_read_by_its_indentation(self) -> None:
        running = Running(config(name="A"), config(name="B", virtual_router_id=52))
        running.become_master("B")
        running.router.instances["A"].statistics.packet_errors[Reason.TTL] = 7
        read = read_statistics(statistics(running.router))
        self.assertEqual(list(read), ["A", "B"])
        self.assertEqual(read["A"]["Packet Errors", "TTL"], 7)
        self.assertEqual(read["B"]["", "Became master"], 1)
        self.assertEqual(read["B"]["Advertisements", "Sent"], 1)
        self.assertEqual(len(read["A"]), 14)


class ExporterTests(SynchronousTestCase):
    """Read as Prometheus exporters do it: lines by regular expressions, JSON by its keys."""

    def setUp(self) -> None:
        self.running = Running(
            config(name="A", notify=NOTIFY, nopreempt=True, advert_int_us=2 * SECOND_US),
            config(name="B", virtual_router_id=52, interface="eth1", version=3, advert_int_us=250_000),
        )
        self.running.become_master("A")

    def test_the_data_file(self) -> None:
        instances: dict[str, dict[str, str]] = {}
        current: dict[str, str] = {}
        for line in self.running.lines:
            if match := re.match(r"^ VRRP Instance = (.+)$", line):
                current = instances.setdefault(match[1], {})
            elif line.startswith("------<"):
                current = {}
            elif match := re.match(r"^   (State|Interface|Virtual Router ID|Last transition) = (.+)$", line):
                current[match[1]] = match[2]
        a, b = instances["A"], instances["B"]
        self.assertEqual((a["State"], a["Interface"], a["Virtual Router ID"]), ("MASTER", "eth0", "51"))
        self.assertEqual((b["State"], b["Interface"], b["Virtual Router ID"]), ("BACKUP", "eth1", "52"))
        entered = float(a["Last transition"].split()[0])
        self.assertEqual(round(entered * SECOND_US), self.running.now + EPOCH_US)

    def test_the_json_of_version_1(self) -> None:
        first, second = self.running.document()
        self.assertEqual(set(first), {"data", "stats"})
        of = first["data"]
        self.assertEqual((of["iname"], of["state"], of["wantstate"], of["vrid"]), ("A", 2, 2, 51))
        self.assertEqual((of["adver_int"], second["data"]["adver_int"]), (2, 0.25))
        self.assertIsInstance(of["adver_int"], int)
        self.assertIs(of["nopreempt"], True)
        self.assertEqual(of["vips"], ["10.0.0.100 dev eth0 scope global set"])
        self.assertEqual(of["script"], "'/bin/n' 'a/b'")
        self.assertEqual(first["stats"]["become_master"], 1)
        self.assertNotIn("evips", of)
        self.assertNotIn("auth_data", of)

    def test_the_json_of_version_2_has_the_first_in_it(self) -> None:
        expected = {"vrrp": self.running.document(), "track_process": []}
        self.assertEqual(self.running.document(2), expected)

    def test_json_s_pieces_may_be_lines(self) -> None:
        pieces = list(json_document(self.running.topology, 1))
        self.assertEqual(json.loads("\n".join(pieces)), json.loads("".join(pieces)))

    def test_there_may_be_no_instance(self) -> None:
        running = Running()
        self.assertEqual(running.document(), [])
        self.assertEqual(running.lines, ["------< VRRP Topology >------", "------< Interfaces >------"])


def read_statistics(lines: Iterable[str]) -> dict[str, dict[tuple[str, str], int]]:
    """Counters by instance, group and name."""
    read: dict[str, dict[tuple[str, str], int]] = {}
    name = group = ""
    for line in lines:
        indent = len(line) - len(line.lstrip())
        key, _, value = line.strip().partition(":")
        if indent == 0:
            name = value.strip()
            read[name] = {}
        elif not value:
            group = key
        else:
            read[name]["" if indent == 2 else group, key] = int(value)
    return read
