"""How much a configuration may make of itself: far more than anyone needs, little enough to end soon."""

from __future__ import annotations

MOST_LINES_OF_ONE = 100_000
"""Lines made out of one line of a file."""

MOST_LINES = 1_000_000
"""Lines made in all; a file that is read again counts as made."""

MOST_CHARACTERS = 64_000_000
"""In the lines made and the files included."""

MOST_REPLACEMENTS = 1_000_000
"""Definitions put in, in all lines together."""

DEEPEST_INCLUDE = 50
DEEPEST_STACK = 200
"""Files, definitions and repetitions within one another."""

MOST_FINDINGS = 10_000
"""That are told one by one: a file that is no configuration must not cost all memory."""

LINES_OF_A_FILE = 100
"""What a file that is read again counts for, apart from its lines."""


class Budget:
    """What has been made so far, of a whole configuration."""

    def __init__(self) -> None:
        self._lines = 0
        self._characters = 0
        self._replacements = 0

    def lines(self, count: int, characters: int) -> str | None:
        """Count lines that are made; why no more must be, if so."""
        self._lines += count
        self._characters += characters
        if self._lines > MOST_LINES:
            return f"more than {MOST_LINES:,} lines are made by repetition, definitions and includes"
        if self._characters > MOST_CHARACTERS:
            return f"more than {MOST_CHARACTERS:,} characters are made or included"
        return None

    def replacements(self, count: int) -> str | None:
        """Count definitions that are put in; why no more must be, if so."""
        self._replacements += count
        if self._replacements > MOST_REPLACEMENTS:
            return f"more than {MOST_REPLACEMENTS:,} definitions are put in"
        return None
