"""The fuzzer for a short while, and all texts that ever broke something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.fuzz_config import HERE, NO_ATHERIS, texts
from tests.fuzz.targets import TARGETS, small_world

SECONDS = 16
CASES = [
    (target, path) for target in TARGETS for folder in texts(target) for path in sorted(folder.glob("*"))
]


@pytest.mark.parametrize(("target", "path"), CASES, ids=[f"{target}-{path.name}" for target, path in CASES])
def test_a_text_that_is_kept(target: str, path: Path) -> None:
    with small_world():
        TARGETS[target].try_on(path.read_bytes())


def test_targets_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would notice what it is there for."""
    from tests.fuzz import targets

    monkeypatch.setattr(targets, "render", lambda finding: f"{finding.message} {targets.SECRET}")
    monkeypatch.setattr(targets, "tokens", lambda line: [])
    monkeypatch.setattr(targets, "MOST_SECONDS", 0)
    for target in ("read", "secrets", "lexer"):
        with small_world(), pytest.raises(AssertionError):
            TARGETS[target].try_on(b"nonsense\n")


def test_a_short_run(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason=NO_ATHERIS)
    done = subprocess.run(
        [sys.executable, HERE / "fuzz_config.py", f"--seconds={SECONDS}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    for target in TARGETS:
        assert f"{target}: " in done.stdout
    assert not list(tmp_path.iterdir()), "a text that broke something"
