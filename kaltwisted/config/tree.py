"""From the lines of a configuration to statements and blocks, with the places of missing and surplus braces.

Two passes at most.  The first trusts the braces; where they come out even, it
is the only one.  Else the second reads again and finds the mistake where it
was made, by indentation and by the keywords that each block may hold
(keepalived tells the place where it noticed, often pages later).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import attrs

from kaltwisted.config.findings import Consequence, Finding, Related, Severity, masked
from kaltwisted.config.keywords.table import Table, tables
from kaltwisted.config.lexer import LONGEST_LINE, SPECIAL, Kind, Token, tokens
from kaltwisted.config.model import Position

DEEPEST_NESTING = 64
"""Blocks deeper than this are no configuration; it also bounds every recursion over the tree."""


# What the reader of keepalived 2 does with lines before it looks at keywords, and we do not yet.
INCLUDES = frozenset(("include", "includer", "includem", "includew", "includeb", "includea"))
MARKS = {"$": "$definitions", "~": "~SEQ and ~LST", "@": "@conditions"}


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

    def __repr__(self) -> str:
        return f"<Statement {self.words} line {self.line}{' {…}' if self.block is not None else ''}>"


class Source:
    """The text of a file, and the places in it."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines = text.removeprefix("\ufeff").split("\n")

    def line(self, number: int) -> str:
        """Line by number from 1, without its end."""
        return self.lines[number - 1].rstrip("\r")

    def where(self, statement: Statement) -> Position:
        """The place of a statement's keyword."""
        return Position(self.file, statement.line, self.column(statement))

    def column(self, statement: Statement) -> int:
        """Column of a statement's keyword, from 1."""
        if not statement.column:
            line = self.lines[statement.line - 1]
            statement.column = len(line) - len(line.lstrip(" \t\r")) + 1
        return statement.column

    def end(self, statement: Statement) -> Position:
        """The place of the brace that closes a statement's block."""
        line = self.line(statement.end_line)
        return Position(self.file, statement.end_line, line.find("}") + 1)

    def pieces(self, statement: Statement) -> list[Token]:
        """The statement's words as tokens of its line."""
        start = self.column(statement) - 1
        found = []
        for token in tokens(self.line(statement.line)):
            if token.start >= start:
                if token.kind is not Kind.WORD:
                    break
                found.append(token)
        return found

    def rest(self, statement: Statement) -> str:
        """What stands behind the keyword as written, quotes included, comment and braces not."""
        pieces = self.pieces(statement)
        if len(pieces) < 2:
            return ""
        return self.line(statement.line)[pieces[1].start : pieces[-1].end]

    def finding(
        self,
        severity: Severity,
        position: Position,
        message: str,
        *,
        width: int = 1,
        expected: str | None = None,
        suggestion: str | None = None,
        related: tuple[Related, ...] = (),
        consequence: Consequence = Consequence.LOGGED,
        log: str | None = None,
    ) -> Finding:
        """A finding with its source line, passwords masked."""
        return Finding(
            severity,
            position,
            message,
            expected,
            suggestion,
            related,
            Consequence.NONE if severity is not Severity.ERROR else consequence,
            masked(self.line(position.line)),
            width,
            log,
        )


@attrs.frozen
class Tree:
    """What a file says.

    ``open_quotes``: line to column of a double quote that its line does not
    close.  ``directives``: what was left out, by kind.
    """

    statements: list[Statement]
    findings: list[Finding]
    open_quotes: dict[int, int]
    directives: frozenset[str] = frozenset()


class Brace(NamedTuple):
    """A brace in the text; ``first``: nothing but blanks in front of it."""

    line: int
    column: int
    first: bool


def parse(source: Source, top: Table) -> Tree:
    """Statements of a whole file; never fails, whatever the text."""
    builder = Builder(source)
    read_lines(source, builder)
    if builder.surplus or builder.unclosed() or builder.nests(top):
        from kaltwisted.config.braces import CarefulBuilder

        builder = CarefulBuilder(source, top, surplus=builder.surplus, missing=builder.unclosed())
        read_lines(source, builder)
    builder.finish()
    return Tree(builder.root, builder.findings, builder.open_quotes, frozenset(builder.directives))


class Builder:
    """Puts statements into blocks as the braces say."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root: list[Statement] = []
        self.block = self.root
        self.stack: list[Statement] = []
        self.latest: Statement | None = None
        self.findings: list[Finding] = []
        self.open_quotes: dict[int, int] = {}
        self.surplus = 0
        self.directives: set[str] = set()
        # Braces that nothing asked for: what they hold belongs to the block around them.
        self.bare: list[int] = []

    def statement(self, words: list[str], line: int, column: int) -> None:
        """A keyword with its words."""
        self.latest = statement = Statement(words, line, column)
        if words[0][:1] in MARKS or words[0] in INCLUDES:
            self.directive(statement)
        else:
            self.block.append(statement)

    def directive(self, statement: Statement) -> None:
        """Left out with all in it, and told once for each kind."""
        word = statement.words[0]
        kind = MARKS.get(word[:1], "include")
        if kind not in self.directives:
            self.directives.add(kind)
            self.findings.append(
                self.source.finding(
                    Severity.ERROR,
                    self.source.where(statement),
                    f"{kind} cannot be read yet: such lines are left out, all of them",
                    width=len(word),
                    expected="a configuration in one file, written out",
                    log=f"Unknown keyword '{word}'",
                )
            )

    def open(self, brace: Brace) -> None:
        """``{``: opens the block of the statement just before it."""
        statement = self.latest
        self.latest = None
        if statement is None or len(self.stack) >= DEEPEST_NESTING:
            self.bare.append(len(self.stack))
            self.report(brace, "nothing here opens a block", "Unexpected '{' - ignoring")
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
        self.findings.append(
            self.source.finding(
                Severity.ERROR,
                Position(self.source.file, brace.line, brace.column),
                message,
                expected=expected,
                log=log,
            )
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


def read_lines(source: Source, builder: Builder) -> None:
    """Feed a builder, line by line; the simple lines, nearly all, take the short way."""
    statement = builder.statement
    for number, line in enumerate(source.lines, 1):
        if len(line) > LONGEST_LINE // 4 and _too_long(line):
            _drop(source, builder, number, f"line longer than {LONGEST_LINE} bytes")
            continue
        special = SPECIAL(line)
        if special is None:
            words = line.split()
            if words:
                statement(words, number, 0)
            continue
        start = special.start()
        match line[start]:
            case "{" if not line[start + 1 :].strip():
                words = line[:start].split()
                if words:
                    statement(words, number, 0)
                builder.open(Brace(number, start + 1, not words))
            case "}" if line.strip() == "}":
                builder.close(Brace(number, start + 1, True))
            case "#" | "!" if not line[:start].strip():
                pass
            case _:
                _read_line(source, builder, number, line)


def _read_line(source: Source, builder: Builder, number: int, line: str) -> None:
    """The long way: quotes, comments behind words, several statements on one line, odd characters."""
    if "\0" in line:
        _drop(source, builder, number, "line with a NUL byte")
        return
    words: list[str] = []
    column = 0
    first = True
    for token in tokens(line):
        match token.kind:
            case Kind.WORD:
                column = column or token.start + 1
                words.append(token.text)
                continue
            case Kind.COMMENT:
                break
            case Kind.LOST:
                builder.open_quotes[number] = token.start + 1
                break
        if words:
            builder.statement(words, number, column)
            words, column, first = [], 0, False
        brace = Brace(number, token.start + 1, first)
        first = False
        if token.kind is Kind.OPEN:
            builder.open(brace)
        else:
            builder.close(brace)
    if words:
        builder.statement(words, number, column)


def _too_long(line: str) -> bool:
    return len(line.encode("utf-8", "surrogateescape")) > LONGEST_LINE


def _drop(source: Source, builder: Builder, number: int, why: str) -> None:
    builder.findings.append(
        source.finding(
            Severity.ERROR, Position(source.file, number), f"{why}, dropped", expected="plain text"
        )
    )
