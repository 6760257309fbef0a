"""The manual pages are made, groff has nothing to complain of, and their options are those that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from kaltwisted.daemon.command import COMMANDS
from kaltwisted.daemon.options import HELP
from kaltwisted.genhash.options import Options as GenhashOptions

TOP = Path(__file__).parents[2]
SOURCES = sorted((TOP / "docs" / "man").glob("*.md"))
needs_tools = pytest.mark.skipif(
    not (shutil.which("go-md2man") and shutil.which("man")), reason="go-md2man or man is not installed"
)
OPTION = re.compile(r"(?<![\w-])(--?[A-Za-z][\w-]*)")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("man")
    subprocess.run(["sh", str(TOP / "tools" / "man.sh"), str(folder)], check=True, timeout=60)
    return folder


@needs_tools
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_groff_is_content_and_shows_it(made: Path, source: Path) -> None:
    command = ["man", "--warnings=all", "--encoding=UTF-8", "--local-file", str(made / source.stem)]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert shown.stderr == ""
    name, _, section = source.stem.rpartition(".")
    assert f"{name}({section})" in shown.stdout
    assert "**" not in shown.stdout
    for heading in re.findall(r"^## (.*)$", source.read_text(encoding="utf-8"), re.M):
        assert f"\n{heading}\n" in shown.stdout


def options_of(page: str) -> set[str]:
    """The options that have an entry."""
    text = (TOP / "docs" / "man" / page).read_text(encoding="utf-8")
    section = text.partition("## OPTIONS")[2].partition("\n## ")[0]
    terms = [line for line in section.splitlines() if line.startswith("**")]
    return {option for term in terms for option in OPTION.findall(term.replace("*", ""))}


def test_the_daemons_options_are_those_of_its_help() -> None:
    table = HELP.partition("Either long or short")[2].partition("Signals:")[0]
    lines = [line[:26] for line in table.splitlines() if line.startswith("  --")]
    assert options_of("kaltwisted.8.md") == {option for line in lines for option in OPTION.findall(line)}


def test_genhash_has_those_that_it_reads() -> None:
    read = GenhashOptions()
    long = {f"--{name.rstrip('=')}" for name in read.longOpt}
    short = {f"-{letter}" for letter in read.shortOpt.replace(":", "")}
    assert options_of("genhash.1.md") == long | short


def test_the_daemons_page_names_each_command() -> None:
    text = (TOP / "docs" / "man" / "kaltwisted.8.md").read_text(encoding="utf-8")
    section = text.partition("## COMMANDS")[2].partition("\n## ")[0]
    assert [word for word in COMMANDS if f"**{word}**" not in section] == []
