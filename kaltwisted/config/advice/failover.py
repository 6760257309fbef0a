"""Advice on two directors: whether what one tracks can ever make the other master."""

from __future__ import annotations

from collections.abc import Iterator

from kaltwisted.config.advice.kinds import PEER_NOPREEMPT, PEER_WEIGHT
from kaltwisted.config.advice.routers import Member
from kaltwisted.config.advice.tracking import HIGHEST_PRIORITY, by_name, weightless, weights
from kaltwisted.config.findings import Finding
from kaltwisted.config.model_vrrp import OWNER_PRIORITY, VrrpSyncGroup
from kaltwisted.config.written import Spot

_NOT_COUNTED = frozenset(("track_file", "track_process", "track_bfd", "vrrp_track_process"))
"""What can change a priority too, and is not reckoned with here."""


def failovers(router: list[Member]) -> Iterator[tuple[Member, Finding]]:
    """The master-to-be tracks things with weights, and the backup takes over only from a lower priority.

    Equal is not lower (RFC 5798 §6.4.2).  Weights that hand over together, and
    not alone, may be meant so; nothing is said of them.
    """
    if len(router) < 2 or not all(map(_is_certain, router)):
        return
    master, *others = sorted(router, key=healthy, reverse=True)
    best, highest = others[0], healthy(others[0])
    if healthy(master) == highest:
        return
    found = _weights(master)
    if not found:
        return
    lowest = max(1, master.instance.priority + sum(weight for weight in found.values() if weight < 0))
    what = f"{' and '.join(found)} {'fails' if len(found) == 1 else 'fail'}"
    if lowest >= highest:
        finding = master.director.written.advise(
            PEER_WEIGHT,
            _spot(master),
            f"when {what}, {master} still has priority {lowest}, and {best} has {highest}: "
            "it does not take over",
            expected=f"weights that bring {lowest} below {highest}",
            related=best.related("the other one's priority", "priority"),
        )
        yield master, finding
    elif all(other.instance.nopreempt for other in others):
        finding = master.director.written.advise(
            PEER_NOPREEMPT,
            _spot(master),
            f"when {what}, the priority of {master} falls, but {best} has nopreempt "
            "and does not take over from a lower priority",
            expected="no nopreempt, or no weight, so that a failure is FAULT",
            related=best.related("nopreempt is here", "nopreempt"),
        )
        yield master, finding


def _is_certain(member: Member) -> bool:
    """Whether nothing else can change its priority than what is reckoned with."""
    blocks = member.director.written.blocks(member.instance.where)
    groups = member.director.configuration.vrrp_sync_groups
    if any(member.instance.name in group.group and _tracks(group) for group in groups):
        return False
    return not any(line.words[0] in _NOT_COUNTED for block in blocks for line in block.block or ())


def _tracks(group: VrrpSyncGroup) -> bool:
    return bool(
        group.track_script
        or group.track_interface
        or group.track_process
        or group.track_file
        or group.track_bfd
    )


def _weights(member: Member) -> dict[str, int]:
    """What can change its priority."""
    configuration = member.director.configuration
    if member.instance.name in weightless(configuration):
        return {}
    return weights(member.instance, by_name(configuration))


def healthy(member: Member) -> int:
    """Its priority with all that it tracks in order."""
    if member.instance.priority == OWNER_PRIORITY:
        return OWNER_PRIORITY
    lifted = sum(weight for weight in _weights(member).values() if weight > 0)
    return min(HIGHEST_PRIORITY, member.instance.priority + lifted)


def _spot(master: Member) -> Spot:
    where = master.instance.where
    block = "track_script" if master.instance.track_script else "track_interface"
    return master.director.written.keyword(block, where)
