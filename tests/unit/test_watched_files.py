"""inotify on real files of a folder of our own; the reactor is us."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.kernel import watched_files
from kaltwisted.kernel.watched_files import MOST_READ, WatchedFiles, lookups, read
from kaltwisted.ports import IWatchedFiles, Unreadable
from kaltwisted.testing.files import FakeWatchedFiles


class Readers:
    """Of a reactor what reads."""

    def __init__(self) -> None:
        self.readers: list[object] = []

    def addReader(self, reader: object) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: object) -> None:
        self.readers.remove(reader)


class WatchedFilesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.here = Path(mkdtemp())
        self.addCleanup(shutil.rmtree, self.here)
        self.reactor = Readers()
        self.files = WatchedFiles(self.reactor)
        self.addCleanup(self.files.stop)
        self.heard: list[bytes | Unreadable] = []

    def watch(self, name: str) -> Path:
        path = self.here / name
        self.files.watch([str(path)], lambda _, content: self.heard.append(content))
        return path

    def now(self) -> bytes | Unreadable:
        """What was heard last, after what has happened."""
        self.files.doRead()
        return self.heard[-1]

    def test_both_are_what_the_seam_asks_for(self) -> None:
        verifyObject(IWatchedFiles, self.files)
        verifyObject(IWatchedFiles, FakeWatchedFiles())

    def test_a_file_comes_changes_is_replaced_and_goes(self) -> None:
        path = self.watch("number")
        self.assertEqual(self.heard, [b""])
        path.write_bytes(b"5")
        self.assertEqual(self.now(), b"5")
        other = self.here / "other"
        other.write_bytes(b"6")
        self.assertEqual(self.now(), b"5")
        self.assertEqual(len(self.heard), 2)  # another file is none of its business
        other.rename(path)
        self.assertEqual(self.now(), b"6")
        path.unlink()
        self.assertEqual(self.now(), b"")

    def test_what_happens_at_once_is_looked_at_once(self) -> None:
        path = self.watch("number")
        for number in range(50):
            path.write_bytes(b"%d" % number)
        self.assertEqual(self.now(), b"49")
        self.assertEqual(len(self.heard), 2)

    def test_folders_may_be_missing_and_come_and_go(self) -> None:
        path = self.watch("a/b/number")
        path.parent.mkdir(parents=True)
        path.write_bytes(b"5")
        self.assertEqual(self.now(), b"5")
        path.parent.rename(self.here / "a/c")
        self.assertEqual(self.now(), b"")
        (self.here / "a/c/number").write_bytes(b"6")
        (self.here / "a/c").rename(self.here / "a/b")
        self.assertEqual(self.now(), b"6")
        shutil.rmtree(self.here / "a")
        self.assertEqual(self.now(), b"")
        path.parent.mkdir(parents=True)
        self.now()
        path.write_bytes(b"7")
        self.assertEqual(self.now(), b"7")

    def test_links_are_followed_also_when_they_are_set_anew(self) -> None:
        """As Kubernetes mounts a ConfigMap: the file is a link through a link that is replaced."""
        path = self.watch("mounted/number")
        path.parent.mkdir()
        for name in "12":
            (path.parent / name).mkdir()
            (path.parent / name / "number").write_text(name)
        (path.parent / "..data").symlink_to("1")
        path.symlink_to("..data/number")
        self.assertEqual(self.now(), b"1")
        (path.parent / "new").symlink_to(path.parent / "2")
        (path.parent / "new").rename(path.parent / "..data")
        self.assertEqual(self.now(), b"2")
        (path.parent / "2/number").write_bytes(b"3")
        self.assertEqual(self.now(), b"3")

    def test_nothing_that_stands_there_stalls_us(self) -> None:
        path = self.watch("number")
        os.mkfifo(path)
        self.assertEqual(self.now(), Unreadable("it is no regular file"))
        path.unlink()
        with path.open("wb") as huge:
            huge.truncate(1 << 40)
        self.assertEqual(self.now(), bytes(MOST_READ))
        path.unlink()
        path.symlink_to("number")
        self.assertIsInstance(self.now(), Unreadable)
        self.assertEqual(len(list(lookups(str(path)))), len(path.parts) - 1 + watched_files.MOST_LINKS)
        self.assertEqual(read("/dev/zero"), Unreadable("it is no regular file"))
        self.assertIsInstance(read("a\0b"), Unreadable)

    def test_what_the_kernel_dropped_is_looked_for(self) -> None:
        path = self.watch("number")
        path.write_bytes(b"5")
        self.now()
        overflow = watched_files._EVENT.pack(-1, watched_files._Q_OVERFLOW, 0, 0)
        self.assertEqual(list(self.files._concerned(overflow)), [str(path)])

    def test_one_watches_only_what_is_wanted(self) -> None:
        self.watch("a/number")
        (self.here / "a").mkdir()
        self.now()
        self.watch("number")
        inside = f"/proc/self/fdinfo/{self.files.fileno()}"
        watches = Path(inside).read_text().count("inotify wd")
        self.assertEqual(watches, len(self.here.parts))
        self.files.watch([], lambda *_: None)
        self.assertEqual((self.reactor.readers, self.files.fileno()), ([], -1))
        self.files.connectionLost(Failure(ConnectionLost()))
        self.flushLoggedErrors(ConnectionLost)

    def test_without_inotify_a_file_is_read_whenever_it_is_asked_for(self) -> None:
        def refuse(name: str, *_: int | bytes) -> int:
            raise OSError(24, "Too many open files")

        self.patch(watched_files, "_call", refuse)
        (self.here / "number").write_bytes(b"5")
        self.watch("number")
        self.assertEqual((self.heard, self.reactor.readers), ([b"5"], []))
        (self.here / "number").write_bytes(b"6")
        self.watch("number")
        self.assertEqual(self.heard, [b"5", b"6"])
