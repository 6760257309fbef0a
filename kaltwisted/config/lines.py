"""A line on its way from a file to the words, and the file that it is from."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import attrs

from kaltwisted.config.definitions import Trouble, Values
from kaltwisted.config.findings import Consequence, Severity
from kaltwisted.config.include import Check
from kaltwisted.config.source import Text, Use

NO_VALUES: Values = {}


@attrs.define(eq=False)
class File:
    """A file that is being read: ``at`` lines of it are.

    ``chosen``: values of the repetition that includes it.  ``kept``, ``made``:
    how many lines there were before its present one, and how many that made.
    """

    text: Text
    identity: object
    checks: Check
    chosen: Values = NO_VALUES
    characters: int = 0
    at: int = 0
    kept: int = 0
    made: int = 0


class Line(NamedTuple):
    """A line on its way, and where in which file it is from.

    ``chosen``: values of the round of a repetition.  ``replaying``: definitions that it is a line of.
    """

    text: str
    file: File
    number: int
    uses: tuple[Use, ...] = ()
    chosen: Values = NO_VALUES
    repeated: bool = False
    replaying: frozenset[str] = frozenset()


class Tells(Protocol):
    """Takes what is found wrong with the line that is being worked on."""

    def __call__(
        self,
        trouble: Trouble,
        *,
        severity: Severity = Severity.ERROR,
        expected: str | None = None,
        suggestion: str | None = None,
        consequence: Consequence = Consequence.LOGGED,
        log: str | None = None,
    ) -> None: ...
