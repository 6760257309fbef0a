"""Rules that look at more than one place: duplicates, names that must exist, values that must agree.

Each takes the bound configuration and gives back the one that can run, with a
finding for whatever it changed; what keepalived corrects is corrected alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from kaltwisted.config.bind_garp import verify_garp_groups
from kaltwisted.config.bind_links import verify_link_delays, verify_linkbeat
from kaltwisted.config.bind_track_group import verify_track_groups
from kaltwisted.config.verify_bfd import verify_bfd_instances
from kaltwisted.config.verify_checks import verify_checks
from kaltwisted.config.verify_group import verify_group_services, verify_server_groups
from kaltwisted.config.verify_lvs import verify_virtual_servers
from kaltwisted.config.verify_sync_daemon import verify_sync_daemon
from kaltwisted.config.verify_tracked_services import verify_tracked_services
from kaltwisted.config.verify_tracking import verify_tracking
from kaltwisted.config.verify_vrrp import trackable, verify_instances, verify_sync_groups, verify_tracked

if TYPE_CHECKING:
    from kaltwisted.config.model import Configuration
    from kaltwisted.config.reader import Reader


def verify(configuration: Configuration, reader: Reader) -> Configuration:
    """The configuration as it will run."""
    scripts = verify_tracked("vrrp_script", configuration.vrrp_scripts, reader)
    processes = verify_tracked("vrrp_track_process", configuration.vrrp_track_processes, reader)
    files = verify_tracked("track_file", configuration.track_files, reader)
    sessions = verify_bfd_instances(configuration.bfd_instances, reader)
    there = trackable(scripts, processes, files, sessions)
    server_groups = verify_server_groups(configuration.virtual_server_groups, reader)
    instances = verify_instances(configuration.vrrp_instances, there, reader)
    services = verify_group_services(configuration.virtual_servers, server_groups, reader)
    services = verify_virtual_servers(services, reader)
    services = verify_checks(services, sessions, files, reader)
    instances = verify_tracked_services(instances, services, reader)
    groups = verify_sync_groups(configuration.vrrp_sync_groups, instances, there, reader)
    groups = verify_tracked_services(groups, services, reader)
    defs, instances = verify_sync_daemon(configuration.global_defs, instances, reader)
    return attrs.evolve(
        configuration,
        global_defs=defs,
        virtual_servers=services,
        vrrp_scripts=scripts,
        vrrp_instances=verify_tracking(instances, scripts, groups, reader),
        vrrp_sync_groups=groups,
        vrrp_track_processes=processes,
        track_groups=verify_track_groups(configuration.track_groups, instances, reader),
        garp_groups=verify_garp_groups(configuration.garp_groups, reader),
        interface_up_down_delays=verify_link_delays(
            configuration.interface_up_down_delays, instances, reader
        ),
        linkbeat_interfaces=verify_linkbeat(configuration.linkbeat_interfaces, instances, reader),
        track_files=files,
        virtual_server_groups=server_groups,
        bfd_instances=sessions,
    )
