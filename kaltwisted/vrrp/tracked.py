"""What is tracked, with all that is said elsewhere filled in: by the definition, and by the sync group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from kaltwisted.config.model import (
    BfdInstance,
    Configuration,
    RoutingItem,
    Tracked,
    TrackFile,
    VirtualIpAddress,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
    VrrpTrackProcess,
)
from kaltwisted.vrrp.track import Weighing

_FIELDS: Final = (
    "track_script",
    "track_interface",
    "track_process",
    "track_file",
    "track_virtual_server",
    "track_bfd",
)

_Definition = BfdInstance | VrrpTrackProcess | TrackFile
_Definitions = Mapping[str, BfdInstance] | Mapping[str, VrrpTrackProcess] | Mapping[str, TrackFile]


def with_all_tracked(configuration: Configuration) -> Configuration:
    """Instances track what their sync group tracks, too, each thing with its weight.

    keepalived: where both name a thing, the group's line counts, and so does its
    weight, ``sync_group_tracking_weight`` or not.  A script's own weight is not
    filled in here: who tracks it has its definition.
    """
    definitions: dict[str, _Definitions] = {
        "track_bfd": {each.name: each for each in configuration.bfd_instances},
        "track_process": {each.name: each for each in configuration.vrrp_track_processes},
        "track_file": {each.name: each for each in configuration.track_files},
    }
    groups: dict[str, VrrpSyncGroup] = {}
    for group in configuration.vrrp_sync_groups:
        for name in group.group:
            groups.setdefault(name, group)
    static = _needed_for_statics(configuration)
    instances = [
        _tracking(_with_interfaces(each, static.get(each.name, ())), groups.get(each.name), definitions)
        for each in configuration.vrrp_instances
    ]
    return attrs.evolve(configuration, vrrp_instances=tuple(instances))


def _needed_for_statics(configuration: Configuration) -> dict[str, tuple[str, ...]]:
    """To each instance of a ``track_group`` the interfaces of static items that name the group.

    Not of those with ``no_track``, as in keepalived.
    """
    devices: dict[str, dict[str, None]] = {}
    items: tuple[tuple[VirtualIpAddress | RoutingItem, Iterable[str | None]], ...] = (
        *((address, (address.dev,)) for address in configuration.static_ipaddress),
        *((route, sorted(route.devices)) for route in configuration.static_routes),
        *((rule, (rule.iif,)) for rule in configuration.static_rules),
    )
    for item, names in items:
        if item.track_group is not None and not item.no_track:
            devices.setdefault(item.track_group, {}).update(dict.fromkeys(filter(None, names)))
    found: dict[str, dict[str, None]] = {}
    for group in configuration.track_groups:
        for name in group.group:
            found.setdefault(name, {}).update(devices.get(group.name, {}))
    return {name: tuple(needed) for name, needed in found.items()}


def _with_interfaces(instance: VrrpInstance, names: tuple[str, ...]) -> VrrpInstance:
    known = {instance.interface, *(each.name for each in instance.track_interface)}
    more = tuple(Tracked(name) for name in names if name not in known)
    return attrs.evolve(instance, track_interface=instance.track_interface + more) if more else instance


def _tracking(
    instance: VrrpInstance, group: VrrpSyncGroup | None, definitions: Mapping[str, _Definitions]
) -> VrrpInstance:
    changed: dict[str, tuple[Tracked, ...]] = {}
    for field in _FIELDS:
        own: tuple[Tracked, ...] = getattr(instance, field)
        lines = {tracked.name: tracked for tracked in own}
        if group is not None:
            of_group: tuple[Tracked, ...] = getattr(group, field)
            lines.update({line.name: attrs.evolve(line, by_group=True) for line in of_group})
        known = definitions.get(field, {})
        tracked = tuple(_weighed(line, known.get(line.name)) for line in lines.values())
        if tracked != own:
            changed[field] = tracked
    return attrs.evolve(instance, **changed) if changed else instance  # type: ignore[arg-type]


def _weighed(line: Tracked, defined: _Definition | None) -> Tracked:
    """With the definition's weight and sense for what the line does not say."""
    if defined is None:
        return line
    weighing = Weighing.of(line, Weighing(defined.weight, defined.reverse))
    return attrs.evolve(line, weight=weighing.weight, reverse=weighing.reverse)


def tracked_scripts(configuration: Configuration) -> list[VrrpScript]:
    """The scripts that somebody tracks."""
    names = {each.name for config in configuration.vrrp_instances for each in config.track_script}
    return [each for each in configuration.vrrp_scripts if each.name in names]


def tracked_processes(configuration: Configuration) -> list[VrrpTrackProcess]:
    """The processes that somebody tracks."""
    names = {each.name for config in configuration.vrrp_instances for each in config.track_process}
    return [each for each in configuration.vrrp_track_processes if each.name in names]


def tracked_files(configuration: Configuration) -> list[TrackFile]:
    """The files that somebody tracks."""
    names = {each.name for config in configuration.vrrp_instances for each in config.track_file}
    return [each for each in configuration.track_files if each.name in names]
