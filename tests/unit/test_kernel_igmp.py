"""``disable_local_igmp``: the kernel's setting, and what it was before."""

from __future__ import annotations

from pathlib import Path

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.kernel.igmp import LocalIgmp


class Disabling(SynchronousTestCase):
    def setUp(self) -> None:
        self.file = Path(self.mktemp())
        self.file.write_text("1\n")
        self.igmp = LocalIgmp(self.file)

    def test_it_is_off_while_that_is_wanted(self) -> None:
        self.igmp.disable(False)
        self.assertEqual(self.file.read_text(), "1\n")
        for _ in range(2):
            self.igmp.disable(True)
            self.assertEqual(self.file.read_text(), "0")
        for _ in range(2):
            self.igmp.disable(False)
            self.assertEqual(self.file.read_text(), "1\n")

    def test_what_somebody_had_off_stays_off(self) -> None:
        self.file.write_text("0\n")
        self.igmp.disable(True)
        self.igmp.disable(False)
        self.assertEqual(self.file.read_text(), "0\n")

    def test_where_it_cannot_be_set_that_is_told(self) -> None:
        self.file.unlink()
        with capturedLogs() as logs:
            self.igmp.disable(True)
            self.igmp.disable(False)
        self.assertEqual(len(logs), 1)
        self.assertEqual(logs[0]["why"], "No such file or directory")
