"""What is tracked, with all that is said elsewhere filled in: by the definition, and by the sync group."""

from __future__ import annotations

import attrs

from kaltwisted.config.model import BfdInstance, Configuration, Tracked


def with_all_tracked(configuration: Configuration) -> Configuration:
    """Instances track what their sync group tracks, too, each thing with its weight.

    keepalived: where both name a thing, the group's line counts.
    """
    sessions = {session.name: session for session in configuration.bfd_instances}
    of_groups: dict[str, tuple[Tracked, ...]] = {}
    for group in configuration.vrrp_sync_groups:
        for name in group.group:
            of_groups.setdefault(name, group.track_bfd)
    instances = []
    for instance in configuration.vrrp_instances:
        lines = {tracked.name: tracked for tracked in instance.track_bfd}
        lines.update({tracked.name: tracked for tracked in of_groups.get(instance.name, ())})
        tracked = tuple(_weighed(line, sessions.get(line.name)) for line in lines.values())
        instances.append(
            instance if tracked == instance.track_bfd else attrs.evolve(instance, track_bfd=tracked)
        )
    return attrs.evolve(configuration, vrrp_instances=tuple(instances))


def _weighed(line: Tracked, session: BfdInstance | None) -> Tracked:
    """The line's own weight and sense, or else the definition's."""
    if line.weight is not None or session is None:
        return line
    reverse = session.reverse if line.reverse is None else line.reverse
    return Tracked(line.name, session.weight, reverse)
