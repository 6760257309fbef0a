"""What a reader remembers, so that a reload does not read again what did not change.

A site has thousands of servers and changes one.  So blocks of the top level
are kept as they were bound, by their text: one that is found again is neither
cut into words nor bound, and is the same object as before.  A reading with a
memory is equal to one without.  It follows that only blocks are kept of which
nothing was to be said and whose meaning is in their own lines; all else is
read as though for the first time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import attrs

from kaltwisted.config.builder import Builder, top_only
from kaltwisted.config.keywords.top import TOP
from kaltwisted.config.model import (
    BfdInstance,
    GarpGroup,
    Position,
    RealServer,
    TrackFile,
    TrackGroup,
    VirtualServer,
    VirtualServerGroup,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
    VrrpTrackProcess,
)
from kaltwisted.config.segments import Segment, Standing, segments
from kaltwisted.config.statement import Statement
from kaltwisted.config.tree import read_lines

if TYPE_CHECKING:
    from kaltwisted.config.reader import Hidden, Oddity, Reader
    from kaltwisted.config.source import Source

B = TypeVar(
    "B",
    BfdInstance,
    GarpGroup,
    TrackFile,
    TrackGroup,
    VirtualServer,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
    VrrpTrackProcess,
    VirtualServerGroup,
)

_HEADS = tuple(sorted(top_only(TOP)))


class Known(NamedTuple, Generic[B]):
    """A block that was read: its first statement, and what became of it.

    ``length``: lines from its head to its brace.  Lines of ``oddities`` and
    ``hidden`` count from the head, as 0.
    """

    block: B
    words: tuple[str, ...]
    column: int
    length: int
    standing: Standing
    oddities: tuple[Oddity, ...] = ()
    hidden: tuple[tuple[Hidden, ...], ...] = ()


class Memory:
    """What the latest reading left for the next one.  One at a time, in whatever thread.

    ``blocks``: by their text.  ``contexts``: by kind of block, what else it was bound with.
    """

    def __init__(self) -> None:
        self.blocks: dict[str, Known[Any]] = {}
        self.contexts: dict[str, object] = {}


class Recall:
    """One reading with a memory.

    First ``feed`` a builder, then ``bind`` each kind of block, then ``keep``.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._blocks: dict[str, Known[Any]] = {}
        self._contexts: dict[str, object] = {}
        # Statements that are all there is in a segment, and those of them that are known.
        self._segments: dict[Statement, Segment] = {}
        self._known: dict[Statement, Known[Any]] = {}

    def keep(self) -> None:
        """Leave what was read to the next reading.

        Of a file whose braces do not match nothing can be kept: the memory
        stays, for the mistake will be mended.
        """
        if self._blocks:
            self._memory.blocks, self._memory.contexts = self._blocks, self._contexts

    # --- from lines to statements ----------------------------------------------------

    def feed(self, source: Source, builder: Builder) -> None:
        """Read the lines into a builder; of a known block it gets the head, and nothing inside."""
        said = _said(builder)
        for segment in segments(source, _HEADS):
            # What stands in front may have left a block open, and then a head is no head.
            whole = segment.standing is not None and not (builder.stack or builder.bare)
            if whole and (known := self._memory.blocks.get(segment.text)) is not None:
                self._put(builder, segment, known)
                continue
            before, statements = said, len(builder.root)
            read_lines(source, builder, segment.first, segment.last)
            said = _said(builder)
            # That blocks are too deep is said once, and no more of those behind the first.
            quiet = said == before and not builder.too_deep
            if whole and quiet and len(builder.root) == statements + 1:
                self._segments[builder.root[-1]] = segment

    def _put(self, builder: Builder, segment: Segment, known: Known[Any]) -> None:
        """The head of a known block, as though its lines had been read."""
        statement = Statement(list(known.words), segment.first, known.column)
        statement.block = []
        statement.end_line = segment.first + known.length
        builder.root.append(statement)
        builder.latest = None
        self._segments[statement] = segment
        self._known[statement] = known

    def _unfold(self, source: Source, statement: Statement) -> None:
        """Put in what is inside of a known block, in front of what was taken into it from behind its end."""
        segment = self._segments[statement]
        builder = Builder(source)
        read_lines(source, builder, segment.first, segment.last)
        [whole] = builder.root
        assert whole.block is not None and statement.block is not None
        statement.block[:0] = whole.block

    # --- from statements to the model --------------------------------------------------

    def bind(
        self,
        reader: Reader,
        kind: str,
        statements: list[Statement],
        context: object,
        how: Callable[[Statement], B | None],
    ) -> list[B]:
        """The blocks of one kind, in their order.

        :param context: all that they depend on beside their text.
        :param how: binds one that is not known.
        """
        same = self._memory.contexts.get(kind) == context
        self._contexts[kind] = context
        found: list[B] = []
        for statement in statements:
            known = self._known.get(statement)
            if known is not None and same and not statement.block:
                found.append(self._again(reader, self._segments[statement], known))
                continue
            if known is not None:
                self._unfold(reader.source, statement)
            block = self._anew(reader, statement, how)
            if block is not None:
                found.append(block)
        return found

    def _again(self, reader: Reader, segment: Segment, known: Known[B]) -> B:
        """A known block, with what it has to say."""
        first, standing = segment.first, segment.standing
        assert standing is not None
        # A text that stands twice is two blocks, and one of them is wrong.
        if known.standing != standing or segment.text in self._blocks:
            source, old = reader.source, known.standing
            block = moved(known.block, lambda where: source.place(first + old.line_of(where), where.column))
            known = known._replace(block=block, standing=standing)
        reader.oddities.extend(odd._replace(line=odd.line + first) for odd in known.oddities)
        reader.hidden.extend(_shifted(lines, first) for lines in known.hidden)
        self._blocks.setdefault(segment.text, known)
        return known.block

    def _anew(self, reader: Reader, statement: Statement, how: Callable[[Statement], B | None]) -> B | None:
        """A block as its statement says it, kept if nothing else is to be said of it."""
        findings, oddities, hidden = reader.findings.total, len(reader.oddities), len(reader.hidden)
        block = how(statement)
        segment = self._segments.get(statement)
        # One that something was taken into from behind its end ends later now.
        if block is None or segment is None or segment.standing is None or statement.end_line > segment.last:
            return block
        if reader.findings.total == findings:
            first = segment.first
            known = Known(
                block,
                tuple(statement.words),
                statement.column,
                statement.end_line - first,
                segment.standing,
                tuple(odd._replace(line=odd.line - first) for odd in reader.oddities[oddities:]),
                tuple(_shifted(lines, -first) for lines in reader.hidden[hidden:]),
            )
            self._blocks.setdefault(segment.text, known)
        return block


def moved(block: Any, place: Callable[[Position], Position]) -> Any:
    """A copy of a block that stands elsewhere, with all that is inside.

    :param place: old place to new one.
    """
    inside: dict[str, Any] = {}
    if isinstance(block, VirtualServer):
        inside["real_servers"] = tuple(moved(server, place) for server in block.real_servers)
    elif isinstance(block, VrrpInstance):
        if block.auth_hmac is not None:
            keys = tuple(moved(key, place) for key in block.auth_hmac.keys)
            inside["auth_hmac"] = attrs.evolve(block.auth_hmac, keys=keys)
    elif isinstance(block, RealServer):
        inside["checks"] = tuple(moved(check, place) for check in block.checks)
    return attrs.evolve(block, where=place(block.where), **inside)


def _shifted(lines: tuple[Hidden, ...], by: int) -> tuple[Hidden, ...]:
    return tuple(hidden._replace(line=hidden.line + by) for hidden in lines)


def _said(builder: Builder) -> tuple[int, ...]:
    """What stays as it is while a builder is given a whole block of which nothing is to be said."""
    return (
        len(builder.stack),
        len(builder.bare),
        builder.findings.total,
        len(builder.open_quotes),
        len(builder.binary),
    )
