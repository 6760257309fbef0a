"""``garp_group`` to the model, and the rules about all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from kaltwisted.config.drafts import GarpGroupDraft
from kaltwisted.config.keywords.garp import GARP_GROUP
from kaltwisted.config.model import GarpGroup
from kaltwisted.config.reader import says
from kaltwisted.config.verify_report import error

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement


def garp_group(reader: Reader, statement: Statement) -> GarpGroup:
    """One ``garp_group``."""
    draft = reader.read(statement.block or [], GARP_GROUP, GarpGroupDraft())
    blocks = [inner for _, inner in draft.blocks]
    shared = [word for inner in blocks for line in inner.block or () for word in line.words]
    # What is wrong with a pace has been told of.
    paced = says(statement, "garp_interval", "gna_interval")
    return GarpGroup(
        draft.interface,
        tuple(shared),
        (draft.garp_interval_us or 0) if paced else None,
        (draft.gna_interval_us or 0) if paced else None,
        where=reader.source.where(statement),
    )


def verify_garp_groups(groups: tuple[GarpGroup, ...], reader: Reader) -> tuple[GarpGroup, ...]:
    """Each interface has one pace: that of the first group that names it."""
    taken: dict[str, GarpGroup] = {}
    kept = []
    for number, group in enumerate(groups):
        own: dict[str, list[str]] = {"interfaces": [], "shared": []}
        for field, names in own.items():
            for name in getattr(group, field):
                if name not in taken:
                    taken[name] = group
                    names.append(name)
                elif taken[name] is not group:
                    message = f"interface `{name}` stands in a second garp_group: the first one counts"
                    log = f"garp_group already specified for {name} - ignoring"
                    error(reader, group, message, taken[name], log=log)
        kept.append(attrs.evolve(group, interfaces=tuple(own["interfaces"]), shared=tuple(own["shared"])))
        if group.garp_interval_us is None and group.gna_interval_us is None:
            error(
                reader,
                group,
                "this garp_group has neither garp_interval nor gna_interval: its interfaces have no pace",
                expected="garp_interval SECONDS or gna_interval SECONDS",
                log=f"garp group {number} does not have any delay set - removing",
            )
    return tuple(group for group in kept if group.names)
