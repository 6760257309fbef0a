"""The tutorial works: everything in it is done, in namespaces of its own, and prints what the page shows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.network.tutorial_page import PAGE, Command, File, steps, without_chance
from tests.network.vrrp_lan import needs_lan

pytestmark = [needs_lan, pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")]
ISOLATED = "unshare --mount --net --pid --fork --mount-proc --kill-child bash"
PATIENCE_S = 20.0
END = "~~~ done ~~~"
LOOKS = (
    "kaltwisted status",
    "kaltwisted explain",
    "kaltwisted events",
    "kaltwisted overrides",
    "curl",
    " show ",
)
"""In commands that only look, which a reader repeats when what they wait for has not happened yet."""


class Shell:
    """The one shell that a reader has open, in namespaces of its own that vanish with it."""

    def __init__(self, directory: Path) -> None:
        environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        environ["TMPDIR"] = str(directory)
        self._process = subprocess.Popen(
            ISOLATED.split(),
            cwd=directory,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __call__(self, line: str) -> str:
        """What it prints on this line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\necho '{END}'\n")
        self._process.stdin.flush()
        printed = ""
        while not printed.endswith(f"{END}\n"):
            more = self._process.stdout.readline()
            assert more, f"the shell has ended, after {printed!r}"
            printed += more
        return printed.removesuffix(f"{END}\n")

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    opened = Shell(tmp_path)
    yield opened
    opened.end()


def test_a_reader_sees_what_the_page_shows(shell: Shell, tmp_path: Path) -> None:
    done = 0
    for step in steps(PAGE.read_text(encoding="utf-8")):
        if isinstance(step, File):
            (tmp_path / step.name).write_text(step.text, encoding="utf-8")
        else:
            follow(shell, step)
            done += 1
    assert done > 30


def follow(shell: Shell, command: Command) -> None:
    shown = without_chance(command.printed)
    ends = time.monotonic() + (PATIENCE_S if any(look in command.line for look in LOOKS) else 0.0)
    while (printed := without_chance(shell(command.line))) != shown:
        assert time.monotonic() < ends, f"$ {command.line}\n{printed}\n--- the page shows:\n{shown}"
        time.sleep(0.2)
