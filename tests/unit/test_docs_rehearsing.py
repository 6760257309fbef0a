"""docs/rehearsing.md shows what is really printed: each command in it is run, and held against its block."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.daemon.command import main
from tests.unit.test_simulation_guide import GUIDE, symmetric

PAGE = Path(__file__).parents[2] / "docs" / "rehearsing.md"
COMMAND = re.compile(r"^    \$ kaltwisted (simulate .*)\n((?:    .*\n|\n(?=    (?!\$)))*)", re.MULTILINE)
SCENARIO = re.compile(r"```scenario\n(.*?)```", re.DOTALL)
LEFT_OUT = "…"


def printed(words: str) -> str:
    """What a command prints, on whichever stream."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        main(shlex.split(words))
    return out.getvalue()


class PageTests(SynchronousTestCase):
    def setUp(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir()
        one = (GUIDE / "case_study_10.conf").read_text()
        (directory / "director1.conf").write_text(one)
        (directory / "director2.conf").write_text(symmetric(one))
        wrong = symmetric(one).replace("k@l!ve1", "kal1").replace("k@l!ve2", "kal2")
        (directory / "mistaken.conf").write_text(wrong)
        (scenario,) = SCENARIO.findall(PAGE.read_text())
        (directory / "cable.scenario").write_text(scenario)
        (directory / "typo.scenario").write_text("at 30s: director1 eth0 down\nat 60s: director1 eht0 up\n")
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(directory)

    def test_the_picture(self) -> None:
        printed("simulate -s director1-eth0-down -p shown.svg director1.conf director2.conf")
        self.assertEqual(Path("shown.svg").read_text(), (PAGE.parent / "rehearsing.svg").read_text())

    def test_every_command(self) -> None:
        commands = COMMAND.findall(PAGE.read_text())
        self.assertGreater(len(commands), 3)
        for words, block in commands:
            found = printed(words).splitlines()
            shown = [line.removeprefix("    ") for line in block.rstrip("\n").splitlines()]
            while shown:
                left_out = shown[0].strip() == LEFT_OUT
                shown = shown[left_out:]
                if not shown:
                    break
                self.assertIn(shown[0], found, words)
                if not left_out:
                    self.assertEqual(found[0], shown[0], words)
                found = found[found.index(shown[0]) + 1 :]
                shown = shown[1:]
                if not shown:
                    self.assertEqual(found, [], words)
