"""The command that editors call, as a file to call it by."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
_MAIN = "import sys; from kaltwisted.daemon.command import main; sys.exit(main())"


@pytest.fixture(scope="session")
def kaltwisted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``kaltwisted`` of this folder, installed or not."""
    command = tmp_path_factory.mktemp("bin") / "kaltwisted"
    path = shlex.quote(str(TOP))
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH={path} exec {shlex.quote(sys.executable)} -c {shlex.quote(_MAIN)} "$@"\n'
    )
    command.chmod(0o755)
    return command
