"""Rules of BFD across places: names and neighbours, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaltwisted.config.model import Address, BfdInstance
from kaltwisted.config.verify_report import error

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader


def verify_bfd_instances(sessions: tuple[BfdInstance, ...], reader: Reader) -> tuple[BfdInstance, ...]:
    """Sessions by name and by what they connect, each once."""
    names: dict[str, BfdInstance] = {}
    paths: dict[tuple[Address, Address | None, bool], BfdInstance] = {}
    for session in sessions:
        name = session.name
        first = names.get(name)
        if first is not None:
            message = f"bfd_instance `{name}` stands here a second time and is left out"
            error(reader, session, message, first, log=f"BFD {name} already specified")
            continue
        other = paths.setdefault((session.neighbor, session.source, session.multihop), session)
        if other is not session:
            source = "" if session.source is None else f" from {session.source}"
            message = f"`{other.name}` has neighbour {session.neighbor}{source} already: `{name}` is left out"
            error(
                reader,
                session,
                message,
                other,
                log=f"Configuration error: BFD instance {name} has duplicate neighbor address"
                f" {session.neighbor}, ignoring instance",
            )
            continue
        names[name] = session
    return tuple(names.values())
