"""Rules of what an instance tracks: of an owner, and in a sync group, weights do not count.

keepalived leaves such weights out, each with a line of its own.  So do we
where they are tracked (``vrrp.track``); here it is only told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import attrs

from kaltwisted.config.model import VrrpInstance, VrrpScript, VrrpSyncGroup
from kaltwisted.config.model_vrrp import OWNER_PRIORITY
from kaltwisted.config.verify_report import error

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader


class _Idle(NamedTuple):
    """A weight that does not count: what has it, why it does not, and keepalived's words."""

    what: str
    why: str
    log: str


def verify_tracking(
    instances: tuple[VrrpInstance, ...],
    scripts: tuple[VrrpScript, ...],
    groups: tuple[VrrpSyncGroup, ...],
    reader: Reader,
) -> tuple[VrrpInstance, ...]:
    """Instances without their own interface in ``track_interface``; weights that do not count are told."""
    weights = {script.name: script.weight for script in scripts}
    together = {
        name: group.name for group in groups if not group.sync_group_tracking_weight for name in group.group
    }
    found = []
    for instance in instances:
        for idle in _idle(instance, weights, together.get(instance.name)):
            error(
                reader,
                instance,
                f"the weight of {idle.what} in `{instance.name}` does not count: {idle.why}",
                expected="no weight: then a failure is FAULT",
                log=f"({instance.name}) {idle.log}",
            )
        found.append(_without_own(instance, reader))
    return tuple(found)


def _idle(instance: VrrpInstance, weights: dict[str, int], group: str | None) -> Iterator[_Idle]:
    owner = instance.priority == OWNER_PRIORITY
    if not owner and group is None:
        return
    why = f"`{group}` has no sync_group_tracking_weight"
    if owner:
        why = "priority 255, the address owner's, never changes"
    for script in instance.track_script:
        if weights.get(script.name, 0) if script.weight is None else script.weight:
            log = f"ignoring tracked script {script.name} with weights due to "
            yield _Idle(f"script {script.name}", why, log + ("address_owner" if owner else "SYNC group"))
    for tracked in instance.track_virtual_server:
        if tracked.weight:
            log = f"ignoring tracked virtual server {tracked.name} with weight {tracked.weight} due to "
            log += "address owner" if owner else "SYNC group"
            yield _Idle(f"virtual server {tracked.name}", why, log)
    for tracked in instance.track_interface:
        if tracked.weight and tracked.name != instance.interface:
            log = f"ignoring {tracked.name} tracked interface "
            log += "due to address owner" if owner else "weight due to SYNC group"
            yield _Idle(f"interface {tracked.name}", why, log)


def _without_own(instance: VrrpInstance, reader: Reader) -> VrrpInstance:
    kept = tuple(each for each in instance.track_interface if each.name != instance.interface)
    if len(kept) == len(instance.track_interface):
        return instance
    error(
        reader,
        instance,
        f"`{instance.name}` need not track {instance.interface}, its own interface: it is left out",
        expected="`dont_track_primary`, or nothing",
        log=f"({instance.name}) Ignoring track_interface {instance.interface} since own interface",
    )
    return attrs.evolve(instance, track_interface=kept)
