"""What is fuzzed, and what must hold whatever the text; for packets see ``packets.py``.

A text is a main file and others that it may include, each behind a line
``--- NAME``.  Nothing is read from the disk, and little may be made of little,
so that a text of a few kilobytes is read in milliseconds or is a finding.
"""

from __future__ import annotations

import fnmatch
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from random import Random
from typing import Any, NamedTuple
from unittest import mock

import attrs

from kaltwisted.config import expand, include, limits
from kaltwisted.config.advice import advise
from kaltwisted.config.definitions import Surroundings
from kaltwisted.config.dump import dump
from kaltwisted.config.findings import Finding, render
from kaltwisted.config.formats.conversion import converted
from kaltwisted.config.include import Found, UnreadableError
from kaltwisted.config.lexer import command_words, tokens
from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.load import read as read_source
from kaltwisted.config.memory import Memory
from tests.fuzz import packets

MAIN = "main.conf"
_NEXT_FILE = re.compile(r"^--- (\w+\.conf)\n", re.MULTILINE)
_THEN, _SECRET = "--- then\n", "--- secret\n"

SECRET = "Zqx7pw"
_HOLDS_IT = """
vrrp_instance V {
    interface eth0
    virtual_router_id 1
    authentication {
        auth_type PASS
"""

MOST_SECONDS = 3.0
"""CPU time of one text, also where every branch is watched."""

_LIMITS = {
    "MOST_LINES": 3_000,
    "MOST_CHARACTERS": 300_000,
    "MOST_REPLACEMENTS": 5_000,
    "MOST_FINDINGS": 300,
}


class _Folder:
    """The files of one text, in place of those of the machine."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def fill(self, text: str) -> str:
        """Take the files out of a text; returns the main one."""
        main, *others = _NEXT_FILE.split(text)
        self.files = {MAIN: main, **dict(zip(others[::2], others[1::2], strict=True))}
        return main

    def find(self, pattern: str, folder: str) -> Found:
        """As ``include.find``."""
        # The main file is known by what it is, not by its name, and is never included.
        names = fnmatch.filter(self.files.keys() - {MAIN}, pattern)
        return Found(tuple(sorted(names))) if names else Found((), "does not exist", include.Check.MATCH)

    def read(self, path: str) -> tuple[str, object]:
        """As ``include.read``."""
        if path not in self.files:
            raise UnreadableError("is not there")
        return self.files[path], path


_folder = _Folder()


@contextmanager
def small_world() -> Iterator[None]:
    """No disk, and bounds that are soon met."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(include, "find", _folder.find))
        stack.enter_context(mock.patch.object(include, "read", _folder.read))
        stack.enter_context(mock.patch.object(expand, "MOST_LINES_OF_ONE", 1_000))
        for name, value in _LIMITS.items():
            stack.enter_context(mock.patch.object(limits, name, value))
        yield


def load(text: str, memory: Memory | None = None) -> Reading:
    """The reading of a text with its files."""
    return load_text(_folder.fill(text), MAIN, _surroundings(), memory, keep_text=memory is None)


def _surroundings() -> Surroundings:
    # Chance is the same each time.
    return Surroundings("lb1", {"VIP": "10.0.0.9", "TWO": "a\nb"}, Random(1))


def _plain(text: str) -> str:
    """A text without what other targets make of it."""
    return text.replace(_THEN, "").replace(_SECRET, "")


def read(text: str) -> None:
    """A reading is quick, and each finding has its place in the files."""
    before = time.process_time()
    reading = load(_plain(text))
    assert time.process_time() - before < MOST_SECONDS, "it takes too long"
    _look_at(reading)
    assert reading.written is not None
    for finding in advise(reading.configuration, reading.written):
        _look_at_finding(finding)


def reload(text: str) -> None:
    """Reading one text after the other, and the first again, is reading each alone."""
    first, then, second = text.partition(_THEN)
    memory = Memory()
    for each in (first, second, first) if then else (first, first):
        remembered = load(each, memory)
        alone = attrs.evolve(load(each), written=None)
        assert attrs.asdict(remembered) == attrs.asdict(alone), "it differs with a memory"


def secrets(text: str) -> None:
    """No password behind ``auth_pass`` is told, whatever is around it."""
    before, _, after = text.partition(_SECRET)
    reading = load(f"{before}{_HOLDS_IT}        auth_pass {SECRET}{after}")
    for finding in reading.findings:
        assert SECRET not in render(finding) + finding.log_line(), "a password is told"


def lexer(text: str) -> None:
    """All of a line is in a token or blank, and in its order."""
    for line in text.split("\n"):
        end = 0
        for token in tokens(line):
            assert token.start >= end and not line[end : token.start].strip(" \t\r"), "something is left out"
            end = token.end
        assert not line[end:].strip(" \t\r"), "the end is left out"
        words = command_words(line)
        assert words is None or sum(map(len, words)) <= len(line), "more words than there are"


def convert(text: str) -> None:
    """What is said in JSON, in YAML and in keepalived's own words means the same."""
    if "vrrip_" in text:
        return  # whose order among the blocks that it is a slip of is not kept
    source = expand.expand(_folder.fill(_plain(text)), MAIN, _surroundings())
    meant = read_source(source).reading.configuration
    for form, file in (("json", "main.json"), ("yaml", "main.yaml"), ("keepalived", MAIN)):
        found = converted(source, form)
        if found.text is None:
            assert found.reading.errors, "nothing says why it cannot be converted"
        else:
            again = load_text(found.text, file).configuration
            assert again == meant, f"it differs as {form}"


def structured(text: str, file: str) -> None:
    """Text of another format is read like keepalived's, whatever it is."""
    _folder.files = {file: text}
    before = time.process_time()
    reading = load_text(text, file)
    assert time.process_time() - before < MOST_SECONDS, "it takes too long"
    _look_at(reading)


def _look_at(reading: Reading) -> None:
    for finding in reading.findings:
        _look_at_finding(finding)
    assert len(reading.findings) == len(set(reading.findings)), "a mistake is told twice"
    list(dump(reading.configuration))
    repr(reading)


def _look_at_finding(finding: Finding) -> None:
    for position in (finding.position, *(related.position for related in finding.related)):
        lines = _folder.files[position.file].removeprefix("\ufeff").split("\n")
        assert 1 <= position.line <= len(lines), "a line that is not there"
        assert 1 <= position.column <= len(lines[position.line - 1]) + 1, "a column that is not there"
    assert finding.width >= 1
    render(finding)
    finding.log_line()


class Target(NamedTuple):
    """What is done with a text, and the corpus that it begins with; or, with ``seeds``, with bytes."""

    look: Callable[[str], None] | Callable[[bytes], None]
    corpus: str = "text"
    seeds: Callable[[], Iterable[bytes]] | None = None

    def try_on(self, data: bytes) -> None:
        """Do it."""
        look: Any = self.look
        look(data.decode("utf-8", "surrogateescape") if self.seeds is None else data)


TARGETS = {
    "read": Target(read),
    "reload": Target(reload),
    "secrets": Target(secrets),
    "lexer": Target(lexer),
    "convert": Target(convert),
    "json": Target(partial(structured, file="main.json"), "json"),
    "yaml": Target(partial(structured, file="main.yaml"), "yaml"),
    "vrrp": Target(packets.vrrp, "vrrp", packets.seeds),
    "bfd": Target(packets.bfd, "bfd", packets.bfd_seeds),
}
