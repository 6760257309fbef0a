"""``~SEQ(n, 1, 10) line`` and ``~LST(name, a, b) line``: the line once for each value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

REPEATS = re.compile(r"[ \t]*~(SEQx?|LST)(?![A-Za-z0-9_])[ \t]*").match
"""Whether a line begins with a repetition; what follows are its parameters in brackets."""

_NUMBER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]{1,15}|[0-9]{1,18})").fullmatch
_NAME = re.compile(r"[A-Za-z0-9_]+").fullmatch
_LIST = re.compile(r"[ \t]*(?:\{([^{}]*)\}|([^{},]*))[ \t]*(,|$)")


class Rounds(NamedTuple):
    """Names, and the values they have in each round."""

    names: tuple[str, ...]
    values: Iterator[tuple[str, ...]]


class RepetitionError(Exception):
    """What is wrong with the parameters."""


def parameters(line: str, start: int) -> int | None:
    """Where the bracket closes that opens at ``start``; None if there is none or it stays open."""
    if line[start : start + 1] != "(":
        return None
    end = line.find(")", start)
    return end if end >= 0 else None


def rounds(kind: str, text: str) -> Rounds:
    """The rounds of a repetition.

    :param kind: SEQ, SEQx or LST.  :param text: what is in the brackets.
    :raises RepetitionError: the parameters cannot be.
    """
    return _list(text) if kind == "LST" else _sequence(text, hexadecimal=kind == "SEQx")


def _sequence(text: str, *, hexadecimal: bool) -> Rounds:
    name, *words = (word.strip(" \t") for word in text.split(","))
    if not _NAME(name):
        raise RepetitionError(f"`{name}` is no name" if name else "there is no name in the brackets")
    if not 1 <= len(words) <= 3:
        raise RepetitionError(f"a sequence has a name and one to three numbers, here are {len(words)}")
    for word in words:
        if not _NUMBER(word):
            raise RepetitionError(f"`{word}` is not a number" if word else "a number is missing")
    numbers = [_whole(word) for word in words]
    last = numbers[-1]
    first = numbers[0] if len(numbers) > 1 else (-1 if last < 0 else 1)
    step = numbers[1] if len(numbers) == 3 else (1 if first <= last else -1)
    if step == 0 or ((step > 0) != (first <= last) and first != last):
        raise RepetitionError(f"steps of {step} do not lead from {first} to {last}")
    if hexadecimal and min(first, last) < 0:
        raise RepetitionError("~SEQx has no negative numbers")
    values = range(first, last + (1 if step > 0 else -1), step)
    return Rounds((name,), ((format(value, "x") if hexadecimal else str(value),) for value in values))


def _whole(word: str) -> int:
    """As C reads a number of base 0: 0x10 is 16, 010 is 8."""
    digits = word.lstrip("+-")
    base = 16 if digits[:2].lower() == "0x" else 8 if digits[:1] == "0" else 10
    try:
        value = int(digits, base)
    except ValueError:
        raise RepetitionError(f"`{word}` is not a number") from None
    return -value if word[0] == "-" else value


def _list(text: str) -> Rounds:
    entries: list[tuple[str, ...]] = []
    at = 0
    grouped = False
    while True:
        match = _LIST.match(text, at)
        if match is None:
            raise RepetitionError("a `{` or `}` stands where none belongs")
        group, single, comma = match.groups()
        if group is None:
            entries.append((single.strip(" \t"),))
        else:
            grouped = grouped or not entries
            entries.append(tuple(word.strip(" \t") for word in group.split(",")))
        at = match.end()
        if not comma:
            break
    names, *values = entries
    for name in names:
        if not _NAME(name):
            raise RepetitionError(f"`{name}` is no name" if name else "there is no name in the brackets")
    if len(set(names)) < len(names):
        raise RepetitionError("a name stands twice in the list of names")
    if not values:
        raise RepetitionError("a list has a name and its values, here is no value")
    for value in values:
        if len(value) > len(names):
            raise RepetitionError(
                f"{len(value)} values stand together for {len(names)} name{'s'[: len(names) > 1]}"
            )
    blank = ("",) * len(names)
    return Rounds(names, (tuple(chain(value, blank[len(value) :])) for value in values))
