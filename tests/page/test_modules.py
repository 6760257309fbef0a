"""The page's pure modules in node's test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.skipif(shutil.which("node") is None, reason="node is missing: make packages")
def test_modules() -> None:
    tests = sorted(HERE.glob("unit/*.test.mjs"))
    assert tests
    # In one process: seven starts of node cost more than all tests.
    imports = "".join(f"import {str(test)!r};" for test in tests)
    done = subprocess.run(
        ["node", "--test-reporter=spec", "--input-type=module", "--eval", imports],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
