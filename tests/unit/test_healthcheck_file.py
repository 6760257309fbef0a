"""FILE_CHECK: what numbers make of a server, in keepalived's words, and files that make a weight together."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.load import load_text
from kaltwisted.config.model import (
    CheckTiming,
    FileCheck,
    RealServer,
    TrackFile,
    VirtualAddress,
    VirtualServer,
)
from kaltwisted.healthcheck import report
from kaltwisted.healthcheck.build import goes_on
from kaltwisted.healthcheck.file import MOST_WEIGHT, is_good, share, weight_of
from kaltwisted.healthcheck.service import CheckService
from kaltwisted.ports import TRACKED_FILE, Fact
from tests.unit.healthcheck_helpers import HeardCheckCase
from tests.unit.test_config_broken import server as server_text

TIMING = CheckTiming(retry=0)
NUMBERS = st.integers(-(2**31), 2**31 - 1)
WEIGHTS = st.integers(-MOST_WEIGHT, MOST_WEIGHT)


def file(name: str = "load", weight: int = 2, *, reverse: bool = False) -> FileCheck:
    return FileCheck(TIMING, name, weight, reverse)


def real(*checks: FileCheck, weight: int = 10) -> RealServer:
    return RealServer(ip_address("10.0.0.1"), 80, weight, checks=checks)


class NumberTests(SynchronousTestCase):
    def test_without_weight_the_number_alone_decides(self) -> None:
        for reverse, good in ((False, (True, False, False)), (True, (False, True, True))):
            check = file(weight=0, reverse=reverse)
            self.assertEqual(tuple(is_good(check, number) for number in (0, 1, -5)), good)

    def test_shares_are_added_to_the_server_s_weight_which_is_never_below_0(self) -> None:
        # As keepalived 2.2.7 was seen to do it.
        numbers = {"load": -6, "door": 1}
        for checks, weight in (
            ((file(),), 0),
            ((file(weight=-3),), 28),
            ((file(weight=3, reverse=True), file("door", 1)), 29),
            ((file(weight=0), file("door", 0)), 10),
        ):
            self.assertEqual(weight_of(real(*checks), numbers.__getitem__), weight)

    def test_what_takes_all_there_can_be_takes_the_server_out(self) -> None:
        self.assertTrue(is_good(file(weight=-3), 30000))
        self.assertFalse(is_good(file(weight=-3), 2_000_000_000))
        self.assertTrue(is_good(file(weight=2), 2_000_000_000))

    @given(st.lists(st.tuples(WEIGHTS, st.booleans(), NUMBERS), max_size=5), st.integers(0, 65535))
    def test_no_number_gives_a_weight_that_the_kernel_does_not_take(
        self, files: list[tuple[int, bool, int]], weight: int
    ) -> None:
        checks = [file(str(n), each, reverse=reverse) for n, (each, reverse, _) in enumerate(files)]
        found = weight_of(real(*checks, weight=weight), lambda name: files[int(name)][2])
        self.assertTrue(0 <= found <= MOST_WEIGHT)

    @given(WEIGHTS, NUMBERS)
    def test_reverse_is_the_same_with_the_other_sign(self, weight: int, number: int) -> None:
        self.assertEqual(
            share(file(weight=weight), number), -share(file(weight=weight, reverse=True), number)
        )


class FileCheckTests(HeardCheckCase):
    def read(self, number: int, name: str = "load") -> None:
        self.known.learn(Fact(TRACKED_FILE, name, number))

    def start(self, server: RealServer) -> CheckService:
        service = VirtualServer(VirtualAddress(ip_address("10.9.9.9"), 80), real_servers=(server,))
        running = self.make_heard(server.checks[0], server, service)
        running.startService()
        return running

    def test_one_without_weight_takes_its_server_out_and_back(self) -> None:
        running = self.start(real(file(weight=0)))
        self.assertEqual(self.lines, [])
        self.read(1)
        self.assertFalse(running.up)
        self.read(2)
        self.read(0)
        self.assertTrue(running.up)
        line = "([10.0.0.1]:tcp:80): tracked file load "
        self.assertEqual(self.lines, [f"{line}now FAULT state", f"{line}leaving FAULT state"])
        self.assertEqual([(each.up, each.weight) for each in self.reports], [(False, None), (True, None)])
        self.assertEqual(self.reports[0].why, "the number is 1")

    def test_one_with_weight_asks_for_another_weight(self) -> None:
        self.read(5)
        self.start(real(file()))
        self.read(-5)
        self.read(-6)
        self.assertEqual([each.weight for each in self.reports], [20, 0])
        self.assertEqual(self.lines, [])

    def test_all_files_of_a_server_make_its_weight_together(self) -> None:
        running = self.start(real(file(), file("door", 1)))
        self.read(5)
        self.read(1, "door")
        self.assertEqual([each.weight for each in self.reports], [10, 20, 21])
        running.stopService()
        self.read(2, "door")
        self.assertEqual(len(self.reports), 3)
        self.assertEqual(self.known._followers, {})

    def test_it_goes_on_through_a_reload_while_it_would_ask_for_the_same(self) -> None:
        before = real(file())
        service = VirtualServer(VirtualAddress(ip_address("10.9.9.9"), 80))
        for after, same in (
            (real(file()), True),
            (attrs.evolve(before, uthreshold=5), True),
            (real(file(), weight=5), False),
            (real(file(), file("door")), False),
        ):
            found = goes_on((before.checks[0], before, service), (after.checks[0], after, service))
            self.assertEqual(found, same)

    def test_the_data_file_lists_who_goes_by_which_file(self) -> None:
        service = VirtualServer(
            VirtualAddress(ip_address("10.9.9.9"), 80),
            real_servers=(real(file(weight=3, reverse=True), file("door", 0)),),
        )
        definitions = [TrackFile(name, f"/run/{name}") for name in ("door", "idle", "load")]
        who = "     [10.9.9.9]:tcp:80 -> [10.0.0.1]:tcp:80, weight"
        self.assertEqual(
            list(report.files([service], definitions, {"load": 7}.get)),
            [
                *("------< Checker track files >------", " Track file = door", "   File = /run/door"),
                *("   Status = 0", "   Weight = 1", "   Tracking instances :", f"{who} 0"),
                *(" Track file = load", "   File = /run/load"),
                *("   Status = 7", "   Weight = 1", "   Tracking instances :", f"{who} 3 reverse"),
            ],
        )
        self.assertEqual(list(report.files([], definitions, {}.get)), [])


class ConfigurationTests(SynchronousTestCase):
    TRACKED = "track_file load {\n    file /run/load\n    weight 2 reverse\n}\n"

    def checks(self, text: str) -> tuple[object, ...]:
        self.findings = load_text(text, "x.conf").findings
        [service] = load_text(text, "x.conf").configuration.virtual_servers
        return service.real_servers[0].checks

    def test_its_weight_is_its_own_or_the_file_s(self) -> None:
        for more, weight, reverse in (("", 2, True), ("weight -5", -5, False), ("weight 5 reverse", 5, True)):
            body = f"FILE_CHECK {{\n    track_file load\n    {more}\n}}\n"
            self.assertEqual(
                self.checks(self.TRACKED + server_text(body)), (file(weight=weight, reverse=reverse),)
            )
            self.assertEqual(self.findings, ())

    def test_one_without_a_file_is_left_out(self) -> None:
        for body, message in (
            ("FILE_CHECK {\n    track_file other\n}\n", "there is no track_file `other`"),
            ("FILE_CHECK {\n}\n", "without track_file"),
        ):
            self.assertEqual(self.checks(self.TRACKED + server_text(body)), ())
            [finding] = self.findings
            self.assertIn(message, finding.message)
