"""What ``track_virtual_server`` names has to be a virtual server that is served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

import attrs

from kaltwisted.config.bind_track import ANY_PROTOCOL
from kaltwisted.config.model import (
    FirewallMark,
    Protocol,
    ServerGroup,
    Tracked,
    VirtualAddress,
    VirtualServer,
    VrrpInstance,
    VrrpSyncGroup,
)
from kaltwisted.config.verify_report import error

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader

MOST_SHOWN = 3
"""Virtual servers that a finding names."""

Owner = TypeVar("Owner", VrrpInstance, VrrpSyncGroup)


def verify_tracked_services(
    owners: tuple[Owner, ...],
    services: Iterable[VirtualServer],
    reader: Reader,
) -> tuple[Owner, ...]:
    """Instances or groups with the names of virtual servers as these have them.

    A protocol that is not said is that of the only one there; of several TCP, then UDP.
    """
    if not any(owner.track_virtual_server for owner in owners):
        return owners
    there = {each.fact_name: each for each in services}
    return tuple(_verify(owner, there, reader) for owner in owners)


def _verify(owner: Owner, there: Mapping[str, VirtualServer], reader: Reader) -> Owner:
    if not owner.track_virtual_server:
        return owner
    found: dict[str, Tracked] = {}
    for tracked in owner.track_virtual_server:
        name = next((each for each in _spellings(tracked.name) if each in there), None)
        if name is None:
            error(
                reader,
                owner,
                f"`{owner.name}` tracks virtual server {tracked.name}, which is no virtual_server here:"
                " it is left out",
                expected=_expected(there),
            )
        elif name in found:
            error(reader, owner, f"`{owner.name}` tracks virtual server {name} twice: the first one counts")
        else:
            found[name] = attrs.evolve(tracked, name=name)
    return attrs.evolve(owner, track_virtual_server=tuple(found.values()))


def _spellings(name: str) -> list[str]:
    if name.startswith("FWM "):
        return [name, f"{name} inet6"]
    protocols = Protocol.TCP, Protocol.UDP, Protocol.SCTP
    middle = f":{ANY_PROTOCOL}:"
    return [name.replace(middle, f":{each}:") for each in protocols] if middle in name else [name]


def _expected(there: Mapping[str, VirtualServer]) -> str:
    some = [_line(each) for each in there.values()][:MOST_SHOWN]
    return f"one such as {', '.join(some)}" if some else "a virtual_server in this configuration"


def _line(service: VirtualServer) -> str:
    """How a line names it."""
    match service.listen:
        case VirtualAddress(address, port):
            return f"{address} {port} {service.protocol}"
        case FirewallMark(mark, ipv6):
            return f"fwmark {mark}{' inet6' if ipv6 else ''}"
        case ServerGroup(name):
            return f"group {name} {service.protocol}"
