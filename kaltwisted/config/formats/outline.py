"""Statements as plain data: dictionaries, lists, strings and numbers, for JSON and YAML.

A block is a dictionary whose keys are keywords, each where it stands last, so
that "the last one counts" keeps its meaning.  Comments are not in it, nor the
order of different keywords, except among checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from kaltwisted.config.findings import Finding, Severity
from kaltwisted.config.formats import shapes, written
from kaltwisted.config.keywords.table import Keyword, Table
from kaltwisted.config.lexer import command_words
from kaltwisted.config.source import Source
from kaltwisted.config.statement import Statement

# What JSON has.  Recursive types of this kind are no help to anyone who takes them apart.
Data: TypeAlias = Any


class Outline:
    """Makes data of the statements of one source; what cannot be data is in ``findings``."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.findings: list[Finding] = []

    def block(self, statements: Sequence[Statement], table: Table) -> dict[str, Data]:
        """The statements of a block."""
        found: dict[str, list[Statement]] = {}
        earlier: Statement | None = None
        for statement in statements:
            name = statement.words[0]
            keyword = table.resolve(name)
            if (
                keyword is None
                and statement.block is not None
                and earlier is not None
                and earlier.holds(statement)
            ):
                continue  # the reader has taken it into the block in front of it
            if keyword is not None and keyword.block is not None:
                earlier = statement
                name = table.ordered or name
            elif name in shapes.reserved(table):
                self._refuse(
                    statement, f"`{name}` is no keyword here, and means something else in other formats"
                )
                continue
            # Each key where its keyword stands last.
            occurrences = found.pop(name, [])
            occurrences.append(statement)
            found[name] = occurrences
        return {name: self._entry(name, occurrences, table) for name, occurrences in found.items()}

    def _entry(self, name: str, occurrences: list[Statement], table: Table) -> Data:
        if table.ordered and name == table.ordered:
            return [{each.words[0]: self._one(each, table.resolve(each.words[0]))} for each in occurrences]
        keyword = table.resolve(name)
        if len(occurrences) == 1:
            return self._one(occurrences[0], keyword)
        if keyword is not None and keyword.block is not None:
            return [self._one(each, keyword) for each in occurrences]
        return [
            self._generic(each, each.words[1:]) if each.block is not None else self._words(each, keyword)
            for each in occurrences
        ]

    def _one(self, statement: Statement, keyword: Keyword | None) -> Data:
        if keyword is not None and keyword.block is not None:
            return self._nested(statement, keyword.block)
        if statement.block is None:
            return self._value(statement, keyword)
        if keyword is None:
            return self._generic(statement, statement.words[1:])
        return self._refuse(statement, f"`{statement.words[0]}` opens no block")

    # --- one line --------------------------------------------------------------------

    def _value(self, statement: Statement, keyword: Keyword | None) -> Data:
        words = self._words(statement, keyword)
        if not words:
            return True
        if len(words) > 1:
            return words
        if keyword is not None and shapes.is_boolean(keyword) and words[0] in shapes.TRUE | shapes.FALSE:
            return words[0] in shapes.TRUE
        if keyword is not None and shapes.is_numeric(keyword):
            return _number(words[0])
        return words[0]

    def _words(self, statement: Statement, keyword: Keyword | None) -> list[str]:
        """The words behind the keyword."""
        if keyword is None or not keyword.script:
            if statement.block is not None:
                self._refuse(statement, f"`{statement.words[0]}` opens no block")
            return statement.words[1:]
        words = command_words(self._source.rest(statement))
        if words is None:
            self._refuse(statement, "a quote is not closed on this line")
            return []
        return words

    # --- blocks ------------------------------------------------------------------------

    def _nested(self, statement: Statement, table: Table) -> Data:
        block = statement.block
        if block is None:
            return self._refuse(statement, f"`{statement.words[0]}` has no block")
        head = _head(statement.words[1:], table)
        if not table.values:
            return head | self.block(block, table)
        values = [self._line(inner) for inner in block]
        return head | {shapes.LINES: values} if head else values

    def _line(self, statement: Statement) -> str:
        """A line that is a value: one string, in keepalived's spelling."""
        if statement.block is not None:
            self._refuse(statement, f"`{statement.words[0]}` opens no block")
        return " ".join(map(written.word, statement.words))

    def _generic(self, statement: Statement, words: list[str]) -> Data:
        """A block of which nothing is known: its lines in their order."""
        block = statement.block or []
        lines = [inner.words if inner.block is None else self._generic(inner, inner.words) for inner in block]
        return {shapes.WORDS: words, shapes.LINES: lines} if words else {shapes.LINES: lines}

    def _refuse(self, statement: Statement, why: str) -> None:
        source = self._source
        self.findings.append(
            source.finding(
                Severity.ERROR,
                source.where(statement),
                f"{why}; this cannot be converted",
                width=source.width(statement.line, source.column(statement) - 1, source.column(statement)),
            )
        )


def _head(words: list[str], table: Table) -> dict[str, Data]:
    """The words of a block's head, by their names."""
    if words[:1] and words[0] in table.marked and len(words) > 1:
        head, rest = {words[0]: words[1]}, words[2:]
    else:
        head, rest = dict(zip(table.header, words, strict=False)), words[len(table.header) :]
    named: dict[str, Data] = {
        name: _number(text) if name in shapes.NUMBERS else text for name, text in head.items()
    }
    return named | {shapes.WORDS: rest} if rest else named


def _number(text: str) -> int | float | str:
    value = shapes.number(text)
    return text if value is None else value
