"""daemon.pidfile and daemon.directories: a daemon's own files, several daemons side by side."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.daemon import directories, pidfile


class TestPidFile(SynchronousTestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "keepalived.pid"
        self.proc = Path(directory.name) / "proc"
        for pid, words in [
            (10, "/usr/bin/python3\0/usr/bin/twistd\0-n\0keepalived\0-l\0"),
            (11, "/usr/sbin/keepalived\0-n\0"),
            (12, "/usr/bin/python3\0/usr/local/bin/kaltwisted\0"),
            (13, "/usr/bin/vim\0notes\0"),
        ]:
            (self.proc / str(pid)).mkdir(parents=True)
            (self.proc / str(pid) / "cmdline").write_text(words)

    def test_only_a_living_daemon_of_our_kind_counts(self) -> None:
        for text, expected in [
            ("10", 10),
            ("11\n", 11),
            ("12", 12),
            ("13", None),
            ("14", None),
            ("", None),
            ("x", None),
            ("-1", None),
            (str(os.getpid()), None),
        ]:
            self.path.write_text(text)
            self.assertEqual(pidfile.running(self.path, self.proc), expected, text)
        self.path.unlink()
        self.assertIsNone(pidfile.running(self.path, self.proc))

    def test_a_stale_file_is_removed_and_a_live_one_ends_us(self) -> None:
        self.path.write_text("14")
        pidfile.claim(self.path, self.proc)
        self.assertFalse(self.path.exists())
        pidfile.claim(self.path, self.proc)
        self.path.write_text("12")
        with self.assertRaisesRegex(SystemExit, f"already running with pid 12 .{self.path}"):
            pidfile.claim(self.path, self.proc)
        self.assertTrue(self.path.exists())


class TestDirectories(SynchronousTestCase):
    def test_where(self) -> None:
        for environ, uid, directory, pid in [
            (
                {"RUNTIME_DIRECTORY": "/run/a:/run/b", "XDG_RUNTIME_DIR": "/x"},
                0,
                "/run/a",
                "/run/a/keepalived.pid",
            ),
            ({"XDG_RUNTIME_DIR": "/x"}, 0, "/x/keepalived", "/x/keepalived/keepalived.pid"),
            ({"XDG_RUNTIME_DIR": "/run/user/0"}, 0, "/run/keepalived", "/run/keepalived.pid"),
            ({}, 0, "/run/keepalived", "/run/keepalived.pid"),
            (
                {"XDG_RUNTIME_DIR": "/run/user/7"},
                7,
                "/run/user/7/keepalived",
                "/run/user/7/keepalived/keepalived.pid",
            ),
            ({"TMPDIR": "/t"}, 7, "/t/keepalived-7", "/t/keepalived-7/keepalived.pid"),
        ]:
            self.assertEqual(directories.runtime_directory(environ, uid), Path(directory))
            self.assertEqual(directories.pid_file(environ, uid), Path(pid))

    def test_a_daemon_with_a_name_has_files_of_its_own(self) -> None:
        for environ, more, pid in (
            ({}, {"instance": "edge"}, "/run/keepalived/vrrp_edge.pid"),
            ({}, {"use_pid_dir": True}, "/run/keepalived/vrrp.pid"),
            ({"RUNTIME_DIRECTORY": "/r"}, {"instance": "edge", "use_pid_dir": True}, "/r/vrrp_edge.pid"),
        ):
            self.assertEqual(directories.pid_file(environ, 0, "vrrp", **more), Path(pid))
        with tempfile.TemporaryDirectory() as parent:
            runtime = Path(parent) / "run"
            self.assertEqual(directories.prepare_for(runtime, None), runtime)
            own = directories.prepare_for(runtime, "edge")
            self.assertEqual(own, runtime / "edge")
            self.assertEqual([each.stat().st_mode & 0o777 for each in (runtime, own)], [0o700, 0o700])

    def test_what_outlives_the_machine_s_power_has_a_place_of_its_own(self) -> None:
        for environ, uid, directory in (
            (
                {"STATE_DIRECTORY": "/var/lib/keepalived:/x", "RUNTIME_DIRECTORY": "/r"},
                0,
                "/var/lib/keepalived",
            ),
            ({}, 0, "/var/lib/keepalived"),
            ({"XDG_RUNTIME_DIR": "/run/user/0"}, 0, "/var/lib/keepalived"),
            # Several daemons side by side, each with what is its own.
            ({"RUNTIME_DIRECTORY": "/r"}, 0, "/r"),
            ({"XDG_RUNTIME_DIR": "/run/user/7"}, 7, "/run/user/7/keepalived"),
        ):
            self.assertEqual(directories.state_directory(environ, uid), Path(directory))

    def test_it_is_private_and_ours(self) -> None:
        with tempfile.TemporaryDirectory() as parent:
            wanted = Path(parent) / "a" / "b"
            self.assertEqual(directories.prepare(wanted), wanted)
            self.assertEqual(wanted.stat().st_mode & 0o777, 0o700)
            directories.prepare(wanted)
            trap = Path(parent) / "trap"
            trap.symlink_to(wanted)
            with self.assertRaisesRegex(PermissionError, "is not a directory"):
                directories.prepare(trap)
            if os.geteuid() == 0:
                os.chown(wanted, 1234, 1234)
                with self.assertRaisesRegex(PermissionError, "belongs to user 1234"):
                    directories.prepare(wanted)
