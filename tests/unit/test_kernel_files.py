"""What killed writers leave is removed, and nothing else."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.daemon import pidfile
from kaltwisted.kernel.files import remove_unfinished
from kaltwisted.lvs.ownership import OwnershipFile


class UnfinishedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    def make(self, *names: str) -> None:
        for name in names:
            (self.folder / name).touch()

    def names(self) -> list[str]:
        return sorted(each.name for each in self.folder.iterdir())

    def test_only_names_with_a_number_of_that_very_file(self) -> None:
        self.make("a", "a.12", "a.old", "b.12", ".a.12")
        remove_unfinished(self.folder / "a")
        self.assertEqual(self.names(), [".a.12", "a", "a.old", "b.12"])

    def test_a_pid_file_s(self) -> None:
        self.make(".vrrp.pid.99", ".checkers.pid.99")
        pidfile.write(self.folder / "vrrp.pid", 7)
        self.assertEqual(self.names(), [".checkers.pid.99", "vrrp.pid"])

    def test_those_of_the_list_of_services(self) -> None:
        self.make("ipvs.json.99")
        OwnershipFile(self.folder / "ipvs.json").read()
        self.assertEqual(self.names(), [])
