"""``include PATTERN``: which files it names, and which of them may be read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from enum import Flag, auto
from glob import has_magic, iglob
from itertools import islice, pairwise

import attrs

MOST_FILES = 10_000
"""Files, and alternatives in braces, of one pattern."""

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes; what is larger is no configuration."""


_ESCAPED = r"\\\1"


class Check(Flag):
    """Which problems of an include are errors that a daemon must not start with."""

    NONE = 0
    READ = auto()
    MATCH = auto()
    WILDCARD = auto()
    BRACE = auto()
    ALL = READ | MATCH | WILDCARD | BRACE


KEYWORDS = {
    "include": Check.NONE,
    "includer": Check.READ,
    "includem": Check.READ | Check.MATCH,
    "includew": Check.READ | Check.MATCH | Check.WILDCARD,
    "includeb": Check.READ | Check.BRACE,
    "includea": Check.ALL,
}
MAIN = "includew"
"""As what a pattern counts that is given to -f."""

CHECK_WORDS = {
    "read": Check.READ,
    "readable": Check.READ,
    "match": Check.MATCH,
    "wildcard": Check.WILDCARD,
    "brace": Check.BRACE,
    "all": Check.ALL,
    "none": Check.NONE,
}


def chosen_checks(words: list[str], before: Check) -> tuple[Check, list[int]]:
    """What ``include_check`` with these words selects, and which of them (by number) are not known.

    Words with ``+`` and ``-`` change what was selected before; the first without
    a sign starts anew.  No word at all is ``all``.
    """
    checks = before if words and all(word[:1] in ("+", "-") for word in words) else Check.NONE
    unknown = []
    for index, word in enumerate(words):
        check = CHECK_WORDS.get(word.lstrip("+-"))
        if check is None:
            unknown.append(index)
        elif word.startswith("-"):
            checks &= ~check
        else:
            checks |= check
    return checks if words else Check.ALL, unknown


@attrs.frozen
class Found:
    """Files of a pattern in their order.  ``missing``: why some are not; ``about``: what kind of problem."""

    paths: tuple[str, ...]
    missing: str | None = None
    about: Check = Check.NONE


def find(pattern: str, folder: str) -> Found:
    """The files of a pattern, relative to a folder, each alternative in braces in its turn."""
    wild = has_magic(pattern)
    alternatives = list(islice(expand_braces(pattern), MOST_FILES + 1))
    if len(alternatives) > MOST_FILES:
        return Found((), f"has more than {MOST_FILES:,} alternatives", Check.ALL)
    paths: dict[str, None] = {}
    without: list[str] = []
    for alternative in alternatives:
        path = os.path.join(folder, alternative)  # noqa: PTH118 -- as written, for the findings
        if has_magic(alternative):
            names = sorted(islice(iglob(path), MOST_FILES + 1))  # noqa: PTH207 -- keeps the path as written
        else:
            names = [path] if os.path.lexists(path) else []
        if not names:
            without.append(alternative)
        paths.update(dict.fromkeys(names))
        if len(paths) > MOST_FILES:
            return Found((), f"names more than {MOST_FILES:,} files", Check.ALL)
    if not without:
        return Found(tuple(paths))
    if len(alternatives) > 1 and (paths or not wild):
        if wild:
            return Found(tuple(paths))
        return Found(tuple(paths), f"names {_some(without)}, which does not exist", Check.BRACE)
    if wild:
        return Found((), "matches no file", Check.WILDCARD)
    return Found((), "does not exist", Check.MATCH)


def names_files(pattern: str) -> bool:
    """Whether it is a pattern, and no file's own name, and there are files that it names."""
    if os.path.lexists(pattern) or not (has_magic(pattern) or "{" in pattern):
        return False
    return bool(find(pattern, "").paths)


def line(pattern: str) -> str:
    """The line that includes a pattern's files."""
    return f"{MAIN} {re.sub(r'([#!])', _ESCAPED, os.path.abspath(pattern))}"  # noqa: PTH100 -- a pattern


def expand_braces(pattern: str) -> Iterator[str]:
    """``{a,b}`` as a shell has it, nested too; braces that do not match up stand for themselves."""
    depth, start = 0, -1
    commas: list[int] = []
    for match in re.finditer(r"[{},]", pattern):
        match match.group():
            case "{":
                if not depth:
                    start, commas = match.start(), []
                depth += 1
            case "," if depth == 1:
                commas.append(match.start())
            case "}" if depth == 1:
                head, tail = pattern[:start], pattern[match.end() :]
                ends = [start, *commas, match.start()]
                for left, right in pairwise(ends):
                    for middle in expand_braces(pattern[left + 1 : right]):
                        for rest in expand_braces(tail):
                            yield head + middle + rest
                return
            case "}" if depth:
                depth -= 1
    yield pattern


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(f"`{name}`" for name in names[:3]) + more


class UnreadableError(Exception):
    """A file that is not read, and why."""


@attrs.frozen
class FileOnDisk:
    """Which file it is, and who may do what with it: permission bits and the owner's number."""

    device: int
    inode: int
    mode: int = attrs.field(eq=False)
    owner: int = attrs.field(eq=False)


def read(path: str) -> tuple[str, FileOnDisk]:
    """The text of a file and what identifies it.

    As in keepalived only a regular file that is not executable is a
    configuration; one must not have to wait for it, nor run out of memory.

    :raises UnreadableError: it is none, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                raise UnreadableError("is a directory")
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableError("is not a regular file")
            if status.st_mode & 0o111:
                raise UnreadableError("is executable, which a configuration must not be")
            if status.st_size > LARGEST_FILE:
                raise UnreadableError(f"is larger than {LARGEST_FILE >> 20} MB")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(LARGEST_FILE)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise UnreadableError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    # What is not UTF-8 is kept byte for byte: an old file may have Latin-1 in its comments.
    identity = FileOnDisk(status.st_dev, status.st_ino, stat.S_IMODE(status.st_mode), status.st_uid)
    return content.decode("utf-8", "surrogateescape"), identity
