"""Lines made of pieces of another text, each word with its place there, and findings about that text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from kaltwisted.config.findings import Consequence, Severity, has_secret
from kaltwisted.config.formats.nodes import Mapping, Node, Scalar, Sequence, Spot
from kaltwisted.config.formats.written import InexpressibleError, checked
from kaltwisted.config.model import Position
from kaltwisted.config.reader import SECRET_BLOCKS
from kaltwisted.config.source import Origin, Source, Text, Use

LINES_OF_A_SECRET = 6
"""How far from its key a secret may stand in a text that is laid out, the key's own line included."""


@lru_cache(maxsize=1024)
def is_secret(key: str) -> bool:
    """Whether the value of a key is nobody's business; a big file has few keys, and each a thousand times."""
    return has_secret(key)


class Word(NamedTuple):
    """A word as it is written in a line, and where it stands in the text."""

    text: str
    spot: Spot


class Lines:
    """The lines of one ``source``, being made."""

    def __init__(self, main: Text) -> None:
        self._lines: list[str] = []
        self._origins: list[Origin] = []
        self._main = main
        self.source = Source(main, self._lines, self._origins)

    def put(self, words: list[Word], spot: Spot, *, opens: bool = False) -> bool:
        """A line of these words, which opens a block or not; false, and a finding, if it is too long."""
        uses = []
        at = 0
        for text, (line, column, width) in words:
            uses.append(Use(at, at + len(text), column - 1, width, (), line))
            at += len(text) + 1
        text = " ".join(each.text for each in words) + (" {" if opens else "")
        try:
            checked(text)
        except InexpressibleError as error:
            self.tell(str(error), spot)
            return False
        self._lines.append(text)
        self._origins.append(Origin(self._main, spot.line, tuple(uses)))
        return True

    def close(self, spot: Spot) -> None:
        """The brace that closes the block opened last."""
        self._lines.append("}")
        self._origins.append(
            Origin(self._main, spot.line, (Use(0, 1, spot.column - 1, spot.width, (), spot.line),))
        )

    def tell(
        self,
        message: str,
        spot: Spot,
        *,
        expected: str | None = None,
        consequence: Consequence = Consequence.LOGGED,
    ) -> None:
        """A finding about a piece of the text."""
        if consequence is Consequence.FATAL and self._near_secret(spot.line):
            self.source.secrets.add((self._main.file, spot.line))
        self.source.findings.append(
            self.source.finding(
                Severity.ERROR,
                Position(self._main.file, spot.line, spot.column),
                message,
                width=spot.width,
                expected=expected,
                consequence=consequence,
            )
        )

    def _near_secret(self, line: int) -> bool:
        """Whether the key of a secret stands just before: of a broken text nobody knows what is in what."""
        near = "\n".join(self._main.lines[max(0, line - LINES_OF_A_SECRET) : line])
        return has_secret(near.rpartition("\n")[0]) or any(block in near for block in SECRET_BLOCKS)

    def hide(self, root: Node) -> None:
        """Have no finding show a line with a secret."""
        self.source.secrets.update((self._main.file, line) for line in _secret_lines(root))


def _secret_lines(node: Node, inside: bool = False) -> Iterator[int]:
    """Lines that have secrets in them, apart from those that are masked as they are."""
    match node:
        case Scalar():
            if inside:
                yield node.spot.line
        case Sequence(items, _):
            for item in items:
                yield from _secret_lines(item, inside)
        case Mapping(entries, _):
            for key, value in entries:
                if inside:
                    yield key.spot.line
                within = inside or key.text in SECRET_BLOCKS
                secret = is_secret(key.text)
                for line in _secret_lines(value, within or secret):
                    if within or not secret or line != key.spot.line:
                        yield line
