"""ICMP echo (RFC 792) and ICMPv6 echo (RFC 4443 §4) as bytes.  Pure."""

from __future__ import annotations

import struct
from typing import Final

import attrs

from kaltwisted.kernel.checksum import checksum

_HEADER: Final = struct.Struct("!BBHHH")


@attrs.frozen
class Version:
    """What differs between the families: ICMP's types of request and reply, and who reckons the checksum."""

    request: int
    reply: int
    kernel_sums: bool


ICMP: Final = Version(8, 0, kernel_sums=False)
ICMPV6: Final = Version(128, 129, kernel_sums=True)


@attrs.frozen
class Echo:
    """What a reply repeats of its request; ``ident`` tells those of one host apart who ask."""

    ident: int
    sequence: int
    payload: bytes


def request(version: Version, echo: Echo) -> bytes:
    """The message that asks for this reply; of ICMPv6 without the checksum, which takes the addresses."""
    body = struct.pack("!HH", echo.ident, echo.sequence) + echo.payload
    head = bytes((version.request, 0, 0, 0))
    if version.kernel_sums:
        return head + body
    return head[:2] + checksum(head + body).to_bytes(2) + body


def reply(version: Version, message: bytes) -> Echo | None:
    """What a message replies to, None: it is no reply.

    Its checksum is not looked at: all that counts here is compared with what was asked.
    """
    if len(message) < _HEADER.size:
        return None
    type_, code, _, ident, sequence = _HEADER.unpack_from(message)
    if type_ != version.reply or code:
        return None
    return Echo(ident, sequence, message[_HEADER.size :])


def without_ip_header(packet: bytes) -> bytes:
    """What a raw socket of IPv4 hears, from the ICMP header on; nothing if it is shorter than it says."""
    return packet[4 * (packet[0] & 0xF) :] if packet else b""
