"""All that is done to a line before its words are looked at, in keepalived's order.

A line is freed of its comment; then its ``@id`` mark is looked at, a
definition taken out or definitions put in, the mark looked at again,
``~SEQ`` and ``~LST`` made into lines that are read next, and an ``include``
into the lines of its files.  What a brace parts from a line is a line of its
own.  A file that has none of this is passed on as it is.

Nothing here is unbounded: see the limits below.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import repeat

from kaltwisted.config.definitions import (
    DEFINITION,
    UNDEFINED,
    BodyLine,
    Definition,
    Surroundings,
    Trouble,
    replace,
)
from kaltwisted.config.findings import Consequence, Related, Severity
from kaltwisted.config.include import Check, FileOnDisk
from kaltwisted.config.includes import INCLUDE, INCLUDE_CHECK, Includes, folder
from kaltwisted.config.lexer import Kind, tokens, too_long
from kaltwisted.config.limits import DEEPEST_STACK, MOST_LINES_OF_ONE, Budget
from kaltwisted.config.lines import File, Line
from kaltwisted.config.model import Position
from kaltwisted.config.repetition import REPEATS, RepetitionError, parameters, rounds
from kaltwisted.config.source import Explains, Origin, Place, Source, Text, Use, original_end, original_start

_DIRECTIVE = re.compile(r"^[ \t]*(?:[@~]|include)|\$|[{}][ \t]*(?:[@~]|include)").search
_MARKED = re.compile(r"^[ \t]*@|[{}][ \t]*@", re.MULTILINE).search
_BEFORE_COMMENT = re.compile(r'(?:[^"#!\\]|\\[#!]?|"[^"]*")*').match
_MARK = re.compile(r"[ \t]*@(\^?)([^ \t]*)[ \t]*").match
_BRACE_AND_MORE = re.compile(r"[{}][ \t]*(?:[@~$]|include)").search
_BEHIND_BRACE = re.compile(r"[ \t]*(?:[@~]|\$[A-Za-z_][A-Za-z0-9_]*=|include)").match


def expand(
    text: str,
    file: str,
    surroundings: Surroundings,
    checks: Check = Check.NONE,
    identity: FileOnDisk | None = None,
) -> Source:
    """What is read, from the text of the main file; never fails, whatever the text.

    :param checks: what counts as an error of every include (keepalived: ``-e``).
    :param identity: of the main file, which must not be included again.
    """
    main = Text(text, file, on_disk=identity)
    if not _has_directives(text.removeprefix("\ufeff")):
        return Source(main)
    return Expansion(File(main, identity, checks), surroundings).run()


def _has_directives(text: str) -> bool:
    return "$" in text or "~" in text or "include" in text or ("@" in text and _MARKED(text) is not None)


class Expansion:
    """The lines of a file and of all that it includes, being brought together."""

    def __init__(self, main: File, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._lines: list[str] = []
        self._origins: list[Origin] = []
        self._source = Source(main.text, self._lines, self._origins)
        self._definitions: dict[str, Definition] = {}
        # What is read next is on top: a file, or lines made out of a line of the file below.
        self._stack: list[File | Iterator[Line | File]] = [main]
        self._line = Line("", main, 1)
        self._budget = Budget()
        self._includes = Includes(main, self._source, self._tell, self._counted)

    def run(self) -> Source:
        """Everything."""
        stack = self._stack
        while stack:
            top = stack[-1]
            if isinstance(top, File):
                self._read_file(top)
                continue
            made = next(top, None)
            if made is None:
                # A generator may have found reason to read no more.
                if stack and stack[-1] is top:
                    stack.pop()
            elif isinstance(made, File):
                stack.append(made)
            else:
                self._line = made
                if not self._counted(1, len(made.text)):
                    continue
                if _DIRECTIVE(made.text) is None:
                    self._keep(made, "")
                else:
                    self._treat(made)
        self._source.defined = frozenset(self._definitions)
        return self._source

    # --- where lines come from ---------------------------------------------------

    def _read_file(self, file: File) -> None:
        """Lines of a file, up to one that puts something else on top."""
        text, stack = file.text, self._stack
        if not file.at and not _has_directives("\n".join(text.lines)):
            # Most files that are included; a site may have all its thousands of servers in them.
            self._lines.extend(text.lines)
            self._origins.extend(map(Origin, repeat(text), range(1, len(text.lines) + 1)))
            stack.pop()
            return
        add_line, add_origin = self._lines.append, self._origins.append
        while file.at < len(text.lines):
            line = text.lines[file.at]
            file.at += 1
            if _DIRECTIVE(line) is None:
                add_line(line)
                add_origin(Origin(text, file.at))
                continue
            file.kept, file.made = len(self._lines), 0
            self._line = Line(line, file, file.at, chosen=file.chosen, repeated=bool(file.chosen))
            self._treat(self._line)
            if not stack or stack[-1] is not file:
                return
        stack.pop()

    def _counted(self, lines: int, characters: int) -> bool:
        """Count what is made; False, and a finding, when it is more than anyone can mean."""
        file = self._line.file
        file.made += lines
        if (why := self._budget.lines(lines, characters)) is not None:
            self._give_up(why)
        elif file.made > MOST_LINES_OF_ONE:
            self._forget(f"this line makes more than {MOST_LINES_OF_ONE:,} lines")
        else:
            return True
        return False

    def _forget(self, what: str) -> None:
        """Leave out all that the present line of a file has made."""
        file, source = self._line.file, self._source
        for number in range(file.kept + 1, len(self._lines) + 1):
            source.told.discard(number)
            source.undefined.pop(number, None)
        del self._lines[file.kept :], self._origins[file.kept :]
        while self._stack[-1] is not file:
            self._stack.pop()
        self._tell_line(f"{what}; it is left out")

    def _give_up(self, what: str) -> None:
        """Read no further: half a configuration is none."""
        self._stack.clear()
        self._tell_line(f"{what}; nothing is read from here on", Consequence.FATAL)

    # --- findings ------------------------------------------------------------------

    def _tell(
        self,
        trouble: Trouble,
        *,
        severity: Severity = Severity.ERROR,
        expected: str | None = None,
        suggestion: str | None = None,
        consequence: Consequence = Consequence.LOGGED,
        log: str | None = None,
    ) -> None:
        """A finding about a part of the present line."""
        line = self._line
        text = line.file.text
        notes = tuple(Related(maker.where, maker.note) for maker in trouble.made_by[-4:])
        made_by = notes[-1].position if notes else None
        place = Place(
            text.file, line.number, trouble.column + 1, notes + text.notes(), made_by, line.repeated
        )
        self._source.tell(
            self._source.findings,
            severity,
            place,
            trouble.message,
            width=max(1, trouble.width),
            expected=expected,
            suggestion=suggestion,
            consequence=consequence,
            log=log,
        )

    def _tell_line(self, message: str, consequence: Consequence = Consequence.LOGGED) -> None:
        """A finding about the whole line of the file that the present line is made of."""
        written = self._line.file.text.line(self._line.number)
        stripped = written.strip(" \t")
        start = written.find(stripped)
        self._tell(Trouble(start, len(stripped), message), consequence=consequence)

    # --- what is done to a line --------------------------------------------------

    def _treat(self, line: Line) -> None:
        """One line, in keepalived's order."""
        if "\0" in line.text or too_long(line.text):
            self._keep(line, "")  # and whoever cuts it into words will tell
            return
        whole = line.text.rstrip(" \t\r")
        text = _without_comment(whole)
        mark = _MARK(text)
        if mark is not None:
            if not self._is_for_us(mark):
                if DEFINITION(text, mark.end()) and whole.endswith("\\"):
                    self._rest_of_definition()
                return
            text, whole = _blank(text, mark.end()), _blank(whole, mark.end())
            line = line._replace(text=whole)
        if (definition := DEFINITION(text)) is not None:
            self._define(line, definition, text, whole)
            return
        if REPEATS(text):
            self._repeat(line, text)
            return
        if "$" in text:
            changed = self._put_in(line, text)
            if changed is None:
                return
            if changed is not line:
                line, text = changed, changed.text
                mark = _MARK(text) if mark is None else None
                if mark is not None:
                    if not self._is_for_us(mark):
                        return
                    text = _blank(text, mark.end())
                    line = line._replace(text=text)
                if (definition := DEFINITION(text)) is not None:
                    self._define(line, definition, text, text)
                    return
                if REPEATS(text):
                    self._repeat(line, text)
                    return
        if (statement := INCLUDE(text)) is not None:
            self._stack.append(self._included(line, statement))
            return
        if INCLUDE_CHECK(text):
            self._includes.choose(line, text)
        line = self._part(line, text)
        self._keep(line, text[: len(line.text)])

    def _included(self, line: Line, statement: re.Match[str]) -> Iterator[File]:
        """The files of an include, each opened when it is its turn."""
        around = [entry for entry in self._stack if isinstance(entry, File)]
        files = self._includes.files(line, statement, around)
        while True:
            self._line = line  # what is told is told about this line again
            file = next(files, None)
            if file is None:
                return
            yield file

    def _is_for_us(self, mark: re.Match[str]) -> bool:
        return (mark[2] == self._surroundings.config_id) != bool(mark[1])

    def _keep(self, line: Line, text: str) -> None:
        """A line that is read as it is now; ``text``: without its comment."""
        number = len(self._lines) + 1
        if "$" in text and number not in self._source.told and (match := UNDEFINED(text)) is not None:
            self._source.undefined[number] = (match[1], match.start(), match.end())
        self._lines.append(line.text)
        self._origins.append(Origin(line.file.text, line.number, line.uses, line.repeated))

    def _part(self, line: Line, text: str) -> Line:
        """A line up to a brace behind which something of ours stands; that is the next line."""
        if _BRACE_AND_MORE(text):
            for token in tokens(text):
                if token.kind in (Kind.OPEN, Kind.CLOSE) and _BEHIND_BRACE(text, token.end):
                    self._stack.append(iter((line._replace(text=_blank(text, token.end)),)))
                    return line._replace(text=text[: token.end])
        return line

    # --- definitions -------------------------------------------------------------

    def _define(self, line: Line, start: re.Match[str], text: str, whole: str) -> None:
        """Take in a definition, with its further lines if it ends with a back-slash."""
        name, value = start[1], text[start.end() :]
        column = original_start(line.uses, start.start(1) - 1)
        values = [value.rstrip(" \t")]
        places = [Position(line.file.text.file, line.number, column + 1)]
        if whole.endswith("\\"):
            values = [value.removesuffix("\\").rstrip(" \t")]
            for written, place in self._rest_of_definition():
                values.append(written)
                places.append(place)
            if not values[0] and len(values) > 1:
                del values[0], places[0]
        self._definitions[name] = Definition(name, tuple(values), tuple(places))

    def _rest_of_definition(self) -> list[tuple[str, Position]]:
        """The further lines of a definition, each but the last with a back-slash at its end."""
        found: list[tuple[str, Position]] = []
        file = self._line.file
        more = self._stack[-1] is file
        while more and file.at < len(file.text.lines):
            written = file.text.lines[file.at].rstrip(" \t\r")
            file.at += 1
            more = written.endswith("\\")
            value = _without_comment(written)
            value = (value.removesuffix("\\") if more else value).rstrip(" \t")
            indent = len(value) - len(value.lstrip(" \t"))
            if value and not too_long(value) and "\0" not in value:
                found.append((value[indent:], Position(file.text.file, file.at, indent + 1)))
        return found

    def _put_in(self, line: Line, text: str) -> Line | None:
        """The line with its definitions put in; None when nothing more is read."""
        done = replace(text, line.uses, self._definitions, line.chosen, self._built_in, line.replaying)
        if not self._replaced(done.replacements):
            return None
        if done.trouble is not None:
            self._source.told.add(len(self._lines) + 1)
            self._tell(done.trouble)
            return line
        if not done.replacements:
            return line
        line = line._replace(text=done.text, uses=done.uses)
        replaying = line.replaying
        for definition, use in done.bodies:
            replaying |= {definition.name}
            if len(self._stack) >= DEEPEST_STACK:
                self._forget("definitions of several lines are too deep in one another here")
                return None
            self._stack.append(_further_lines(definition, use, line, replaying))
        return line

    def _replaced(self, count: int) -> bool:
        if (why := self._budget.replacements(count)) is not None:
            self._give_up(why)
        return why is None

    def _built_in(self, name: str, arguments: list[str]) -> str | None:
        return self._surroundings.built_in(name, arguments, lambda: os.path.realpath(folder(self._line)))

    # --- repetition --------------------------------------------------------------

    def _repeat(self, line: Line, text: str) -> None:
        """Put the lines of a repetition on top."""
        match = REPEATS(text)
        assert match is not None
        kind, opens = match[1], match.end()
        end = parameters(text, opens)
        if end is None:
            what = "has no `)`" if text[opens : opens + 1] == "(" else "has no `(` behind it"
            self._misrepeated(line, text, opens, Trouble(0, 0, f"~{kind} {what}"))
            return
        done = replace(
            text[opens + 1 : end], (), self._definitions, line.chosen, self._built_in, line.replaying
        )
        if not self._replaced(done.replacements):
            return
        if done.trouble is not None:
            self._misrepeated(line, text, end + 1, done.trouble)
            return
        try:
            names, values = rounds(kind, done.text)
        except RepetitionError as mistake:
            self._misrepeated(line, text, end + 1, Trouble(0, 0, str(mistake)))
            return
        if len(self._stack) >= DEEPEST_STACK:
            self._forget("repetitions are too deep in one another here")
            return
        column = original_start(line.uses, match.start(1) - 1) + 1
        place = Position(line.file.text.file, line.number, column)
        self._stack.append(_rounds(line, _blank(text, end + 1), names, values, place))

    def _misrepeated(self, line: Line, text: str, end: int, trouble: Trouble) -> None:
        """The line is left out, as in keepalived."""
        start = len(text) - len(text.lstrip(" \t"))
        column = original_start(line.uses, start)
        match = REPEATS(text)
        kind = f"~{match[1]}" if match is not None else ""
        self._tell(
            Trouble(
                column,
                original_end(line.uses, end) - column,
                f"{trouble.message}; the line is left out",
                trouble.made_by,
            ),
            expected="~LST(NAME, VALUE, ...) or ~LST({NAME, NAME}, {VALUE, VALUE}, ...)"
            if kind == "~LST"
            else f"{kind}(NAME, END), (NAME, START, END) or (NAME, START, STEP, END)",
            log=f"Invalid {kind} specification",
        )


def _without_comment(line: str) -> str:
    match = _BEFORE_COMMENT(line)
    assert match is not None
    # A double quote that stays open takes in the rest of the line.
    return line if line[match.end() : match.end() + 1] == '"' else line[: match.end()]


def _blank(line: str, end: int) -> str:
    """The line from ``end`` on, at the same columns."""
    return " " * end + line[end:]


def _further_lines(definition: Definition, use: Use, line: Line, replaying: frozenset[str]) -> Iterator[Line]:
    """The lines of a definition behind its first, which are read after the line that uses it."""
    for index, text in enumerate(definition.lines[1:], 1):
        made_by: tuple[Explains, ...] = (*use.made_by[:-1], BodyLine(definition, index))
        uses = (Use(0, len(text), use.column, use.width, made_by),)
        yield line._replace(text=text, uses=uses, replaying=replaying)


def _rounds(
    line: Line, rest: str, names: tuple[str, ...], values: Iterator[tuple[str, ...]], place: Position
) -> Iterator[Line]:
    """The lines of a repetition."""
    for choice in values:
        chosen = dict(line.chosen)
        for name, value in zip(names, choice, strict=True):
            chosen[name] = Definition(name, (value,), (place,), chosen=True)
        yield line._replace(text=rest, chosen=chosen, repeated=True)
