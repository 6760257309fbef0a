"""The JSON Schema of a configuration in JSON or YAML, made of the keyword tables.

``docs/configuration.schema.json`` is what it gives; a test keeps the two equal.
Where the tables know what is right it says so, for editors to offer and for
programs to test what they generate: the daemon reads more than is right.  Run
this module to print it.
"""

from __future__ import annotations

import json
from typing import Any, Final, TypeAlias

from kaltwisted.config.formats import shapes
from kaltwisted.config.keywords.convert import AtLeastOne, IpAddress, Number, OneOf, Seconds
from kaltwisted.config.keywords.table import Keyword, Table, tables
from kaltwisted.config.keywords.top import TOP

Schema: TypeAlias = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_SCALAR: Final = {"type": ["string", "number"]}
_WORDS: Final = {"type": "array", "items": {"$ref": "#/$defs/scalar"}, "minItems": 1}
_SEVERAL: Final = {
    "description": "The keyword several times, each with its words.",
    "type": "array",
    "items": {"type": "array", "items": {"$ref": "#/$defs/scalar"}},
    "minItems": 2,
}
_DIGITS: Final = {"type": "string", "pattern": "^[+-]?[0-9]+$"}
_DECIMAL: Final = {"type": "string", "pattern": r"^\+?([0-9]+\.?[0-9]*|\.[0-9]+)$"}
_HEAD: Final = {
    "name": "its name",
    "address": "its IP address",
    "port": "its port",
    "fwmark": "the firewall mark, instead of address and port",
    "group": "a virtual_server_group, instead of address and port",
}


def schema() -> Schema:
    """The whole of it."""
    blocks = [table for table in tables(TOP) if table is not TOP]
    names = _names(blocks)
    root = _block(TOP, names)
    root["properties"] = {shapes.SCHEMA: {"type": "string"}} | root["properties"]
    return {
        "$schema": DIALECT,
        "title": "kaltwisted configuration",
        "description": "keepalived's configuration language in JSON or YAML; see docs/configuration.md.",
        **root,
        "$defs": {
            "scalar": _SCALAR,
            "words": _WORDS,
            "several": _SEVERAL,
            "lines": {"type": "array", "items": {"type": "string", "minLength": 1}},
            **{names[table]: _block(table, names) for table in blocks},
        },
    }


def written() -> str:
    """As the file has it."""
    return json.dumps(schema(), indent=1) + "\n"


def _names(blocks: list[Table]) -> dict[Table, str]:
    """A name for each table: its own, with a number where blocks of several kinds share it."""
    names: dict[Table, str] = {}
    for table in blocks:
        taken = sum(other.name == table.name for other in names)
        names[table] = f"block {table.name}" + (f" {taken + 1}" if taken else "")
    return names


def _block(table: Table, names: dict[Table, str]) -> Schema:
    """One block."""
    head: Schema = {
        name: {"description": _HEAD.get(name, name)}
        | ({"type": ["integer", "string"]} if name in shapes.NUMBERS else {"$ref": "#/$defs/scalar"})
        for name in (*table.header, *table.marked)
    }
    if table.values:
        lines = {"$ref": "#/$defs/lines"}
        if not head:
            return lines
        whole = {shapes.LINES: lines}
        return {
            "type": "object",
            "properties": head | whole,
            "required": [*head, *whole],
            "additionalProperties": False,
        }
    inner = {name: _keyword(keyword, names) for name, keyword in table.keywords.items()}
    if table.ordered:
        kinds = {name: inner[name] for name, keyword in table.keywords.items() if keyword.block is not None}
        inner[table.ordered] = {
            "description": "one object with one key for each, in their order",
            "type": "array",
            "items": {
                "type": "object",
                "properties": kinds,
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
            },
        }
    found: Schema = {"type": "object", "properties": head | inner, "additionalProperties": False}
    if table.marked:
        choices = [[table.header[0]], *([name] for name in table.marked)]
        found["oneOf"] = [{"required": choice} for choice in choices]
    elif table.header:
        found["required"] = [table.header[0]]
    return found


def _keyword(keyword: Keyword, names: dict[Table, str]) -> Schema:
    """What may be said of one keyword."""
    found: Schema = {"description": keyword.doc}
    if keyword.today is not None:
        found["deprecated"] = True
    if keyword.block is not None:
        one = {"$ref": f"#/$defs/{names[keyword.block].replace(' ', '%20')}"}
        return found | {"anyOf": [one, {"type": "array", "items": one}]}
    return found | {"anyOf": [*_values(keyword), {"$ref": "#/$defs/several"}]}


def _values(keyword: Keyword) -> list[Schema]:
    """The ways to give a keyword its value."""
    convert = keyword.convert
    if convert is None:
        return [{"const": True}, {"$ref": "#/$defs/scalar"}, {"$ref": "#/$defs/words"}]
    words: Schema = {"$ref": "#/$defs/words"}
    if keyword.words is not None:
        words = _WORDS | {"maxItems": max(1, keyword.words - 1)}
    if keyword.script:
        return [{"type": "string", "minLength": 1}, words | {"items": {"type": "string"}}]
    if shapes.is_flag(keyword):
        return [{"type": "boolean"}, *([words] if keyword.words != 1 else [])]
    several = [words] if keyword.words != 2 else []
    if shapes.is_boolean(keyword):
        return [{"type": "boolean"}, {"enum": sorted(shapes.TRUE | shapes.FALSE)}]
    alone: list[Schema] = [{"const": True}] if _stands_alone(keyword) else []
    if isinstance(convert, AtLeastOne):
        convert = convert.convert
    match convert:
        case Number():
            return [
                {"type": "integer", "minimum": convert.low, "maximum": convert.high},
                _DIGITS,
                *several,
                *alone,
            ]
        case Seconds():
            kind = "integer" if convert.whole else "number"
            limits = {
                "minimum": convert.low_us / convert.unit_us,
                "maximum": convert.high_us / convert.unit_us,
            }
            return [{"type": kind, **limits}, _DECIMAL, *several, *alone]
        case OneOf():
            return [_one_of(convert), *several, *alone]
        case IpAddress():
            return [{"type": "string", "pattern": "^[0-9A-Fa-f:.]+$"}, *several]
    return [{"$ref": "#/$defs/scalar"}, *several, *alone]


def _one_of(convert: OneOf[Any]) -> Schema:
    """A few words; where case does not count, one pattern for all of them."""
    if convert.fold:
        letters = (
            "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in word)
            for word in convert.choices
        )
        return {"type": "string", "pattern": f"^({'|'.join(letters)})$"}
    numbers = [shapes.number(word) for word in convert.choices]
    return {"enum": [*convert.choices, *(value for value in numbers if value is not None)]}


def _stands_alone(keyword: Keyword) -> bool:
    """Whether the keyword has a meaning without words."""
    assert keyword.convert is not None
    problems: list[Any] = []
    keyword.convert([""], problems)
    return not problems


if __name__ == "__main__":
    print(written(), end="")
