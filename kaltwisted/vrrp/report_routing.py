"""Routes, rules and static items in the data file, as keepalived 2.2.7 lays them out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kaltwisted.config.model import Address, Configuration, Route, Rule, VrrpInstance
from kaltwisted.config.model_routes import (
    MAIN_TABLE,
    PROTOCOL_KEEPALIVED,
    Encap,
    Metric,
    NextHop,
    Placing,
    RouteType,
    RuleAction,
)
from kaltwisted.vrrp.report_words import Topology, VrfTable, virtual_address
from kaltwisted.vrrp.routing import STATIC

_METRICS: Final = (
    *("congctl", "rtt", "rttvar", "rto_min", "features", "mtu", "window", "ssthresh", "cwnd", "advmss"),
    *("reordering", "hoplimit", "initcwnd", "initrwnd", "quickack", "fastopen_no_cookie"),
)
_TIMES: Final = frozenset(("rtt", "rttvar", "rto_min"))
_PREFERENCES: Final = {0: "medium", 1: "high", 3: "low"}


def static_lines(configuration: Configuration, topology: Topology) -> Iterator[str]:
    """The sections of static addresses, routes and rules, each if there are any."""
    if configuration.static_ipaddress:
        yield "------< Static Addresses >------"
        for vip in configuration.static_ipaddress:
            yield f"     {virtual_address(vip, '', stands=topology.stands(STATIC, vip))}"
    if configuration.static_routes:
        yield "------< Static Routes >------"
        yield from (f"     {route_words(route, topology.vrf_table)}" for route in configuration.static_routes)
    if configuration.static_rules:
        yield "------< Static Rules >------"
        yield from (f"     {rule_words(rule)}" for rule in configuration.static_rules)
    if configuration.track_groups:
        yield "------< Static Track groups >------"
    for group in configuration.track_groups:
        yield f" Static Track Group = {group.name}"
        yield "   VRRP member instances :"
        yield from (f"     {name}" for name in group.group)


def routing_lines(config: VrrpInstance, vrf_table: VrfTable) -> Iterator[str]:
    """An instance's own."""
    if config.virtual_routes:
        yield "   Virtual Routes :"
        yield from (f"     {route_words(route, vrf_table)}" for route in config.virtual_routes)
    if config.virtual_rules:
        yield "   Virtual Rules :"
        yield from (f"     {rule_words(rule)}" for rule in config.virtual_rules)


def route_words(route: Route, vrf_table: VrfTable) -> str:
    """``prepend 10.0.0.0/8 via inet 192.0.2.1 dev eth0 proto 18``."""
    table = route.table if route.vrf is None else vrf_table(route.vrf)
    unicast = route.type is RouteType.UNICAST
    placing = Placing.ADD if not unicast and route.placing is Placing.PREPEND else route.placing
    words = [placing.value, *([] if unicast else [route.type.name.lower()]), str(route.destination)]
    for option, value in (("from", route.only_from), ("src", route.source), ("tos", route.tos or None)):
        words += [] if value is None else [option, str(value)]
    words += _encap(route.encap) + _way(route.gateway, route.dev)
    if table is None:
        words += ["vrf", str(route.vrf)]
    elif table != MAIN_TABLE:
        words += ["table", str(table)]
    words += _protocol("proto", route)
    words += [] if route.scope is None else ["scope", str(route.scope)]
    words += ["metric", str(route.metric)] if route.metric else []
    words += ["onlink"] * route.onlink + _realms(route.realms)
    words += [] if route.expires is None else ["expires", f"{route.expires}sec"]
    for metric in sorted(route.metrics, key=lambda each: _METRICS.index(each.name)):
        words += _metric(metric)
    words += [] if route.pref is None else ["pref", _PREFERENCES[route.pref]]
    if route.ttl_propagate is not None:
        words += ["ttl-propagate", "enabled" if route.ttl_propagate else "disabled"]
    for hop in route.nexthops:
        words += _hop(hop)
    return " ".join(words + _marks(route))


def rule_words(rule: Rule) -> str:
    """``from 10.0.0.0/8 priority 1000 tos 0x0 protocol 18 lookup 300``."""
    words = ["not"] * rule.inverted + ["from", "all" if rule.source is None else str(rule.source)]
    words += [] if rule.destination is None else ["to", str(rule.destination)]
    words += ["priority", str(rule.priority), "tos", f"{rule.tos:#x}"]
    if rule.fwmark is not None:
        words += ["fwmark", f"{rule.fwmark:#x}" + ("" if rule.fwmask is None else f"/{rule.fwmask:#x}")]
    for option, value in (
        ("iif", rule.iif),
        ("oif", rule.oif),
        ("suppress_prefixlen", rule.suppress_prefixlength),
        ("suppress_ifgroup", rule.suppress_ifgroup),
        ("tunnel-id", rule.tunnel_id),
    ):
        words += [] if value is None else [option, str(value)]
    words += _range("uidrange", rule.uidrange) + ["l3mdev"] * rule.l3mdev + _protocol("protocol", rule)
    words += [] if rule.ipproto is None else ["ipproto", str(rule.ipproto)]
    words += _range("sport", rule.sport) + _range("dport", rule.dport)
    words += _realms(rule.realms) + _action(rule)
    return " ".join(words + _marks(rule))


def _action(rule: Rule) -> list[str]:
    match rule.action:
        case RuleAction.LOOKUP:
            return ["lookup", str(rule.table)]
        case RuleAction.GOTO:
            return ["goto", str(rule.goto)]
        case RuleAction.NOP:
            return ["nop"]
    return ["type", rule.action.name.lower()]


def _way(gateway: Address | None, dev: str | None) -> list[str]:
    words = [] if gateway is None else ["via", "inet" if gateway.version == 4 else "inet6", str(gateway)]
    return words + ([] if dev is None else ["dev", dev])


def _hop(hop: NextHop) -> list[str]:
    words = ["nexthop", *_way(hop.gateway, hop.dev)]
    words += ["weight", str(hop.weight)] if hop.weight != 1 else []
    return words + ["onlink"] * hop.onlink + _encap(hop.encap) + _realms(hop.realms)


def _encap(encap: Encap | None) -> list[str]:
    return [] if encap is None else ["encap", str(encap)]


def _metric(metric: Metric) -> list[str]:
    value = "ecn" if metric.name == "features" else str(metric.value)
    return [metric.name, *["lock"] * metric.lock, f"{value}ms" if metric.name in _TIMES else value]


def _realms(realms: int) -> list[str]:
    if not realms:
        return []
    return ["realms", f"{realms >> 16}/{realms & 0xFFFF}" if realms >> 16 else str(realms)]


def _range(option: str, ends: tuple[int, int] | None) -> list[str]:
    return [] if ends is None else [option, f"{ends[0]}-{ends[1]}"]


def _protocol(option: str, item: Route | Rule) -> list[str]:
    """keepalived does not mark what it does not look after."""
    if item.no_track and item.protocol == PROTOCOL_KEEPALIVED:
        return []
    return [option, str(item.protocol)]


def _marks(item: Route | Rule) -> list[str]:
    group = [] if item.track_group is None else ["track_group", item.track_group]
    return ["no_track"] * item.no_track + group
