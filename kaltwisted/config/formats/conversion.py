"""A configuration file of any format as text of any other, or not at all.

What is read is what is written: includes and definitions are put in.  Where a
line could not be read as it was meant there is no text, for half a
configuration looks like a whole one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

import attrs

from kaltwisted.config import load
from kaltwisted.config.findings import Finding, Severity
from kaltwisted.config.formats import written
from kaltwisted.config.formats.outline import Data, Outline
from kaltwisted.config.keywords.top import TOP
from kaltwisted.config.load import Reading
from kaltwisted.config.model import Position
from kaltwisted.config.source import Source
from kaltwisted.config.tree import Tree

FORMATS: Final = ("json", "yaml", "keepalived")

_SURROGATE = re.compile("[\ud800-\udfff]")


@attrs.frozen
class Conversion:
    """What became of a file.  ``text`` is None where it cannot be said in the other format.

    ``reading`` has the findings, also those that say why.
    """

    text: str | None
    reading: Reading


def convert(path: str, form: str, *, config_id: str | None = None, all_includes: bool = False) -> Conversion:
    """Read a file, by ``load.open_file``, and write it as one of ``FORMATS``."""
    source = load.open_file(path, config_id=config_id, all_includes=all_includes)
    if isinstance(source, Reading):
        return Conversion(None, source)
    return converted(source, form)


def converted(source: Source, form: str) -> Conversion:
    """What a source says as one of ``FORMATS``."""
    reading, tree = load.read(source)
    if _unread(source, tree):
        return Conversion(None, reading)
    try:
        if form == "keepalived":
            text, refused = "".join(f"{line}\n" for line in written.lines(source, tree.statements, TOP)), []
        else:
            outline = Outline(source)
            data = outline.block(tree.statements, TOP)
            text, refused = _WRITERS[form](data), outline.findings
    except written.InexpressibleError as error:
        position = source.where(error.args[1]) if len(error.args) > 1 else Position(source.file, 1)
        text, refused = (
            "",
            [source.finding(Severity.ERROR, position, f"{error.args[0]}; this cannot be converted")],
        )
    if not refused:
        return Conversion(text, reading)
    findings = source.in_order([*reading.findings, *refused])
    return Conversion(None, attrs.evolve(reading, findings=tuple(findings)))


def _unread(source: Source, tree: Tree) -> bool:
    """Whether there are lines that were not read as they stand: braces, quotes, includes, definitions."""
    found: Iterator[Finding] = (each for each in (*source.findings, *tree.findings))
    return any(each.severity is Severity.ERROR for each in found) or bool(
        tree.open_quotes or source.undefined
    )


def as_json(data: Data) -> str:
    """JSON in UTF-8.  Bytes of the file that are not are halves of surrogate pairs, as Python has them."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text) + "\n"


def as_yaml(data: Data) -> str:
    """YAML, in which strings that a reader could take for something else are in quotes.

    :raises InexpressibleError: for bytes that are not UTF-8.
    """
    import yaml  # who wants JSON does not need it

    if _SURROGATE.search(json.dumps(data, ensure_ascii=False)):
        raise written.InexpressibleError("a word that is not UTF-8 cannot be written in YAML")
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(
        data, Dumper=dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=10_000
    )
    return text


_WRITERS = {"json": as_json, "yaml": as_yaml}
