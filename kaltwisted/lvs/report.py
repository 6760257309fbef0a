"""The pools in the checkers' data file (SIGUSR1), as keepalived 2.2.7 lays it out.  Pure.

Lines come one at a time; what is told is how things are when a line is made.
What a virtual server only hands down (``retry``, ``connect_timeout``) is told
where it arrives, with the health checkers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from kaltwisted.config.model import (
    BfdCheck,
    FileCheck,
    FirewallMark,
    Forwarding,
    ForwardingMethod,
    Protocol,
    RealServer,
    ServerGroup,
    SorryServer,
    TunnelType,
    VirtualServer,
    VirtualServerGroup,
)
from kaltwisted.config.report import Owner, enabled, granularity, on, script_line, seconds, yes
from kaltwisted.lvs.member import Member
from kaltwisted.lvs.pool import Pool

# What keepalived calls the kernel's three scheduler flags, by scheduler.
_FLAGS: Final = {
    "sh": (("sh-port", "flag-2"), ("sh-fallback", "flag-1")),
    "mh": (("mh-port", "flag-2"), ("mh-fallback", "flag-1")),
}
_PLAIN_FLAGS: Final = (("flag-1", ""), ("flag-2", ""), ("flag-3", ""))


def data(groups: Iterable[VirtualServerGroup], pools: Iterable[Pool], owner: Owner) -> Iterator[str]:
    """The section ``LVS Topology``."""
    yield "------< LVS Topology >------"
    pools = tuple(pools)
    for group in groups:
        yield " ------< Virtual server group >------"
        yield from _group(group, [each for each in pools if _serves(each, group)])
    for pool in pools:
        yield " ------< Virtual server >------"
        yield from _virtual_server(pool, owner)
        for member in pool.members:
            yield "   ------< Real server >------"
            yield from _real_server(pool, member, owner)


def _serves(pool: Pool, group: VirtualServerGroup) -> bool:
    listen = pool.virtual_server.listen
    return isinstance(listen, ServerGroup) and listen.name == group.name


def _group(group: VirtualServerGroup, pools: list[Pool]) -> Iterator[str]:
    """Alive are those that are in the table, whatever their weight, of all virtual servers of the group."""
    four, six = (any(entry.ipv6 is ipv6 for entry in group.entries) for ipv6 in (False, True))
    yield f" Virtual Server Group = {group.name}, IPv4 = {yes(four)}, IPv6 = {yes(six)}"
    alive = Counter[Protocol]()
    for pool in pools:
        alive[pool.virtual_server.protocol] += len(pool.destinations)
    for entry in group.entries:
        if isinstance(entry, FirewallMark):
            yield f"   FWMARK = {entry.mark}{' IPv6' if entry.ipv6 else ''}"
            total = alive.total()
            yield f"     Alive: {0 if entry.ipv6 else total} IPv4, {total if entry.ipv6 else 0} IPv6"
        else:
            one = entry.first == entry.last
            where = f"VIP = {entry.first}" if one else f"VIP Range = {entry.first}-{entry.last}"
            yield f"   {where}, VPORT = {entry.port}"
            tcp, udp, sctp = (alive[each] for each in (Protocol.TCP, Protocol.UDP, Protocol.SCTP))
            yield f"     Alive: {tcp} tcp, {udp} udp, {sctp} sctp"


def _virtual_server(pool: Pool, owner: Owner) -> Iterator[str]:
    server = pool.virtual_server
    listen = server.listen
    if isinstance(listen, FirewallMark):
        yield f" VS FWMARK = {listen.mark}"
    elif isinstance(listen, ServerGroup):
        yield f" VS GROUP = {server}"
    else:
        yield f" VS VIP = {listen.address}, VPORT = {listen.port}"
    if server.virtualhost is not None:
        yield f"   VirtualHost = {server.virtualhost}"
    yield f"   Address family = {'inet6' if listen.ipv6 else 'inet'}"
    yield f"   delay_loop = {seconds(server.delay_loop_us)}"
    yield f"   lvs_sched = {server.lb_algo}"
    for name, other in _FLAGS.get(server.lb_algo, _PLAIN_FLAGS):
        yield f"   {name} = {enabled(not server.scheduler_flags.isdisjoint((name, other)))}"
    yield f"   One packet scheduling = {enabled(server.ops)}"
    if server.persistence_timeout_s:
        yield f"   persistence timeout = {server.persistence_timeout_s}"
    if server.persistence_granularity is not None:
        yield f"   persistence granularity = {granularity(server.persistence_granularity, listen.ipv6)}"
    yield f"   protocol = {'none' if server.protocol is Protocol.NONE else server.protocol.name}"
    yield f"   alpha is {on(server.alpha)}"
    yield f"   omega is {on(server.omega)}"
    yield f"   quorum = {server.quorum}, hysteresis = {server.hysteresis}"
    if server.quorum_up is not None:
        yield f"   Quorum up notify script = {script_line(server.quorum_up, owner)}"
    if server.quorum_down is not None:
        yield f"   Quorum down notify script = {script_line(server.quorum_down, owner)}"
    if server.ha_suspend:
        yield "   Using HA suspend"
    yield f"   Using smtp notification = {yes(server.smtp_alert)}"
    # keepalived's quirk: no such word before a tunnel with options.
    plain = server.forwarding == ForwardingMethod(server.forwarding.method)
    yield f"   {'default ' if plain else ''}forwarding method = {_forwarding(server.forwarding)}"
    if server.sorry_server is not None:
        yield from _sorry_server(server, server.sorry_server)
    yield "   alive = 1"
    yield f"   quorum_state_up = {pool.has_quorum:d}"


def _sorry_server(server: VirtualServer, sorry: SorryServer) -> Iterator[str]:
    yield f"   sorry server = {sorry.format(server.protocol)}"
    yield f"     forwarding method = {_forwarding(sorry.forwarding)}"
    yield f"     Inhibit on failure is {on(sorry.inhibit)}"


def _real_server(pool: Pool, member: Member, owner: Owner) -> Iterator[str]:
    server: RealServer = member.server
    weight = member.effective_weight
    yield f"   RIP = {server.address}, RPORT = {server.port}, WEIGHT = {weight} EFF WEIGHT = {weight}"
    yield f"   forwarding method = {_forwarding(server.forwarding)}"
    yield f"   Alpha is {on(server.alpha)}"
    yield f"   connection limit range = {server.lthreshold} -> {server.uthreshold}"
    yield f"   Inhibit on failure is {on(server.inhibit_on_failure)}"
    if server.notify_up is not None:
        yield f"     RS up notify script = {script_line(server.notify_up, owner)}"
    if server.notify_down is not None:
        yield f"     RS down notify script = {script_line(server.notify_down, owner)}"
    if server.virtualhost is not None and server.virtualhost != pool.virtual_server.virtualhost:
        yield f"    VirtualHost = '{server.virtualhost}'"
    yield f"   Using smtp notification = {yes(server.smtp_alert)}"
    yield f"   initial weight = {server.weight}"
    yield f"   effective weight = {weight}"
    yield f"   alive = {member.alive:d}"
    yield f"   num failed checkers = {len(member.failed)}"
    yield f"   RS set = {pool.serves(member):d}"
    files = [
        f"{check.track_file}, weight {check.weight}{' reverse' if check.reverse else ''}"
        for check in server.checks
        if isinstance(check, FileCheck)
    ]
    if files:
        yield "   Tracked Files"
        yield from (f"     {line}" for line in files)
    sessions = [check.name for check in server.checks if isinstance(check, BfdCheck)]
    if sessions:
        yield "   Tracked BFDs"
        yield from (f"     {name}" for name in sessions)


def _forwarding(forwarding: ForwardingMethod) -> str:
    if forwarding.method is not Forwarding.TUN:
        return str(forwarding)
    words = f"TUN, type = {forwarding.tunnel_type.name}"
    if forwarding.tunnel_port:
        words += f", port = {forwarding.tunnel_port}"
    return words if forwarding.tunnel_type is TunnelType.IPIP else f"{words}, no checksum"
