"""A TextMate grammar, which VS Code, GitHub and others colour by.

A rule a block, with a header from the keyword to its brace, which may stand
lines below, and then what belongs between the braces.  A statement takes the rest
of its line, so the word that comes next is a keyword, and one that is none of
this block is marked as illegal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from kaltwisted.config.include import KEYWORDS as INCLUDES
from kaltwisted.config.keywords.table import Stage
from kaltwisted.config.reference import Block, Entry, Path

Rule: TypeAlias = dict[str, Any]

_WORD_ENDS = r"(?=[\s{}\"#!]|$)"
# A statement ends with its line, or where a brace ends it.
_STATEMENT_ENDS = r"(?=[{}])|$"
# Where the brace is missing, the block is read as though it were there.
_HEADER_ENDS = r"\{|^(?!\s*(?:[{#!]|$))"
_IPV4 = r"\d{1,3}(?:\.\d{1,3}){3}"
_IPV6 = r"(?=[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:)[0-9A-Fa-f:.]+"
_COMMON: dict[str, Rule] = {
    "comment": {"name": "comment.line.keepalived", "match": r"(?<!\\)[#!].*$"},
    "use": {
        "name": "variable.other.keepalived",
        "match": r"\$\{[^{}\"\s]*(?:\s[^{}\"]*)?\}|\$[A-Za-z_][A-Za-z0-9_]*",
    },
    "string": {
        "patterns": [
            {
                "name": "string.quoted.double.keepalived",
                "begin": r"\"(?=[^\"]*\")",
                "end": r"\"",
                "patterns": [{"include": "#use"}],
            },
            {"name": "invalid.illegal.unclosed-quote.keepalived", "match": r"\".*$"},
        ]
    },
    "command": {
        "patterns": [
            {
                "name": f"string.quoted.{name}.keepalived",
                "begin": rf"{quote}(?=(?:[^{quote}\\]|\\.)*{quote})",
                "end": quote,
                "patterns": [
                    {
                        "name": "constant.character.escape.keepalived",
                        "match": r"\\(?:[0-7]{1,3}|x[0-9A-Fa-f]{1,2}|c.|.)",
                    },
                    {"include": "#use"},
                ],
            }
            for name, quote in (("double", '"'), ("single", "'"))
        ]
    },
    "value": {
        "patterns": [
            {"include": "#comment"},
            {"include": "#use"},
            {"include": "#string"},
            {
                "name": "constant.numeric.address.keepalived",
                "match": rf"(?<![\w.:-])(?:{_IPV4}|{_IPV6})(?:/\d{{1,3}}|-\d{{1,3}})?{_WORD_ENDS}",
            },
            {
                "name": "constant.numeric.keepalived",
                "match": r"(?<![\w.:/-])[+-]?(?:\d+(?:\.\d+)?|0x[0-9A-Fa-f]+)" + _WORD_ENDS,
            },
            {"name": "string.unquoted.path.keepalived", "match": r"(?<!\S)/[^\s{}\"#!]*"},
        ]
    },
    "directive": {
        "patterns": [
            {
                "name": "meta.definition.keepalived",
                "begin": r"(\$[A-Za-z_][A-Za-z0-9_]*)(=)",
                "beginCaptures": {
                    "1": {"name": "variable.other.definition.keepalived"},
                    "2": {"name": "keyword.operator.assignment.keepalived"},
                },
                # A back-slash goes on with the next line; some engines see the end of a line twice.
                "end": r"(?<!\\|\\\n)$",
                "patterns": [
                    {"name": "constant.character.escape.line.keepalived", "match": r"\\$"},
                    {"include": "#value"},
                ],
            },
            {"name": "keyword.control.condition.keepalived", "match": r"@\^?[^\s{}\"#!]+(?=\s)"},
            {
                "name": "meta.repetition.keepalived",
                "begin": r"(~(?:SEQx?|LST))\s*(\()",
                "beginCaptures": {"1": {"name": "keyword.control.repetition.keepalived"}},
                "end": r"\)|$",
                "patterns": [
                    {"name": "constant.numeric.keepalived", "match": r"(?<=[(,{\s])[+-]?\d+(?=[\s,})])"},
                    {"include": "#use"},
                ],
            },
            {
                "begin": f"({'|'.join(INCLUDES)}){_WORD_ENDS}",
                "beginCaptures": {"1": {"name": "keyword.control.include.keepalived"}},
                "end": "$",
                "patterns": [
                    {"include": "#comment"},
                    {"include": "#use"},
                    {"include": "#string"},
                    {"name": "string.unquoted.include.keepalived", "match": r"[^\s\"#!$]+"},
                ],
            },
            {"include": "#use"},
        ]
    },
    "illegal": {
        "begin": r"[^\s{}\"#!]+|\"[^\"]*\"?",
        "beginCaptures": {"0": {"name": "invalid.illegal.keyword.keepalived"}},
        "end": _STATEMENT_ENDS,
        "patterns": [{"include": "#value"}],
    },
    # The block of a word that is no keyword here is nobody's: braces only, so that the rest stays right.
    "skipped": {"begin": r"\{", "end": r"\}", "patterns": [{"include": "#skipped"}, {"include": "#value"}]},
}


def text(blocks: list[Block]) -> str:
    """The grammar as JSON."""
    grammar = {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "keepalived",
        "scopeName": "source.keepalived",
        "patterns": [{"include": f"#{_name(blocks[0])}"}],
        "repository": {**_COMMON, **dict(_rules(blocks))},
    }
    return json.dumps(grammar, indent=1) + "\n"


def _rules(blocks: list[Block]) -> Iterator[tuple[str, Rule]]:
    for block in blocks:
        patterns = [{"include": "#comment"}, {"include": "#directive"}]
        if block.values and block.stage is Stage.KNOWN:
            patterns = [{"include": "#skipped"}, {"include": "#value"}]
        elif block.values:
            patterns.append(_line(block))
        else:
            patterns.extend(_statements(block.entries))
            patterns.extend([{"include": "#illegal"}, {"include": "#skipped"}])
        yield _name(block), {"patterns": patterns}


def _name(block: Block) -> str:
    return "-".join(("block", *block.path))


def _line(block: Block) -> Rule:
    """A line of values: an address, perhaps with options."""
    options = [_matching(block.options, "keyword.other.option.keepalived")] if block.options else []
    return {
        "begin": r"(?=[^\s{}#!])",
        "end": _STATEMENT_ENDS,
        "patterns": [*options, {"include": "#value"}],
    }


def _statements(entries: list[Entry]) -> Iterator[Rule]:
    """Rules of blocks one by one; of other keywords those together that take the same."""
    alike: dict[tuple[str, Path, Path, bool], list[str]] = {}
    for entry in entries:
        scope = "invalid.deprecated.keepalived" if entry.instead else "keyword.other.keepalived"
        if entry.opens is not None:
            yield _block(entry, scope if entry.instead else "keyword.control.block.keepalived")
        else:
            alike.setdefault((scope, entry.choices, entry.options, entry.command), []).append(entry.word)
    for (scope, choices, options, command), words in alike.items():
        patterns: list[Rule] = [{"include": "#command"}] if command else []
        for known, kind in ((choices, "constant.language"), (options, "keyword.other.option")):
            if known:
                patterns.append(_matching(known, f"{kind}.keepalived"))
        yield {
            "begin": _any(words) + _WORD_ENDS,
            "beginCaptures": {"1": {"name": scope}},
            "end": _STATEMENT_ENDS,
            "patterns": [*patterns, {"include": "#value"}],
        }


def _block(entry: Entry, scope: str) -> Rule:
    assert entry.opens is not None
    header = {
        "begin": r"\G",
        "end": _HEADER_ENDS,
        "endCaptures": {"0": {"name": "punctuation.section.block.begin.keepalived"}},
        "patterns": [
            {"include": "#value"},
            {"name": "entity.name.section.keepalived", "match": r"[^\s{}\"#!$]+"},
        ],
    }
    return {
        "name": f"meta.block.{entry.opens.name}.keepalived",
        "begin": _any([entry.word]) + _WORD_ENDS,
        "beginCaptures": {"1": {"name": scope}},
        "end": r"\}",
        "endCaptures": {"0": {"name": "punctuation.section.block.end.keepalived"}},
        "patterns": [header, {"include": f"#{_name(entry.opens)}"}],
    }


def _matching(words: Iterable[str], scope: str) -> Rule:
    return {"name": scope, "match": r"(?<!\S)" + _any(words) + _WORD_ENDS}


def _any(words: Iterable[str]) -> str:
    return f"({'|'.join(re.escape(word) for word in words)})"
