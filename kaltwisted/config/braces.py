"""The second reading of a file whose braces do not come out even."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaltwisted.config.tree import Builder

if TYPE_CHECKING:
    from kaltwisted.config.keywords.table import Table
    from kaltwisted.config.tree import Source


class CarefulBuilder(Builder):
    """Finds where a brace is missing or too many."""

    def __init__(self, source: Source, top: Table, *, surplus: int, missing: int) -> None:
        super().__init__(source)
