"""Lines that include: their files are opened one after another, each when the one before it is read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

from kaltwisted.config import include
from kaltwisted.config.definitions import Trouble
from kaltwisted.config.findings import Consequence, Severity
from kaltwisted.config.include import Check
from kaltwisted.config.lexer import Kind, tokens
from kaltwisted.config.limits import DEEPEST_INCLUDE, LINES_OF_A_FILE
from kaltwisted.config.lines import File, Line, Tells
from kaltwisted.config.source import Place, Source, Text, Use, original_end, original_start

INCLUDE = re.compile(r"[ \t]*(include[rmwba]?)(?:[ \t]+(.*)|$)").match
INCLUDE_CHECK = re.compile(r"[ \t]*include_check(?![^ \t{}])").match


class Includes:
    """The includes of one configuration.

    :param source: learns of each file that is read.
    :param tell: takes findings about the line that includes.
    :param count: takes how many lines and characters a file adds; false where it must not.
    """

    def __init__(self, main: File, source: Source, tell: Tells, count: Callable[[int, int], bool]) -> None:
        self._source = source
        self._tell = tell
        self._count = count
        self._always = main.checks
        self._seen = {main.identity}

    def files(self, line: Line, statement: re.Match[str], around: list[File]) -> Iterator[File]:
        """The files of a pattern in their order; those that cannot be read are told and left out.

        :param around: the files being read, in which the line stands.
        """
        keyword, pattern = statement[1], (statement[2] or "").rstrip(" \t")
        if not pattern:
            at = _about(line, *statement.span(1))._replace(message=f"`{keyword}` names no file")
            self._tell(at, expected="a file or a pattern", log=f"Unknown keyword '{keyword}'")
            return
        at = _about(line, statement.start(2), statement.start(2) + len(pattern))
        checks = include.KEYWORDS[keyword] | line.file.checks
        found = include.find(re.sub(r"\\([#!])", r"\1", pattern), folder(line))
        if found.missing is not None:
            self._not_there(at, pattern, found.missing, found.about, checks)
        for path in found.paths:
            opened = self._open(path, at, line, checks, around)
            if opened is None:
                continue
            # A file that is read again makes its lines again.
            again = opened.identity in self._seen
            if not self._count(len(opened.text.lines) + LINES_OF_A_FILE if again else 0, opened.characters):
                return
            self._seen.add(opened.identity)
            self._source.texts.setdefault(path, opened.text)
            yield opened

    def choose(self, line: Line, text: str) -> None:
        """``include_check``: what counts as an error in this file and in those it includes from here on."""
        words = [token for token in tokens(text) if token.kind is Kind.WORD][1:]
        chosen, unknown = include.chosen_checks([word.text for word in words], line.file.checks)
        line.file.checks = chosen | self._always
        for index in unknown:
            word = words[index]
            about = _about(line, word.start, word.end)
            self._tell(
                about._replace(message=f"`{word.text}` is no kind of include problem"),
                expected=f"any of {', '.join(word for word in include.CHECK_WORDS if word != 'readable')}",
                log=f"Unknown include_check type '{word.text}' - ignoring",
            )

    def _open(self, path: str, at: Trouble, line: Line, checks: Check, around: list[File]) -> File | None:
        try:
            content, identity = include.read(path)
        except include.UnreadableError as unreadable:
            self._left_out(at, f"`{path}` {unreadable}", bool(Check.READ & checks))
            return None
        if any(file.identity == identity for file in around):
            self._left_out(at, f"`{path}` would include itself", True)
            return None
        if len(around) >= DEEPEST_INCLUDE:
            self._left_out(at, f"`{path}` is more than {DEEPEST_INCLUDE} includes deep", True)
            return None
        outer = line.file.text
        place = Place(outer.file, line.number, at.column + 1, outer.notes(), None, line.repeated)
        return File(
            Text(content, path, place, identity),
            identity,
            line.file.checks,
            line.chosen,
            characters=len(content),
        )

    def _left_out(self, at: Trouble, message: str, fatal: bool) -> None:
        """An error that nobody must start with, if its kind is asked for; else a word of warning."""
        self._tell(
            at._replace(message=f"{message}; it is left out"),
            severity=Severity.ERROR if fatal else Severity.WARNING,
            consequence=Consequence.NO_FILE,
        )

    def _not_there(self, at: Trouble, pattern: str, message: str, about: Check, checks: Check) -> None:
        fatal = bool(about & checks)
        if about is Check.WILDCARD and not fatal:
            return
        suggestion = None
        if '"' in pattern:
            suggestion = "the quotes are taken as part of the name: write it without"
        elif len(pattern.split()) > 1:
            suggestion = "blanks are taken as part of the name: one pattern in each line"
        self._tell(
            at._replace(message=f"`{pattern}` {message}"),
            severity=Severity.ERROR if fatal else Severity.WARNING,
            suggestion=suggestion,
            consequence=Consequence.NO_FILE,
            log=f"Config files missing '{pattern}'.",
        )


def folder(line: Line) -> str:
    """The folder of the file in which a line stands, as the file was named."""
    return os.path.dirname(line.file.text.file)  # noqa: PTH120 -- "" stays ""


def _about(line: Line, start: int, end: int) -> Trouble:
    """A part of a line, nothing said of it yet."""
    column = original_start(line.uses, start)
    touched: tuple[Use, ...] = tuple(use for use in line.uses if use.start < end and start < use.end)
    made_by = tuple(dict.fromkeys(maker for use in touched for maker in use.made_by))
    return Trouble(column, original_end(line.uses, end) - column, "", made_by)
