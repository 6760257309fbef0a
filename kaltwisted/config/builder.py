"""Statements, put into blocks as the braces say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kaltwisted.config.findings import Findings, Severity
from kaltwisted.config.keywords.table import Table, tables
from kaltwisted.config.source import Source
from kaltwisted.config.statement import Statement

DEEPEST_NESTING = 64
"""Blocks deeper than this are no configuration; it also bounds every recursion over the tree."""


class Brace(NamedTuple):
    """A brace in the text; ``first``: nothing but blanks in front of it."""

    line: int
    column: int
    first: bool


class Builder:
    """Puts statements into blocks as the braces say."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root: list[Statement] = []
        self.block = self.root
        self.stack: list[Statement] = []
        self.latest: Statement | None = None
        self.findings = Findings()
        self.open_quotes: dict[int, int] = {}
        self.surplus = 0
        self.too_deep = False
        # Lines with NUL bytes, which are dropped.
        self.binary: list[int] = []
        # Braces that nothing asked for: what they hold belongs to the block around them.
        self.bare: list[int] = []

    def statement(self, words: list[str], line: int, column: int) -> None:
        """A keyword with its words."""
        self.latest = statement = Statement(words, line, column)
        self.block.append(statement)

    def open(self, brace: Brace) -> None:
        """``{``: opens the block of the statement just before it."""
        statement = self.latest
        self.latest = None
        if statement is None or len(self.stack) >= DEEPEST_NESTING:
            self.bare.append(len(self.stack))
            if len(self.stack) < DEEPEST_NESTING:
                self.report(brace, "nothing here opens a block", "Unexpected '{' - ignoring")
            elif not self.too_deep:
                self.too_deep = True
                self.report(
                    brace,
                    f"blocks are more than {DEEPEST_NESTING} deep in one another here",
                    "Unexpected '{' - ignoring",
                )
            return
        self.stack.append(statement)
        self.block = statement.block = []

    def close(self, brace: Brace) -> None:
        """``}``."""
        self.latest = None
        if self.bare and self.bare[-1] == len(self.stack):
            self.bare.pop()
        elif self.stack:
            self.pop(brace.line)
        else:
            self.surplus += 1
            self.report(
                brace, "this brace closes nothing", "Extra '}' found", expected="one `}` for each `{`"
            )

    def pop(self, line: int) -> Statement:
        """Close the innermost block."""
        statement = self.stack.pop()
        statement.end_line = line
        block = self.stack[-1].block if self.stack else self.root
        assert block is not None
        self.block = block
        return statement

    def unclosed(self) -> int:
        """Blocks still open."""
        return len(self.stack)

    def nests(self, top: Table) -> bool:
        """Whether a block of the top level stands inside another, so that a brace must be missing."""
        names = top_only(top)
        return any(inner.words[0] in names for inner in _blocks_inside(self.root))

    def report(self, brace: Brace, message: str, log: str, expected: str | None = None) -> None:
        """A finding about a brace."""
        self.source.tell(
            self.findings,
            Severity.ERROR,
            self.source.place(brace.line, brace.column),
            message,
            expected=expected,
            log=log,
        )

    def finish(self) -> None:
        """The end of the file."""


def top_only(top: Table) -> frozenset[str]:
    """Keywords of blocks that stand at top level and nowhere else."""
    inner = {name for table in tables(top) if table is not top for name in table.keywords}
    return frozenset(
        name for name, keyword in top.keywords.items() if keyword.block is not None and name not in inner
    )


def _blocks_inside(statements: Sequence[Statement]) -> Iterator[Statement]:
    for statement in statements:
        if statement.block:
            for inner in statement.block:
                if inner.block is not None:
                    yield inner
            yield from _blocks_inside(statement.block)
