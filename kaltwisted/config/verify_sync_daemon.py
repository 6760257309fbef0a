"""Whom the IPVS sync daemon follows: as ``global_defs`` say, or the older way as an instance does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from kaltwisted.config.model import GlobalDefs, LvsSyncDaemon, VrrpInstance
from kaltwisted.config.verify_report import error

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader


def verify_sync_daemon(
    defs: GlobalDefs, instances: tuple[VrrpInstance, ...], reader: Reader
) -> tuple[GlobalDefs, tuple[VrrpInstance, ...]]:
    """The settings with the one sync daemon there can be, and instances that say nothing else.

    ``lvs_sync_daemon`` counts wherever it stands, else the first ``lvs_sync_daemon_interface``.
    """
    sync = _named(defs, instances, reader)
    kept = []
    for instance in instances:
        interface = instance.lvs_sync_daemon_interface
        if interface is not None and sync is None:
            # Not its VRID: keepalived 2.2.7 has 0 here, which as a backup takes what any master sends.
            sync = LvsSyncDaemon(interface, instance.name, sync_id=0)
        elif interface is not None and sync is not None:
            error(
                reader,
                instance,
                "lvs_sync_daemon_interface is left out: the IPVS sync daemon"
                f" follows {sync.instance} already, on {sync.interface}",
                log=f"({instance.name}) lvs_sync_daemon_interface has already been specified as"
                f" {sync.interface} - ignoring",
            )
            instance = attrs.evolve(instance, lvs_sync_daemon_interface=None)
        kept.append(instance)
    return attrs.evolve(defs, lvs_sync_daemon=sync), tuple(kept)


def _named(defs: GlobalDefs, instances: tuple[VrrpInstance, ...], reader: Reader) -> LvsSyncDaemon | None:
    """``lvs_sync_daemon`` with its sync id; None: there is none, or whom it should follow is not there."""
    sync = defs.lvs_sync_daemon
    if sync is None:
        return None
    sync_id = 0
    if sync.instance is not None:
        followed = next((each for each in instances if each.name == sync.instance), None)
        if followed is None:
            error(
                reader,
                defs,
                f"lvs_sync_daemon is left out: there is no vrrp_instance `{sync.instance}` to follow",
                log=f"Unable to find vrrp instance {sync.instance} for lvs_syncd - clearing lvs_syncd config",
            )
            return None
        sync_id = followed.virtual_router_id
    return sync if sync.sync_id is not None else attrs.evolve(sync, sync_id=sync_id)
