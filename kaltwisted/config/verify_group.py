"""Rules of virtual servers that serve a ``virtual_server_group``, and of the groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaltwisted.config.model import (
    AddressRange,
    FirewallMark,
    Forwarding,
    Listen,
    Protocol,
    ServerGroup,
    VirtualServer,
    VirtualServerGroup,
)
from kaltwisted.config.verify_lvs import OF_ANY, persistent
from kaltwisted.config.verify_report import error, related, warn

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader


def verify_server_groups(
    groups: tuple[VirtualServerGroup, ...], reader: Reader
) -> tuple[VirtualServerGroup, ...]:
    """Groups by name; of two the first counts, in keepalived without a word."""
    names: dict[str, VirtualServerGroup] = {}
    for group in groups:
        first = names.setdefault(group.name, group)
        if first is not group:
            message = f"virtual_server_group `{group.name}` stands here a second time: the first one counts"
            warn(reader, group, message, related=related(first, "here is the first"))
    return tuple(names.values())


def verify_group_services(
    services: tuple[VirtualServer, ...], groups: tuple[VirtualServerGroup, ...], reader: Reader
) -> tuple[VirtualServer, ...]:
    """Those whose group is there.  To keepalived's ``-t`` one without is no mistake, nor is one twice."""
    there = {group.name: group for group in groups}
    kept: dict[tuple[Listen, Protocol], VirtualServer] = {}
    for service in services:
        assert isinstance(service.listen, ServerGroup)
        name = service.listen.name
        group = there.get(name)
        first = kept.get((service.listen, service.protocol))
        if group is None:
            warn(
                reader,
                service,
                f"there is no virtual_server_group `{name}`: the virtual_server is left out",
                expected=f"virtual_server_group {name} {{ … }}",
                log=f"Virtual server group {name} specified but not configured"
                f" - ignoring virtual server {service}",
            )
        elif first is not None:
            message = f"virtual_server group {name} stands here a second time and is left out"
            warn(reader, service, message, related=related(first, "here is the first"))
        elif len({_ipv6(entry) for entry in group.entries}) > 1:
            warn(
                reader,
                service,
                f"virtual_server_group `{name}` has both IPv4 and IPv6: the virtual_server is left out",
                expected="a group for each family",
                log=f"{name}: virtual server group with IPv4 & IPv6 doesn't match virtual server {service}"
                " - ignoring",
            )
        else:
            service = _group_ports(service, group, reader)
            for rule in OF_ANY:
                service = rule(service, reader)
            kept[service.listen, service.protocol] = service
    return tuple(kept.values())


def _ipv6(entry: AddressRange | FirewallMark) -> bool:
    return entry.ipv6 if isinstance(entry, FirewallMark) else entry.first.version == 6


def _group_ports(service: VirtualServer, group: VirtualServerGroup, reader: Reader) -> VirtualServer:
    """As for a virtual server that is no group, but that no port can be put right."""
    ports = [entry.port for entry in group.entries if isinstance(entry, AddressRange)]
    if 0 in ports and not service.persistence_timeout_s:
        service = persistent(service, reader)
    for server in service.real_servers:
        other = next((port for port in ports if port != server.port), None)
        if other is not None and server.forwarding.method is not Forwarding.NAT:
            error(
                reader,
                server,
                f"{server.forwarding} cannot change the port: {server.port} is not the {other} of the group",
                expected=f"port {other}, or lb_kind NAT",
                log=f"virtual server {service} and real server {server.format(service.protocol)}"
                " ports don't match",
            )
    return service
