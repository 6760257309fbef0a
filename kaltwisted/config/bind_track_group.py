"""``track_group`` to the model: instances that static items concern."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import attrs

from kaltwisted.config.drafts import Draft
from kaltwisted.config.findings import Severity
from kaltwisted.config.keywords.vrrp import (
    GROUP,
    STATIC_IPADDRESS,
    STATIC_ROUTES,
    STATIC_RULES,
    TRACK_GROUP,
)
from kaltwisted.config.model import TrackGroup, VrrpInstance
from kaltwisted.config.option_words import STATIC_OPTION
from kaltwisted.config.reader import nameless
from kaltwisted.config.verify_report import error

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

_ITEMS = {STATIC_IPADDRESS.name: "address", STATIC_ROUTES.name: "route", STATIC_RULES.name: "rule"}


def track_group(reader: Reader, statement: Statement) -> TrackGroup | None:
    """One ``track_group``; None when it has no name."""
    if len(statement.words) < 2:
        nameless(reader, statement)
        return None
    name = statement.words[1]
    draft = reader.read(statement.block or [], TRACK_GROUP, Draft())
    members: dict[str, None] = {}
    for keyword, inner in draft.blocks:
        assert keyword.block is GROUP
        if not inner.block:
            log = f"Warning - track group {name} has empty group block"
            reader.error(inner, f"track_group `{name}` has no members", expected="instances", log=log)
        members |= dict.fromkeys(word for line in inner.block or () for word in line.words)
    return TrackGroup(name, tuple(members), where=reader.source.where(statement))


def tell_of_items(reader: Reader, blocks: Iterable[Statement], groups: Collection[str]) -> None:
    """Lines of static items that name a group there is not, or one in vain."""
    for block, line in ((each, line) for each in blocks for line in each.block or ()):
        for index, word in enumerate(line.words[:-1], 1):
            if word != STATIC_OPTION:
                continue
            name = line.words[index]
            if name not in groups:
                message = f"there is no track_group `{name}`: nobody is concerned"
                log = f"track_group {name} not found"
                reader.error(line, message, word=index, expected="a track_group with this name", log=log)
            if "no_track" in line.words:
                kind = _ITEMS[block.words[0]]
                message = f"with no_track the track_group `{name}` is not concerned"
                log = f"Static {kind} has both track_group and no_track set - not tracking"
                reader.report(Severity.WARNING, line, message, word=index, log=log)


def verify_track_groups(
    groups: tuple[TrackGroup, ...], instances: tuple[VrrpInstance, ...], reader: Reader
) -> tuple[TrackGroup, ...]:
    """Groups by name, the first of two; members that there are."""
    names: dict[str, TrackGroup] = {}
    there = {each.name for each in instances}
    for group in groups:
        first = names.setdefault(group.name, group)
        if first is not group:
            message = f"track_group `{group.name}` stands here a second time: the first one counts"
            error(reader, group, message, first, log=f"track_group {group.name} already defined")
            continue
        for name in group.group:
            if name not in there:
                message = f"track_group `{group.name}`: there is no instance `{name}`, it is left out"
                error(reader, group, message, expected="names of vrrp_instance blocks")
        kept = tuple(name for name in group.group if name in there)
        names[group.name] = attrs.evolve(group, group=kept)
    return tuple(names.values())
