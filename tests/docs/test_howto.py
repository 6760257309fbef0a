"""The recipes of docs/howto.md are configurations without a mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kaltwisted.config.load import load_file

PAGE = Path(__file__).parents[2] / "docs" / "howto.md"
RECIPES = [
    (heading, block)
    for heading, section in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.M | re.S)
    for block in re.findall(r"^```text\n(.*?)^```$", section, re.M | re.S)
]


def test_there_are_some() -> None:
    assert len(RECIPES) > 5


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe[0])
def test_it_can_be_used_as_it_is(recipe: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(recipe[1])
    found = load_file(str(file))
    assert [str(finding) for finding in found.findings] == []
