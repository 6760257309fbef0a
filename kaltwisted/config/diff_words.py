"""What differs between two configurations, in words: for the log of a reload, and before one is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from kaltwisted.config.diff import (
    Changed,
    Changes,
    Part,
    compare_real_servers,
    differing,
    predecessors,
    same_but_timing,
)
from kaltwisted.config.model import (
    SECOND_US,
    ApiListen,
    ForwardingMethod,
    LvsSyncDaemon,
    LvsTimeouts,
    Public,
    RealServer,
    Script,
    SmtpServer,
    SorryServer,
    Tracked,
    VirtualIpAddress,
    VirtualServer,
)
from kaltwisted.config.model_checks import kind

AT_THE_NEXT_START: Final = frozenset(("lvs_flush", "startup_script", "startup_script_timeout", "use_pid_dir"))
"""Settings of ``global_defs`` that a reload does not carry out."""

_OUTSIDE_BLOCKS: Final = frozenset(("instance", "use_pid_dir"))

MOST_MEMBERS = 8
"""Addresses, members and the like that one line names."""


def words(changes: Changes) -> Iterator[str]:
    """One line for each change; passwords do not show."""
    for change in changes.global_defs:
        (name, before), (_, after) = change.old, change.new
        prefix = _PREFIXES.get(name)
        inner = [("", before, after)] if prefix is None else differing(before, after)
        for keyword, was, is_now in inner:
            line = _turn(name if prefix is None else prefix + keyword, was, is_now)
            later = ", at the next start" if line.partition(" ")[0] in AT_THE_NEXT_START else ""
            yield f"{'' if name in _OUTSIDE_BLOCKS else 'global_defs: '}{line}{later}"
    yield from _virtual_server_words(changes.virtual_servers)
    yield from _named_words("virtual_server_group", changes.virtual_server_groups)
    yield from _named_words("vrrp_script", changes.vrrp_scripts)
    yield from _named_words("vrrp_sync_group", changes.vrrp_sync_groups)
    yield from _named_words("vrrp_instance", changes.vrrp_instances)
    yield from _named_words("vrrp_track_process", changes.vrrp_track_processes)
    yield from _named_words("track_file", changes.track_files)
    yield from _named_words("bfd_instance", changes.bfd_instances)
    for what, addresses in (
        ("removed", changes.static_ipaddress.removed),
        ("added", changes.static_ipaddress.added),
    ):
        for address in addresses:
            yield f"static_ipaddress {_member(address)} {what}"
    yield from _named_words("track_group", changes.track_groups)
    yield from (f"garp_group {each} removed" for each in changes.garp_groups.removed)
    yield from (f"garp_group {each} added" for each in changes.garp_groups.added)
    yield from _named_words("interface_up_down_delays", changes.interface_up_down_delays)
    yield from _named_words("linkbeat_interfaces", changes.linkbeat_interfaces)
    for block, part in (("static_routes", changes.static_routes), ("static_rules", changes.static_rules)):
        yield from (f"{block}: {each} removed" for each in part.removed)
        yield from (f"{block}: {each} added" for each in part.added)


_UNITS: Final = {"_us": SECOND_US, "_s": 1}
# Settings that are values of their own here, and in the file keywords that begin so.
_PREFIXES: Final = {
    "vrrp": "vrrp_",
    "rx_bufs": "vrrp_rx_bufs_",
    "vrrp_process": "vrrp_",
    "checker_process": "checker_",
    "bfd_process": "bfd_",
    "api": "api_",
    "ssl": "SSL ",
}


def _virtual_server_words(part: Part[VirtualServer]) -> Iterator[str]:
    for server in part.removed:
        yield f"virtual_server {server} removed"
    for server in part.added:
        yield f"virtual_server {server} added, {len(server.real_servers)} real servers"
    for change in part.changed:
        # What is in a group, the group's line tells.
        for name, before, after in differing(change.old, change.new, but=("listen", "real_servers")):
            yield f"virtual_server {change.new}: {_turn(name, before, after)}"
        yield from _real_server_words(change)


def _real_server_words(change: Changed[VirtualServer]) -> Iterator[str]:
    part = compare_real_servers(change.old, change.new)
    where = f"of VS {change.new}"
    protocol = change.new.protocol
    for server in part.removed:
        yield f"real_server {server.format(protocol)} {where} removed"
    for server in part.added:
        yield f"real_server {server.format(protocol)} {where} added"
    for each in part.changed:
        for name, before, after in differing(each.old, each.new, but=("checks",)):
            yield f"real_server {each.new.format(protocol)} {where}: {_turn(name, before, after)}"
        for line in _check_words(each):
            yield f"real_server {each.new.format(protocol)} {where}: {line}"


def _check_words(change: Changed[RealServer]) -> Iterator[str]:
    old, new = change.old.checks, change.new.checks
    found = predecessors(old, new)
    for index in range(len(old)):
        if index not in found:
            yield f"{kind(old[index])} removed"
    for check, origin in zip(new, found, strict=True):
        if origin is None:
            yield f"{kind(check)} added"
            continue
        for name, before, after in differing(old[origin], check):
            # Timing and connection are values of their own here, and keywords of the block in the file.
            inner = differing(before, after) if name in ("timing", "connection") else [(name, before, after)]
            for keyword, was, is_now in inner:
                yield f"{kind(check)} {_turn(keyword, was, is_now)}"
        if not same_but_timing(old[origin], check):
            yield f"{kind(check)} begins anew, as up or down as it was"


def _named_words(block: str, part: Part[Any]) -> Iterator[str]:
    for each in part.removed:
        yield f"{block} {each.name} removed"
    for each in part.added:
        yield f"{block} {each.name} added"
    for change in part.changed:
        for name, before, after in differing(change.old, change.new):
            # Scripts by the keyword that they are for.
            by_keyword = isinstance(before, Mapping) and isinstance(after, Mapping)
            for keyword in sorted({*before, *after}) if by_keyword else [name]:
                was, is_now = (before.get(keyword), after.get(keyword)) if by_keyword else (before, after)
                if was != is_now:
                    yield f"{block} {change.new.name}: {_turn(keyword, was, is_now)}"


def _turn(name: str, before: Any, after: Any) -> str:
    unit = next((each for each in _UNITS if name.endswith(each)), "")
    what = name.removesuffix(unit)
    if (members := _members(before, after)) is not None:
        return f"{what} {members}"
    texts = [_text(each, _UNITS.get(unit, 1)) for each in (before, after)]
    if name == "umask":
        texts = ["none" if each is None else f"0{each:03o}" for each in (before, after)]
    return f"{what} changed" if None in texts else f"{what} {texts[0]} -> {texts[1]}"


def _members(before: Any, after: Any) -> str | None:
    """What is in one list and not in the other; None: that is not the way to tell it."""
    if not isinstance(before, tuple) or not isinstance(after, tuple):
        return None
    texts = {each: _member(each) for each in (*before, *after)}
    if None in texts.values():
        return None
    parts = [
        f"{', '.join(f'{texts[each]}' for each in some[:MOST_MEMBERS])}"
        f"{f' and {len(some) - MOST_MEMBERS} more' if len(some) > MOST_MEMBERS else ''} {what}"
        for some, what in (
            ([each for each in before if each not in after], "removed"),
            ([each for each in after if each not in before], "added"),
        )
        if some
    ]
    return ", ".join(parts) or "in another order"


def _member(value: object) -> str | None:
    match value:
        case Tracked():
            return value.name if value.weight is None else f"{value.name} weight {value.weight}"
        case str() | IPv4Address() | IPv6Address() | ApiListen() | VirtualIpAddress():
            return str(value)
        case Public():
            return value.value
    return None


def _text(value: object, scale: int) -> str | None:
    """A value as keepalived.conf has it, None when it is too much for a line or must not be shown."""
    match value:
        case None | ():
            return "none"
        case (int(), *_) as numbers:
            return " ".join(map(str, numbers))
        case (str(user), None | str() as group):
            return " ".join(filter(None, (user, group)))
        case bool():
            return "on" if value else "off"
        case int():
            return f"{value / scale:g}" if scale > 1 else str(value)
        case SorryServer():
            return f"{value.address} {value.port}"
        case SmtpServer():
            return f"{value.host} {value.port}"
        case str() | Enum() | Script() | ForwardingMethod() | IPv4Address() | IPv6Address():
            return str(value)
        case LvsSyncDaemon() | LvsTimeouts():
            return str(value)
    return None
