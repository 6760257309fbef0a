"""Rules of virtual servers: no one twice, families, ports, flags and quorum that go together."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import attrs

from kaltwisted.config.keywords.virtual_server import PERSISTENCE_DEFAULT_S
from kaltwisted.config.model import (
    Address,
    FirewallMark,
    Forwarding,
    Listen,
    Protocol,
    RealServer,
    ServerGroup,
    SorryServer,
    VirtualAddress,
    VirtualServer,
)
from kaltwisted.config.verify_report import error, related, warn

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader


def verify_virtual_servers(services: tuple[VirtualServer, ...], reader: Reader) -> tuple[VirtualServer, ...]:
    """Those that are served; groups have rules of their own (``verify_group``), which have been applied."""
    seen: dict[tuple[Listen, Protocol], VirtualServer] = {}
    for service in services:
        # The kernel tells mark services apart by mark and family alone.
        protocol = Protocol.TCP if isinstance(service.listen, FirewallMark) else service.protocol
        first = seen.setdefault((service.listen, protocol), service)
        if first is not service:
            error(
                reader,
                service,
                f"virtual_server {service} stands here a second time and is left out",
                related=related(first, "here is the first"),
            )
            continue
        if not isinstance(service.listen, ServerGroup):
            seen[(service.listen, protocol)] = _virtual_server(service, reader)
    return tuple(service for service in seen.values() if service.real_servers)


def _virtual_server(service: VirtualServer, reader: Reader) -> VirtualServer:
    for rule in (fitting, _suspendable, _ports, *OF_ANY):
        service = rule(service, reader)
    return service


def fitting(service: VirtualServer, reader: Reader) -> VirtualServer:
    """Real servers have the family of their service, but behind a tunnel."""
    version = 6 if service.listen.ipv6 else 4

    def fits(address: Address, method: Forwarding) -> bool:
        return address.version == version or method is Forwarding.TUN

    kept = [server for server in service.real_servers if fits(server.address, server.forwarding.method)]
    if len(kept) < len(service.real_servers):
        # To keepalived's ``-t`` it is the first real server that gives a group its family.
        sound = not isinstance(service.listen, ServerGroup) or service.real_servers[0] in kept
        tell = error if sound else warn
        for server in service.real_servers:
            if not fits(server.address, server.forwarding.method):
                tell(
                    reader,
                    server,
                    f"real_server {server.address} is not of the address family of {service} and is left out",
                    expected=f"an IPv{version} address, or lb_kind TUN",
                )
        service = attrs.evolve(service, real_servers=tuple(kept))
    sorry = service.sorry_server
    if sorry is not None and not fits(sorry.address, sorry.forwarding.method):
        error(
            reader,
            service,
            f"sorry_server {sorry.address} is not of the address family of {service} and is left out",
            expected=f"an IPv{version} address",
        )
        service = attrs.evolve(service, sorry_server=None)
    return service


def _suspendable(service: VirtualServer, reader: Reader) -> VirtualServer:
    marked = isinstance(service.listen, FirewallMark)
    return unsuspended(service, reader) if marked and service.ha_suspend else service


def unsuspended(service: VirtualServer, reader: Reader) -> VirtualServer:
    """``ha_suspend`` goes by the service's addresses, and a mark has none."""
    error(
        reader,
        service,
        f"ha_suspend waits for an address, and {service} has a firewall mark: its checks go on",
        log=f"Virtual server {service}: cannot use ha_suspend with fwmarks - clearing ha_suspend",
    )
    return attrs.evolve(service, ha_suspend=False)


def persistent(service: VirtualServer, reader: Reader) -> VirtualServer:
    """A service for all ports has to be persistent."""
    error(
        reader,
        service,
        f"{service} is for all ports, which needs persistence: {PERSISTENCE_DEFAULT_S} seconds are set",
        expected="a port, or persistence_timeout",
        log=f"Virtual server {service}: zero port only valid for persistent services - setting",
    )
    return attrs.evolve(service, persistence_timeout_s=PERSISTENCE_DEFAULT_S)


def _ports(service: VirtualServer, reader: Reader) -> VirtualServer:
    """Port 0 is all ports, for persistent services only; DR and TUN cannot change a port."""
    if not isinstance(service.listen, VirtualAddress):
        return portless(service)
    port = service.listen.port
    if not port and not service.persistence_timeout_s:
        service = persistent(service, reader)

    def fits(server: RealServer | SorryServer) -> bool:
        return server.port == port or server.forwarding.method is Forwarding.NAT

    for server in itertools.filterfalse(fits, service.real_servers):
        error(
            reader,
            server,
            f"{server.forwarding} cannot change the port: {port} is used instead of {server.port}",
            expected=f"port {port}, or lb_kind NAT",
            log=f"WARNING - virtual server {service} and real server {server.format(service.protocol)} "
            "ports don't match - resetting",
        )
    sorry = service.sorry_server
    if sorry is not None and not fits(sorry):
        error(
            reader,
            service,
            f"{sorry.forwarding} cannot change the port: the sorry server has {port} instead of {sorry.port}",
            expected=f"sorry_server {sorry.address} {port}",
            log=f"WARNING - virtual server {service} and sorry server ports don't match - resetting",
        )
        service = attrs.evolve(service, sorry_server=attrs.evolve(sorry, port=port))
    if all(map(fits, service.real_servers)):
        return service
    servers = (server if fits(server) else attrs.evolve(server, port=port) for server in service.real_servers)
    return attrs.evolve(service, real_servers=tuple(servers))


def portless(service: VirtualServer) -> VirtualServer:
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
            error(
                reader,
                server,
                f"real_server {name} stands here a second time and is left out",
                related=related(first, "here is the first"),
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
        error(
            reader,
            service,
            f"{names} is for the scheduler {min(wrong)[:2]}, not for {service.lb_algo}, and is left out",
            log=f"{names} only applies to {min(wrong)[:2]} scheduler - ignoring",
        )
        service = attrs.evolve(service, scheduler_flags=service.scheduler_flags - wrong)
    return service


def _one_packet(service: VirtualServer, reader: Reader) -> VirtualServer:
    if service.ops and service.protocol not in (Protocol.UDP, Protocol.NONE):
        error(
            reader,
            service,
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
            error(
                reader,
                service,
                f"all real servers of {service} have weight 0: its quorum is never reached",
                expected="a real_server with weight 1 or more",
            )
        elif service.quorum > quorum:
            error(
                reader,
                service,
                f"quorum {service.quorum} is above the total weight of the real servers, {quorum} is used",
                expected=f"a quorum from 1 to {quorum}",
                log=f"Warning - quorum {service.quorum} for {service} exceeds total weight "
                f"of real servers {total}, reducing quorum to {quorum}",
            )
            service = attrs.evolve(service, quorum=quorum)
    if service.hysteresis >= service.quorum and service.hysteresis:
        hysteresis = service.quorum - 1
        error(
            reader,
            service,
            f"hysteresis {service.hysteresis} is not below the quorum {service.quorum}, {hysteresis} is used",
            log=f"Virtual server {service}: hysteresis {service.hysteresis} >= quorum {service.quorum}; "
            f"setting hysteresis to {hysteresis}",
        )
        service = attrs.evolve(service, hysteresis=hysteresis)
    return service


OF_ANY = (_duplicate_servers, _scheduler_flags, _one_packet, _quorum)
"""The rules that do not ask what a virtual server listens on."""
