"""Named pipes for events: made, told in order, never waited for, removed; their readers start again."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts.fifo import NamedPipe, NotifyFifos, PipeError
from kaltwisted.config.model import GlobalDefs, NotifyFifo, Script
from kaltwisted.ports import ScriptResult
from kaltwisted.testing.alerts import FakeScripts

READER = Script(("/bin/reader",))


def contents(path: Path) -> bytes:
    """What is in a pipe now."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(descriptor, 1 << 20)
    except BlockingIOError:
        return b""
    finally:
        os.close(descriptor)


class PipeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def test_is_made_for_its_user_alone_and_goes_away(self) -> None:
        pipe = NamedPipe(str(self.path), os.geteuid(), os.getegid())
        mode = self.path.stat().st_mode
        self.assertTrue(stat.S_ISFIFO(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertTrue(pipe.write(b"one\n") and pipe.write(b"two\n"))
        self.assertEqual(contents(self.path), b"one\ntwo\n")
        pipe.close()
        self.assertFalse(self.path.exists())

    def test_one_that_was_there_stays(self) -> None:
        os.mkfifo(self.path, 0o640)
        NamedPipe(str(self.path), 0, 0).close()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o640)

    def test_nobody_is_waited_for(self) -> None:
        pipe = NamedPipe(str(self.path))
        line = b"x" * 1023 + b"\n"
        written = sum(pipe.write(line) for _ in range(200))
        self.assertEqual(pipe.dropped, 200 - written)
        self.assertGreater(pipe.dropped, 0)
        # Whole lines, up to the one that found no room.
        self.assertEqual(contents(self.path), line * written)
        self.assertTrue(pipe.write(line))
        pipe.close()

    def test_something_else_is_left_alone(self) -> None:
        self.path.write_text("precious")
        self.assertRaises(PipeError, NamedPipe, str(self.path))
        self.assertEqual(self.path.read_text(), "precious")
        link = Path(self.mktemp())
        link.symlink_to(self.path)
        self.assertRaises(PipeError, NamedPipe, str(link))
        self.assertTrue(link.is_symlink())
        self.assertRaises(PipeError, NamedPipe, "/nowhere/at/all")


class FifosTests(SynchronousTestCase):
    def start(self, **defs: Any) -> NotifyFifos:
        self.clock = Clock()
        self.scripts = FakeScripts()
        self.paths = {name: Path(self.mktemp()) for name in ("all", "vrrp", "lvs")}
        fifos = NotifyFifos(self.clock, self.scripts, self.defs(**defs))
        fifos.startService()
        return fifos

    def defs(self, *, vrrp: bool = True, **more: Any) -> GlobalDefs:
        return GlobalDefs(
            notify_fifo=NotifyFifo(str(self.paths["all"])),
            vrrp_notify_fifo=NotifyFifo(str(self.paths["vrrp"])) if vrrp else None,
            lvs_notify_fifo=NotifyFifo(str(self.paths["lvs"])),
            **more,
        )

    def said(self) -> list[bytes]:
        return [contents(self.paths[name]) for name in ("all", "vrrp", "lvs")]

    def test_each_role_has_its_pipe_and_all_have_the_general_one(self) -> None:
        fifos = self.start()
        fifos.write("vrrp", 'INSTANCE "VI_1" MASTER 150\nGROUP "G" MASTER 0\n')
        fifos.write("checkers", "VS [10.0.0.1]:tcp:80 UP\n")
        fifos.write("bfd", "nobody asked\n")
        vrrp, lvs = b'INSTANCE "VI_1" MASTER 150\nGROUP "G" MASTER 0\n', b"VS [10.0.0.1]:tcp:80 UP\n"
        self.assertEqual(self.said(), [vrrp + lvs, vrrp, lvs])
        self.successResultOf(fifos.stopService())
        self.assertFalse(any(path.exists() for path in self.paths.values()))
        fifos.write("vrrp", "late\n")

    def test_a_reload_keeps_what_is_equal_and_closes_what_is_gone(self) -> None:
        fifos = self.start(notify_fifo_script=READER)
        fifos.write("vrrp", "before\n")
        fifos.reconfigure(self.defs(vrrp=False, notify_fifo_script=READER))
        fifos.write("vrrp", "after\n")
        self.assertEqual(contents(self.paths["all"]), b"before\nafter\n")
        self.assertFalse(self.paths["vrrp"].exists())
        self.assertEqual(len(self.scripts.runs), 1)
        fifos.reconfigure(self.defs(notify_fifo_script=Script(("/bin/other",))))
        self.assertEqual(self.scripts.runs[1].script.argv, ("/bin/other",))
        self.assertTrue(self.paths["vrrp"].exists())

    def test_a_reader_has_the_path_and_starts_again_later_and_later(self) -> None:
        fifos = self.start(notify_fifo_script=READER)
        runs = self.scripts.runs
        self.assertEqual(runs[0].arguments, (str(self.paths["all"]),))
        self.assertEqual(runs[0].timeout_us, None)
        runs[-1].end(ScriptResult(status=1))
        self.clock.advance(0)
        for number, pause in ((2, 1), (3, 2), (4, 4)):
            self.assertEqual(len(runs), number)
            runs[-1].end(ScriptResult(status=1))
            self.clock.advance(pause - 0.5)
            self.assertEqual(len(runs), number)
            self.clock.advance(0.5)
        self.clock.advance(60)
        runs[-1].end(ScriptResult(signal=9))
        self.clock.advance(0)
        self.assertEqual(len(runs), 6)
        stopped = fifos.stopService()
        self.assertNoResult(stopped)
        runs[-1].end()
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_reader_that_stays_is_ended(self) -> None:
        fifos = self.start(notify_fifo_script=READER)
        stopped = fifos.stopService()
        self.clock.advance(2)
        self.assertTrue(self.scripts.runs[0].cancelled)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_stop_between_two_readers(self) -> None:
        fifos = self.start(notify_fifo_script=READER)
        self.scripts.runs[0].end()
        self.successResultOf(fifos.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_pipe_that_cannot_be_is_told_of_once_and_tried_at_each_reload(self) -> None:
        fifos = self.start(vrrp=False)
        self.paths["vrrp"].write_text("in the way")
        for _ in range(2):
            fifos.reconfigure(self.defs())
        fifos.write("vrrp", "x\n")
        self.paths["vrrp"].unlink()
        fifos.reconfigure(self.defs())
        fifos.write("vrrp", "y\n")
        self.assertEqual(self.said(), [b"x\ny\n", b"y\n", b""])
        unknown = self.defs(script_user=("nobody-of-this-name", None))
        fifos.reconfigure(unknown)
        self.assertFalse(self.paths["vrrp"].exists())
        self.successResultOf(fifos.stopService())
