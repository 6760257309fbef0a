"""The lines that are read, and the places in the files that they come from.

Mostly a line is one of the file.  Where a definition was put in, a line
repeated or a file included, a line read knows its ``Origin``, so that every
finding still shows the place that a person would have to edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import attrs

from kaltwisted.config.findings import Consequence, Finding, Findings, Related, Rule, Severity, masked
from kaltwisted.config.lexer import Kind, Token, tokens
from kaltwisted.config.model import Position
from kaltwisted.config.statement import Statement

if TYPE_CHECKING:
    from kaltwisted.config.include import FileOnDisk

MOST_NOTES = 4
"""Places told of one finding in text made of definitions made of definitions."""


class Text:
    """The text of one file as it is on the disk.

    ``included``: where the line stands that includes it, None for the main file.
    ``on_disk``: the file, None for a text that is none.
    """

    def __init__(
        self,
        text: str,
        file: str,
        included: Position | None = None,
        on_disk: FileOnDisk | None = None,
    ) -> None:
        self.file = file
        self.on_disk = on_disk
        self.marked = text.startswith("\ufeff")
        self.lines = text.removeprefix("\ufeff").split("\n")
        self.included = included

    def line(self, number: int) -> str:
        """Line by number from 1, without its end."""
        return self.lines[number - 1].rstrip("\r")

    def notes(self) -> tuple[Related, ...]:
        """How the file came in."""
        if self.included is None:
            return ()
        above = self.included.notes if isinstance(self.included, Place) else ()
        return (Related(plain(self.included), "included from here"), *above)


@attrs.frozen(eq=False, repr=False)
class Place(Position):
    """A position that has more to it.

    ``notes`` explain it.  ``made_by``: where the text stands, if not here; the
    same mistake there is one mistake.  ``repeated``: of a line that is read
    many times.
    """

    notes: tuple[Related, ...] = ()
    made_by: Position | None = None
    repeated: bool = False


def plain(position: Position) -> Position:
    """A position without anything more to it."""
    return Position(position.file, position.line, position.column)


class Explains(Protocol):
    """What a piece of text was put in by."""

    @property
    def where(self) -> Position:
        """Where the text that was put in stands."""

    @property
    def note(self) -> str:
        """What is there, for people."""


class Use(NamedTuple):
    """Characters ``start`` to ``end`` of a line, for ``width`` characters at ``column`` of its file.

    ``line``: of the file, where it is another one than the line's own; 0 where it is not.
    """

    start: int
    end: int
    column: int
    width: int
    made_by: tuple[Explains, ...]
    line: int = 0


class Origin(NamedTuple):
    """Where a line that is read comes from.  Between its ``uses`` it is as in the file."""

    text: Text
    number: int
    uses: tuple[Use, ...] = ()
    repeated: bool = False


def original_start(uses: tuple[Use, ...], column: int) -> int:
    """The column in the file where the text at ``column`` of a line begins; both from 0."""
    shift = 0
    for use in uses:
        if column < use.start:
            break
        if column < use.end:
            return use.column
        shift = use.column + use.width - use.end
    return column + shift


def original_end(uses: tuple[Use, ...], end: int) -> int:
    """The column in the file behind the text that ends at ``end`` of a line."""
    shift = 0
    for use in uses:
        if end <= use.start:
            break
        if end <= use.end:
            return use.column + use.width
        shift = use.column + use.width - use.end
    return end + shift


class Source:
    """What is read, line by line, and the places of it.

    :param lines: numbered from 1, as ``Statement.line`` counts them.
    :param origins: of each line, or None where the lines are those of ``main``.
    """

    def __init__(
        self, main: Text, lines: list[str] | None = None, origins: list[Origin] | None = None
    ) -> None:
        self.main = main
        self.lines = main.lines if lines is None else lines
        self.origins = origins
        self.texts: dict[str, Text] = {main.file: main}
        self.findings = Findings()
        # Lines of which something is told that explains whatever else is wrong with them.
        self.told: set[int] = set()
        # Lines of files that must not be shown.
        self.secrets: set[tuple[str, int]] = set()
        self.defined: frozenset[str] = frozenset()
        # Uses of what is not defined: line to name and the columns it stands at.
        self.undefined: dict[int, tuple[str, int, int]] = {}

    @property
    def file(self) -> str:
        """The main file, as the user named it."""
        return self.main.file

    def line(self, number: int) -> str:
        """Line by number from 1, as it is read."""
        return self.lines[number - 1].rstrip("\r")

    def origin(self, number: int) -> Origin:
        """Where a line comes from."""
        return self.origins[number - 1] if self.origins is not None else Origin(self.main, number)

    def lines_of(self, number: int) -> set[tuple[str, int]]:
        """The lines of files that a line is made of."""
        text, line, uses, _ = self.origin(number)
        return {(text.file, line), *((text.file, use.line) for use in uses if use.line)}

    def place(self, number: int, column: int, end: int | None = None) -> Position:
        """Where what is read at a column of a line stands in its file; columns from 1."""
        if self.origins is None:
            return Position(self.main.file, number, column)
        text, line, uses, repeated = self.origins[number - 1]
        end = column if end is None else end
        made_by: dict[Explains, None] = {}
        if uses:
            for use in reversed(uses):
                if use.start < end and column - 1 < use.end:
                    made_by = dict.fromkeys(use.made_by) | made_by
                    line = use.line or line
            column = original_start(uses, column - 1) + 1
        if not made_by and not repeated and text.included is None:
            return Position(text.file, line, column)
        notes = tuple(Related(explained.where, explained.note) for explained in list(made_by)[:MOST_NOTES])
        source = notes[-1].position if notes else None
        return Place(text.file, line, column, notes + text.notes(), source, repeated)

    def width(self, number: int, start: int, end: int) -> int:
        """How wide in its file is what is read from ``start`` to ``end``, columns from 0."""
        uses = self.origin(number).uses
        if not uses:
            return end - start
        return max(1, original_end(uses, end) - original_start(uses, start))

    def where(self, statement: Statement) -> Position:
        """The place of a statement's keyword."""
        column = self.column(statement)
        return self.place(statement.line, column, column)

    def column(self, statement: Statement) -> int:
        """Column of a statement's keyword in its line as it is read, from 1."""
        if not statement.column:
            line = self.lines[statement.line - 1]
            statement.column = len(line) - len(line.lstrip(" \t\r")) + 1
        return statement.column

    def end(self, statement: Statement) -> Position:
        """The place of the brace that closes a statement's block; its last line where there is none."""
        return self.place(statement.end_line, max(1, self.line(statement.end_line).find("}") + 1))

    def closed(self, statement: Statement) -> bool:
        """Whether a brace closes a statement's block; where none does, that is told."""
        return "}" in self.line(statement.end_line)

    def label(self, number: int, near: Position | None = None) -> str:
        """A line for people: ``line 5``, and of which file if not of the main one or the one ``near`` it."""
        text, line, *_ = self.origin(number)
        file = near.file if near is not None else self.main.file
        return f"line {line}" if text.file == file else f"line {line} of {text.file}"

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

    def word(self, statement: Statement, index: int) -> tuple[Position, int]:
        """The place of a statement's word, or its last one, in its file, and how wide it is there."""
        pieces = self.pieces(statement)
        if not pieces:
            return self.where(statement), 1
        piece = pieces[min(index, len(pieces) - 1)]
        position = self.place(statement.line, piece.start + 1, piece.end)
        return position, self.width(statement.line, piece.start, piece.end)

    def rest(self, statement: Statement) -> str:
        """What stands behind the keyword as written, quotes included, comment and braces not."""
        pieces = self.pieces(statement)
        if len(pieces) < 2:
            return ""
        return self.line(statement.line)[pieces[1].start : pieces[-1].end]

    def in_order(self, findings: Iterable[Finding]) -> list[Finding]:
        """Each mistake once, file by file as they are read, line by line."""
        rank = {file: index for index, file in enumerate(self.texts)}
        return sorted(
            once(findings),
            key=lambda finding: (
                rank.get(finding.position.file, 0),
                finding.position.line,
                finding.position.column,
            ),
        )

    def tell(
        self,
        findings: Findings,
        severity: Severity,
        position: Position,
        message: str,
        *,
        consequence: Consequence = Consequence.LOGGED,
        **more: Any,
    ) -> None:
        """Add a finding to others, if they are not too many; ``more`` as for ``finding``."""
        if findings.room(severity, consequence):
            findings.append(self.finding(severity, position, message, consequence=consequence, **more))

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
        rule: Rule | None = None,
    ) -> Finding:
        """A finding with its source line, passwords masked, and what explains its place."""
        text = self.texts.get(position.file, self.main)
        notes = position.notes if isinstance(position, Place) else ()
        related = tuple(Related(plain(place.position), place.note) for place in related)
        return Finding(
            severity,
            position,
            message,
            expected,
            suggestion,
            related + notes,
            Consequence.NONE if severity is not Severity.ERROR else consequence,
            None if (text.file, position.line) in self.secrets else masked(text.line(position.line)),
            width,
            log,
            rule,
        )


def once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings without those that tell of the same characters of a file again, which are counted."""
    first: dict[tuple[object, ...], int] = {}
    kept: list[Finding] = []
    again: dict[int, list[Position]] = {}
    for finding in findings:
        key = _mistake(finding)
        index = first.setdefault(key, len(kept)) if key is not None else len(kept)
        if index == len(kept):
            kept.append(finding)
        else:
            again.setdefault(index, []).append(plain(finding.position))
    for index, finding in enumerate(kept):
        position = plain(finding.position)
        related = finding.related
        elsewhere = list(dict.fromkeys(place for place in again.get(index, ()) if place != position))
        if elsewhere:
            more = f", and at {len(elsewhere) - 1} places more" if len(elsewhere) > 1 else ""
            related = (*related, Related(elsewhere[0], f"the same again here{more}"))
        if related is not finding.related or type(finding.position) is not Position:
            finding = attrs.evolve(finding, position=position, related=related)
        yield finding


def _mistake(finding: Finding) -> tuple[object, ...] | None:
    """What makes two findings one mistake; None: it is one by itself."""
    position = finding.position
    if not isinstance(position, Place):
        return None
    message: object = finding.message
    if position.repeated:
        # The lines of a repetition differ in their values, so the messages do too.
        pieces = finding.message.split("`")
        message = "".join(c for c in "`".join(pieces[::2]) if not c.isdigit())
    return plain(position.made_by or position), finding.severity, message
