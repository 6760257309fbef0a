"""Rules that look at more than one place: duplicates, names that must exist, values that must agree.

Each takes the bound configuration and gives back the one that can run, with a
finding for whatever it changed; what keepalived corrects is corrected alike.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import attrs

from kaltwisted.config.findings import Finding, Related, Severity
from kaltwisted.config.keywords.virtual_server import PERSISTENCE_DEFAULT_S
from kaltwisted.config.model import (
    Address,
    Configuration,
    FirewallMark,
    Forwarding,
    Listen,
    Protocol,
    RealServer,
    SorryServer,
    VirtualAddress,
    VirtualServer,
)
from kaltwisted.config.verify_tracking import verify_tracking
from kaltwisted.config.verify_vrrp import verify_instances, verify_sync_groups, verify_tracked

if TYPE_CHECKING:
    from kaltwisted.config.model import Position
    from kaltwisted.config.reader import Reader


def verify(configuration: Configuration, reader: Reader) -> Configuration:
    """The configuration as it will run."""
    scripts = verify_tracked("vrrp_script", configuration.vrrp_scripts, reader)
    processes = verify_tracked("vrrp_track_process", configuration.vrrp_track_processes, reader)
    instances = verify_instances(configuration.vrrp_instances, scripts, processes, reader)
    groups = verify_sync_groups(configuration.vrrp_sync_groups, instances, scripts, processes, reader)
    return attrs.evolve(
        configuration,
        virtual_servers=_virtual_servers(configuration.virtual_servers, reader),
        vrrp_scripts=scripts,
        vrrp_instances=verify_tracking(instances, scripts, groups, reader),
        vrrp_sync_groups=groups,
        vrrp_track_processes=processes,
    )


def _virtual_servers(services: tuple[VirtualServer, ...], reader: Reader) -> tuple[VirtualServer, ...]:
    seen: dict[tuple[Listen, Protocol], VirtualServer] = {}
    for service in services:
        # The kernel tells mark services apart by mark and family alone.
        protocol = Protocol.TCP if isinstance(service.listen, FirewallMark) else service.protocol
        first = seen.setdefault((service.listen, protocol), service)
        if first is not service:
            _error(
                reader,
                service.where,
                f"virtual_server {service} stands here a second time and is left out",
                related=_related(first.where, "here is the first"),
            )
            continue
        seen[(service.listen, protocol)] = _virtual_server(service, reader)
    return tuple(service for service in seen.values() if service.real_servers)


def _virtual_server(service: VirtualServer, reader: Reader) -> VirtualServer:
    for rule in (_families, _ports, _duplicate_servers, _scheduler_flags, _one_packet, _quorum):
        service = rule(service, reader)
    return service


def _families(service: VirtualServer, reader: Reader) -> VirtualServer:
    """Real servers have the family of their service, but behind a tunnel."""
    listen = service.listen
    version = (6 if listen.ipv6 else 4) if isinstance(listen, FirewallMark) else listen.address.version

    def fits(address: Address, method: Forwarding) -> bool:
        return address.version == version or method is Forwarding.TUN

    kept = [server for server in service.real_servers if fits(server.address, server.forwarding.method)]
    if len(kept) < len(service.real_servers):
        for server in service.real_servers:
            if not fits(server.address, server.forwarding.method):
                _error(
                    reader,
                    server.where,
                    f"real_server {server.address} is not of the address family of {service} and is left out",
                    expected=f"an IPv{version} address, or lb_kind TUN",
                )
        service = attrs.evolve(service, real_servers=tuple(kept))
    sorry = service.sorry_server
    if sorry is not None and not fits(sorry.address, sorry.forwarding.method):
        _error(
            reader,
            service.where,
            f"sorry_server {sorry.address} is not of the address family of {service} and is left out",
            expected=f"an IPv{version} address",
        )
        service = attrs.evolve(service, sorry_server=None)
    return service


def _ports(service: VirtualServer, reader: Reader) -> VirtualServer:
    """Port 0 is all ports, for persistent services only; DR and TUN cannot change a port."""
    if not isinstance(service.listen, VirtualAddress):
        return _portless(service)
    port = service.listen.port
    if not port and not service.persistence_timeout_s:
        _error(
            reader,
            service.where,
            f"{service} is for all ports, which needs persistence: {PERSISTENCE_DEFAULT_S} seconds are set",
            expected="a port, or persistence_timeout",
            log=f"Virtual server {service}: zero port only valid for persistent services - setting",
        )
        service = attrs.evolve(service, persistence_timeout_s=PERSISTENCE_DEFAULT_S)

    def fits(server: RealServer | SorryServer) -> bool:
        return server.port == port or server.forwarding.method is Forwarding.NAT

    for server in itertools.filterfalse(fits, service.real_servers):
        _error(
            reader,
            server.where,
            f"{server.forwarding} cannot change the port: {port} is used instead of {server.port}",
            expected=f"port {port}, or lb_kind NAT",
            log=f"WARNING - virtual server {service} and real server {server.format(service.protocol)} "
            "ports don't match - resetting",
        )
    sorry = service.sorry_server
    if sorry is not None and not fits(sorry):
        _error(
            reader,
            service.where,
            f"{sorry.forwarding} cannot change the port: the sorry server has {port} instead of {sorry.port}",
            expected=f"sorry_server {sorry.address} {port}",
            log=f"WARNING - virtual server {service} and sorry server ports don't match - resetting",
        )
        service = attrs.evolve(service, sorry_server=attrs.evolve(sorry, port=port))
    if all(map(fits, service.real_servers)):
        return service
    servers = (server if fits(server) else attrs.evolve(server, port=port) for server in service.real_servers)
    return attrs.evolve(service, real_servers=tuple(servers))


def _portless(service: VirtualServer) -> VirtualServer:
    """A mark is for whatever port: where DR and TUN keep it, a server's own port is for its checks only."""

    def fits(server: RealServer | SorryServer) -> bool:
        return server.forwarding.method is Forwarding.NAT or not server.port

    if not all(map(fits, service.real_servers)):
        servers = tuple(
            server if fits(server) else attrs.evolve(server, port=0) for server in service.real_servers
        )
        service = attrs.evolve(service, real_servers=servers)
    sorry = service.sorry_server
    if sorry is not None and not fits(sorry):
        service = attrs.evolve(service, sorry_server=attrs.evolve(sorry, port=0))
    return service


def _duplicate_servers(service: VirtualServer, reader: Reader) -> VirtualServer:
    seen: dict[tuple[Address, int], RealServer] = {}
    for server in service.real_servers:
        first = seen.setdefault((server.address, server.port), server)
        if first is not server:
            name = server.format(service.protocol)
            _error(
                reader,
                server.where,
                f"real_server {name} stands here a second time and is left out",
                related=_related(first.where, "here is the first"),
                log=f"VS {service}: real server {name} is duplicated - removing second rs",
            )
    if len(seen) < len(service.real_servers):
        service = attrs.evolve(service, real_servers=tuple(seen.values()))
    return service


def _scheduler_flags(service: VirtualServer, reader: Reader) -> VirtualServer:
    """``sh-port`` and its like are for their own scheduler."""
    wrong = {
        flag for flag in service.scheduler_flags if flag[:3] in ("sh-", "mh-") and flag[:2] != service.lb_algo
    }
    if wrong:
        names = " and ".join(sorted(wrong))
        _error(
            reader,
            service.where,
            f"{names} is for the scheduler {min(wrong)[:2]}, not for {service.lb_algo}, and is left out",
            log=f"{names} only applies to {min(wrong)[:2]} scheduler - ignoring",
        )
        service = attrs.evolve(service, scheduler_flags=service.scheduler_flags - wrong)
    return service


def _one_packet(service: VirtualServer, reader: Reader) -> VirtualServer:
    if service.ops and service.protocol not in (Protocol.UDP, Protocol.NONE):
        _error(
            reader,
            service.where,
            f"ops is for UDP services, {service} is none: it is left out",
            log=f"Virtual server {service}: one packet scheduling requires UDP - resetting",
        )
        service = attrs.evolve(service, ops=False)
    return service


def _quorum(service: VirtualServer, reader: Reader) -> VirtualServer:
    """A quorum that can be reached, and a hysteresis below it."""
    total = sum(server.weight for server in service.real_servers)
    if service.quorum > total and service.real_servers:
        quorum = max(1, total)
        if not total:
            _error(
                reader,
                service.where,
                f"all real servers of {service} have weight 0: its quorum is never reached",
                expected="a real_server with weight 1 or more",
            )
        elif service.quorum > quorum:
            _error(
                reader,
                service.where,
                f"quorum {service.quorum} is above the total weight of the real servers, {quorum} is used",
                expected=f"a quorum from 1 to {quorum}",
                log=f"Warning - quorum {service.quorum} for {service} exceeds total weight "
                f"of real servers {total}, reducing quorum to {quorum}",
            )
            service = attrs.evolve(service, quorum=quorum)
    if service.hysteresis >= service.quorum and service.hysteresis:
        hysteresis = service.quorum - 1
        _error(
            reader,
            service.where,
            f"hysteresis {service.hysteresis} is not below the quorum {service.quorum}, {hysteresis} is used",
            log=f"Virtual server {service}: hysteresis {service.hysteresis} >= quorum {service.quorum}; "
            f"setting hysteresis to {hysteresis}",
        )
        service = attrs.evolve(service, hysteresis=hysteresis)
    return service


def _related(where: Position | None, note: str) -> tuple[Related, ...]:
    return () if where is None else (Related(where, note),)


def _error(
    reader: Reader,
    where: Position | None,
    message: str,
    *,
    expected: str | None = None,
    related: tuple[Related, ...] = (),
    log: str | None = None,
) -> None:
    if where is not None:
        finding: Finding = reader.source.finding(
            Severity.ERROR, where, message, expected=expected, related=related, log=log
        )
        reader.findings.append(finding)
