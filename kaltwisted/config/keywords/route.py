"""The words of a line of ``virtual_routes``, which are iproute2's.

What is not read yet is known by its name and by how many words it takes, so
that the rest of its line is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs

from kaltwisted.config.keywords.convert import (
    MOST_DIGITS,
    IpAddress,
    Number,
    Word,
    flag,
)
from kaltwisted.config.keywords.table import KEEP, Converter, Keep, Problem, Problems

TYPES: Final = frozenset(
    ("unicast", "local", "broadcast", "multicast", "throw", "unreachable", "prohibit", "blackhole", "nat")
)
# ``default`` in other words, and whether IPv6 is meant.
DEFAULTS: Final[Mapping[str, bool | None]] = {"default": None, "default6": True, "all": None, "any": None}
_MOST_TABLE = 2**32 - 1
_C_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")


@attrs.frozen
class Option:
    """One word of a route.

    ``convert`` reads it and its value (None: it is only known) into ``field``.
    ``values``: how many words belong to it; None: all that follow.  ``before``:
    words that may stand in front of its value and mean nothing to us.
    ``today``: it is accepted with a warning that says this.
    """

    doc: str
    field: str = ""
    convert: Converter | None = None
    values: int | None = 1
    before: frozenset[str] = frozenset()
    today: str | None = None


_FAMILIES = frozenset(("inet", "inet6"))
_LOCK = frozenset(("lock",))
_address = IpAddress()


def _table(words: list[str], problems: Problems) -> int | str | Keep:
    """A number in C's notation, or a name."""
    text = words[1]
    if not text[:1].isdigit():
        return text
    if _C_NUMBER.fullmatch(text) and len(text) <= MOST_DIGITS:
        octal = text.startswith("0") and text.isdecimal()
        try:
            number = int(text, 8 if octal else 0)
        except ValueError:
            number = _MOST_TABLE + 1
        if number <= _MOST_TABLE:
            return number
    expected = f"a number from 0 to {_MOST_TABLE}, or a name of rt_tables"
    problems.append(Problem(f"`{text}` is no routing table", expected=expected))
    return KEEP


def _metric(doc: str) -> Option:
    return Option(doc, "metric", Number())


def _known(values: int | None = 1, lock: bool = False) -> Option:
    return Option("", values=values, before=_LOCK if lock else frozenset())


OPTIONS: Final[Mapping[str, Option]] = {
    "src": Option("source address that is preferred", "src", _address),
    "via": Option("gateway", "via", _address, before=_FAMILIES),
    "gw": Option("the old word for via", "via", _address, today="via"),
    "dev": Option("outgoing interface", "dev", Word("an interface")),
    "oif": Option("another word for dev", "dev", Word("an interface")),
    "table": Option("routing table, by number or name", "table", _table),
    "metric": _metric("the lowest is preferred"),
    "priority": _metric("another word for metric"),
    "preference": _metric("another word for metric"),
    "no_track": Option("it may be taken away by others", "no_track", flag, values=0),
    **{name: _known(0) for name in ("inet", "inet6", "onlink", "add", "prepend", "append")},
    **{
        name: _known()
        for name in (
            *("from", "tos", "dsfield", "protocol", "scope", "expires", "hoplimit", "window", "realms"),
            *("initcwnd", "initrwnd", "features", "quickack", "pref", "ttl-propagate", "fastopen_no_cookie"),
            *("or", "track_group", "vrf"),
        )
    },
    **{
        name: _known(lock=True)
        for name in (
            *("mtu", "advmss", "rtt", "rttvar", "reordering", "cwnd", "ssthresh", "rto_min", "congctl"),
        )
    },
    "as": Option("", before=frozenset(("to",))),
    **{name: _known(None) for name in ("encap", "nexthop")},
}
