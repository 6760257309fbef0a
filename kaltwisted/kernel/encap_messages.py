"""Attributes of lightweight tunnels, for ``encap`` of routes (lwtunnel.h, mpls_iptunnel.h, ila.h).  Pure."""

from __future__ import annotations

import struct
from typing import Final

from kaltwisted.config.model_routes import Encap, EncapType
from kaltwisted.kernel.messages import NLA_F_NESTED, attribute

RTA_ENCAP_TYPE, RTA_ENCAP = 21, 22

_TYPES: Final = {EncapType.MPLS: 1, EncapType.IP: 2, EncapType.ILA: 3, EncapType.IP6: 4}
_MPLS_DST = 1
_ILA_LOCATOR = 1
# Of IPv4 and IPv6 alike: what IPv6 calls hop limit and traffic class stands where IPv4 has TTL and TOS.
_ID, _DST, _SRC, _TTL, _TOS, _FLAGS = 1, 2, 3, 4, 5, 6
_LABEL_SHIFT = 12
_BOTTOM_OF_STACK = 1 << 8


def encap_attributes(encap: Encap) -> bytes:
    """``RTA_ENCAP`` and its type."""
    if encap.type is EncapType.MPLS:
        inner = attribute(_MPLS_DST, _stack(encap.labels))
    elif encap.type is EncapType.ILA:
        inner = attribute(_ILA_LOCATOR, struct.pack(">Q", encap.locator))
    else:
        inner = _ip(encap)
    kind = attribute(RTA_ENCAP_TYPE, struct.pack("=H", _TYPES[encap.type]))
    return attribute(RTA_ENCAP | NLA_F_NESTED, inner) + kind


def _stack(labels: tuple[int, ...]) -> bytes:
    """Label stack entries (RFC 3032 §2.1); the last one says that it is."""
    entries = [label << _LABEL_SHIFT for label in labels]
    entries[-1] |= _BOTTOM_OF_STACK
    return struct.pack(f">{len(entries)}I", *entries)


def _ip(encap: Encap) -> bytes:
    parts = []
    for kind, number, form in (
        (_ID, encap.id, ">Q"),
        (_TTL, encap.ttl, "=B"),
        (_TOS, encap.tos, "=B"),
        (_FLAGS, encap.flags, ">H"),
    ):
        if number is not None:
            parts.append(attribute(kind, struct.pack(form, number)))
    for kind, address in ((_DST, encap.destination), (_SRC, encap.source)):
        if address is not None:
            parts.append(attribute(kind, address.packed))
    return b"".join(parts)
