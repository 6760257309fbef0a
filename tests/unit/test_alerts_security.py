"""alerts.security: who may have written what root is about to run."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts import security
from kaltwisted.alerts.security import Users, identity, may_become_others, tampering
from kaltwisted.config.model import GlobalDefs, Script

DIRECTORY, FILE, LINK = stat.S_IFDIR, stat.S_IFREG, stat.S_IFLNK


class Files:
    """A file system of a few names: (kind, mode, uid, gid, link target)."""

    def __init__(self, **changed: tuple[int, int, int, int, str]) -> None:
        self.names = {
            "/": (DIRECTORY, 0o755, 0, 0, ""),
            "/usr": (DIRECTORY, 0o755, 0, 0, ""),
            "/usr/bin": (DIRECTORY, 0o755, 0, 0, ""),
            "/usr/bin/check": (FILE, 0o755, 0, 0, ""),
            "/bin": (LINK, 0o777, 0, 0, "usr/bin"),
            "/tmp": (DIRECTORY, 0o1777, 0, 0, ""),
            "/tmp/mine": (DIRECTORY, 0o755, 0, 0, ""),
            "/tmp/mine/check": (FILE, 0o755, 0, 0, ""),
            "/tmp/theirs": (LINK, 0o777, 1000, 1000, "/usr/bin/check"),
            "/loop": (LINK, 0o777, 0, 0, "/loop"),
            "/up": (LINK, 0o777, 0, 0, "/usr/../usr/./bin"),
        } | changed

    def lstat(self, path: str) -> os.stat_result:
        if path not in self.names:
            raise FileNotFoundError(2, "No such file or directory", path)
        kind, mode, uid, gid, _ = self.names[path]
        return os.stat_result((kind | mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))

    def readlink(self, path: str) -> str:
        return self.names[path][4]

    def ask(self, path: str) -> str | None:
        return tampering(path, self.lstat, self.readlink)


class TestTampering(SynchronousTestCase):
    def test_only_root_can_change_these(self) -> None:
        for path in ("/usr/bin/check", "/bin/check", "/up/check", "/tmp/mine/check"):
            self.assertIsNone(Files().ask(path), path)

    def test_every_part_counts(self) -> None:
        for name in ("/usr", "/usr/bin", "/usr/bin/check", "/"):
            kind = FILE if name.endswith("check") else DIRECTORY
            for mode, uid, gid, words in [
                (0o757, 0, 0, "writable by everybody"),
                (0o775, 0, 50, "writable by group 50"),
                (0o755, 1000, 0, "belongs to user 1000"),
            ]:
                for path in ("/usr/bin/check", "/bin/check"):
                    why = Files(**{name: (kind, mode, uid, gid, "")}).ask(path)
                    self.assertIn(f"{name} ", str(why))
                    self.assertIn(words, str(why))

    def test_root_s_group_may_write(self) -> None:
        self.assertIsNone(Files(**{"/usr/bin": (DIRECTORY, 0o775, 0, 0, "")}).ask("/usr/bin/check"))

    def test_in_a_sticky_directory_only_root_s_own_is_safe(self) -> None:
        self.assertIn("/tmp is writable", str(Files().ask("/tmp/theirs")))
        self.assertIn(
            "/tmp is writable",
            str(Files(**{"/tmp/mine": (DIRECTORY, 0o755, 7, 7, "")}).ask("/tmp/mine/check")),
        )

    def test_what_is_no_path(self) -> None:
        self.assertIn("not an absolute path", str(Files().ask("check")))
        self.assertIn("too many symbolic links", str(Files().ask("/loop/check")))
        with self.assertRaises(FileNotFoundError):
            Files().ask("/usr/bin/missing")


class TestIdentity(SynchronousTestCase):
    def test_names_and_numbers(self) -> None:
        self.assertEqual(identity("root", None).uid, 0)
        self.assertEqual(identity("0", "0").name, "root")
        stranger = identity("4000000", None)
        self.assertEqual((stranger.uid, stranger.gid, stranger.groups), (4_000_000, 4_000_000, False))

    def test_the_unknown_is_named(self) -> None:
        for user, group, words in [
            ("nobody-here", None, "user 'nobody-here'"),
            ("root", "nogrp", "group 'nogrp'"),
        ]:
            with self.assertRaisesRegex(LookupError, words):
                identity(user, group)


class TestUsers(SynchronousTestCase):
    """Scripts under a daemon that is not root."""

    def setUp(self) -> None:
        self.patch(os, "geteuid", lambda: 4711)
        self.status = Path(self.mktemp())

    def ambient(self, bits: int) -> bool:
        self.status.write_text(f"Name:\tx\nCapEff:\tffffffff\nCapAmb:\t{bits:016x}\n")
        return may_become_others(self.status)

    def test_it_takes_two_capabilities_and_both_ambient(self) -> None:
        self.assertTrue(self.ambient(1 << 6 | 1 << 7 | 1 << 12))
        for bits in (0, 1 << 6, 1 << 7):
            self.assertFalse(self.ambient(bits), bits)
        self.assertFalse(may_become_others(Path("/nonexistent/status")))

    def test_with_them_scripts_run_as_they_would_with_root(self) -> None:
        users = Users(GlobalDefs(script_user=("root", None)), lambda: True)
        who = users.of(Script(("/bin/true",)))
        assert who is not None
        self.assertEqual(who.uid, 0)
        self.assertTrue(security.is_root(who), "and so what root's scripts must be, they must be")
        self.assertIsNone(users.of(Script(("/bin/true",), "4711", str(os.getegid()))))

    def test_without_them_the_remedy_is_named(self) -> None:
        users = Users(GlobalDefs(), lambda: False)
        self.assertIsNone(users.of(Script(("/bin/true",))), "nobody was asked for")
        with self.assertRaisesRegex(LookupError, "CAP_SETUID and CAP_SETGID ambient"):
            users.of(Script(("/bin/true",), "root"))
