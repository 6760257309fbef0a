"""Numbers in files, and what virtual routers make of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import Configuration, Tracked, TrackFile, VrrpInstance, VrrpSyncGroup
from kaltwisted.daemon import initial_files
from kaltwisted.ports import Unreadable
from kaltwisted.testing.files import FakeWatchedFiles
from kaltwisted.tracked_files import FileNumber, number_in
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.track import NumberWeighing
from tests.unit.test_vrrp_service import World
from tests.unit.vrrp_helpers import config


class NumberTests(SynchronousTestCase):
    def test_as_keepalived_reads_them(self) -> None:
        for content, number in {
            b"": 0,
            b" \n": 0,
            b"5\n": 5,
            b" +5 6": 5,
            b"-5": -5,
            b"010": 8,
            b"0x10": 16,
            b"0": 0,
            b"09": 0,
            b"10garbage": 10,
            b"1.5": 1,
            b"2147483647": 2147483647,
            b"garbage": None,
            b"- 5": None,
            b"2147483648": None,
            b"-99999999999999": None,
            b"\xff\0": None,
        }.items():
            self.assertEqual(number_in(content), number, content)

    @given(st.integers(-(2**31), 2**31 - 1), st.sampled_from(["{}", "{:#x}", " {}\n", "{} x"]))
    def test_every_number_is_read(self, number: int, form: str) -> None:
        self.assertEqual(number_in(form.format(number).encode()), number)

    @given(st.binary(max_size=300))
    def test_whatever_is_there_gives_a_number_or_changes_nothing(self, content: bytes) -> None:
        known = FileNumber("/run/number", 7)
        known.read(content)
        found = number_in(content)
        self.assertEqual(known.value, 7 if found is None else found)
        self.assertEqual((known.refused, len(known.lines)), (1, 1) if found is None else (0, 0))
        self.assertTrue(all(line.isprintable() for line in known.lines))

    def test_what_is_no_number_is_told_once_and_counted(self) -> None:
        known = FileNumber("/run/number", 7)
        for content in (b"down", b"x" * 99, Unreadable("Permission denied"), b"8", Unreadable("is a folder")):
            known.read(content)
        self.assertEqual((known.value, known.refused), (8, 4))
        self.assertEqual(
            known.lines,
            [
                "Invalid number down read from /run/number - ignoring",
                "Track file /run/number cannot be read: is a folder; 8 counts until it can",
            ],
        )


class WeighingTests(SynchronousTestCase):
    def test_status(self) -> None:
        for weight, reverse, number, status in (
            (3, False, 5, 15),
            (3, True, 5, -15),
            (-3, True, 5, 15),
            (3, False, -84, -252),
            (3, False, -85, -254),
            (1, False, 9999, 253),
            (1, True, 254, -254),
            (0, False, 0, 0),
            (0, False, 1, -254),
            (0, False, -1, -254),
            (0, True, 0, -254),
            (0, True, 1, 0),
        ):
            weighing = NumberWeighing(weight, reverse)
            self.assertEqual(weighing.status(number), status, (weight, reverse, number))
            self.assertEqual(weighing.is_fault(number), status == -254)


class TracksFilesTests(World):
    def begin(self, *instances: VrrpInstance, **more: object) -> None:
        self.files = FakeWatchedFiles()
        self.files.contents["/run/f"] = b"5"
        more.setdefault("track_files", (TrackFile("f", "/run/f", 3),))
        self.start(*instances, **more)
        self.wait(0.1)

    def said(self, content: bytes) -> list[str]:
        """What is logged when this is written."""
        with capturedLogs() as logs:
            self.files.write("/run/f", content)
            self.settle()
        return [str(event.get("line")) for event in logs]

    def priority(self, name: str = "X") -> int:
        return self.service.router.instances[name].priority

    def test_as_keepalived_says_it(self) -> None:
        self.begin(config(track_file=(Tracked("f"),)))
        self.assertEqual(self.priority(), 115)
        self.assertEqual(self.said(b"-84"), ["(X) Changing effective priority from 115 to 1"])
        self.assertEqual(
            self.said(b"-85"), ["(X): tracked file f now FAULT state", "(X) Entering FAULT STATE"]
        )
        self.assertEqual(self.said(b"-100"), [])
        self.assertEqual(
            self.said(b"0x10"),
            [
                "(X): tracked file f leaving FAULT state",
                "(X) Setting effective priority to 148",
                "(X) Entering BACKUP STATE",
            ],
        )
        self.assertEqual(self.said(b"down"), ["Invalid number down read from /run/f - ignoring"])
        self.assertEqual(self.priority(), 148)
        self.stop()
        self.assertEqual(self.files.watched, ())

    def test_fault_from_the_start(self) -> None:
        with capturedLogs() as logs:
            self.begin(config(track_file=(Tracked("f", 0),)))
        said = [str(event.get("line")) for event in logs]
        self.assertIn("(X): entering FAULT state (tracked file f has status -254)", said)
        self.assertIs(self.state(), State.FAULT)
        self.stop()

    def test_a_reload_reads_what_is_new_and_keeps_the_rest(self) -> None:
        self.begin(config(track_file=(Tracked("f"),)))
        self.files.contents["/run/f"] = b"9"  # nobody has told of it
        self.files.contents["/run/g"] = b"2"
        for weight, lines, priority in ((3, ("f",), 115), (4, ("f",), 120), (4, ("f", "g"), 122)):
            changed = Configuration(
                vrrp_instances=(config(track_file=tuple(map(Tracked, lines))),),
                track_files=(TrackFile("f", "/run/f", weight), TrackFile("g", "/run/g")),
            )
            done = Deferred.fromCoroutine(self.service.reconfigure(changed))
            self.wait(0.1)
            self.successResultOf(done)
            self.assertEqual(self.priority(), priority)
        self.assertEqual(self.files.watched, ("/run/f", "/run/g"))
        self.stop()

    def test_weights_in_groups(self) -> None:
        """A member's line counts only with sync_group_tracking_weight, the group's own always."""
        for group, priority in (
            (VrrpSyncGroup("G", ("X",)), 100),
            (VrrpSyncGroup("G", ("X",), sync_group_tracking_weight=True), 115),
            (VrrpSyncGroup("G", ("X",), track_file=(Tracked("f", 2),)), 110),
        ):
            with capturedLogs() as logs:
                self.begin(config(track_file=(Tracked("f"),)), vrrp_sync_groups=(group,))
            said = "(X) ignoring tracked file f with weight 3 due to SYNC group"
            self.assertEqual(said in [str(event.get("line")) for event in logs], priority == 100)
            self.assertEqual(self.priority(), priority)
            self.stop()
            self.setUp()


class InitialFilesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.here = Path(mkdtemp())
        self.addCleanup(shutil.rmtree, self.here)
        self.path = self.here / "number"

    def made(self, init: int | None, *, overwrite: bool = False) -> list[str]:
        with capturedLogs() as logs:
            initial_files.make([TrackFile("f", str(self.path), init=init, overwrite=overwrite)])
        return [str(event["why"]) for event in logs]

    def test_it_is_made_once_or_every_time(self) -> None:
        self.assertEqual(self.made(None), [])
        self.assertFalse(self.path.exists())
        self.assertEqual((self.made(-7), self.path.read_text()), ([], "-7\n"))
        self.assertEqual((self.made(8), self.path.read_text()), ([], "-7\n"))
        self.assertEqual((self.made(8, overwrite=True), self.path.read_text()), ([], "8\n"))

    def test_nothing_else_is_written_to(self) -> None:
        target = self.here / "target"
        target.write_text("precious")
        self.path.symlink_to(target)
        self.assertEqual(self.made(0, overwrite=True), ["Too many levels of symbolic links"])
        self.assertEqual(target.read_text(), "precious")
        self.path.unlink()
        os.mkfifo(self.path)
        self.assertEqual(len(self.made(0, overwrite=True)), 1)
        self.path.unlink()
        self.here.joinpath("gone").mkdir()
        self.path = self.here / "gone" / "away" / "number"
        self.assertEqual(self.made(0), ["No such file or directory"])
