"""The VS Code extension: its grammar in VS Code's engine, its JavaScript in node's test runner."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

EXTENSION = Path(__file__).parents[2] / "editors" / "vscode"
RUNNER = EXTENSION / "node_modules" / ".bin" / "vscode-tmgrammar-test"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is missing: make packages")
needs_packages = pytest.mark.skipif(not RUNNER.exists(), reason="npm packages are missing: make test")


def run(*command: str | Path, **environ: str) -> None:
    done = subprocess.run(
        command,
        cwd=EXTENSION,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout


@needs_node
@needs_packages
def test_grammar() -> None:
    tests = sorted(EXTENSION.glob("tests/*.test.conf"))
    assert tests
    run(RUNNER, *tests)


@needs_node
@needs_packages
def test_extension(kaltwisted: Path) -> None:
    tests = sorted(EXTENSION.glob("tests/*.test.js"))
    assert tests
    run("node", "--test", *tests, KALTWISTED=str(kaltwisted))
