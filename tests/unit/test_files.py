"""kaltwisted.files and kernel.boot_file: what is put in the place of what, and who is led astray."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.daemon import pidfile
from kaltwisted.files import remove_unfinished, replace
from kaltwisted.kernel import boot_file
from kaltwisted.kernel.boot_file import BootFile


class ReplaceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.place = Path(self.mktemp())
        self.place.mkdir()

    def test_a_file_is_ours_alone_and_replaces_what_is_there(self) -> None:
        path = self.place / "keepalived.data"
        for text in (b"first", b"second"):
            replace(path, text, 0o600)
            self.assertEqual(path.read_bytes(), text)
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(list(self.place.iterdir()), [path])

    def test_durable_is_on_the_disk_with_its_name_before_it_returns(self) -> None:
        synced: list[bool] = []

        def sync(descriptor: int) -> None:
            synced.append(Path(f"/proc/self/fd/{descriptor}").is_dir())

        with mock.patch("os.fsync", sync):
            replace(self.place / "kept", b"", 0o600, durable=True)
            replace(self.place / "other", b"", 0o600)
        self.assertEqual(synced, [False, True])

    def test_a_link_is_not_followed(self) -> None:
        victim, path = self.place / "passwd", self.place / "keepalived.data"
        victim.write_text("root")
        path.symlink_to(victim)
        replace(path, b"data", 0o600)
        self.assertEqual((victim.read_text(), path.read_bytes()), ("root", b"data"))
        self.assertFalse(path.is_symlink())

    def test_nor_is_one_in_the_place_of_the_new_file(self) -> None:
        victim, path = self.place / "passwd", self.place / "keepalived.data"
        victim.write_text("root")
        (self.place / ".keepalived.data.00").symlink_to(victim)
        with self.assertRaises(FileExistsError):
            replace(path, b"data", 0o600, lambda count: b"\0")
        self.assertEqual(victim.read_text(), "root")

    def test_trouble_leaves_nothing(self) -> None:
        with self.assertRaises(FileNotFoundError):
            replace(self.place / "no" / "file", b"", 0o600)
        (self.place / "folder").mkdir()
        with self.assertRaises(IsADirectoryError):
            replace(self.place / "folder", b"", 0o600)
        self.assertEqual([each.name for each in self.place.iterdir()], ["folder"])


class UnfinishedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.place = Path(self.mktemp())
        self.place.mkdir()

    def make(self, *names: str) -> None:
        for name in names:
            (self.place / name).touch()

    def names(self) -> list[str]:
        return sorted(each.name for each in self.place.iterdir())

    def test_what_killed_writers_of_that_very_file_left_is_removed(self) -> None:
        mark = "0123456789abcdef"
        others = ["a", f"a.{mark}", f".b.{mark}", f".a.{mark}0", ".a.old"]
        self.make(f".a.{mark}", *others)
        remove_unfinished(self.place / "a")
        self.assertEqual(self.names(), sorted(others))
        remove_unfinished(self.place / "nowhere" / "a")

    def test_by_pid_files_and_what_outlives_a_kill(self) -> None:
        self.make(".vrrp.pid.0123456789abcdef", ".state.json.0123456789abcdef")
        pidfile.write(self.place / "vrrp.pid", 7)
        BootFile(self.place / "state.json").read()
        self.assertEqual(self.names(), ["vrrp.pid"])


class BootFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()) / "state.json"
        self.file = BootFile(self.path)

    def test_what_was_written_is_read_until_it_is_removed(self) -> None:
        self.assertEqual(self.file.read(), {})
        self.file.write({"things": [1, "two"]})
        self.assertEqual(BootFile(self.path).read()["things"], [1, "two"])
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.file.remove()
        self.file.remove()
        self.assertEqual(self.file.read(), {})

    def test_another_boot_knows_nothing_of_it(self) -> None:
        self.file.write({"things": 1})
        with mock.patch.object(boot_file, "boot_id", lambda: "another"):
            self.assertEqual(self.file.read(), {})

    def test_what_is_no_such_file_counts_as_none(self) -> None:
        self.path.parent.mkdir()
        for text in ("", "[]", "{", "7", '{"boot": 1}', "[" * 100_000, "\xff"):
            self.path.write_text(text, encoding="latin-1")
            self.assertEqual(self.file.read(), {}, text[:9])

    def test_a_place_that_cannot_be_written_is_no_reason_to_fail(self) -> None:
        self.path.parent.write_text("no folder")
        self.file.write({"things": 1})
        self.assertEqual(self.file.read(), {})
        self.file.remove()

    def test_without_a_path_nothing_is_remembered(self) -> None:
        nowhere = BootFile(None)
        nowhere.write({"things": 1})
        nowhere.remove()
        self.assertEqual(nowhere.read(), {})
