"""What may stand outside all blocks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from kaltwisted.config.keywords.global_defs import GLOBAL_DEFS
from kaltwisted.config.keywords.known import later
from kaltwisted.config.keywords.table import Keyword, Table
from kaltwisted.config.keywords.virtual_server import VIRTUAL_SERVER
from kaltwisted.config.keywords.vrrp import VRRP_INSTANCE, VRRP_SYNC_GROUP

_instance = Keyword("one virtual router", block=VRRP_INSTANCE)
_sync_group = Keyword("instances that change state together", block=VRRP_SYNC_GROUP)

TOP = Table(
    "",
    {
        "global_defs": Keyword("settings of the whole daemon", block=GLOBAL_DEFS, words=1),
        "virtual_server": Keyword("a load-balanced service", block=VIRTUAL_SERVER, words=3),
        "vrrp_instance": _instance,
        "vrrp_sync_group": _sync_group,
        "vrrip_instance": Keyword("a slip of the guide", block=VRRP_INSTANCE, today="vrrp_instance"),
        "vrrip_sync_group": Keyword("a slip of the guide", block=VRRP_SYNC_GROUP, today="vrrp_sync_group"),
        **later(""),
    },
)


def tables(table: Table = TOP) -> Iterator[Table]:
    """All tables, each once, outer ones first."""
    seen: list[Table] = []
    waiting = [table]
    while waiting:
        table = waiting.pop(0)
        if table not in seen:
            seen.append(table)
            yield table
            waiting.extend(keyword.block for keyword in table.keywords.values() if keyword.block is not None)


@cache
def homes() -> dict[str, tuple[str, ...]]:
    """Keyword to the blocks where it may stand ("" for top level), for "that is valid in …"."""
    found: dict[str, list[str]] = {}
    for table in tables():
        for name, keyword in table.keywords.items():
            if keyword.today is None:
                found.setdefault(name, []).append(table.name)
    return {name: tuple(names) for name, names in found.items()}
