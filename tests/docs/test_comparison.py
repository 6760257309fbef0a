"""docs/comparison.md has no figure that docs/measurements.md does not have."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w.]*\d)")


def test_every_figure_was_measured() -> None:
    figures = (DOCS / "comparison.md").read_text("utf-8").partition("## Figures")[2]
    shown = {
        number
        for row in re.findall(r"^\|.*$", figures, re.M)
        for cell in row.split("|")[2:]
        for number in NUMBER.findall(cell)
    }
    measured = set(NUMBER.findall((DOCS / "measurements.md").read_text("utf-8")))
    assert len(shown) > 40
    assert shown - measured == set()
