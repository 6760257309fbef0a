"""``global_defs``: where the rules of ``no_accept`` stand."""

from __future__ import annotations

from typing import Final

from kaltwisted.config.keywords.convert import INT_MAX, Number, flag
from kaltwisted.config.keywords.table import KEEP, Again, Keep, Keyword, Problem, Problems
from kaltwisted.config.model import Nftables

# NFT_NAME_MAXLEN of the kernel, without the zero at its end.
LONGEST_NAME: Final = 255


def _table(words: list[str], problems: Problems) -> str | Keep:
    """``[NAME]``."""
    if len(words) < 2:
        return Nftables().table
    if not words[1] or len(words[1].encode("utf-8", "surrogateescape")) > LONGEST_NAME:
        problems.append(Problem("that cannot be the name of a table", expected=f"1 to {LONGEST_NAME} bytes"))
        return KEEP
    return words[1]


NFTABLES = {
    "nftables": Keyword(
        "table of the rules that drop packets to the addresses",
        "nftables",
        _table,
        again=Again.FIRST_WINS,
    ),
    "nftables_priority": Keyword(
        "priority of their chains", "nftables_priority", Number(-INT_MAX - 1, INT_MAX)
    ),
    "nftables_counters": Keyword("count what they drop", "nftables_counters", flag, words=1),
}
