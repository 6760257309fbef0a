"""What a keyword's words look like in JSON and YAML; both directions and the schema go by it.

A keyword that stands alone is ``true``, one word is a string or a number, several
are a list, and a keyword that stands several times in its block is a list of lists.
"""

from __future__ import annotations

import re
from functools import cache

from kaltwisted.config.keywords.convert import Number, Seconds, boolean, flag
from kaltwisted.config.keywords.table import Keep, Keyword, Problems, Table

WORDS = "words"
"""Key of the words of a block's head that have no names."""

LINES = "lines"
"""Key of a block's lines, where the block is more than a list of them."""

SCHEMA = "$schema"
"""A key that editors look for, and that means nothing here."""

TRUE = frozenset(("on", "true", "yes"))
FALSE = frozenset(("off", "false", "no"))
NUMBERS = frozenset(("port", "fwmark"))
"""Words of a head that are numbers."""

_CANONICAL = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{0,5}[0-9])?").fullmatch
_PROBES = ("0", "1", "2", "9", "10", "100", "200")


def is_flag(keyword: Keyword) -> bool:
    """Whether it stands alone: what follows it is not read, so that ``lvs_flush no`` would mean on."""
    return keyword.convert is flag or (keyword.words == 1 and keyword.block is None)


def is_boolean(keyword: Keyword) -> bool:
    """Whether it takes yes and no."""
    return keyword.convert is boolean


@cache
def is_numeric(keyword: Keyword) -> bool:
    """Whether a number is what it takes, and no word is: a name that looks like a number stays a string."""
    convert = keyword.convert
    if convert is None or keyword.script or is_flag(keyword):
        return False
    if isinstance(convert, Number | Seconds):
        return True

    def takes(text: str) -> bool:
        problems: Problems = []
        assert convert is not None
        return not isinstance(convert(["", text], problems), Keep) and not problems

    return any(map(takes, _PROBES)) and not takes("x")


def number(text: str) -> int | float | None:
    """A number that is written so in every format; None: only the text itself is."""
    if _CANONICAL(text) is None:
        return None
    value = float(text) if "." in text else int(text)
    return value if repr(value) == text else None


def reserved(table: Table) -> frozenset[str]:
    """Keys of a block that are no keywords."""
    names = {*table.header, *table.marked, table.ordered, WORDS, LINES}
    return frozenset(names - {""} | (set() if table.name else {SCHEMA}))
