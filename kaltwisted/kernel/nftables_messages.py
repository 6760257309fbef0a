"""Messages of nf_tables for one table of drop rules (linux/netfilter/nf_tables.h).  Pure.

A table each for IPv4 and IPv6, both of one name: a set of addresses, and in
the input and output hooks a chain that drops what goes to one of them or comes
from one.  Neighbour discovery passes, or nobody would find the addresses;
link-local addresses count on their own interface only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from kaltwisted.config.model import Address, Nftables
from kaltwisted.kernel.messages import NLA_F_NESTED, NLM_F_ACK, NLM_F_REQUEST, Request, attribute, pack
from kaltwisted.kernel.rtnetlink import AF_INET, AF_INET6

NETLINK_NETFILTER = 12

Place: TypeAlias = tuple[int, Address]
"""An address, and the number of the interface it is on."""

_SUBSYSTEM = 10
_BATCH_BEGIN = 16
_BATCH_END = 17
_NEW_TABLE, _DELETE_TABLE = _SUBSYSTEM << 8 | 0, _SUBSYSTEM << 8 | 2
_NEW_CHAIN = _SUBSYSTEM << 8 | 3
_NEW_RULE = _SUBSYSTEM << 8 | 6
_NEW_SET = _SUBSYSTEM << 8 | 9
_NEW_ELEMENTS, _DELETE_ELEMENTS = _SUBSYSTEM << 8 | 12, _SUBSYSTEM << 8 | 14

_NLM_F_CREATE = 0x400
_NLM_F_APPEND = 0x800
# family, version, resource
_HEADER = struct.Struct("!BBH")
_U32 = struct.Struct("!I")
_I32 = struct.Struct("!i")
_INDEX = struct.Struct("=I")

# Hooks, and the words of a rule.
_HOOKS = {"in": 1, "out": 3}
_NETWORK_HEADER, _TRANSPORT_HEADER = 1, 2
_VERDICT_REGISTER, _REGISTER, _NEXT_REGISTER = 0, 1, 2
_DROP, _ACCEPT = 0, 1
_META_KEY = {"in": 4, "out": 5}
_ADDRESS_AT = {(AF_INET, "in"): 16, (AF_INET, "out"): 12, (AF_INET6, "in"): 24, (AF_INET6, "out"): 8}
_NEXT_HEADER_AT = 6
_ICMPV6 = 58
_NEIGHBOUR_DISCOVERY = (135, 136)

_VIPS, _LINK_LOCAL = "vips", "vips_link_local"
# How nft shows the sets: types of its own numbering, which the kernel only keeps.
_SHOWN_AS = {(AF_INET, _VIPS): 7, (AF_INET6, _VIPS): 8, (AF_INET6, _LINK_LOCAL): 8 << 6 | 20}

#: Elements of one message.
_MOST_ELEMENTS = 500


def family_of(ip_version: int) -> int:
    """The kernel's number of a family."""
    return AF_INET if ip_version == 4 else AF_INET6


def transaction(requests: Iterable[Request]) -> tuple[bytes, int]:
    """Requests that the kernel carries out all or none; how many acknowledgements come."""
    numbered = list(requests)
    around = _HEADER.pack(0, 0, _SUBSYSTEM)
    packed = [pack(Request(_BATCH_BEGIN, around), NLM_F_REQUEST, 0)]
    packed += [pack(each, NLM_F_REQUEST | NLM_F_ACK, at) for at, each in enumerate(numbered, 1)]
    packed.append(pack(Request(_BATCH_END, around), NLM_F_REQUEST, len(numbered) + 1))
    return b"".join(packed), len(numbered)


def table_anew(settings: Nftables, family: int) -> list[Request]:
    """An empty table with its rules, in place of one that may be there."""
    table = settings.table
    named = attribute(1, _string(table))
    new = _request(_NEW_TABLE, family, named, _NLM_F_CREATE, f"add nftables table {table}")
    requests = [
        new,
        table_away(table, family),
        new,
        _set(table, family, _VIPS, 4 if family == AF_INET else 16),
    ]
    if family == AF_INET6:
        requests.append(_set(table, family, _LINK_LOCAL, 16 + _INDEX.size))
    for chain, hook in _HOOKS.items():
        where = attribute(1, _string(table))
        hooked = _nested(4, attribute(1, _U32.pack(hook)) + attribute(2, _I32.pack(settings.priority)))
        described = where + attribute(3, _string(chain)) + hooked + attribute(7, _string("filter"))
        requests.append(_request(_NEW_CHAIN, family, described, _NLM_F_CREATE, f"add nftables chain {chain}"))
        for expressions in _rules(family, chain, counters=settings.counters):
            listed = _nested(4, b"".join(_nested(1, each) for each in expressions))
            rule = where + attribute(2, _string(chain)) + listed
            flags = _NLM_F_CREATE | _NLM_F_APPEND
            requests.append(_request(_NEW_RULE, family, rule, flags, f"add an nftables rule to {chain}"))
    return requests


def table_away(table: str, family: int) -> Request:
    """Remove the table with all that is in it; ENOENT when there is none."""
    return _request(_DELETE_TABLE, family, attribute(1, _string(table)), 0, f"delete nftables table {table}")


def elements(table: str, family: int, places: Sequence[Place], *, add: bool) -> list[Request]:
    """Put addresses of one family into their sets, or take them out."""
    sets: dict[str, list[bytes]] = {}
    for index, address in places:
        if address.version == 6 and address.is_link_local:
            sets.setdefault(_LINK_LOCAL, []).append(address.packed + _INDEX.pack(index))
        else:
            sets.setdefault(_VIPS, []).append(address.packed)
    kind, flags, verb = (
        (_NEW_ELEMENTS, _NLM_F_CREATE, "add to") if add else (_DELETE_ELEMENTS, 0, "delete from")
    )
    requests = []
    for name, keys in sets.items():
        for at in range(0, len(keys), _MOST_ELEMENTS):
            some = keys[at : at + _MOST_ELEMENTS]
            # All keys of a set are of one size, and so is all that stands before each.
            head = _nested(1, _nested(1, attribute(1, some[0])))[: -len(some[0])]
            listed = _nested(3, b"".join(head + key for key in some))
            described = attribute(1, _string(table)) + attribute(2, _string(name)) + listed
            requests.append(_request(kind, family, described, flags, f"{verb} nftables set {name}"))
    return requests


def _rules(family: int, chain: str, *, counters: bool) -> list[list[bytes]]:
    """The expressions of each rule of a chain."""
    rules: list[list[bytes]] = []
    address = _payload(_NETWORK_HEADER, _ADDRESS_AT[family, chain], 4 if family == AF_INET else 16)
    counted = [_expression("counter", b"")] if counters else []
    if family == AF_INET6:
        for kind in _NEIGHBOUR_DISCOVERY:
            rules.append(
                [
                    _payload(_NETWORK_HEADER, _NEXT_HEADER_AT, 1),
                    _equals(bytes((_ICMPV6,))),
                    _payload(_TRANSPORT_HEADER, 0, 1),
                    _equals(bytes((kind,))),
                    _verdict(_ACCEPT),
                ]
            )
        key = attribute(1, _U32.pack(_NEXT_REGISTER)) + attribute(2, _U32.pack(_META_KEY[chain]))
        interface = _expression("meta", key)
        rules.append([address, interface, _lookup(_LINK_LOCAL), *counted, _verdict(_DROP)])
    rules.append([address, _lookup(_VIPS), *counted, _verdict(_DROP)])
    return rules


def _set(table: str, family: int, name: str, key_size: int) -> Request:
    described = attribute(1, _string(table)) + attribute(2, _string(name)) + attribute(3, _U32.pack(0))
    described += attribute(4, _U32.pack(_SHOWN_AS[family, name])) + attribute(5, _U32.pack(key_size))
    # A number that rules of this very transaction could name it by; ours go by its name.
    described += attribute(10, _U32.pack(1 if name == _VIPS else 2))
    return _request(_NEW_SET, family, described, _NLM_F_CREATE, f"add nftables set {name}")


def _payload(base: int, offset: int, size: int) -> bytes:
    words = enumerate((_REGISTER, base, offset, size), 1)
    return _expression("payload", b"".join(attribute(kind, _U32.pack(word)) for kind, word in words))


def _equals(value: bytes) -> bytes:
    compared = attribute(1, _U32.pack(_REGISTER)) + attribute(2, _U32.pack(0))
    return _expression("cmp", compared + _nested(3, attribute(1, value)))


def _lookup(name: str) -> bytes:
    return _expression("lookup", attribute(1, _string(name)) + attribute(2, _U32.pack(_REGISTER)))


def _verdict(code: int) -> bytes:
    said = _nested(2, _nested(2, attribute(1, _U32.pack(code))))
    return _expression("immediate", attribute(1, _U32.pack(_VERDICT_REGISTER)) + said)


def _expression(name: str, described: bytes) -> bytes:
    return attribute(1, _string(name)) + _nested(2, described)


def _request(kind: int, family: int, payload: bytes, flags: int, attempted: str) -> Request:
    return Request(kind, _HEADER.pack(family, 0, 0) + payload, flags, attempted)


def _nested(kind: int, value: bytes) -> bytes:
    return attribute(kind | NLA_F_NESTED, value)


def _string(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape") + b"\0"
