"""What a keyword table is made of, and how a converter tells what is wrong with a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Final, TypeAlias

import attrs

from kaltwisted.config.findings import Consequence, Severity


@attrs.frozen
class Problem:
    """Something wrong with a statement's words; ``word`` is the index of the one to point at."""

    message: str
    word: int = 1
    expected: str | None = None
    suggestion: str | None = None
    severity: Severity = Severity.ERROR
    consequence: Consequence = Consequence.LOGGED
    log: str | None = None


class Keep:
    """The answer of a converter that found no value: the field keeps what it has."""


KEEP: Final = Keep()

Problems: TypeAlias = list[Problem]
# Values are typed by the draft they go into (drafts.py), which a test checks field by field.
Converter: TypeAlias = Callable[[list[str], Problems], Any]


class Again(Enum):
    """What a keyword does that stands twice in one block (keepalived differs from one to the next)."""

    LAST_WINS = "the last one counts, without a word"
    OVERWRITES = "the last one counts"
    FIRST_WINS = "the first one counts"
    APPENDS = "both count"


class Stage(Enum):
    """How far kaltwisted goes with a keyword of keepalived's."""

    ACTED_ON = "read and done"
    KNOWN = "known by its name, and skipped, its block too"


@attrs.frozen(eq=False)
class Keyword:
    """One keyword of one block.

    ``field``: the draft's attribute its value goes to.  ``convert``: words to
    value.  ``words``: how many words it takes at most, itself included; None
    for any number.  ``block``: the table of the block it opens.  ``today``: it
    is accepted with a warning that says this.  ``script``: its words are read
    a second time, as a command.  ``exact``: a word too many is an error to
    keepalived too, as it is for every block of values.  ``takes``: what stands
    behind it, for people, where no converter tells.  ``ours``: keepalived does
    not know it.
    """

    doc: str
    field: str = ""
    convert: Converter | None = None
    words: int | None = 2
    block: Table | None = None
    again: Again = Again.LAST_WINS
    today: str | None = None
    script: bool = False
    exact: bool = False
    stage: Stage = Stage.ACTED_ON
    takes: str = ""
    ours: bool = False


@attrs.frozen(eq=False)
class Table:
    """The keywords of one block.

    ``values``: its lines are values, not keywords (``virtual_ipaddress``);
    ``options``: words that such a line may have behind its first.
    ``header``: names of the words behind the keyword.  ``marked``: words that
    may stand there instead, each in front of its value.  ``ordered``: the name
    that the blocks in it have together in formats that do not keep the order of
    keywords; given where that order counts.
    """

    name: str
    keywords: Mapping[str, Keyword] = attrs.field(factory=dict)
    values: bool = False
    options: tuple[str, ...] = ()
    # Words of the 2002 guide's tables: another spelling of a keyword, by what is right.
    misprints: Mapping[str, str] = attrs.field(factory=dict)
    header: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    ordered: str = ""

    def resolve(self, word: str) -> Keyword | None:
        """The keyword that a word stands for in this block, the guide's misprints included."""
        return self.keywords.get(word) or self.keywords.get(self.misprints.get(word, ""))


def tables(top: Table) -> Iterator[Table]:
    """A table and all tables of the blocks in it, each once, outer ones first."""
    seen: list[Table] = []
    waiting = [top]
    while waiting:
        table = waiting.pop(0)
        if table not in seen:
            seen.append(table)
            yield table
            waiting.extend(keyword.block for keyword in table.keywords.values() if keyword.block is not None)
