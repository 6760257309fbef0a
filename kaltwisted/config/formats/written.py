"""Statements as keepalived's text, neatly: words in quotes where they need them, blocks indented."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kaltwisted.config.definitions import UNDEFINED, Surroundings, replace
from kaltwisted.config.keywords.table import Stage, Table
from kaltwisted.config.lexer import LONGEST_LINE, too_long
from kaltwisted.config.source import Source
from kaltwisted.config.statement import Statement

INDENT = "    "

_PLAIN = re.compile(r"[A-Za-z0-9_./:+,=%^*()|<>?&;-][A-Za-z0-9_./:+,=%^*()|<>?&;@~-]*").fullmatch
_COMMAND = re.compile(r"[A-Za-z0-9_./:+,=%^-][A-Za-z0-9_./:+,=%^@-]*").fullmatch
_NEEDS_QUOTES = re.compile(r"""[ \t\r{}#!'\\$]|^[@~]|^include[rmwba]?$|^$""").search
_INEXPRESSIBLE = {'"': "a double quote", "\n": "a line break", "\0": "a NUL byte"}
_NOTHING = Surroundings()


class InexpressibleError(ValueError):
    """Something that keepalived's language cannot say; the message tells why."""


def word(text: str) -> str:
    """A word as the lexer reads it back.

    :raises InexpressibleError: there is no way to write it.
    """
    if _PLAIN(text) and not text.startswith("include"):
        return text
    for character, name in _INEXPRESSIBLE.items():
        if character in text:
            raise InexpressibleError(f"a word cannot hold {name} in keepalived's language")
    return f'"{text}"' if _NEEDS_QUOTES(text) else text


def command_word(text: str) -> str:
    """A word of a script's line, as the second reading gives it back.  Everything can be escaped there."""
    return text if _COMMAND(text) else f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character < " " or character in '"$\x7f':
        return f"\\{ord(character):03o}"
    return character


def line(words: Sequence[str]) -> str:
    """A line of these words.

    :raises InexpressibleError: one of them cannot be written, or they are too long together.
    """
    return checked(" ".join(map(word, words)))


def checked(text: str) -> str:
    """A line, unless keepalived drops it for its length.

    :raises InexpressibleError: it does.
    """
    if too_long(text):
        raise InexpressibleError(f"the line would be longer than {LONGEST_LINE} bytes")
    return text


def lines(
    source: Source, statements: Sequence[Statement], table: Table | None, depth: int = 0
) -> Iterator[str]:
    """The lines of a block; ``table``: its keywords, None if nothing is known of it.

    :raises InexpressibleError: what cannot be written; its ``args`` are the reason and the statement.
    """
    earlier: Statement | None = None
    for statement in statements:
        block = statement.block
        keyword = table.resolve(statement.words[0]) if table is not None else None
        if keyword is None and block is not None and earlier is not None and earlier.holds(statement):
            continue  # the reader has taken it into the block in front of it
        if keyword is not None and keyword.block is not None:
            earlier = statement
        if depth == 0 and block is not None and statement is not statements[0]:
            yield ""
        try:
            written = checked(
                INDENT * depth + _line(source, statement, table) + (" {" if block is not None else "")
            )
            _free_of_definitions(written)
        except InexpressibleError as error:
            raise InexpressibleError(error.args[0], statement) from None
        yield written
        if block is not None:
            yield from lines(source, block, keyword.block if keyword is not None else None, depth + 1)
            yield f"{INDENT * depth}}}"


def _line(source: Source, statement: Statement, table: Table | None) -> str:
    """A statement without its block.  What is read a second time, or may be, stays as it was quoted."""
    words = statement.words
    keyword = table.resolve(words[0]) if table is not None else None
    as_written = table is None or not table.values
    if (
        as_written
        and statement.block is None
        and (keyword is None or keyword.script or keyword.stage is Stage.KNOWN)
    ):
        return " ".join(filter(None, (word(words[0]), source.rest(statement))))
    return " ".join(map(word, words))


def _free_of_definitions(text: str) -> None:
    """Whether reading would leave a line as it is."""
    if "$" not in text:
        return
    found = replace(text, (), {}, {}, lambda name, words: _NOTHING.built_in(name, words, str))
    if found.replacements or found.trouble is not None or UNDEFINED(text):
        raise InexpressibleError("`${...}` would be taken for a definition in keepalived's language")
