"""However a configuration is written, with whatever the language has for it, it means the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kaltwisted.config.model import Configuration
from tests.fuzz.targets import load, small_world
from tests.unit.statements import Made, configurations, text_of

LONGEST = 800
"""Bytes; more might be too long once something stands in front."""


class Writer:
    """Lines of a main file, and what else goes into it and beside it."""

    def __init__(self, text: str, choose: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.lines = text.split("\n")
        self.choose = choose
        self.definitions: list[str] = []
        self.files: list[str] = []

    def spell(self) -> str:
        """All of it, written otherwise."""
        for way in self.choose(st.lists(st.sampled_from(WAYS), min_size=1, max_size=6)):
            if len(self.lines) > 1:
                way(self, self.choose(st.integers(0, len(self.lines) - 1)))
        text = "\n".join([*self.definitions, *self.lines])
        end = self.choose(st.sampled_from(["\n", "\r\n"]))
        mark = self.choose(st.sampled_from(["", "\ufeff"]))
        return mark + (text + "\n").replace("\n", end) + "".join(self.files)

    def run(self, start: int) -> tuple[list[str], int]:
        """Some lines from one on, and where they end."""
        end = min(len(self.lines), start + self.choose(st.integers(1, 4)))
        return self.lines[start:end], end

    def name(self) -> str:
        """A name that nothing has yet."""
        return f"zz{len(self.definitions)}_{len(self.files)}"


def blanks(writer: Writer, at: int) -> None:
    writer.lines[at] = f"\t  {writer.lines[at]} \t"


def empty_line(writer: Writer, at: int) -> None:
    writer.lines.insert(at, "")


def comment(writer: Writer, at: int) -> None:
    writer.lines[at] += " # and { more"


def comment_line(writer: Writer, at: int) -> None:
    writer.lines.insert(at, "! nothing { here")


def mark(writer: Writer, at: int) -> None:
    if not writer.lines[at].lstrip().startswith(("@", "~")):
        writer.lines[at] = f"@lb1 {writer.lines[at]}"


def mark_of_others(writer: Writer, at: int) -> None:
    writer.lines.insert(at, "@^lb1 nonsense")


def brace_on_the_next_line(writer: Writer, at: int) -> None:
    if writer.lines[at].endswith(" {"):
        writer.lines[at : at + 1] = [writer.lines[at].removesuffix(" {"), "{"]


def repetition(writer: Writer, at: int) -> None:
    if not writer.lines[at].lstrip().startswith("@"):
        writer.lines[at] = f"~SEQ(zz, 1) {writer.lines[at]}"


def definition(writer: Writer, at: int) -> None:
    word, blank, rest = writer.lines[at].partition(" ")
    plain = word and not word.startswith((*"@~$!#", "include")) and not set("#!\\$@~{").intersection(rest)
    if plain and blank and rest.strip():
        name = writer.name()
        writer.definitions.append(f"${name}={rest}")
        writer.lines[at] = f"{word} ${{{name}}}"


def definition_of_lines(writer: Writer, at: int) -> None:
    run, end = writer.run(at)
    if all(line.strip() and not set("#!\\$@~").intersection(line) for line in run):
        name = writer.name()
        writer.definitions.extend([f"${name}=" + " \\\n    ".join(run), ""])
        writer.lines[at:end] = [f"${name}"]


def included(writer: Writer, at: int) -> None:
    run, end = writer.run(at)
    name = writer.name()
    writer.files.append(f"--- {name}.conf\n" + "\n".join(run) + "\n")
    writer.lines[at:end] = [f"include {name}.conf"]


WAYS: list[Callable[[Writer, int], None]] = [
    *(blanks, empty_line, comment, comment_line, mark, mark_of_others, brace_on_the_next_line),
    *(repetition, definition, definition_of_lines, included),
]


def said(text: str) -> tuple[Configuration, set[tuple[str, str]]]:
    """What it means, and what is wrong with it, wherever that is."""
    with small_world():
        reading = load(text)
    told = {
        (finding.severity.value, _kind(finding.message))
        for finding in reading.findings
        if "byte order mark" not in finding.message
    }
    return reading.configuration, told


def _kind(message: str) -> str:
    """A message without what is different in the lines of a repetition, of which it is told once."""
    words = message.partition(" (also on")[0].split("`")
    return "".join(character for character in "`".join(words[::2]) if not character.isdigit())


@given(configurations(), st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_written_otherwise_means_the_same(made: list[Made], data: st.DataObject) -> None:
    text = text_of(made)
    assume(all(len(line.encode()) < LONGEST for line in text.split("\n")) and "--- " not in text)
    spelled = Writer(text, data.draw).spell()
    assert said(spelled) == said(text), spelled
