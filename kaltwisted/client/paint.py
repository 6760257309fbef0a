"""Colours, where somebody looks: on a terminal, and unless NO_COLOR says otherwise (no-color.org)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TextIO, TypeAlias

Cell: TypeAlias = tuple[str, str]
"""Text, and how it is painted: ``good``, ``bad``, ``odd``, ``dim``, ``bold`` or nothing."""

_CODES: Final = {"good": "32", "bad": "1;31", "odd": "33", "dim": "2", "bold": "1"}


def wanted(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a stream takes colours."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


class Paint:
    """Text with colours, or without any."""

    def __init__(self, colours: bool) -> None:
        self._colours = colours

    def __call__(self, text: str, how: str = "") -> str:
        """Some text, painted, with nothing in it that would move a terminal's cursor."""
        text = printable(text)
        return f"\x1b[{_CODES[how]}m{text}\x1b[0m" if self._colours and how and text else text

    def table(self, rows: Sequence[Sequence[Cell]], indent: str = "  ") -> list[str]:
        """Rows in columns; the last one of each row is as long as it is."""
        widths: list[int] = []
        for row in rows:
            for column, (text, _) in enumerate(row[:-1]):
                if column == len(widths):
                    widths.append(0)
                widths[column] = max(widths[column], len(printable(text)))
        lines = []
        for row in rows:
            cells = [
                self(text, how) + " " * (widths[column] - len(printable(text)))
                for column, (text, how) in enumerate(row[:-1])
            ]
            lines.append((indent + "  ".join([*cells, self(*row[-1])])).rstrip())
        return lines


def printable(text: str) -> str:
    """Without control characters: what a server answered may be in it."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)
