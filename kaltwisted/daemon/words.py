"""The words of a command line in the order that twisted.python.usage wants them."""

from __future__ import annotations

import getopt
from collections.abc import Sequence


def in_any_order(words: Sequence[str], short: str, long: Sequence[str]) -> list[str]:
    """Flags in front, though they follow other words, as C's getopt_long takes them.

    Words that getopt cannot read stay as they are, for ``usage.Options`` to report.
    """
    try:
        flags, extra = getopt.gnu_getopt(list(words), short, list(long))
    except getopt.error:
        return list(words)
    ordered: list[str] = []
    for flag, value in flags:
        if flag.startswith("--"):
            ordered.append(f"{flag}={value}" if f"{flag[2:]}=" in long else flag)
        else:
            # A value may be empty, and then the word behind it must not become the value.
            ordered += [flag, value] if f"{flag[1:]}:" in short else [flag]
    return [*ordered, "--", *extra]
