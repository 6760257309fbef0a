"""docs/tutorial.md as a reader follows it: the files it has one write, and the commands in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
_BLOCK = re.compile(r'^```(?P<kind>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.M | re.S)
PROMPT = "$ "


@attrs.frozen
class File:
    """A file to write, as a block with a title shows it."""

    name: str
    text: str


@attrs.frozen
class Command:
    """A line behind a prompt, and what it prints."""

    line: str
    printed: str


def steps(page: str) -> Iterator[File | Command]:
    """What a reader does, in order."""
    for block in _BLOCK.finditer(page):
        if block["title"] is not None:
            yield File(block["title"], block["text"])
        elif block["kind"] == "console":
            yield from commands(block["text"])


def commands(block: str) -> Iterator[Command]:
    """The commands of one block; what stands behind a prompt's line is its output."""
    for part in re.split(rf"^{re.escape(PROMPT)}", block, flags=re.M)[1:]:
        line, _, printed = part.partition("\n")
        yield Command(line, printed)


_OTHERWISE = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?", "DATE"),
    (r"(?m)^(kaltwisted \S+ on) \S+,", r"\1 HOST,"),
    (r"\b(pid) \d+", r"\1 N"),
    (r"eth0@if\d+", "eth0@ifN"),
    (r"\S*/(director\d\.conf)", r"\1"),
    # How fast this machine is.
    (r"(?m)  +(turns over|timers late).*$", ""),
    (r"\b\d+(\.\d+)?(?= (ms|s|min|h)\b)", "N"),
    (r"\bN ms\b", "N s"),
    (r" +$", ""),
    (r" {2,}", "  "),
)


def without_chance(text: str) -> str:
    """``text`` without what is different each time: times, numbers of processes, names of hosts."""
    for pattern, same in _OTHERWISE:
        text = re.sub(pattern, same, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
