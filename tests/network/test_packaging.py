"""The wheel that people install: what is in it, and that it works away from the source tree."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TWISTD = "from twisted.scripts.twistd import run; run()"
pytestmark = pytest.mark.network


def run(command: Sequence[str | Path]) -> str:
    """Output of a command that must succeed, away from the source tree."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [str(word) for word in command],
        cwd="/",
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if "No matching distribution found for setuptools" in done.stderr:
        pytest.skip("building the wheel needs a package index, for setuptools")
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that the source tree gets no build/ folder."""
    source = tmp_path_factory.mktemp("source")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    for package in ("kaltwisted", "twisted"):
        for file in (ROOT / package).rglob("*"):
            if file.suffix in (".py", ".typed") and "__pycache__" not in file.parts:
                copy = source / file.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
    output = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", output, source])
    (built,) = output.glob("kaltwisted-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin/ of a new environment with the wheel in it; what it depends on is borrowed from ours."""
    environment = tmp_path_factory.mktemp("installed")
    run([sys.executable, "-m", "venv", environment])
    run([environment / "bin/python", "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel])
    run([environment / "bin/python", "-m", "compileall", "-q", environment / "lib"])
    ours = sysconfig.get_path("purelib")
    (site,) = environment.glob("lib/python*/site-packages")
    # Python reads path files in its own site-packages only, so the one in ours that points to the
    # source tree (a development install) is not followed.
    (site / "borrowed.pth").write_text(f"{ours}\n")
    return environment / "bin"


def test_the_wheel_has_the_plugin_and_nothing_of_twisted(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "twisted/plugins/kaltwisted_plugin.py" in names
    assert "twisted/__init__.py" not in names
    assert "twisted/plugins/__init__.py" not in names
    assert "kaltwisted/py.typed" in names
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"kaltwisted", "twisted"}


def test_every_module_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(file.relative_to(ROOT)) for file in (ROOT / "kaltwisted").rglob("*.py")}
    assert modules <= names


def test_twistd_lists_keepalived_once_installed(installed: Path) -> None:
    listed = run([installed / "python", "-c", TWISTD, "--help"])
    assert "keepalived" in listed
    assert "genhash" in listed


def test_the_console_commands_run_once_installed(installed: Path) -> None:
    assert "Kaltwisted v" in run([installed / "kaltwisted", "--version"])
    where = run([installed / "python", "-c", "import kaltwisted; print(kaltwisted.__file__)"])
    assert where.startswith(str(installed.parent)), where
    assert "genhash" in run([installed / "genhash", "--help"])
