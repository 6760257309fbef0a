"""``editors/completions.json``: what an editor may offer in each block, with snippets in VS Code's syntax.

A block is named by its path, with ``/`` between the words; ``opens`` of a
keyword names the block it opens.  What is empty is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from kaltwisted.config.keywords.convert import BOOLEANS
from kaltwisted.config.keywords.table import Stage
from kaltwisted.config.reference import Block, Entry


def text(blocks: list[Block]) -> str:
    """All blocks as JSON, a line a keyword."""
    whole = {"version": 1, "blocks": {_name(block): _block(block) for block in blocks}}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _name(block: Block) -> str:
    return "/".join(block.path)


def _block(block: Block) -> dict[str, Any]:
    return _said(
        values=block.values,
        options=block.options,
        keywords={entry.word: _keyword(entry) for entry in block.entries},
    )


def _keyword(entry: Entry) -> dict[str, Any]:
    return _said(
        doc=entry.doc,
        takes=entry.takes,
        choices=entry.choices,
        options=entry.options,
        opens=None if entry.opens is None else _name(entry.opens),
        snippet=_snippet(entry),
        instead=entry.instead,
        ours=entry.ours,
        stage=None if entry.stage is Stage.ACTED_ON else entry.stage.value,
    )


def _said(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _snippet(entry: Entry) -> str:
    """What to insert: a stop for each word, a choice where the words are known."""
    if entry.opens is not None:
        words = entry.takes.split() if entry.takes.isupper() else []
        stops = "".join(f" ${{{index}:{word}}}" for index, word in enumerate(words, 1))
        return f"{entry.word}{stops} {{\n\t$0\n}}"
    if entry.command:
        return f'{entry.word} "$1"'
    if entry.choices and entry.choices != BOOLEANS:
        return f"{entry.word} ${{1|{_listed(entry.choices)}|}}"
    return f"{entry.word} $1" if entry.takes and not entry.alone else entry.word


def _listed(choices: Iterable[str]) -> str:
    return ",".join(re.sub(r"([\\,|])", r"\\\1", choice) for choice in choices)
