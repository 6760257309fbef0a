"""The Internet checksum, and the pseudo-headers that VRRPv3 puts in front (RFC 5798 §5.2.8)."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address

from kaltwisted.kernel.checksum import checksum as checksum
from kaltwisted.kernel.checksum import is_intact as is_intact
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


def pseudo_header(source: bytes, destination: bytes, length: int) -> bytes:
    """What a VRRPv3 checksum covers besides the message; the addresses' size tells the family.

    IPv6: RFC 8200 §8.1.  IPv4: as RFC 5798 was read by keepalived, FRR and
    most hardware, who send and demand it; RFC 9568 leaves it out.
    """
    if len(source) == 4:
        return source + destination + bytes((0, VRRP_PROTOCOL)) + length.to_bytes(2)
    return source + destination + length.to_bytes(4) + bytes((0, 0, 0, VRRP_PROTOCOL))
