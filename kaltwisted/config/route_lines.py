"""Lines of ``virtual_routes`` and ``static_routes``: routes in iproute2's words."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

from kaltwisted.config.encap_lines import encap
from kaltwisted.config.model_routes import PROTOCOL_KEEPALIVED, Metric, NextHop, Placing, Route, RouteType
from kaltwisted.config.option_words import STATIC_OPTION, UINT32_MAX, Options, OptionWords, Take, on

if TYPE_CHECKING:
    from kaltwisted.config.iproute import Names
    from kaltwisted.config.model_routes import Network
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

_TYPES = {each.name.lower(): each for each in RouteType if each is not RouteType.NAT}
_PREFERENCES = {"low": 3, "medium": 0, "high": 1}
_TIMES = {"ms": 1, "msecs": 1, "s": 1000, "sec": 1000, "secs": 1000}
_MAX_PATHS = 255
_TABLE_OR_VRF = {"table": "vrf", "vrf": "table"}

_table: Take = lambda words: words.named("rt_tables", UINT32_MAX)  # noqa: E731
_metric: Take = lambda words: words.number()  # noqa: E731
_tos: Take = lambda words: words.named("rt_dsfield")  # noqa: E731

_FIELDS: Options = {
    "from": ("only_from", OptionWords.network),
    "src": ("source", OptionWords.address),
    "dev": ("dev", OptionWords.interface),
    "oif": ("dev", OptionWords.interface),
    "table": ("table", _table),
    "metric": ("metric", _metric),
    "priority": ("metric", _metric),
    "preference": ("metric", _metric),
    "tos": ("tos", _tos),
    "dsfield": ("tos", _tos),
    "scope": ("scope", lambda words: words.named("rt_scopes")),
    "protocol": ("protocol", lambda words: words.named("rt_protos")),
    "onlink": ("onlink", on),
    "realms": ("realms", OptionWords.realms),
    "expires": ("expires", lambda words: words.number()),
    "pref": ("pref", lambda words: _one_of(words, _PREFERENCES)),
    "ttl-propagate": ("ttl_propagate", lambda words: _ttl_propagate(words)),
    "vrf": ("vrf", OptionWords.interface),
    "encap": ("encap", encap),
    "prepend": ("placing", lambda _: Placing.PREPEND),
    "append": ("placing", lambda _: Placing.APPEND),
    "add": ("placing", lambda _: Placing.ADD),
    "no_track": ("no_track", on),
}
_NUMBERS: dict[str, tuple[int, int]] = {
    "mtu": (0, 65535),
    "advmss": (0, 65535),
    "hoplimit": (0, 255),
    "reordering": (0, UINT32_MAX),
    "window": (0, UINT32_MAX),
    "cwnd": (0, UINT32_MAX),
    "ssthresh": (0, UINT32_MAX),
    "initcwnd": (0, UINT32_MAX),
    "initrwnd": (0, UINT32_MAX),
    "quickack": (0, 1),
    "fastopen_no_cookie": (0, 1),
}
_DURATIONS = frozenset(("rtt", "rttvar", "rto_min"))
_METRICS = frozenset((*_NUMBERS, *_DURATIONS, "features", "congctl"))
_OTHERS = ("to", "via", "gw", "or", "nexthop", "inet", "inet6", "as")
ROUTE_OPTIONS = (*_OTHERS, *_FIELDS, *sorted(_METRICS))
"""The words that a line may have."""
_STATIC_FIELDS: Options = {**_FIELDS, STATIC_OPTION: (STATIC_OPTION, OptionWords.value)}


def routes(reader: Reader, statement: Statement, names: Names, *, static: bool = False) -> Iterator[Route]:
    """The routes of a block; ``static`` ones have an option more."""
    for line in statement.block or ():
        route = _route(OptionWords(reader, line, names), _STATIC_FIELDS if static else _FIELDS)
        if route is not None:
            yield route


def _route(words: OptionWords, known: Options) -> Route | None:
    fields: dict[str, Any] = {}
    metrics: list[Metric] = []
    hops: list[NextHop] = []
    gateways: list[Any] = []
    ipv6: bool | None = None
    found: Network | None = None
    has_destination = False
    while not words.at_end:
        word = words.peek()
        option = known.get(word)
        if option is not None:
            words.take()
            fields[option[0]] = option[1](words)
            # Both say in which table it is: the last one counts.
            if word in _TABLE_OR_VRF:
                fields.pop(_TABLE_OR_VRF[word], None)
        elif word in _METRICS:
            metrics.append(_read_metric(words))
        elif word in ("via", "gw", "or"):
            words.take()
            gateways.append(words.address())
        elif word == "nexthop":
            words.take()
            hops.append(_hop(words))
        elif word in ("inet", "inet6"):
            ipv6 = words.take() == "inet6"
        elif word in _TYPES and not has_destination and "type" not in fields:
            fields["type"] = _TYPES[words.take()]
        elif word == "as":
            words.take()
            words.follows("to")
            words.address()
            if not words.failed:
                message = "`as` is for MPLS routes, and passed over"
                words.pass_over(message, '"as to" for MPLS only - ignoring')
        elif word == "nat":
            words.take()
            words.fail("no kernel of today has `nat` routes", "rules of nftables")
        elif not has_destination and (word == "to" or word[:1].isdigit() or _is_place(word)):
            words.follows("to")
            ipv6 = True if words.peek() == "default6" else ipv6
            found, has_destination = words.network(), True
        else:
            words.take()
            words.unknown([*ROUTE_OPTIONS, *_TYPES], "unknown route keyword")
    if words.failed:
        return None
    if not has_destination:
        words.fail(
            "a route needs a destination", "ADDRESS/LENGTH or default", "Route must have a destination"
        )
        return None
    if len(gateways) > 1:
        way = fields.pop("encap", None)
        hops += (NextHop(gateway, fields.get("dev"), encap=way) for gateway in gateways)
        fields.pop("dev", None)
    elif gateways:
        fields["gateway"] = gateways[0]
    fields |= {"metrics": tuple(metrics), "nexthops": tuple(hops)}
    return _checked(words, fields, found, ipv6)


def _is_place(word: str) -> bool:
    return word in ("default", "default6", "any", "all") or ":" in word


def _checked(
    words: OptionWords, fields: dict[str, Any], found: Network | None, ipv6: bool | None
) -> Route | None:
    """What does not fit together is told."""
    said = [fields.get("source"), fields.get("only_from"), fields.get("gateway")]
    said += (hop.gateway for hop in fields["nexthops"])
    families = {each.version for each in said if each is not None}
    if found is None:
        version = 6 if ipv6 or (ipv6 is None and families == {6}) else 4
        found = ip_network("::/0" if version == 6 else "0.0.0.0/0")
    version = found.version
    source = fields.get("source")
    # Only a gateway may be of the other family: IPv4 by way of an IPv6 router (RFC 5549).
    odd = ipv6 is not None and ipv6 != (version == 6)
    odd |= (version == 6 and families > {6}) or (families == {4} and version == 6)
    odd |= source is not None and source.version != version
    if odd:
        words.fail(
            "IPv4 and IPv6 do not go together in a route", log="Cannot mix IPv4 and IPv6 addresses for route"
        )
        return None
    if fields.get("only_from") is not None and version == 4:
        words.fail("`from` is for IPv6 routes", "a rule for IPv4: virtual_rules")
        return None
    if len(fields["nexthops"]) > _MAX_PATHS:
        words.fail(f"a route has {_MAX_PATHS} nexthops at most")
        return None
    if fields.get("protocol", PROTOCOL_KEEPALIVED) != PROTOCOL_KEEPALIVED and not fields.get("no_track"):
        words.warn(
            "only routes of protocol keepalived can be looked after: it is used",
            "no_track to keep another protocol",
        )
        del fields["protocol"]
    assert isinstance(found, IPv4Network | IPv6Network)
    route = Route(found, **fields)
    if route.track_group is not None and not route.devices:
        words.warn("`track_group` concerns nobody: the route names no interface", "dev INTERFACE")
    return route


def _one_of(words: OptionWords, choices: dict[str, int]) -> int:
    text = words.value()
    if text not in choices:
        words.fail(f"`{text}` is not known here", " or ".join(choices))
    return choices.get(text, 0)


def _ttl_propagate(words: OptionWords) -> bool | None:
    """``enabled`` or ``disabled``."""
    text = words.value()
    if text in ("enabled", "disabled"):
        words.warn("`ttl-propagate` says something to MPLS routes only: here the kernel reads over it")
        return text == "enabled"
    if not words.failed:
        message = f"ttl-propagate `{text}` is not known here, and passed over"
        words.pass_over(message, f"ttl-propagate value {text} not recognised", "enabled or disabled")
    return None


def _read_metric(words: OptionWords) -> Metric:
    name = words.take()
    lock = words.follows("lock") is not None
    if name == "congctl":
        return Metric(name, words.value(), lock)
    if name == "features":
        return Metric(name, _one_of(words, {"ecn": 1}), lock)
    if name not in _DURATIONS:
        return Metric(name, words.number(*_NUMBERS[name]), lock)
    text = words.value()
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    factor = _TIMES.get(text[len(digits) :] or "ms")
    if factor is None or not (digits.isdecimal() and digits.isascii() and len(digits) < 8):
        words.fail(f"`{text}` is not a time", "milliseconds, or a number with s or ms behind it")
        return Metric(name, 0)
    return Metric(name, int(digits) * factor, lock)


def _hop(words: OptionWords) -> NextHop:
    """``encap … via A dev D weight N onlink realms R``, up to what belongs to the whole route."""
    fields: dict[str, Any] = {}
    while not words.at_end:
        word = words.peek()
        if word in ("via", "gw"):
            words.take()
            fields["gateway"] = words.address()
        elif word in ("dev", "oif"):
            words.take()
            fields["dev"] = words.interface()
        elif word == "encap":
            words.take()
            fields["encap"] = encap(words)
        elif word == "weight":
            words.take()
            fields["weight"] = words.number(1, 256)
        elif word == "onlink":
            words.take()
            fields["onlink"] = True
        elif word == "realms":
            words.take()
            fields["realms"] = words.realms()
        else:
            break
    if not words.failed and not {"gateway", "dev"} & fields.keys():
        words.fail("`nexthop` needs `via` or `dev`")
    return NextHop(**fields)
