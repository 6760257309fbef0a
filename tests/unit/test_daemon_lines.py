"""Lines for notify FIFOs from a role to the supervisor, and what the supervisor makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import GlobalDefs, NotifyFifo
from kaltwisted.daemon.pipes import Pipes
from kaltwisted.daemon.role import commands
from kaltwisted.daemon.role.lines import Lines


class LinesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.sent: list[bytes] = []
        self.lines = Lines(self.clock, self.call)

    def call(self, command: type, text: bytes) -> Deferred[Any]:
        self.assertIs(command, commands.Lines)
        self.sent.append(text)
        return fail(ConnectionDone())  # nobody hears it, which is no trouble

    def test_those_of_one_turn_go_together(self) -> None:
        for number in range(3):
            self.lines.write(f"{number}\n")
        self.assertEqual(self.sent, [])
        self.clock.advance(0)
        self.assertEqual(self.sent, [b"0\n1\n2\n"])
        self.lines.write("\udcff\n")
        self.clock.advance(0)
        self.assertEqual(self.sent[1:], [b"\xff\n"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_many_are_parted_between_lines(self) -> None:
        line = "x" * 999 + "\n"
        for _ in range(150):
            self.lines.write(line)
        self.lines.write("y" * 70_000 + "\n")
        self.lines.write("last\n")
        self.lines.flush()
        self.assertEqual(b"".join(self.sent), line.encode() * 150 + b"last\n")
        self.assertTrue(all(len(text) <= commands.Lines.MOST and text.endswith(b"\n") for text in self.sent))
        self.assertEqual(len(self.sent), 4)
        self.clock.advance(0)
        self.assertEqual(len(self.sent), 4)


class PipesTests(SynchronousTestCase):
    def test_they_come_and_go_with_the_configuration(self) -> None:
        path = Path(self.mktemp())
        pipes = Pipes(Clock())
        pipes.write("vrrp", "nobody\n")
        pipes.reconfigure(GlobalDefs())
        self.successResultOf(pipes.stop())
        pipes.reconfigure(GlobalDefs(notify_fifo=NotifyFifo(str(path))))
        self.assertTrue(path.is_fifo())
        pipes.reconfigure(GlobalDefs())
        self.assertFalse(path.exists())
        pipes.reconfigure(GlobalDefs(vrrp_notify_fifo=NotifyFifo(str(path))))
        self.assertTrue(path.is_fifo())
        self.successResultOf(pipes.stop())
        self.assertFalse(path.exists())
