"""keepalived's data files held against ours: our lines are all there, and what we leave out has a reason."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

Rules = Mapping[str, str]
"""Patterns of whole lines, each with its reason."""


def blurred(lines: Sequence[str], values: Rules) -> list[str]:
    """The lines with what a group of the first matching pattern caught struck out: it may differ."""
    return [_blur(line, values) for line in lines]


def _blur(line: str, values: Rules) -> str:
    for pattern in values:
        match = re.fullmatch(pattern, line)
        if match is not None and match.lastindex:
            for group in range(match.lastindex, 0, -1):
                start, end = match.span(group)
                line = f"{line[:start]}*{line[end:]}"
            return line
    return line


def without(text: str, *titles: str) -> str:
    """A file without the sections of these titles."""
    kept, inside = [], False
    for line in text.splitlines():
        if line.startswith("------< "):
            inside = line.strip("-<> ") in titles
        if not inside:
            kept.append(line)
    return "\n".join(kept)


def compare(theirs: str, ours: str, *, values: Rules, left_out: Rules) -> None:
    """Fail for a line of ours that is not theirs in its place, and for one that we lack without a reason.

    :param values: what may differ within a line: the pattern's groups.
    :param left_out: lines of theirs that we do not have.
    """
    wanted = [line for line in theirs.splitlines() if not any(re.fullmatch(each, line) for each in left_out)]
    before, after = blurred(wanted, values), blurred(ours.splitlines(), values)
    wrong = []
    for kind, low, high, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            wrong.append(f"below {wanted[max(0, low - 1)]}")
            wrong += [f"keepalived: {line}" for line in wanted[low:high]]
            wrong += [f"ours:       {line}" for line in ours.splitlines()[first:last]]
    assert not wrong, "\n".join(["", *wrong])
