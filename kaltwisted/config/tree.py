"""From the lines of a configuration to statements and blocks, with the places of missing and surplus braces.

Two passes at most.  The first trusts the braces; where they come out even, it
is the only one.  Else the second reads again and finds the mistake where it
was made, by indentation and by the keywords that each block may hold
(keepalived tells the place where it noticed, often pages later).
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from kaltwisted.config.braces import CarefulBuilder
from kaltwisted.config.builder import Brace, Builder
from kaltwisted.config.findings import Findings, Severity
from kaltwisted.config.keywords.table import Table
from kaltwisted.config.lexer import LONGEST_LINE, SPECIAL, Kind, tokens, too_long
from kaltwisted.config.model import Position
from kaltwisted.config.source import Source
from kaltwisted.config.statement import Statement


@attrs.frozen
class Tree:
    """What a file says.

    ``open_quotes``: line to column of a double quote that its line does not
    close.
    """

    statements: list[Statement]
    findings: Findings
    open_quotes: dict[int, int]


def parse(source: Source, top: Table, feed: Callable[[Source, Builder], None] | None = None) -> Tree:
    """Statements of a whole file; never fails, whatever the text.

    :param feed: reads the lines into a builder, in the first pass, in place of ``read_lines``.
    """
    builder = Builder(source)
    (feed or read_lines)(source, builder)
    if builder.surplus or builder.unclosed() or builder.nests(top):
        builder = CarefulBuilder(source, top, surplus=builder.surplus, missing=builder.unclosed())
        read_lines(source, builder)
    builder.finish()
    _tell_of_marks(source, builder)
    return Tree(builder.root, builder.findings, builder.open_quotes)


def read_lines(source: Source, builder: Builder, first: int = 1, last: int | None = None) -> None:
    """Feed a builder, line by line; the simple lines, nearly all, take the short way.

    :param last: None for the last there is.
    """
    statement = builder.statement
    for number, line in enumerate(source.lines[first - 1 : last], first):
        if len(line) > LONGEST_LINE // 4 and too_long(line):
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
        builder.binary.append(number)
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


def _drop(source: Source, builder: Builder, number: int, why: str) -> None:
    source.tell(
        builder.findings, Severity.ERROR, source.place(number, 1), f"{why}, dropped", expected="plain text"
    )


def _tell_of_marks(source: Source, builder: Builder) -> None:
    """What does not belong into a text: one finding for all lines of a file that have it."""
    by_file: dict[str, list[int]] = {}
    for number in builder.binary:
        by_file.setdefault(source.origin(number).text.file, []).append(number)
    for numbers in by_file.values():
        more = f" (and {len(numbers) - 1} more of its lines)" if len(numbers) > 1 else ""
        _drop(source, builder, numbers[0], f"line with a NUL byte{more}")
    for text in source.texts.values():
        if text.marked:
            source.tell(
                builder.findings,
                Severity.ADVICE,
                Position(text.file, 1),
                "the file begins with a byte order mark; keepalived takes it as part of the first word",
                expected="UTF-8 without a byte order mark",
            )
