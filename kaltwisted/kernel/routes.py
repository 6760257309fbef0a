"""Messages of rtnetlink about routes and policy rules (linux/rtnetlink.h, fib_rules.h).  Pure."""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable
from typing import Final

from kaltwisted.config.model import Address, Route, RoutingItem, Rule
from kaltwisted.config.model_routes import Metric, NextHop, Placing, RouteType
from kaltwisted.kernel.encap_messages import encap_attributes
from kaltwisted.kernel.messages import (
    HEADER_SIZE,
    NLA_F_NESTED,
    MalformedError,
    Message,
    Request,
    attribute,
    attributes,
)
from kaltwisted.kernel.rtnetlink import AF_INET, AF_INET6
from kaltwisted.ports import Link

#: Multicast groups of routes and rules.
RTNLGRP_IPV4_ROUTE = 7
RTNLGRP_IPV4_RULE = 8
RTNLGRP_IPV6_ROUTE = 11
RTNLGRP_IPV6_RULE = 19

RTM_NEWROUTE = 24
RTM_DELROUTE = 25
RTM_NEWRULE = 32
RTM_DELRULE = 33

#: Where the protocol of a route stands in its message.
PROTOCOL_OFFSET = HEADER_SIZE + 5

_NLM_F_EXCL = 0x200
_NLM_F_CREATE = 0x400
_NLM_F_APPEND = 0x800
_PLACING = {
    Placing.PREPEND: _NLM_F_CREATE,
    Placing.APPEND: _NLM_F_CREATE | _NLM_F_APPEND,
    Placing.ADD: _NLM_F_CREATE | _NLM_F_EXCL,
}

_RTA_DST, _RTA_SRC, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC = 1, 2, 4, 5, 6, 7
_RTA_METRICS, _RTA_MULTIPATH, _RTA_FLOW, _RTA_TABLE, _RTA_VIA = 8, 9, 11, 15, 18
_RTA_PREF, _RTA_EXPIRES, _RTA_TTL_PROPAGATE = 20, 23, 26
_RTAX_LOCK = 1
_RTAX: Final = {
    "mtu": 2, "window": 3, "rtt": 4, "rttvar": 5, "ssthresh": 6, "cwnd": 7, "advmss": 8, "reordering": 9,
    "hoplimit": 10, "initcwnd": 11, "features": 12, "rto_min": 13, "initrwnd": 14, "quickack": 15,
    "congctl": 16, "fastopen_no_cookie": 17,
}  # fmt: skip
# The kernel keeps round trip times in eighths and their variance in quarters of a millisecond.
_SCALE = {"rtt": 8, "rttvar": 4}
_RTNH_F_ONLINK = 4
_SCOPE_UNIVERSE, _SCOPE_LINK, _SCOPE_HOST = 0, 253, 254

_FRA_DST, _FRA_SRC, _FRA_IIFNAME, _FRA_GOTO, _FRA_PRIORITY = 1, 2, 3, 4, 6
_FRA_FWMARK, _FRA_FLOW, _FRA_TUN_ID, _FRA_SUPPRESS_IFGROUP, _FRA_SUPPRESS_PREFIXLEN = 10, 11, 12, 13, 14
_FRA_TABLE, _FRA_FWMASK, _FRA_OIFNAME, _FRA_L3MDEV, _FRA_UID_RANGE = 15, 16, 17, 19, 20
_FRA_PROTOCOL, _FRA_IP_PROTO, _FRA_SPORT_RANGE, _FRA_DPORT_RANGE = 21, 22, 23, 24
_FIB_RULE_INVERT = 2

# family, destination and source lengths, tos, table, protocol, scope, type, flags
_RTMSG = struct.Struct("=BBBBBBBBI")
# family, destination and source lengths, tos, table, 2 reserved, action, flags
_RULE = struct.Struct("=BBBBBxxBI")
# length, flags, weight - 1, interface
_NEXTHOP = struct.Struct("=HBBi")
_ATTRIBUTES = HEADER_SIZE + _RTMSG.size
_U32 = struct.Struct("=I")
_U64_NETWORK = struct.Struct(">Q")
_TABLES_IN_HEADER = 256

LinkOf = Callable[[str], Link | None]
"""Finds an interface by its name."""


class NoInterfaceError(LookupError):
    """A route names an interface, or a VRF, that is not there."""


def add_item(item: RoutingItem, link_of: LinkOf) -> Request:
    """Put a route or rule there; EEXIST when it is there.

    :raises NoInterfaceError: it names an interface that is not there.
    """
    if isinstance(item, Route):
        return Request(RTM_NEWROUTE, _route(item, link_of), _PLACING[item.placing], item)
    return Request(RTM_NEWRULE, _rule(item), _NLM_F_CREATE | _NLM_F_EXCL, item)


def remove_item(item: RoutingItem, link_of: LinkOf) -> Request:
    """Take a route or rule away; ESRCH (a rule: ENOENT) when it is not there.

    :raises NoInterfaceError: it names an interface that is not there, and so it is not there either.
    """
    if isinstance(item, Route):
        return Request(RTM_DELROUTE, _route(item, link_of), 0, item)
    return Request(RTM_DELRULE, _rule(item), 0, item)


def undo(put: Request) -> Request:
    """Take away what a request of ``add_item`` has put there."""
    type_ = RTM_DELROUTE if put.type == RTM_NEWROUTE else RTM_DELRULE
    return Request(type_, put.payload, 0, "remove what was put")


def key_of(item: RoutingItem) -> Hashable:
    """What a loss is known by: family and destination of a route, family and priority of a rule.

    Not the table: of a VRF's we would have to know how it was called.
    """
    if isinstance(item, Rule):
        return AF_INET6 if item.ipv6 else AF_INET, item.priority
    network = item.destination
    packed = network.network_address.packed if network.prefixlen else b""
    return _family(network.network_address), network.prefixlen, packed


def key_told(message: Message) -> Hashable:
    """``key_of`` what a message is about."""
    data = message.data
    if len(data) < _ATTRIBUTES:
        raise MalformedError("a route or rule message that is too short")
    family, length, *_ = _RTMSG.unpack_from(data, HEADER_SIZE)
    told = attributes(data, _ATTRIBUTES)
    if message.type in (RTM_NEWRULE, RTM_DELRULE):
        return family, _priority(told)
    return family, length, told.get(_RTA_DST, b"") if length else b""


def _priority(told: dict[int, bytes]) -> int:
    value = told.get(_FRA_PRIORITY)
    if value is None:
        return 0
    if len(value) != _U32.size:
        raise MalformedError("a number that is too short")
    return int(_U32.unpack(value)[0])


# -- routes ------------------------------------------------------------------------------


def _route(route: Route, link_of: LinkOf) -> bytes:
    network, only_from = route.destination, route.only_from
    table = route.table if route.vrf is None else _table(route.vrf, link_of)
    payload = _RTMSG.pack(
        _family(network.network_address),
        network.prefixlen,
        0 if only_from is None else only_from.prefixlen,
        route.tos,
        table if table < _TABLES_IN_HEADER else 0,
        route.protocol,
        _scope(route),
        route.type.value,
        _RTNH_F_ONLINK if route.onlink else 0,
    )
    payload += _u32(_RTA_TABLE, table)
    if network.prefixlen:
        payload += attribute(_RTA_DST, network.network_address.packed)
    if only_from is not None and only_from.prefixlen:
        payload += attribute(_RTA_SRC, only_from.network_address.packed)
    if route.encap is not None:
        payload += encap_attributes(route.encap)
    if route.gateway is not None:
        payload += _gateway(route.gateway, network.version)
    if route.dev is not None:
        payload += _u32(_RTA_OIF, _index(route.dev, link_of))
    if route.source is not None:
        payload += attribute(_RTA_PREFSRC, route.source.packed)
    if route.metric:
        payload += _u32(_RTA_PRIORITY, route.metric)
    if route.realms:
        payload += _u32(_RTA_FLOW, route.realms)
    if route.metrics:
        payload += attribute(_RTA_METRICS | NLA_F_NESTED, _metrics(route.metrics))
    if route.nexthops:
        hops = b"".join(_nexthop(hop, network.version, link_of) for hop in route.nexthops)
        payload += attribute(_RTA_MULTIPATH | NLA_F_NESTED, hops)
    if route.pref is not None:
        payload += attribute(_RTA_PREF, bytes((route.pref,)))
    if route.ttl_propagate is not None:
        payload += attribute(_RTA_TTL_PROPAGATE, bytes((route.ttl_propagate,)))
    if route.expires is not None and network.version == 6:
        payload += _u32(_RTA_EXPIRES, route.expires)
    return payload


def _scope(route: Route) -> int:
    """As given, else as iproute2 derives it: how far away the destination is."""
    if route.scope is not None:
        return route.scope
    if route.destination.version == 6:
        return _SCOPE_UNIVERSE
    if route.type in (RouteType.LOCAL, RouteType.NAT):
        return _SCOPE_HOST
    if route.type in (RouteType.BROADCAST, RouteType.MULTICAST, RouteType.ANYCAST):
        return _SCOPE_LINK
    told = (route.gateway, route.encap) != (None, None) or route.nexthops
    direct = route.type is RouteType.UNICAST and not told
    return _SCOPE_LINK if direct else _SCOPE_UNIVERSE


def _gateway(gateway: Address, version: int) -> bytes:
    if gateway.version == version:
        return attribute(_RTA_GATEWAY, gateway.packed)
    return attribute(_RTA_VIA, struct.pack("=H", _family(gateway)) + gateway.packed)


def _nexthop(hop: NextHop, version: int, link_of: LinkOf) -> bytes:
    inner = b"" if hop.gateway is None else _gateway(hop.gateway, version)
    if hop.realms:
        inner += _u32(_RTA_FLOW, hop.realms)
    if hop.encap is not None:
        inner += encap_attributes(hop.encap)
    index = 0 if hop.dev is None else _index(hop.dev, link_of)
    flags = _RTNH_F_ONLINK if hop.onlink else 0
    return _NEXTHOP.pack(_NEXTHOP.size + len(inner), flags, hop.weight - 1, index) + inner


def _metrics(metrics: tuple[Metric, ...]) -> bytes:
    locked = sum(1 << _RTAX[each.name] for each in metrics if each.lock)
    parts = [_u32(_RTAX_LOCK, locked)] if locked else []
    for each in sorted(metrics, key=lambda metric: _RTAX[metric.name]):
        if isinstance(each.value, str):
            value = each.value.encode("ascii", "replace") + b"\0"
        else:
            value = _U32.pack(min(each.value * _SCALE.get(each.name, 1), 0xFFFFFFFF))
        parts.append(attribute(_RTAX[each.name], value))
    return b"".join(parts)


# -- rules -------------------------------------------------------------------------------


def _rule(rule: Rule) -> bytes:
    source, destination = rule.source, rule.destination
    payload = _RULE.pack(
        AF_INET6 if rule.ipv6 else AF_INET,
        0 if destination is None else destination.prefixlen,
        0 if source is None else source.prefixlen,
        rule.tos,
        rule.table if rule.table < _TABLES_IN_HEADER else 0,
        rule.action.value,
        _FIB_RULE_INVERT if rule.inverted else 0,
    )
    payload += _u32(_FRA_PRIORITY, rule.priority)
    payload += attribute(_FRA_PROTOCOL, bytes((rule.protocol,)))
    for kind, network in ((_FRA_DST, destination), (_FRA_SRC, source)):
        if network is not None and network.prefixlen:
            payload += attribute(kind, network.network_address.packed)
    for kind, name in ((_FRA_IIFNAME, rule.iif), (_FRA_OIFNAME, rule.oif)):
        if name is not None:
            payload += attribute(kind, name.encode("utf-8", "surrogateescape") + b"\0")
    for kind, number in (
        (_FRA_TABLE, rule.table or None),
        (_FRA_GOTO, rule.goto),
        (_FRA_FWMARK, rule.fwmark),
        (_FRA_FWMASK, rule.fwmask),
        (_FRA_FLOW, rule.realms or None),
        (_FRA_SUPPRESS_PREFIXLEN, rule.suppress_prefixlength),
        (_FRA_SUPPRESS_IFGROUP, rule.suppress_ifgroup),
    ):
        if number is not None:
            payload += _u32(kind, number)
    if rule.tunnel_id is not None:
        payload += attribute(_FRA_TUN_ID, _U64_NETWORK.pack(rule.tunnel_id))
    if rule.l3mdev:
        payload += attribute(_FRA_L3MDEV, b"\1")
    if rule.uidrange is not None:
        payload += attribute(_FRA_UID_RANGE, struct.pack("=II", *rule.uidrange))
    if rule.ipproto is not None:
        payload += attribute(_FRA_IP_PROTO, bytes((rule.ipproto,)))
    for kind, ports in ((_FRA_SPORT_RANGE, rule.sport), (_FRA_DPORT_RANGE, rule.dport)):
        if ports is not None:
            payload += attribute(kind, struct.pack("=HH", *ports))
    return payload


def _u32(kind: int, value: int) -> bytes:
    return attribute(kind, _U32.pack(value))


def _index(name: str, link_of: LinkOf) -> int:
    link = link_of(name)
    if link is None:
        raise NoInterfaceError(f"there is no interface {name}")
    return link.index


def _table(vrf: str, link_of: LinkOf) -> int:
    link = link_of(vrf)
    if link is None:
        raise NoInterfaceError(f"there is no VRF {vrf}")
    if link.table is None:
        raise NoInterfaceError(f"{vrf} is not a VRF")
    return link.table


def _family(address: Address) -> int:
    return AF_INET if address.version == 4 else AF_INET6
