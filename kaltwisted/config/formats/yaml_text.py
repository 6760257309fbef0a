"""YAML, one document of plain lists and mappings, with the place of every piece.

Scalars are taken as they were written: no reader of ours makes a number of
``0x10``, of ``1:30`` or of ``010``, nor a truth of ``on``.  ``true``,
``false`` and ``null`` are what JSON's are.  PyYAML gives the events, so that
nothing is recursive, nothing is constructed, and an alias costs nothing yet.
"""

from __future__ import annotations

import re
from typing import Any

from kaltwisted.config.formats.nodes import (
    DEEPEST,
    MOST_REPEATED,
    Assembly,
    Mapping,
    Node,
    Places,
    Scalar,
    Sequence,
    Spot,
    UnreadableTextError,
    size,
)

_KINDS = {
    **dict.fromkeys(("true", "True", "TRUE"), "true"),
    **dict.fromkeys(("false", "False", "FALSE"), "false"),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), "null"),
}
_SWITCHES = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?").fullmatch
_NOT_UTF_8 = re.compile("[\ud800-\udfff]").search


def read(text: str) -> Node:
    """The whole of a text; nothing at all is an empty mapping.

    :raises UnreadableTextError: it is not YAML, or has what a configuration has not.
    """
    import yaml  # a tenth of a second, which only those shall wait who have YAML

    places = Places(text)
    byte = _NOT_UTF_8(text)
    if byte is not None:
        raise UnreadableTextError("this byte is not UTF-8", places.spot(*byte.span()))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    reader = _Reader(text, places)
    try:
        for event in yaml.parse(text, Loader=loader):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = mark.index if mark is not None else 0
        why = " ".join(filter(None, (error.problem, error.context)))
        raise UnreadableTextError(f"this is not YAML: {why}", places.spot(at, at + 1)) from None
    except yaml.reader.ReaderError as error:
        # Its position counts bytes in one reader and characters in the other.
        at = max(0, text.find(chr(error.character) if isinstance(error.character, int) else error.character))
        raise UnreadableTextError(f"this is not YAML: {error.reason}", places.spot(at, at + 1)) from None
    return reader.assembly.root or Mapping([], Spot(1, 1))


class _Reader:
    """Makes nodes of events."""

    def __init__(self, text: str, places: Places) -> None:
        self.assembly = Assembly()
        self._text = text
        self._places = places
        self._documents = 0
        self._anchors: dict[str, Node] = {}
        # The anchors of what is open; most have none.
        self._open: list[str | None] = []
        self._repeated = 0

    def take(self, event: Any) -> None:
        """One event of PyYAML's."""
        spot = self._places.spot(event.start_mark.index, event.end_mark.index)
        if getattr(event, "tag", None) is not None:
            raise UnreadableTextError("a tag is not read", spot, "plain lists, mappings and words")
        match type(event).__name__:
            case "DocumentStartEvent":
                self._documents += 1
                if self._documents > 1:
                    raise UnreadableTextError("a second document begins here", spot, "one document in a file")
            case "MappingStartEvent":
                self._begin(Mapping([], spot), event.anchor)
            case "SequenceStartEvent":
                self._begin(Sequence([], spot), event.anchor)
            case "MappingEndEvent" | "SequenceEndEvent":
                self._know(self._open.pop(), self.assembly.close())
            case "ScalarEvent":
                scalar = self._scalar(event, spot)
                self._know(event.anchor, scalar)
                self.assembly.add(scalar)
            case "AliasEvent":
                self.assembly.add(self._alias(event.anchor, spot))

    def _begin(self, node: Mapping | Sequence, anchor: str | None) -> None:
        self.assembly.open(node)
        self._open.append(anchor)

    def _know(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _alias(self, anchor: str, spot: Spot) -> Node:
        """What an alias stands for, counted as though it were written out."""
        node = self._anchors.get(anchor)
        if node is None:
            raise UnreadableTextError(f"`*{anchor}` has no `&{anchor}` before it", spot)
        count, depth = size(node)
        self._repeated += count
        if self._repeated > MOST_REPEATED:
            raise UnreadableTextError(f"aliases stand for more than {MOST_REPEATED:,} pieces", spot)
        if len(self._open) + depth > DEEPEST:
            raise UnreadableTextError(
                f"lists and mappings are more than {DEEPEST} deep in one another here", spot
            )
        return node

    def _scalar(self, event: Any, spot: Spot) -> Scalar:
        value: str = event.value
        start, end = event.start_mark.index, event.end_mark.index
        written = self._text[start:end]
        if not event.style:  # plain: None in one reader, empty in the other
            if value == "<<":
                raise UnreadableTextError("merge keys are not read", spot, "the keys themselves")
            kind = _KINDS.get(value) or ("number" if _NUMBER(value) else "string")
            inside = spot.column if written == value else 0
            return Scalar(kind, value, spot, _SWITCHES.get(value.lower()), inside)
        return Scalar("string", value, spot, inside=spot.column + 1 if written[1:-1] == value else 0)
