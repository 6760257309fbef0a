"""The text that a configuration was read from, for rules that point at a line of a block.

The model knows where its blocks begin and no more, for it has thousands of
them.  Where a rule found something, the line is looked up here, in the
statements; while there is nothing to point at, none of it costs anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TypeAlias

import attrs

from kaltwisted.config.findings import Consequence, Finding, Related, Rule, Severity
from kaltwisted.config.keywords.convert import parse_address
from kaltwisted.config.keywords.top import spellings
from kaltwisted.config.model import Address, Position
from kaltwisted.config.source import Source
from kaltwisted.config.statement import Statement

Step: TypeAlias = str | Address | tuple[str, int]
"""A line inside a block: the last that begins with a word, that names an address, or the n-th with a word."""


@attrs.frozen
class Spot:
    """A place to point at: ``width`` characters from ``position`` on."""

    position: Position
    width: int = 1


class Written:
    """One reading's text: its lines, its statements, and the lines of it that may not be shown.

    :param hidden: what may be shown of lines with secrets, by file and line.
    :param findings: what is told of it already.
    """

    def __init__(
        self,
        source: Source,
        statements: list[Statement],
        hidden: Mapping[tuple[str, int], str],
        findings: Iterable[Finding],
    ) -> None:
        self.source = source
        self.statements = statements
        self._hidden = hidden
        self._wrong = {
            (finding.position.file, finding.position.line)
            for finding in findings
            if finding.severity is Severity.ERROR
        }

    # --- where things stand ------------------------------------------------------------

    def spot(self, where: Position | None, *path: Step, word: int = 0) -> Spot:
        """A word of the line that a path from the block at ``where`` leads to.

        Where the path ends early, it is the first word of the block that it came to.
        """
        statement = next(iter(self.blocks(where)), None)
        if statement is None:
            return Spot(where or Position(self.source.file, 1))
        for step in path:
            inner = _line(statement, step)
            if inner is None:
                word = 0
                break
            statement = inner
        return Spot(*self.source.word(statement, word))

    def keyword(self, name: str, *blocks: Position | None, word: int = 0) -> Spot:
        """A keyword in the first of these blocks that says it, as it may be inherited; else the first."""
        for where in blocks:
            if any(_line(statement, name) is not None for statement in self.blocks(where)[:1]):
                return self.spot(where, name, word=word)
        return self.spot(blocks[0] if blocks else None)

    def blocks(self, where: Position | None) -> list[Statement]:
        """The blocks at a place, outer ones first: several where all are of one use of a definition."""
        return [statement for statement, _ in self._blocks.get(_key(where), ())]

    def is_sound(self, where: Position | None) -> bool:
        """Whether no error is told of the block of the top level in which ``where`` stands.

        What is wrong is not in the model as it was meant, so advice on the
        rest could be about something that nobody wrote.
        """
        tops = [top for _, top in self._blocks.get(_key(where), ())] if self._wrong else []
        return not any(
            (origin.text.file, origin.number) in self._wrong
            for top in dict.fromkeys(tops)
            for origin in map(self.source.origin, range(top.line, max(top.line, top.end_line) + 1))
        )

    @cached_property
    def _blocks(self) -> dict[tuple[str, int, int], list[tuple[Statement, Statement]]]:
        """Blocks by the place of their first word, each with the block of the top level that it is in."""
        found: dict[tuple[str, int, int], list[tuple[Statement, Statement]]] = {}
        waiting = [(statement, statement) for statement in reversed(self.statements)]
        while waiting:
            statement, top = waiting.pop()
            if statement.block is not None:
                found.setdefault(_key(self.source.where(statement)), []).append((statement, top))
                waiting.extend((inner, top) for inner in reversed(statement.block))
        return found

    # --- what is said of it ------------------------------------------------------------

    def advise(
        self,
        rule: Rule,
        spot: Spot,
        message: str,
        *,
        expected: str | None = None,
        related: Iterable[Related] = (),
    ) -> Finding:
        """A finding of one kind of advice, which changes no exit status."""
        finding = self.source.finding(
            rule.severity,
            spot.position,
            message,
            width=spot.width,
            expected=expected,
            related=tuple(related),
            consequence=Consequence.NONE,
            rule=rule,
        )
        shown = self._hidden.get((spot.position.file, spot.position.line))
        return finding if shown is None else attrs.evolve(finding, source_line=shown, width=1)

    def in_order(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """All that is told of this text: each mistake once, file by file, line by line."""
        return tuple(self.source.in_order(findings))


def _key(where: Position | None) -> tuple[str, int, int]:
    return ("", 0, 0) if where is None else (where.file, where.line, where.column)


def _line(block: Statement, step: Step) -> Statement | None:
    lines = list(_lines(block, step))
    if isinstance(step, tuple):
        return lines[step[1]] if step[1] < len(lines) else None
    return lines[-1] if lines else None


def _lines(block: Statement, step: Step) -> Iterator[Statement]:
    """The lines of a block that a step may mean."""
    for line in block.block or ():
        first = line.words[0]
        match step:
            case str():
                found = spellings().get(first, first) == step
            case (word, _):
                found = first == word
            case address:
                found = parse_address(first.partition("/")[0]) == address
        if found:
            yield line
