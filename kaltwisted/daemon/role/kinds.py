"""The kinds of roles.  What a role is made of is imported when one is made: none imports another's."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from kaltwisted.config.model import Configuration
from kaltwisted.daemon.role import capabilities
from kaltwisted.daemon.role.facts import Learn
from kaltwisted.daemon.role.seam import MISSING_PERMISSION, IRole, RoleError, RoleKind, Tell
from kaltwisted.daemon.settings import Settings
from kaltwisted.ports import (
    BFD_SESSION,
    CHECKS_PAUSED,
    ELECTION_OF_GROUP,
    ELECTION_OF_INSTANCE,
    SERVICE_OF_SERVER,
    VIRTUAL_SERVER,
    WEIGHT_OF_SERVER,
    Note,
)


def _checkers(
    settings: Settings, configuration: Configuration, reactor: Any, publish: Learn, fifo: Tell, note: Note
) -> IRole:
    from kaltwisted.daemon.role.checker import CheckerRole
    from kaltwisted.daemon.role.planes import DataPlaneError

    try:
        return CheckerRole(
            configuration,
            reactor,
            data_plane=settings.data_plane,
            state_directory=Path(settings.directory),
            keep_ipvs=settings.keep_ipvs,
            fifo=fifo,
            note=note,
            publish=publish,
        )
    except DataPlaneError as error:
        raise RoleError(str(error)) from None


def _vrrp(
    settings: Settings, configuration: Configuration, reactor: Any, publish: Learn, fifo: Tell, note: Note
) -> IRole:
    from kaltwisted.daemon.role.vrrp import VrrpRole
    from kaltwisted.ports import WireError

    try:
        return VrrpRole(
            configuration,
            reactor,
            state_directory=Path(settings.directory) if settings.directory else None,
            keep_addresses=settings.keep_addresses,
            fifo=fifo,
            note=note,
            log_detail=settings.detail > 0,
        )
    except WireError as error:
        raise RoleError(str(error), MISSING_PERMISSION) from None


def _bfd(
    settings: Settings, configuration: Configuration, reactor: Any, publish: Learn, fifo: Tell, note: Note
) -> IRole:
    from kaltwisted.daemon.role.bfd import BfdRole

    return BfdRole(configuration, reactor, publish, note=note, log_detail=settings.detail > 0)


# Where timers are of ten milliseconds, nobody who asks may make one a millisecond late.
_SHORT_S = 0.0005

_STATICS = ("static_ipaddress", "static_routes", "static_rules")

CHECKERS: Final = RoleKind(
    "checkers",
    "Healthcheck",
    "Keepalived_healthcheckers",
    "checker",
    capabilities.CHECKER,
    ("virtual_servers",),
    frozenset({"virtual_servers", "virtual_server_groups", "track_files"}),
    _checkers,
    tells=frozenset({VIRTUAL_SERVER}),
    hears=frozenset({BFD_SESSION, SERVICE_OF_SERVER, WEIGHT_OF_SERVER, CHECKS_PAUSED}),
)
VRRP: Final = RoleKind(
    "vrrp",
    "VRRP",
    "Keepalived_vrrp",
    "vrrp",
    capabilities.VRRP,
    ("vrrp_instances", *_STATICS),
    frozenset(
        {
            "vrrp_scripts",
            "vrrp_instances",
            "vrrp_sync_groups",
            "vrrp_track_processes",
            "garp_groups",
            "interface_up_down_delays",
            "linkbeat_interfaces",
            "track_files",
            "track_groups",
            "bfd_instances",
            *_STATICS,
        }
    ),
    _vrrp,
    hears=frozenset({BFD_SESSION, VIRTUAL_SERVER, ELECTION_OF_INSTANCE, ELECTION_OF_GROUP}),
    report_slice_s=_SHORT_S,
)
BFD: Final = RoleKind(
    "bfd",
    "BFD",
    "Keepalived_bfd",
    "bfd",
    capabilities.BFD,
    ("bfd_instances",),
    frozenset({"bfd_instances"}),
    _bfd,
    tells=frozenset({BFD_SESSION}),
    report_slice_s=_SHORT_S,
)
KINDS: Final = {kind.name: kind for kind in (VRRP, CHECKERS, BFD)}
