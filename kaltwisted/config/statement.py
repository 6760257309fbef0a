"""One statement of a configuration: below both the source that places it and the builder that nests it."""

from __future__ import annotations


class Statement:
    """A keyword with its words, and the block it opened if any.

    ``column`` counts from 1; 0 stands for "first on its line", worked out when
    somebody asks.  A plain class with slots: a big site has 100,000 of them.
    """

    __slots__ = ("block", "column", "end_line", "line", "words")

    def __init__(self, words: list[str], line: int, column: int = 0) -> None:
        self.words = words
        self.line = line
        self.column = column
        self.block: list[Statement] | None = None
        self.end_line = 0

    def holds(self, other: Statement) -> bool:
        """Whether another statement itself, not one like it, stands in the block."""
        return any(inner is other for inner in self.block or ())

    def __repr__(self) -> str:
        return f"<Statement {self.words} line {self.line}{' {…}' if self.block is not None else ''}>"
