"""What JSON and YAML texts are made of, with the place of every piece; and what is too much of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence as Several
from typing import NamedTuple, TypeAlias

DEEPEST = 128
"""Lists and objects within one another: twice as deep as blocks may be, for each block may be in a list."""

MOST_REPEATED = 200_000
"""Nodes that aliases stand for, all together."""


class Spot(NamedTuple):
    """A piece of the text: line and column from 1, width in characters."""

    line: int
    column: int
    width: int = 1


class Scalar(NamedTuple):
    """A text as it was written.  ``kind``: ``string``, ``number``, ``true``, ``false`` or ``null``.

    ``switch``: what it would mean to a keyword that stands alone, for YAML's plain ``yes`` and ``no``.
    ``inside``: column of its first character, where the characters stand in the text as they are; else 0.
    """

    kind: str
    text: str
    spot: Spot
    switch: bool | None = None
    inside: int = 0


class Sequence(NamedTuple):
    """A list."""

    items: list[Node]
    spot: Spot


class Mapping(NamedTuple):
    """An object; keys may be repeated here, and whoever reads it tells."""

    entries: list[tuple[Scalar, Node]]
    spot: Spot


Node: TypeAlias = Scalar | Sequence | Mapping


class UnreadableTextError(Exception):
    """A text that is not of its format, or is more than anyone can mean.

    :param spot: where.  :param expected: what would be right.
    """

    def __init__(self, message: str, spot: Spot, expected: str | None = None) -> None:
        super().__init__(message)
        self.spot = spot
        self.expected = expected


class Places:
    """Lines and columns of a text by the number of the character."""

    def __init__(self, text: str) -> None:
        self._length = len(text)
        self._starts = [0]
        at = text.find("\n")
        while at >= 0:
            self._starts.append(at + 1)
            at = text.find("\n", at + 1)

    def spot(self, start: int, end: int) -> Spot:
        """Where characters ``start`` to ``end`` are; what goes on in further lines ends with the first."""
        start = min(start, self._length)
        line = bisect_right(self._starts, start)
        following = self._starts[line] - 1 if line < len(self._starts) else self._length
        return Spot(line, start - self._starts[line - 1] + 1, max(1, min(end, following) - start))


class Assembly:
    """Puts pieces together that come one after another, as a reader of events gives them."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Sequence | Mapping] = []
        # The key that waits for its value, one for each open node.
        self._keys: list[Scalar | None] = []

    def open(self, node: Sequence | Mapping) -> None:
        """The beginning of a list or object."""
        if len(self._open) >= DEEPEST:
            raise UnreadableTextError(
                f"lists and objects are more than {DEEPEST} deep in one another here", node.spot
            )
        self._open.append(node)
        self._keys.append(None)

    def close(self) -> Node:
        """The end of the innermost list or object, which is returned."""
        node = self._open.pop()
        self._keys.pop()
        self.add(node)
        return node

    def add(self, node: Node) -> None:
        """A whole piece."""
        if not self._open:
            self.root = node
            return
        around = self._open[-1]
        if isinstance(around, Sequence):
            around.items.append(node)
            return
        key = self._keys[-1]
        if key is not None:
            around.entries.append((key, node))
            self._keys[-1] = None
        elif isinstance(node, Scalar):
            self._keys[-1] = node
        else:
            raise UnreadableTextError("a key that is a list or an object", node.spot, "a word as key")


def size(node: Node) -> tuple[int, int]:
    """How many nodes a piece is made of, and how deep it is; it is no deeper than ``DEEPEST``."""
    parts: Several[Node]
    match node:
        case Scalar():
            return 1, 0
        case Sequence(items, _):
            parts = items
        case Mapping(entries, _):
            parts = [value for _, value in entries]
    sizes = [size(part) for part in parts]
    return 1 + sum(count for count, _ in sizes), 1 + max((depth for _, depth in sizes), default=0)
