"""The files of USR1, USR2 and JSON: which there are, and what may lie in their place."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

import attrs
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import Configuration, GlobalDefs, VrrpInstance
from kaltwisted.daemon.pipes import Pipes
from kaltwisted.daemon.reports import Reports, directory
from kaltwisted.daemon.role.kinds import KINDS
from kaltwisted.daemon.role.seam import Report
from kaltwisted.daemon.roles import Roles
from kaltwisted.testing.daemon import FakeRunner


class ReportsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.place = Path(self.mktemp())
        self.place.mkdir()
        patched = mock.patch.dict(os.environ, {"TMPDIR": str(self.place)})
        patched.start()
        self.addCleanup(patched.stop)
        self.lines: list[str] = []

        def observe(event: LogEvent) -> None:
            self.lines.append(formatEvent(event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        configuration = Configuration(vrrp_instances=(VrrpInstance("one", "eth0", 7),))
        self.roles = Roles(
            KINDS.values(), lambda kind: FakeRunner(), configuration, Pipes(Clock()), idle=True
        )
        self.successResultOf(Deferred.fromCoroutine(self.roles.begin()))
        self.reports = Reports(self.roles, execute)

    def written(self, report: Report) -> dict[str, str]:
        self.successResultOf(self.reports.write(report))
        return {path.name: path.read_text() for path in self.place.iterdir()}

    def test_data_is_in_a_file_a_process(self) -> None:
        files = self.written(Report.DATA)
        self.assertEqual(
            files.pop("keepalived_parent.data").split("\n")[0], "------< Global definitions >------"
        )
        names = ("keepalived.data", "keepalived_check.data", "keepalived_bfd.data")
        self.assertEqual(files, dict.fromkeys(names, "data 1\n"))
        self.assertEqual(self.lines, [f"Printing parent data for process({os.getpid()}) on signal"])

    def test_statistics_and_json_are_of_vrrp(self) -> None:
        self.assertEqual(self.written(Report.STATISTICS), {"keepalived.stats": "stats 1\n"})
        self.assertEqual(self.written(Report.JSON)["keepalived.json"], "json 1\n")

    def test_an_umask_that_was_asked_for_opens_the_files_to_others(self) -> None:
        self.reports = Reports(self.roles, execute, 0o022)
        self.written(Report.STATISTICS)
        self.assertEqual((self.place / "keepalived.stats").stat().st_mode & 0o777, 0o644)

    def test_data_files_may_have_another_place(self) -> None:
        (self.place / "own").mkdir()
        defs = GlobalDefs(state_dump_file=str(self.place / "own" / "state.txt"))
        self.roles.configuration = attrs.evolve(self.roles.configuration, global_defs=defs)
        self.successResultOf(self.reports.write(Report.DATA))
        names = sorted(path.name for path in (self.place / "own").iterdir())
        self.assertEqual(names, ["state.txt", "state_bfd.txt", "state_check.txt", "state_parent.txt"])

    def test_data_files_may_have_the_daemon_s_name(self) -> None:
        defs = GlobalDefs(instance="edge", data_use_instance=True)
        self.roles.configuration = attrs.evolve(self.roles.configuration, global_defs=defs)
        self.assertEqual(
            sorted(self.written(Report.DATA)),
            [f"keepalived{part}.edge.data" for part in ("", "_bfd", "_check", "_parent")],
        )
        self.assertIn("keepalived.stats", self.written(Report.STATISTICS))
        defs = attrs.evolve(defs, state_dump_file=str(self.place / "own.txt"))
        self.roles.configuration = attrs.evolve(self.roles.configuration, global_defs=defs)
        self.assertIn("own_check.edge.txt", self.written(Report.DATA))

    def test_statistics_and_json_may_each_have_another_place(self) -> None:
        defs = GlobalDefs(
            stats_dump_file=str(self.place / "counters"), json_dump_file=str(self.place / "v.js")
        )
        self.roles.configuration = attrs.evolve(self.roles.configuration, global_defs=defs)
        (self.place / "counters").symlink_to("elsewhere")
        self.assertEqual(self.written(Report.STATISTICS), {"counters": "stats 1\n"})
        self.assertFalse((self.place / "counters").is_symlink())
        self.assertEqual(self.written(Report.JSON)["v.js"], "json 1\n")
        self.assertEqual(self.written(Report.DATA)["keepalived.data"], "data 1\n")

    def test_a_place_that_cannot_be_written_is_told(self) -> None:
        self.place.rmdir()
        self.successResultOf(self.reports.write(Report.JSON))
        self.assertEqual(
            self.lines, [f"{directory() / 'keepalived.json'} cannot be written: No such file or directory"]
        )
