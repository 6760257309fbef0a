"""What may stand outside all blocks."""

from __future__ import annotations

from functools import cache

from kaltwisted.config.keywords.bfd import BFD_INSTANCE
from kaltwisted.config.keywords.garp import GARP_GROUP
from kaltwisted.config.keywords.global_defs import GLOBAL_DEFS
from kaltwisted.config.keywords.known import known
from kaltwisted.config.keywords.links import LINKS
from kaltwisted.config.keywords.naming import AT_THE_TOP
from kaltwisted.config.keywords.ssl import SSL
from kaltwisted.config.keywords.table import Keyword, Table, tables
from kaltwisted.config.keywords.track import VRRP_SCRIPT, VRRP_TRACK_FILE, VRRP_TRACK_PROCESS
from kaltwisted.config.keywords.virtual_server import VIRTUAL_SERVER
from kaltwisted.config.keywords.vrrp import (
    STATIC_IPADDRESS,
    STATIC_ROUTES,
    STATIC_RULES,
    TRACK_GROUP,
    VRRP_INSTANCE,
    VRRP_SYNC_GROUP,
)

VIRTUAL_SERVER_GROUP = Table(
    "virtual_server_group", values=True, options=("fwmark", "inet", "inet6"), header=("name",)
)

_instance = Keyword("one virtual router", block=VRRP_INSTANCE, exact=True, takes="NAME")
_sync_group = Keyword("instances that change state together", block=VRRP_SYNC_GROUP, exact=True, takes="NAME")

TOP = Table(
    "",
    {
        "global_defs": Keyword("settings of the whole daemon", block=GLOBAL_DEFS, words=1),
        "virtual_server": Keyword(
            "a load-balanced service", block=VIRTUAL_SERVER, words=None, takes="IP PORT"
        ),
        "virtual_server_group": Keyword(
            "addresses and marks that are served as one",
            block=VIRTUAL_SERVER_GROUP,
            takes="NAME",
        ),
        "vrrp_instance": _instance,
        "vrrp_script": Keyword(
            "a command run again and again, for track_script", block=VRRP_SCRIPT, takes="NAME"
        ),
        "vrrp_sync_group": _sync_group,
        "vrrp_track_process": Keyword(
            "processes that must run, for track_process",
            block=VRRP_TRACK_PROCESS,
            takes="NAME",
        ),
        "track_file": Keyword("a file whose number is tracked", block=VRRP_TRACK_FILE, takes="NAME"),
        "vrrp_track_file": Keyword("the old word for track_file", block=VRRP_TRACK_FILE, today="track_file"),
        "vrrip_instance": Keyword("a slip of the guide", block=VRRP_INSTANCE, today="vrrp_instance"),
        "vrrip_sync_group": Keyword("a slip of the guide", block=VRRP_SYNC_GROUP, today="vrrp_sync_group"),
        "bfd_instance": Keyword("a BFD session with a neighbour", block=BFD_INSTANCE),
        "garp_group": Keyword("the pace of announcements on interfaces", block=GARP_GROUP, words=1),
        "track_group": Keyword(
            "instances that are in FAULT while the interface of a static item that names it is down",
            block=TRACK_GROUP,
            exact=True,
            takes="NAME",
        ),
        "SSL": Keyword("client certificate and trust roots of all SSL_GET checks", block=SSL, words=1),
        "static_ipaddress": Keyword("addresses from start to stop", block=STATIC_IPADDRESS, words=1),
        "static_routes": Keyword("routes from start to stop", block=STATIC_ROUTES, words=1),
        "static_rules": Keyword("policy rules from start to stop", block=STATIC_RULES, words=1),
        **AT_THE_TOP,
        **LINKS,
        **known(""),
    },
)


@cache
def homes() -> dict[str, tuple[str, ...]]:
    """Keyword to the blocks where it may stand ("" for top level), for "that is valid in …"."""
    found: dict[str, list[str]] = {}
    for table in tables(TOP):
        for name, keyword in table.keywords.items():
            if keyword.today is None:
                found.setdefault(name, []).append(table.name)
    return {name: tuple(names) for name, names in found.items()}


@cache
def spellings() -> dict[str, str]:
    """Other ways to write a keyword, and the keyword of today: ``lvs_id`` is ``router_id``."""
    found: dict[str, str] = {}
    for table in tables(TOP):
        found.update(table.misprints)
        found.update((name, keyword.today) for name, keyword in table.keywords.items() if keyword.today)
    return found
