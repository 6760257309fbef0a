"""Pools in the status document (``GET /api/v1/status``): pieces of one JSON text.  Pure.

Ten thousand servers are to be told within a tenth of a second, so the text is
put together here; only words go through an encoder.  What checks have to tell
is another room's, and handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from json.encoder import encode_basestring_ascii as quoted
from typing import Final, TypeAlias

from kaltwisted.config.identity import EndPoint, ServerId
from kaltwisted.config.model import (
    FirewallMark,
    Protocol,
    RealServer,
    ServerGroup,
    SorryServer,
    VirtualAddress,
)
from kaltwisted.lvs.member import Member
from kaltwisted.lvs.pool import Pool
from kaltwisted.lvs.steering import UNSTEERED, Steering

Checks: TypeAlias = Callable[[Pool, Member], tuple[str, str | None]]
"""The text of a server's checks, with commas, and in words what keeps it from being alive."""

SERVERS_AT_ONCE: Final = 16
"""In one piece of text: a tenth of a millisecond's work."""

_JSON = {True: "true", False: "false"}


def status(data_plane: str, pools: Iterable[Pool], checks: Checks, epoch: float) -> Iterator[str]:
    """The object ``checkers``, in pieces that make one text.

    :param epoch: the time of day in seconds since 1970 at which the pools' clock was 0.
    """
    yield f'{{"data_plane":{quoted(data_plane)},"virtual_servers":['
    before = ""
    for pool in tuple(pools):
        yield before + _virtual_server(pool, epoch)
        before = ","
        members = pool.members
        for first in range(0, len(members), SERVERS_AT_ONCE):
            servers = _real_servers(pool, members[first : first + SERVERS_AT_ONCE], checks, epoch)
            yield ("," if first else "") + ",".join(servers)
        yield "]}"
    yield "]}"


def pool_id(pool: Pool) -> str:
    """``tcp/192.0.2.1:80``, ``udp/[2001:db8::1]:53``, ``fwmark/7``, ``fwmark6/7``, ``tcp/group/web``."""
    return str(ServerId.of(pool.virtual_server))


def server_id(pool: Pool, server: RealServer) -> str:
    """``tcp/192.0.2.1:80/10.0.0.1:80``."""
    return f"{pool_id(pool)}/{EndPoint(server.address, server.port)}"


def _virtual_server(pool: Pool, epoch: float) -> str:
    """Its object up to the list of its servers, which is left open."""
    server, listen = pool.virtual_server, pool.virtual_server.listen
    match listen:
        case FirewallMark():
            where = f'"address":null,"port":null,"protocol":null,"fwmark":{listen.mark},"group":null'
        case VirtualAddress():
            where = (
                f'"address":"{listen.address}","port":{listen.port},"protocol":"{server.protocol}",'
                '"fwmark":null,"group":null'
            )
        case ServerGroup():
            protocol = "null" if server.protocol is Protocol.NONE else f'"{server.protocol}"'
            where = f'"address":null,"port":null,"protocol":{protocol},"fwmark":null,"group":{_group(listen)}'
    return (
        f'{{"id":"{pool_id(pool)}","name":{quoted(pool.name)},{where},'
        f'"scheduler":{quoted(server.lb_algo)},"forwarding":"{server.forwarding}",'
        f'"persistence_s":{server.persistence_timeout_s or "null"},'
        f'"quorum":{server.quorum},"hysteresis":{server.hysteresis},"quorum_up":{_JSON[pool.has_quorum]},'
        f'"since":{_moment(pool.since, epoch)},"weight":{pool.weight},"suspended":{_JSON[pool.suspended]},'
        f'"sorry_server":{_sorry_server(server.sorry_server, pool)},"real_servers":['
    )


def _group(group: ServerGroup) -> str:
    """Its name, and its lines as they are written."""
    lines = (quoted(str(entry)) for entry in group.entries)
    return f'{{"name":{quoted(group.name)},"entries":[{",".join(lines)}]}}'


def _sorry_server(sorry: SorryServer | None, pool: Pool) -> str:
    if sorry is None:
        return "null"
    return (
        f'{{"address":"{sorry.address}","port":{sorry.port},"in_use":{_JSON[pool.sorry_server_stands_in]}}}'
    )


def _real_servers(pool: Pool, members: tuple[Member, ...], checks: Checks, epoch: float) -> Iterator[str]:
    table, stands_in = pool.destinations, pool.sorry_server_stands_in
    for member in members:
        server, alive = member.server, member.alive
        head = member.status_head
        if head is None:
            head = member.status_head = _head(pool, server)
        texts, why = checks(pool, member)
        entry = table.get(member.destination.key)
        in_pool = alive and entry is not None and not stands_in
        if alive:
            why = None if in_pool and member.effective_weight else _why_not(pool, member, in_pool=in_pool)
        yield (
            f"{head}{0 if entry is None else entry.weight},"
            f'"alive":{_JSON[alive]},"in_pool":{_JSON[in_pool]},'
            f'"inhibited":{_JSON[server.inhibit_on_failure and not alive]},'
            f'"since":{_moment(member.since, epoch)},'
            f'"why":{"null" if why is None else quoted(why)},'
            f'"override":{_override(member.steering)},"checks":[{texts}]}}'
        )


def _head(pool: Pool, server: RealServer) -> str:
    """The beginning of its object, up to where it begins to change."""
    return (
        f'{{"id":"{server_id(pool, server)}","address":"{server.address}","port":{server.port},'
        f'"forwarding":"{server.forwarding}","weight":{server.weight},"effective_weight":'
    )


def _why_not(pool: Pool, member: Member, *, in_pool: bool) -> str | None:
    """Why a server that is alive gets no clients."""
    if member.steering.is_disabled:
        return "an operator has disabled it"
    if member.steering.is_drained:
        return "an operator has it drained: it keeps its connections, and gets no others"
    sorry = pool.virtual_server.sorry_server
    if not in_pool and sorry is not None:
        where = EndPoint(sorry.address, sorry.port)
        return f"quorum is lost, and the sorry server {where} stands in for all"
    if not member.effective_weight:
        by = "a check has set its weight to 0" if member.weighed else "its configured weight is 0"
        if member.steering.weight is not None:
            by = "an operator has set its weight to 0"
        return f"{by}: no new clients"
    return None


def _override(steering: Steering) -> str:
    """What an operator overrides of it."""
    if steering == UNSTEERED:
        return "null"
    service = "null" if steering.service is None else f'"{steering.service.name.lower()}"'
    return f'{{"service":{service},"weight":{"null" if steering.weight is None else steering.weight}}}'


def _moment(at: float | None, epoch: float) -> str:
    return "null" if at is None else f"{at + epoch:.3f}"
