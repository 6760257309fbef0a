"""Lines of a configuration, cut into words, braces and comments.

keepalived's language is one of lines: ``#`` and ``!`` start a comment anywhere
but inside double quotes or behind a back-slash, ``"..."`` is one word without
escapes, braces stand by themselves wherever they are, single quotes mean
nothing.  Only the command of a script is read a second time, with both quotes
and back-slash escapes (``command_words``).
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

LONGEST_LINE = 1023
"""Bytes; keepalived drops a longer line."""

# A line without any of these is words between blanks, and most lines are.
SPECIAL = re.compile(r'[^\t\r -~]|["{}#!\\$]').search

_TOKEN = re.compile(
    r"""
    (?P<blank>   [ \t\r]+ )
  | (?P<quoted>  "[^"]*" )
  | (?P<open>    \{ )
  | (?P<close>   \} )
  | (?P<comment> [\#!].* )
  | (?P<word>    (?: \\[\#!] | \$\{[^{}"\s]*\} | [^ \t\r"{}\#!] )+ )
  | (?P<lost>    ".* )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED_MARK = re.compile(r"\\([#!])")


class Kind(IntEnum):
    """What a token is.  LOST: a double quote that is not closed on its line, with all behind it."""

    WORD = 1
    OPEN = 2
    CLOSE = 3
    COMMENT = 4
    LOST = 5


class Token(NamedTuple):
    """A piece of a line; ``start`` and ``end`` count characters from 0."""

    kind: Kind
    text: str
    start: int
    end: int


_KINDS = {
    "quoted": Kind.WORD,
    "open": Kind.OPEN,
    "close": Kind.CLOSE,
    "comment": Kind.COMMENT,
    "word": Kind.WORD,
    "lost": Kind.LOST,
}


def tokens(line: str) -> list[Token]:
    """All tokens of one line, by the full rules.  Never fails: every character belongs to some token."""
    found = []
    for match in _TOKEN.finditer(line):
        name = match.lastgroup
        if name is None or name == "blank":
            continue
        text = match.group()
        if name == "quoted":
            text = text[1:-1]
        elif name == "word" and "\\" in text:
            text = _ESCAPED_MARK.sub(r"\1", text)
        found.append(Token(_KINDS[name], text, match.start(), match.end()))
    return found


def too_long(line: str) -> bool:
    """Whether keepalived drops the line for its length."""
    if len(line) <= LONGEST_LINE // 4:
        return False
    return len(line.encode("utf-8", "surrogateescape")) > LONGEST_LINE


# --- the second reading of a script's line -----------------------------------------

_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_PIECE = re.compile(
    r"""
    (?P<blank>  [ \t\r]+ )
  | (?P<escape> \\ (?: [0-7]{1,3} | x[0-9A-Fa-f]{1,2} | c. | . ) )
  | (?P<quote>  ["'] )
  | (?P<plain>  [^ \t\r\\"']+ | \\ )
    """,
    re.VERBOSE | re.DOTALL,
)


def command_words(text: str) -> list[str] | None:
    """Words of a command: both quotes keep blanks, back-slash escapes are C's.  None: a quote is open."""
    words: list[str] = []
    word: list[str] | None = None
    quote = ""
    for match in _PIECE.finditer(text):
        piece = match.group()
        match match.lastgroup:
            case "blank" if not quote:
                if word is not None:
                    words.append("".join(word))
                    word = None
                continue
            case "escape":
                piece = _escaped(piece[1:])
            case "quote" if not quote:
                quote = piece
                word = word or []
                continue
            case "quote" if quote == piece:
                quote = ""
                continue
        word = word or []
        word.append(piece)
    if quote:
        return None
    if word is not None:
        words.append("".join(word))
    return words


def _escaped(code: str) -> str:
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0] == "c" and len(code) > 1:
        return chr(ord(code[1]) & 0x1F)
    return _ESCAPES.get(code, code)
