"""JSON (RFC 8259), strictly, with the place of every piece.  The standard library knows no places."""

from __future__ import annotations

import json
import re

from kaltwisted.config.formats.nodes import (
    DEEPEST,
    Assembly,
    Mapping,
    Node,
    Places,
    Scalar,
    Sequence,
    UnreadableTextError,
)

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|[^\s"{}\[\]:,]+', re.DOTALL)
_WORDS = {"true": ("true", True), "false": ("false", False), "null": ("null", None)}
# Halves of surrogate pairs are no characters; those of Python's bytes that are not UTF-8 are kept.
_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]").search


def read(text: str) -> Node:
    """The whole of a text.

    :raises UnreadableTextError: it is not JSON.
    """
    places = Places(text)
    _look_at_depth(text, places)
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        spot = places.spot(error.pos, error.pos + 1)
        raise UnreadableTextError(f"this is not JSON: {_lower(error.msg)}", spot) from None
    assembly = Assembly()
    for match in _TOKEN.finditer(text):
        token, spot = match.group(), places.spot(*match.span())
        match token[0]:
            case "{":
                assembly.open(Mapping([], spot))
            case "[":
                assembly.open(Sequence([], spot))
            case "}" | "]":
                assembly.close()
            case '"' if "\\" not in token:
                assembly.add(Scalar("string", token[1:-1], spot, inside=spot.column + 1))
            case '"':
                value: str = json.loads(token)
                if _HALF(value):
                    raise UnreadableTextError("half of a surrogate pair is no character", spot)
                assembly.add(Scalar("string", value, spot))
            case _ if token in _WORDS:
                kind, switch = _WORDS[token]
                assembly.add(Scalar(kind, token, spot, switch))
            case _ if token in ("NaN", "Infinity", "-Infinity"):
                raise UnreadableTextError(f"`{token}` is not JSON", spot, "a number")
            case _:
                assembly.add(Scalar("number", token, spot))
    assert assembly.root is not None
    return assembly.root


def _look_at_depth(text: str, places: Places) -> None:
    """What is too deep must not be read: the reader of the standard library is recursive."""
    depth = 0
    for match in _TOKEN.finditer(text):
        character = text[match.start()]
        if character in "{[":
            depth += 1
            if depth > DEEPEST:
                raise UnreadableTextError(
                    f"lists and objects are more than {DEEPEST} deep in one another here",
                    places.spot(*match.span()),
                )
        elif character in "}]":
            depth -= 1


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
