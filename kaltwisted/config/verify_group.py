"""Rules of virtual servers that serve a ``virtual_server_group``, and of the groups."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import attrs

from kaltwisted.config.model import (
    AddressRange,
    FirewallMark,
    Forwarding,
    Protocol,
    ServerGroup,
    VirtualServer,
    VirtualServerGroup,
)
from kaltwisted.config.verify_lvs import OF_ANY, fitting, persistent, portless, unsuspended
from kaltwisted.config.verify_report import error, related, warn

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader

MOST_SERVICES: Final = 65_536
"""What a group can be at most: each address of a range is a service in the data plane."""


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
        elif FirewallMark(0) in group.entries or FirewallMark(0, ipv6=True) in group.entries:
            message = f"virtual_server_group `{group.name}`: mark 0 is that of all packets without one"
            warn(reader, group, f"{message}, and is not served", expected="a mark from 1 on")
    return tuple(names.values())


def verify_group_services(
    services: tuple[VirtualServer, ...], groups: tuple[VirtualServerGroup, ...], reader: Reader
) -> tuple[VirtualServer, ...]:
    """All virtual servers, with what is in their groups; those that serve a group only if it is there.

    To keepalived's ``-t`` one without is no mistake, nor is one twice.
    """
    there = {group.name: group for group in groups}
    numbers: Counter[str] = Counter()
    kept: dict[tuple[str, Protocol], VirtualServer] = {}
    found: list[VirtualServer] = []
    for service in services:
        if not isinstance(service.listen, ServerGroup):
            found.append(service)
            continue
        name = service.listen.name
        number = numbers[name]
        numbers[name] += 1
        service = attrs.evolve(service, listen=ServerGroup(name, number=number))
        group = there.get(name)
        if group is None:
            warn(
                reader,
                service,
                f"there is no virtual_server_group `{name}`: the virtual_server is left out",
                expected=f"virtual_server_group {name} {{ … }}",
                log=f"Virtual server group {name} specified but not configured"
                f" - ignoring virtual server {service}",
            )
        elif _can_be_served(group, service, reader):
            entries = _of_family(group.entries, service)
            if not entries:
                continue
            service = attrs.evolve(service, listen=ServerGroup(name, entries, number))
            service = _protocol(service, reader)
            first = kept.setdefault((name, service.protocol), service)
            if first is not service:
                message = f"virtual_server group {name} stands here a second time and is left out"
                warn(reader, service, message, related=related(first, "here is the first"))
                continue
            for rule in (fitting, _suspendable, _ports, *OF_ANY):
                service = rule(service, reader)
            found.append(service)
    return tuple(found)


def _can_be_served(group: VirtualServerGroup, service: VirtualServer, reader: Reader) -> bool:
    """Whether it is of one family, and of a size that is no slip."""
    if len({entry.ipv6 for entry in group.entries}) > 1:
        warn(
            reader,
            service,
            f"virtual_server_group `{group.name}` has both IPv4 and IPv6: the virtual_server is left out",
            expected="a group for each family",
            log=f"{group.name}: virtual server group with IPv4 & IPv6 doesn't match virtual server {service}"
            " - ignoring",
        )
        return False
    if sum(_size(entry) for entry in group.entries) > MOST_SERVICES:
        warn(
            reader,
            service,
            f"virtual_server_group `{group.name}` has more than {MOST_SERVICES} addresses, each a service by"
            " itself: the virtual_server is left out",
            expected="a firewall mark for all of them",
        )
        return False
    return True


_UNMARKED: Final = (FirewallMark(0), FirewallMark(0, ipv6=True))


def _size(entry: AddressRange | FirewallMark) -> int:
    return entry.size if isinstance(entry, AddressRange) else 1


def _suspendable(service: VirtualServer, reader: Reader) -> VirtualServer:
    """``ha_suspend`` goes by addresses, and a mark has none."""
    listen = service.listen
    assert isinstance(listen, ServerGroup)
    if service.ha_suspend and any(isinstance(entry, FirewallMark) for entry in listen.entries):
        return unsuspended(service, reader)
    return service


def _of_family(
    entries: tuple[AddressRange | FirewallMark, ...], service: VirtualServer
) -> tuple[AddressRange | FirewallMark, ...]:
    """A group of nothing but marks has the family of its real servers."""
    marks = [each for each in entries if isinstance(each, FirewallMark)]
    if len(marks) == len(entries) and all(each.address.version == 6 for each in service.real_servers):
        entries = tuple(FirewallMark(each.mark, ipv6=True) for each in marks)
    return tuple(each for each in entries if each not in _UNMARKED)


def _protocol(service: VirtualServer, reader: Reader) -> VirtualServer:
    """Addresses need one, and marks have none."""
    listen = service.listen
    assert isinstance(listen, ServerGroup)
    marked = all(isinstance(entry, FirewallMark) for entry in listen.entries)
    if marked is (service.protocol is Protocol.NONE):
        return service
    if marked:
        error(
            reader,
            service,
            f"{service} has nothing but firewall marks, which are of any protocol: {service.protocol}"
            " is left out",
            log=f"Warning: Virtual server {service}: protocol specified for fwmark"
            " - protocol will be ignored",
        )
        return attrs.evolve(service, protocol=Protocol.NONE)
    error(
        reader,
        service,
        "the protocol is missing: UDP is taken",
        expected="protocol TCP (or UDP, SCTP)",
        log=f"Virtual server {service}: no protocol set - defaulting to UDP",
    )
    return attrs.evolve(service, protocol=Protocol.UDP)


def _ports(service: VirtualServer, reader: Reader) -> VirtualServer:
    """As for a virtual server that is no group, but that no port can be put right."""
    listen = service.listen
    assert isinstance(listen, ServerGroup)
    if service.protocol is Protocol.NONE:
        return portless(service)
    ports = [entry.port for entry in listen.entries if isinstance(entry, AddressRange)]
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
