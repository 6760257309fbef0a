"""The second reading of a file whose braces do not come out even: where is the mistake?

A block that was not closed shows by a line that cannot be in it: one that is
indented no deeper than the block's head, or a keyword that only an outer block
knows.  A brace too many shows by standing where a block was closed already, or
by a keyword behind it that belongs in front of it.  One mistake is one
finding, and what was meant is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaltwisted.config.builder import DEEPEST_NESTING, Brace, Builder, top_only
from kaltwisted.config.findings import Consequence, Related, Severity
from kaltwisted.config.keywords.table import tables
from kaltwisted.config.statement import Statement

if TYPE_CHECKING:
    from kaltwisted.config.keywords.table import Table
    from kaltwisted.config.source import Source


class Frame:
    """An open block: its head, the table of its keywords if known, how deep its head is indented."""

    __slots__ = ("column", "indented", "inner_column", "reopened", "statement", "table")

    def __init__(self, statement: Statement, table: Table | None, column: int) -> None:
        self.statement = statement
        self.table = table
        self.column = column
        # Whether its lines so far are indented deeper than its head, so that indentation tells something.
        self.indented = False
        # Where its latest inner block began.
        self.inner_column = 0
        # It was closed once, too early, and has had its brace.
        self.reopened = False

    def holds(self, word: str) -> bool:
        """Whether the block may hold a line that begins so; nothing is known of some blocks."""
        return self.table is None or self.table.values or self.table.resolve(word) is not None


class CarefulBuilder(Builder):
    """``surplus`` and ``missing``: how many braces the first reading had too many and too few."""

    def __init__(self, source: Source, top: Table, *, surplus: int, missing: int) -> None:
        super().__init__(source)
        self._top = top
        self._top_only = top_only(top)
        self._known = {name for table in tables(top) for name in table.keywords}
        self._surplus_left = surplus
        self._missing_left = missing
        self._frames: list[Frame] = []
        self._just_closed: list[Frame] = []

    # --- what the lines say ---------------------------------------------------------

    def statement(self, words: list[str], line: int, column: int) -> None:
        """A line: first see whether the block before it lacks a brace, or had one too many."""
        statement = Statement(words, line, column)
        at = self.source.column(statement)
        head = self.latest
        if head is not None and self._surplus_left and self._opens_block(head):
            self._open_without_brace(head)
        while self._frames and self._must_have_ended(words[0], at, self._first_on_line(statement)):
            self._end_unclosed(statement)
        if self._surplus_left and self._just_closed and not self._belongs_here(words[0]):
            self._reopen(statement)
        self._just_closed.clear()
        if self._frames and at > self._frames[-1].column and self._first_on_line(statement):
            self._frames[-1].indented = True
        self.latest = statement
        self.block.append(statement)

    def open(self, brace: Brace) -> None:
        head = self.latest
        depth = len(self.stack)
        super().open(brace)
        if head is not None and len(self.stack) > depth:
            self._push(head)

    def close(self, brace: Brace) -> None:
        frames = self._frames
        if self.bare and self.bare[-1] == len(self.stack):
            super().close(brace)
            return
        if brace.first and frames:
            while self._missing_left and self._closes_outer(brace):
                self._end_unclosed(brace)
            frame = frames[-1]
            if self._surplus_left and brace.column > frame.column and brace.column == frame.inner_column:
                self._surplus_left -= 1
                self.latest = None
                self.report(
                    brace,
                    "one closing brace too many",
                    "Extra '}' found",
                    expected=f"no `}}` here: the block at this indentation is closed, "
                    f"`{frame.statement.words[0]}` of {self.source.label(frame.statement.line)} goes on",
                )
                return
        if not frames and self._credit:
            self._credit -= 1
            return
        if frames:
            self._just_closed.append(frames[-1])
        super().close(brace)

    def pop(self, line: int) -> Statement:
        self._frames.pop()
        return super().pop(line)

    def finish(self) -> None:
        """Blocks still open at the end of the file: one finding, at the innermost."""
        open_frames = [frame for frame in self._frames if not frame.reopened]
        if open_frames:
            outer = tuple(
                Related(self.source.where(frame.statement), f"`{frame.statement.words[0]}` is open too")
                for frame in reversed(open_frames[:-1])
            )
            self._report_unclosed(open_frames[-1], "the end of the file", outer)
        last = len(self.source.lines)
        while self.stack:
            self.pop(last)

    # --- a brace is missing -----------------------------------------------------------

    def _must_have_ended(self, word: str, column: int, first: bool) -> bool:
        """Whether the innermost block cannot go on with this line."""
        frame = self._frames[-1]
        if word in self._top_only:
            return True
        if not (self._missing_left or frame.reopened) or not first:
            return False
        outer = any(ahead.holds(word) for ahead in self._frames[:-1] if not self._free(ahead))
        outer = outer or self._top.resolve(word) is not None
        shallow = column <= frame.column
        if frame.reopened:
            return outer and not frame.holds(word)
        if self._free(frame):
            # Anything may be a value; a keyword of the blocks around it, no deeper than its head, is none.
            return outer and (shallow or not frame.indented)
        if frame.holds(word):
            return frame.indented and shallow
        return outer and (shallow or not frame.indented)

    @staticmethod
    def _free(frame: Frame) -> bool:
        return frame.table is None or frame.table.values

    def _closes_outer(self, brace: Brace) -> bool:
        """Whether a brace stands under the head of an outer block, so that the innermost lacks its own."""
        columns = [frame.column for frame in self._frames]
        return brace.column < columns[-1] and brace.column in columns[:-1]

    def _end_unclosed(self, at: Statement | Brace) -> None:
        frame = self._frames[-1]
        if frame.reopened:
            self._credit += 1
        else:
            self._missing_left = max(0, self._missing_left - 1)
            if isinstance(at, Statement):
                position, what = self.source.where(at), f"`{at.words[0]}`"
            else:
                position, what = self.source.place(at.line, at.column), "this `}`"
            self._report_unclosed(
                frame,
                self.source.label(at.line, self.source.where(frame.statement)),
                (Related(position, f"{what} is outside of it"),),
            )
        self.pop(at.line)

    def _report_unclosed(self, frame: Frame, before: str, related: tuple[Related, ...]) -> None:
        name = frame.statement.words[0]
        self.source.tell(
            self.findings,
            Severity.ERROR,
            self.source.where(frame.statement),
            f"the block `{name}` opened here is not closed before {before}",
            width=len(name),
            expected="a `}` that closes it",
            related=related,
            log="There are 1 missing '}'s or extra '{'s",
        )

    # --- a brace too many, or none to begin with ----------------------------------------

    _credit = 0
    """Surplus braces still to come that belong to blocks closed too early and read on."""

    def _belongs_here(self, word: str) -> bool:
        if self._frames:
            return self._frames[-1].holds(word)
        return self._top.resolve(word) is not None

    def _reopen(self, statement: Statement) -> None:
        """Go back into the blocks that were closed just before, if the keyword belongs there."""
        word = statement.words[0]
        for index, frame in enumerate(self._just_closed):
            again = self._just_closed[index:]
            if not self._free(frame) and frame.holds(word) and len(again) <= self._surplus_left:
                break
        else:
            return
        self._surplus_left -= len(again)
        name = frame.statement.words[0]
        brace = self.source.end(frame.statement)
        self.source.tell(
            self.findings,
            Severity.ERROR,
            self.source.where(statement),
            f"`{word}` belongs to block `{name}`, which is closed too early; it is read as part of it",
            width=len(word),
            expected=f"`{word}` in front of the `}}` that closes `{name}`",
            related=(
                Related(brace, f"`{name}` of {self.source.label(frame.statement.line)} is closed here"),
            ),
            log="Extra '}' found",
        )
        for closed in reversed(again):
            closed.reopened = True
            self.stack.append(closed.statement)
            self._frames.append(closed)
            assert closed.statement.block is not None
            self.block = closed.statement.block

    def _opens_block(self, head: Statement) -> bool:
        table = self._frames[-1].table if self._frames else self._top
        keyword = table.resolve(head.words[0]) if table is not None else None
        return keyword is not None and keyword.block is not None and len(self.stack) < DEEPEST_NESTING

    def _open_without_brace(self, head: Statement) -> None:
        self._surplus_left -= 1
        name = head.words[0]
        self.source.tell(
            self.findings,
            Severity.ERROR,
            self.source.where(head),
            f"the block `{name}` has no opening brace; it is read as though it had",
            width=len(name),
            expected="`{` at the end of this line or alone on the next",
            consequence=Consequence.LOGGED,
            log="Missing '{' at beginning of configuration block",
        )
        self.stack.append(head)
        self.block = head.block = []
        self._push(head)

    # --- frames ---------------------------------------------------------------------------

    def _push(self, head: Statement) -> None:
        """A frame for a block just opened."""
        outer = self._frames[-1].table if self._frames else self._top
        keyword = outer.resolve(head.words[0]) if outer is not None else None
        column = self._indentation(head)
        if self._frames:
            self._frames[-1].inner_column = column
        self._frames.append(Frame(head, keyword.block if keyword is not None else None, column))
        self._just_closed.clear()

    def _indentation(self, head: Statement) -> int:
        line = self.source.line(head.line)
        return len(line) - len(line.lstrip()) + 1

    def _first_on_line(self, statement: Statement) -> bool:
        return self._indentation(statement) == self.source.column(statement)
