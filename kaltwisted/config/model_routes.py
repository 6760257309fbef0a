"""Routes and policy rules as frozen values: lines of ``virtual_routes``, ``static_rules`` and their like."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

import attrs

from kaltwisted.config.model_values import Address

Network: TypeAlias = IPv4Network | IPv6Network

PROTOCOL_KEEPALIVED = 18
"""RTPROT_KEEPALIVED: marks in the kernel's tables what is ours (linux/rtnetlink.h)."""
MAIN_TABLE = 254


class RouteType(Enum):
    """What becomes of packets; the values are linux/rtnetlink.h's RTN_*."""

    UNICAST = 1
    LOCAL = 2
    BROADCAST = 3
    ANYCAST = 4
    MULTICAST = 5
    BLACKHOLE = 6
    UNREACHABLE = 7
    PROHIBIT = 8
    THROW = 9
    NAT = 10


class Placing(Enum):
    """Where a route goes among those of the same destination and metric."""

    PREPEND = "prepend"
    APPEND = "append"
    ADD = "add"


@attrs.frozen
class Metric:
    """A metric of a route, such as ``mtu lock 1400``; times in ms, ``congctl`` is a name."""

    name: str
    value: int | str
    lock: bool = False


class EncapType(Enum):
    """How packets are put into others; the values are iproute2's words."""

    MPLS = "mpls"
    IP = "ip"
    IP6 = "ip6"
    ILA = "ila"


@attrs.frozen
class Encap:
    """``encap TYPE …``: what the packets of a route or next hop are put into.

    ``labels``: of MPLS, outermost first.  ``locator``: of ILA, 64 bits.  Of IP
    and IP6 the rest; of IPv6 ``tos`` is the traffic class (``tc``), ``ttl`` the
    hop limit.
    """

    type: EncapType
    labels: tuple[int, ...] = ()
    locator: int = 0
    id: int | None = None
    destination: Address | None = None
    source: Address | None = None
    tos: int | None = None
    ttl: int | None = None
    flags: int | None = None

    def __str__(self) -> str:
        words = [self.type.value]
        if self.type is EncapType.MPLS:
            words.append("/".join(map(str, self.labels)))
        elif self.type is EncapType.ILA:
            words.append(":".join(f"{self.locator >> shift & 0xFFFF:x}" for shift in (48, 32, 16, 0)))
        ipv6 = self.type is EncapType.IP6
        for option, value in (
            ("id", self.id),
            ("dst", self.destination),
            ("src", self.source),
            ("tc" if ipv6 else "tos", self.tos),
            ("hoplimit" if ipv6 else "ttl", self.ttl),
            ("flags", self.flags),
        ):
            words += [] if value is None else [option, str(value)]
        return " ".join(words)


@attrs.frozen
class NextHop:
    """One way of several: ``nexthop via A dev D weight N``."""

    gateway: Address | None = None
    dev: str | None = None
    weight: int = 1
    onlink: bool = False
    realms: int = 0
    encap: Encap | None = None


@attrs.frozen
class Route:
    """A line of ``virtual_routes`` or ``static_routes``, in iproute2's words.

    Numbers stand for the names of /etc/iproute2.  ``source`` is the preferred
    source (``src``), ``only_from`` the sources it is for (``from``, IPv6 only).
    ``scope`` None: as follows from the rest.  ``realms``: from << 16 | to.
    ``expires``: in seconds.  ``no_track``: not put back when others remove it.
    ``vrf``: in the table of this VRF, not in ``table``.
    """

    destination: Network
    type: RouteType = RouteType.UNICAST
    only_from: Network | None = None
    encap: Encap | None = None
    gateway: Address | None = None
    dev: str | None = None
    source: Address | None = None
    table: int = MAIN_TABLE
    metric: int = 0
    tos: int = 0
    scope: int | None = None
    protocol: int = PROTOCOL_KEEPALIVED
    onlink: bool = False
    nexthops: tuple[NextHop, ...] = ()
    metrics: tuple[Metric, ...] = ()
    realms: int = 0
    expires: int | None = None
    pref: int | None = None
    ttl_propagate: bool | None = None
    vrf: str | None = None
    placing: Placing = Placing.PREPEND
    no_track: bool = False
    track_group: str | None = None

    @property
    def devices(self) -> frozenset[str]:
        """The interfaces it names."""
        return frozenset(name for name in (self.dev, *(hop.dev for hop in self.nexthops)) if name is not None)

    def __str__(self) -> str:
        words = [] if self.type is RouteType.UNICAST else [self.type.name.lower()]
        words.append("default" if not self.destination.prefixlen else str(self.destination))
        words += _said(self, from_="only_from")
        words += _way(self)
        words += _said(self, src="source")
        if self.vrf is not None:
            words += ["vrf", self.vrf]
        elif self.table != MAIN_TABLE:
            words += ["table", str(self.table)]
        words += _said(self, metric="metric", tos="tos", scope="scope", expires="expires", pref="pref")
        if self.protocol != PROTOCOL_KEEPALIVED:
            words += ["protocol", str(self.protocol)]
        if self.ttl_propagate is not None:
            words += ["ttl-propagate", "enabled" if self.ttl_propagate else "disabled"]
        for each in self.metrics:
            words += [each.name, *(("lock",) if each.lock else ()), str(each.value)]
        for hop in self.nexthops:
            words += ["nexthop", *_way(hop), "weight", str(hop.weight)]
        if self.placing is not Placing.PREPEND:
            words.append(self.placing.value)
        return " ".join([*words, *_marks(self)])


def _way(way: Route | NextHop) -> list[str]:
    words = _said(way, encap="encap", via="gateway", dev="dev")
    words += ["onlink"] if way.onlink else []
    return words + (["realms", f"{way.realms >> 16}/{way.realms & 0xFFFF}"] if way.realms else [])


def _said(item: object, **fields: str) -> list[str]:
    """Option and value of each field that is not at its default, which is None or 0."""
    words = []
    for option, field in fields.items():
        value = getattr(item, field)
        if value is not None and value != 0:
            ends = isinstance(value, tuple)
            words += [option.rstrip("_").replace("_", "-"), "{}-{}".format(*value) if ends else str(value)]
    return words


def _marks(item: Route | Rule) -> list[str]:
    group = [] if item.track_group is None else ["track_group", item.track_group]
    return ["no_track"] * item.no_track + group


class RuleAction(Enum):
    """What a rule does; the values are linux/fib_rules.h's FR_ACT_*."""

    LOOKUP = 1
    GOTO = 2
    NOP = 3
    BLACKHOLE = 6
    UNREACHABLE = 7
    PROHIBIT = 8


@attrs.frozen
class Rule:
    """A line of ``virtual_rules`` or ``static_rules``, in iproute2's words.

    ``priority`` 0 is no priority: one is given when the block is read.
    ``inverted``: ``not``.  ``realms``: from << 16 | to.
    """

    ipv6: bool
    priority: int = 0
    action: RuleAction = RuleAction.LOOKUP
    table: int = 0
    goto: int | None = None
    inverted: bool = False
    source: Network | None = None
    destination: Network | None = None
    iif: str | None = None
    oif: str | None = None
    tos: int = 0
    fwmark: int | None = None
    fwmask: int | None = None
    realms: int = 0
    suppress_prefixlength: int | None = None
    suppress_ifgroup: int | None = None
    tunnel_id: int | None = None
    uidrange: tuple[int, int] | None = None
    l3mdev: bool = False
    protocol: int = PROTOCOL_KEEPALIVED
    ipproto: int | None = None
    sport: tuple[int, int] | None = None
    dport: tuple[int, int] | None = None
    no_track: bool = False
    track_group: str | None = None

    def __str__(self) -> str:
        words = [f"{self.priority}:", *(["inet6"] * self.ipv6), *(["not"] * self.inverted)]
        words += ["from", "all" if self.source is None else str(self.source)]
        words += _said(self, to="destination", iif="iif", oif="oif", tos="tos")
        if self.fwmark is not None:
            words += ["fwmark", f"{self.fwmark:#x}" + ("" if self.fwmask is None else f"/{self.fwmask:#x}")]
        if self.realms:
            words += ["realms", f"{self.realms >> 16}/{self.realms & 0xFFFF}"]
        words += _said(self, tunnel_id="tunnel_id", uidrange="uidrange", ipproto="ipproto")
        words += _said(self, sport="sport", dport="dport")
        for option in ("suppress_prefixlength", "suppress_ifgroup"):
            value = getattr(self, option)
            words += [] if value is None else [option, str(value)]
        if self.protocol != PROTOCOL_KEEPALIVED:
            words += ["protocol", str(self.protocol)]
        if self.action is RuleAction.LOOKUP:
            words += ["l3mdev"] if self.l3mdev else ["lookup", str(self.table)]
        elif self.action is RuleAction.GOTO:
            words += ["goto", str(self.goto)]
        else:
            words.append(self.action.name.lower())
        return " ".join([*words, *_marks(self)])


RoutingItem: TypeAlias = Route | Rule
