"""Did you mean …?  The nearest of a few words, by edit distance."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST_WORD = 40
"""Longer words are compared with nothing: no keyword is as long, and the distance costs its square."""


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that a slip of the hand turns into ``word``, None when none is near."""
    if not 1 < len(word) <= LONGEST_WORD:
        return None
    folded = word.lower()
    best: str | None = None
    # One slip in a short word, up to three in a long one; a difference of case alone is none.
    least = min(3, (len(word) + 1) // 3) + 1
    for choice in choices:
        if abs(len(choice) - len(word)) < least:
            far = distance(folded, choice.lower(), least)
            if far < least:
                best, least = choice, far
    return best


def distance(one: str, other: str, limit: int) -> int:
    """Edits (insert, delete, replace, swap neighbours) from one word to the other, at most ``limit``."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, previous, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            edits = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if previous and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                edits = min(edits, previous[j - 2] + 1)
            row.append(edits)
        if min(row) >= limit:
            return limit
    return min(row[-1], limit)
