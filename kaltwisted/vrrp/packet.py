"""VRRP advertisements as bytes: versions 2 (RFC 3768 §5) and 3 (RFC 5798 §5), with their IPv4 header.

``decode`` is one ladder of checks, in keepalived's order, that ends in an
``Advert`` or in the ``Reason`` for which the packet is dropped.  It raises on
no bytes whatever, and counts and logs nothing: that is the instance's.

Addresses are packed bytes here, four or sixteen: a comparison of address lists
is then one comparison of bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType
from typing import Final

import attrs

from kaltwisted.config.model import Address, AuthType, OldUnicastChecksum
from kaltwisted.ports import Ipv6Message
from kaltwisted.vrrp import auth, hmac
from kaltwisted.vrrp.checksum import Form, checksum, covered, is_intact, pseudo_header

IPV4_GROUP: Final = IPv4Address("224.0.0.18").packed
IPV6_GROUP: Final = IPv6Address("ff02::12").packed
TTL: Final = 255
TOS: Final = 0xC0
"""Internetwork control, as keepalived marks its adverts."""

MIN_ETHERNET_PAYLOAD: Final = 46
CENTISECOND_US: Final = 10_000

_ADVERTISEMENT = 1
_ANY_TTL = (0, 255)
_FIXED = struct.Struct("!BBBBHH")
_IPV4 = struct.Struct("!BBHHHBBH4s4s")


class Reason(Enum):
    """Why a packet was dropped; the value says it to people."""

    FOREIGN = "not for this virtual router"
    LENGTH = "packet too short or too long for what it carries"
    AH_MISSING = "no authentication header, one is configured"
    AH_UNEXPECTED = "an authentication header, none is configured"
    TTL = "TTL is not 255, so it was forwarded"
    TTL_RANGE = "TTL is not within the peer's min_ttl and max_ttl"
    VERSION = "not the configured version"
    AUTH_UNKNOWN = "unknown authentication type"
    AUTH_MISMATCH = "not the configured authentication type"
    PASSWORD = "wrong password"
    ICV = "wrong IPSEC HMAC-MD5 value: other password, or altered on the way"
    SPI = "IPSEC SPI is not the source address"
    SEQUENCE = "IPSEC sequence number already used: replayed, or overtaken"
    HMAC_UNEXPECTED = "an HMAC trailer, no auth_hmac is configured"
    HMAC_MISSING = hmac.Failure.MISSING.value
    HMAC_MALFORMED = hmac.Failure.MALFORMED.value
    HMAC_UNKNOWN_KEY = hmac.Failure.UNKNOWN_KEY.value
    HMAC_INVALID = hmac.Failure.INVALID.value
    HMAC_STALE = hmac.Failure.STALE.value
    HMAC_REPLAY = hmac.Failure.REPLAY.value
    INTERVAL = "not the configured advertisement interval"
    TYPE = "not an advertisement"
    IP_LENGTH = "total length in the IP header disagrees with the packet"
    CHECKSUM = "wrong checksum"
    ADDRESS_COUNT = "no address in it"
    NOT_MULTICAST = "unicast, but multicast is configured"
    NOT_UNICAST = "multicast, but unicast is configured"
    UNKNOWN_PEER = "sender is not one of the unicast peers"


_HMAC_REASONS: Final = {failure: Reason(failure.value) for failure in hmac.Failure}


@attrs.frozen
class Advert:
    """One advertisement.  ``source`` and ``address_block`` are packed; ``sequence`` is AH's.

    ``signed``: the sequence number of its HMAC trailer, None without one.
    """

    version: int
    vrid: int
    priority: int
    interval_us: int
    address_block: bytes = b""
    source: bytes = b""
    sequence: int | None = None
    form: Form = Form.ADDRESSES
    """The form of its checksum: an old peer wants the same from us."""
    signed: int | None = None

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The virtual addresses it names, in its order."""
        return tuple(map(unpacked, slices(self.address_block, len(self.source))))

    @property
    def listed_addresses(self) -> frozenset[bytes]:
        """The same, packed and without an order: what two routers must agree about."""
        return frozenset(slices(self.address_block, len(self.source)))


@attrs.frozen
class Expected:
    """What an instance accepts: its virtual router and how its packets must be made.

    ``password``: eight bytes, padded.  ``sources``: the only senders to be heard
    (keepalived: ``check_unicast_src``), packed; None: any.  ``ttls``: the lowest
    and highest TTL of a sender's packets, where that is looked at in unicast.
    ``keys``: adverts are signed, and what theirs are judged by.
    ``addressless``: its adverts may be without an address (keepalived:
    ``no_virtual_ipaddress``; against RFC 5798 §7.1).
    """

    vrid: int
    version: int = 2
    interval_us: int = 1_000_000
    auth_type: AuthType | None = None
    password: bytes = attrs.field(default=bytes(auth.PASSWORD_SIZE), repr=False)
    unicast: bool = False
    sources: frozenset[bytes] | None = None
    ttls: Mapping[bytes, tuple[int, int]] = MappingProxyType({})
    checksum_as_v2: bool = False
    old_unicast_checksum: OldUnicastChecksum = OldUnicastChecksum.DETECT
    keys: hmac.Keys | None = None
    addressless: bool = False

    def form(self, *, old: bool) -> Form:
        """The checksum to send; ``old``: to a peer that sends the old form itself."""
        if self.checksum_as_v2:
            return Form.MESSAGE
        wanted = self.old_unicast_checksum
        if self.unicast and (wanted is OldUnicastChecksum.ALWAYS or old):
            return Form.OLD_UNICAST
        return Form.ADDRESSES


def slices(block: bytes, size: int) -> list[bytes]:
    """An address block cut into its packed addresses."""
    return [block[at : at + size] for at in range(0, len(block), size)]


def unpacked(packed: bytes) -> Address:
    """The address of four or sixteen bytes."""
    return ip_address(packed)


def vrid_of(packet: bytes | memoryview | Ipv6Message) -> int:
    """The VRID of a received packet, to find its instance by; 0, which no router has, if there is none.

    The cheap first look: nothing is allocated and nothing else is believed.
    """
    if isinstance(packet, Ipv6Message):
        return packet.message[1] if len(packet.message) > 1 else 0
    try:
        at = (packet[0] & 0x0F) << 2
        return packet[at + auth.AH_SIZE + 1] if packet[9] == auth.AH_PROTOCOL else packet[at + 1]
    except IndexError:
        return 0


# --- Sending ---------------------------------------------------------------------


def encode(
    expected: Expected,
    priority: int,
    address_block: bytes,
    source: bytes,
    destination: bytes,
    *,
    old_checksum: bool = False,
) -> bytes:
    """The VRRP message of an advertisement that a router with these settings accepts.

    ``interval_us`` goes out in whole seconds (version 2) or hundredths (version 3).
    ``old_checksum``: to a peer that sends the old form itself.
    """
    count = len(address_block) // len(source)
    if expected.version == 3:
        interval = min(expected.interval_us // CENTISECOND_US, 0xFFF)
        trailer = b""
    else:
        number = expected.auth_type.value if expected.auth_type else 0
        interval = number << 8 | (expected.interval_us // 1_000_000) & 0xFF
        password = expected.auth_type is AuthType.PASS
        trailer = expected.password if password else bytes(auth.PASSWORD_SIZE)
    first = expected.version << 4 | _ADVERTISEMENT
    body = address_block + trailer
    head = _FIXED.pack(first, expected.vrid, priority, count, interval, 0)
    form = expected.form(old=old_checksum)
    front = covered(form, expected.version, source, destination, len(head) + len(body))
    value = checksum(front + head + body)
    return head[:6] + value.to_bytes(2) + body


def ipv4_packet(
    message: bytes,
    source: bytes,
    destination: bytes,
    identification: int,
    *,
    protocol: int = auth.VRRP_PROTOCOL,
    ttl: int = TTL,
) -> bytes:
    """A whole IPv4 packet around ``message``, for a socket with IP_HDRINCL (RFC 791 §3.1).

    ``identification`` must not be 0: the kernel would put in one of its own, and
    AH's ICV covers it (see ``next_identification``).
    """
    size = _IPV4.size + len(message)
    header = _IPV4.pack(0x45, TOS, size, identification, 0, ttl, protocol, 0, source, destination)
    return header[:10] + checksum(header).to_bytes(2) + header[12:] + message


def sealed_packet(
    message: bytes,
    source: bytes,
    destination: bytes,
    identification: int,
    key: bytes,
    sequence: int,
    *,
    ttl: int = TTL,
) -> bytes:
    """The IPv4 packet of ``message`` behind an authentication header (RFC 2402), as keepalived makes it."""
    payload = auth.ah_header(source, sequence) + message
    packet = ipv4_packet(payload, source, destination, identification, protocol=auth.AH_PROTOCOL, ttl=ttl)
    icv = auth.icv(key, packet, _IPV4.size, multicast=is_multicast(destination))
    at = _IPV4.size + auth.AH_SIZE
    return packet[: at - auth.ICV_SIZE] + icv + packet[at:]


def with_trailer(message: bytes, trailer: bytes, source: bytes, destination: bytes) -> bytes:
    """A message and its HMAC trailer, as they go into an IP packet.

    Over IPv4 the checksum is of the message alone.  Over IPv6 it is of all that the packet carries:
    there the kernel reckons it (RFC 8200 §8.1), and to it the trailer is as good as the rest.
    """
    whole = message + trailer
    return whole if len(source) == 4 else summed_ipv6(whole, source, destination)


def summed_ipv6(message: bytes, source: bytes, destination: bytes) -> bytes:
    """What goes into an IPv6 packet, with its checksum (RFC 8200 §8.1) as the kernel would put it in."""
    front = pseudo_header(source, destination, len(message))
    value = checksum(front + message[:6] + b"\0\0" + message[8:])
    return message[:6] + value.to_bytes(2) + message[8:]


def next_identification(last: int) -> int:
    """The IP identification after ``last``: 1 to 65535 and round again, never 0."""
    return last % 0xFFFF + 1


def is_multicast(destination: bytes) -> bool:
    """Whether a packed address of either family is a group's."""
    return destination[0] == 0xFF if len(destination) == 16 else destination[0] >> 4 == 0xE


# --- Receiving -------------------------------------------------------------------


@attrs.frozen
class Moment:
    """What a packet is judged by beside its bytes, where adverts are signed.

    ``time_of_day_us``: since 1970.  ``latest``: the last sequence number of each sender.
    """

    time_of_day_us: int = 0
    latest: Mapping[bytes, int] = MappingProxyType({})


ANY_MOMENT: Final = Moment()
"""Where nothing is signed."""


def decode(
    packet: bytes | memoryview, expected: Expected, last_sequence: int = 0, moment: Moment = ANY_MOMENT
) -> Advert | Reason:
    """Judge an IPv4 packet as a raw socket hands it over, IP header first.

    ``last_sequence``: AH's anti-replay counter; an Advert with a ``sequence``
    asks the caller to move it there, and one that is ``signed`` to take note of that.
    """
    size = len(packet)
    if size < _IPV4.size or packet[0] >> 4 != 4:
        return Reason.LENGTH
    header_size = (packet[0] & 0x0F) << 2
    sealed = packet[9] == auth.AH_PROTOCOL
    at = header_size + (auth.AH_SIZE if sealed else 0)
    if header_size < _IPV4.size or size < at + _FIXED.size:
        return Reason.LENGTH
    if packet[at + 1] != expected.vrid:
        return Reason.FOREIGN
    if (packet[header_size] if sealed else packet[9]) != auth.VRRP_PROTOCOL:
        return Reason.FOREIGN

    length = message_length(packet[at + 3], packet[at] >> 4, 4)
    end = at + length
    if size < end:
        return Reason.LENGTH
    total = int.from_bytes(packet[2:4])
    # What is behind the IP packet is the padding of a short frame.
    trailer = bytes(packet[end:total])
    if expected.keys is None and size > end and size > MIN_ETHERNET_PAYLOAD:
        return _too_long(trailer)
    source = bytes(packet[12:16])
    destination = bytes(packet[16:20])
    message = bytes(packet[at:end])
    if reason := _shape(message, packet[8], source, sealed, expected):
        return reason
    signed: int | None = None
    if sealed:
        if reason := _seal(packet[:end], header_size, source, destination, expected, last_sequence):
            return reason
    elif expected.keys is not None:
        verdict = _signature(message, trailer, source, expected.keys, moment)
        if isinstance(verdict, Reason):
            return verdict
        signed = verdict
        end += len(trailer)
    elif reason := _password(message, expected):
        return reason
    if reason := _settings(message, expected):
        return reason
    if total != end:
        return Reason.IP_LENGTH
    form = _form(message, source, destination, expected, trailer if signed is not None else b"")
    if form is None:
        return Reason.CHECKSUM
    if reason := _content(message, source, destination, expected):
        return reason
    sequence = int.from_bytes(packet[header_size + 8 : header_size + 12]) if sealed else None
    return _advert(message, source, expected.version, sequence, form, signed)


def decode_ipv6(received: Ipv6Message, expected: Expected, moment: Moment = ANY_MOMENT) -> Advert | Reason:
    """Judge a message from an IPv6 raw socket, which keeps the IP header to itself."""
    whole, source, destination = received.message, received.source, received.destination
    if len(whole) < _FIXED.size:
        return Reason.LENGTH
    if whole[1] != expected.vrid:
        return Reason.FOREIGN
    length = message_length(whole[3], whole[0] >> 4, 16)
    message, trailer = whole[:length], whole[length:]
    if len(message) < length:
        return Reason.LENGTH
    if trailer and expected.keys is None:
        return _too_long(trailer)
    if reason := _shape(message, received.hop_limit, source, False, expected):
        return reason
    signed: int | None = None
    if expected.keys is not None:
        verdict = _signature(message, trailer, source, expected.keys, moment)
        if isinstance(verdict, Reason):
            return verdict
        signed = verdict
    elif reason := _password(message, expected):
        return reason
    if reason := _settings(message, expected):
        return reason
    form = _form(message, source, destination, expected, trailer)
    if form is None:
        return Reason.CHECKSUM
    reason = _content(message, source, destination, expected)
    return reason or _advert(message, source, expected.version, None, form, signed)


def message_length(count: int, version: int, address_size: int) -> int:
    """By the packet's own version: where that is not ours, the version is wrong and not the length."""
    trailer = auth.PASSWORD_SIZE if version == 2 else 0
    return _FIXED.size + count * address_size + trailer


def _too_long(trailer: bytes) -> Reason:
    """Why a message is not taken with what stands behind it."""
    is_signed = len(trailer) == hmac.SIZE and trailer[0] == hmac.TYPE
    return Reason.HMAC_UNEXPECTED if is_signed else Reason.LENGTH


def _signature(
    message: bytes, trailer: bytes, source: bytes, keys: hmac.Keys, moment: Moment
) -> int | Reason | None:
    """The sequence number of a trailer that is right, None where there need be none."""
    signed = hmac.Signed(message, trailer, source)
    verdict = hmac.judge(signed, keys, moment.time_of_day_us, moment.latest)
    if verdict is hmac.Failure.MISSING and not keys.required:
        return None
    return _HMAC_REASONS[verdict] if isinstance(verdict, hmac.Failure) else verdict


def _shape(message: bytes, ttl: int, source: bytes, sealed: bool, expected: Expected) -> Reason | None:
    if sealed != (expected.auth_type is AuthType.AH):
        return Reason.AH_UNEXPECTED if sealed else Reason.AH_MISSING
    if ttl != TTL and not expected.unicast:
        return Reason.TTL
    low, high = expected.ttls.get(source, _ANY_TTL)
    if not low <= ttl <= high:
        return Reason.TTL_RANGE
    if message[0] >> 4 != expected.version:
        return Reason.VERSION
    if expected.version == 2 and message[4] != (expected.auth_type.value if expected.auth_type else 0):
        return Reason.AUTH_UNKNOWN if message[4] > AuthType.AH.value else Reason.AUTH_MISMATCH
    return None


def _password(message: bytes, expected: Expected) -> Reason | None:
    if expected.auth_type is AuthType.PASS and not auth.same_password(
        message[-auth.PASSWORD_SIZE :], expected.password
    ):
        return Reason.PASSWORD
    return None


def _seal(
    packet: bytes | memoryview,
    header_size: int,
    source: bytes,
    destination: bytes,
    expected: Expected,
    last_sequence: int,
) -> Reason | None:
    reckoned = auth.icv(expected.password, packet, header_size, multicast=is_multicast(destination))
    at = header_size + auth.AH_SIZE
    if not auth.same_icv(packet[at - auth.ICV_SIZE : at], reckoned):
        return Reason.ICV
    if packet[header_size + 4 : header_size + 8] != source:
        return Reason.SPI
    if int.from_bytes(packet[header_size + 8 : header_size + 12]) <= last_sequence:
        return Reason.SEQUENCE
    return None


def _settings(message: bytes, expected: Expected) -> Reason | None:
    if expected.version == 2 and message[5] * 1_000_000 != expected.interval_us:
        return Reason.INTERVAL
    return None if message[0] & 0x0F == _ADVERTISEMENT else Reason.TYPE


def _form(
    message: bytes, source: bytes, destination: bytes, expected: Expected, trailer: bytes = b""
) -> Form | None:
    """The form in which a message's checksum is right; None: in none that is accepted.

    ``trailer``: an authentic one, which a checksum over IPv4 may cover or not.
    """
    forms = [Form.ADDRESSES]
    if expected.version == 3 and len(source) == 4:
        if expected.checksum_as_v2:
            # keepalived takes any checksum then.
            return Form.MESSAGE
        if expected.unicast and expected.old_unicast_checksum is not OldUnicastChecksum.NEVER:
            forms.append(Form.OLD_UNICAST)
    wholes = (message + trailer,) if len(source) == 16 or not trailer else (message, message + trailer)
    for form in forms:
        for whole in wholes:
            if is_intact(covered(form, expected.version, source, destination, len(whole)) + whole):
                return form
    return None


def _content(message: bytes, source: bytes, destination: bytes, expected: Expected) -> Reason | None:
    if is_multicast(destination) == expected.unicast:
        return Reason.NOT_UNICAST if expected.unicast else Reason.NOT_MULTICAST
    if expected.version == 3 and not message[3] and not expected.addressless:
        return Reason.ADDRESS_COUNT
    if expected.sources is not None and source not in expected.sources:
        return Reason.UNKNOWN_PEER
    return None


def _advert(
    message: bytes, source: bytes, version: int, sequence: int | None, form: Form, signed: int | None
) -> Advert:
    first, vrid, priority, count, interval, _ = _FIXED.unpack_from(message)
    interval_us = (interval & 0xFFF) * CENTISECOND_US if version == 3 else (interval & 0xFF) * 1_000_000
    block = message[_FIXED.size : _FIXED.size + count * len(source)]
    return Advert(first >> 4, vrid, priority, interval_us, block, source, sequence, form, signed)
