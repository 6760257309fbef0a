"""Run a bench once more, in a kernel that has IPVS."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from common.daemons import ROOT


def in_a_kernel_with_ipvs(script: str, arguments: Sequence[str], timeout_s: float = 1200.0) -> int:
    """Run ``script`` with ``--inside`` and ``arguments`` in User-Mode Linux; its exit status.

    What a guest cannot write is compiled before, as it is where the package is installed.
    """
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(ROOT / "kaltwisted")], check=True)
    runner = [sys.executable, str(ROOT / "tests/kernel/uml.py"), "--timeout", f"{timeout_s:g}", "--"]
    words = [*runner, sys.executable, str(Path(script).resolve()), "--inside", *arguments]
    return subprocess.run(words, cwd=ROOT).returncode
