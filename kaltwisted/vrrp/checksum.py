"""The Internet checksum (RFC 1071) and the pseudo-headers that VRRPv3 puts in front (RFC 5798 §5.2.8)."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address

from kaltwisted.vrrp.auth import VRRP_PROTOCOL

_GROUP = IPv4Address("224.0.0.18").packed


class Form(Enum):
    """What a version 3 checksum over IPv4 covers besides the message."""

    ADDRESSES = "the addresses, as keepalived and most others read RFC 5798"
    OLD_UNICAST = "the addresses, but for the destination the group (keepalived before 1.3.6)"
    MESSAGE = "nothing, as version 2 does and RFC 9568 says"


def covered(form: Form, version: int, source: bytes, destination: bytes, length: int) -> bytes:
    """What goes in front of a message of ``length`` bytes when its checksum is reckoned.

    Over IPv6 there is one form, whatever the version: the kernel reckons it.
    """
    if len(source) == 4 and (version == 2 or form is Form.MESSAGE):
        return b""
    old = len(source) == 4 and form is Form.OLD_UNICAST
    return pseudo_header(source, _GROUP if old else destination, length)


def checksum(data: bytes) -> int:
    """The checksum of ``data``, in which the checksum's own field is zero.

    A big number modulo 2**16 - 1 is the sum of its 16-bit words with the carries
    folded in: one division in place of a loop.
    """
    total = int.from_bytes(data) << (8 * (len(data) & 1))
    folded = total % 0xFFFF
    return 0 if total and not folded else 0xFFFF - folded


def is_intact(data: bytes) -> bool:
    """Whether ``data``, its checksum included, sums up to all ones."""
    total = int.from_bytes(data) << (8 * (len(data) & 1))
    return total != 0 and total % 0xFFFF == 0


def pseudo_header(source: bytes, destination: bytes, length: int) -> bytes:
    """What a VRRPv3 checksum covers besides the message; the addresses' size tells the family.

    IPv6: RFC 8200 §8.1.  IPv4: as RFC 5798 was read by keepalived, FRR and
    most hardware, who send and demand it; RFC 9568 leaves it out.
    """
    if len(source) == 4:
        return source + destination + bytes((0, VRRP_PROTOCOL)) + length.to_bytes(2)
    return source + destination + length.to_bytes(4) + bytes((0, 0, 0, VRRP_PROTOCOL))
