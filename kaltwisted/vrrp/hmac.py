"""HMAC authentication of adverts (keepalived 2.4: ``auth_hmac``): 28 bytes behind the VRRP message.

::

    type 1 | key id | reserved 16 | seconds 32 | fraction 16 | counter 16 | HMAC 128

The HMAC is the first half of HMAC-SHA256 over a pseudo-header, the message with
its checksum zero, and the trailer with the HMAC zero.  Seconds (since 1970),
fraction and counter are one sequence number, which every sender lets grow, and
which wraps (RFC 1982).

The pseudo-header is ``FAMILY``, version, VRID, a zero and the source address,
an IPv4 one in front of twelve zeros; the fraction is in 1/65536 s.  keepalived
reckons the same (its public repository, as of 2.4.1 and later).

Pure: bytes and the time of day come in, a sequence number or a ``Failure`` goes out.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

import attrs

SIZE: Final = 28
TYPE: Final = 1
FAMILY: Final[Mapping[int, int]] = MappingProxyType({4: 4, 16: 6})
"""The pseudo-header's number of an address family, by the size of its addresses."""

MOST_SENDERS: Final = 64
"""Senders whose latest sequence number is kept; only who has the key can become one."""

_HMAC_SIZE = 16
_ADDRESS_SIZE = 16
_HEAD = struct.Struct("!BBHQ")
_MODULUS = 1 << 64
_SECONDS_MODULUS = 1 << 32


class Failure(Enum):
    """Why a message is not what somebody with the key has just sent."""

    MISSING = "no HMAC trailer, auth_hmac is configured"
    MALFORMED = "what stands behind the message is no HMAC trailer"
    UNKNOWN_KEY = "signed with a key that is not configured"
    INVALID = "wrong HMAC: another key of that number, or altered on the way"
    STALE = "signed too long ago, or in the future"
    REPLAY = "its HMAC sequence number was used before: replayed, or overtaken"


@attrs.frozen
class Keys:
    """What a receiver goes by.

    ``secrets``: by key id.  ``window_s``: how far the time of day of a sender may be from ours; None:
    any is right, as long as it grows (``anti_replay monotonic``).  ``required``: unsigned is refused.
    """

    secrets: Mapping[int, bytes] = attrs.field(repr=False)
    window_s: int | None
    required: bool = True


@attrs.frozen
class Signed:
    """One message as it came in: without its trailer, and the trailer.  Addresses are packed."""

    message: bytes
    trailer: bytes
    source: bytes


def sign(message: bytes, source: bytes, key_id: int, secret: bytes, sequence: int) -> bytes:
    """The trailer of a message that ``source`` (packed) sends."""
    head = _HEAD.pack(TYPE, key_id, 0, sequence)
    return head + _hmac(secret, message, source, head)


def judge(
    signed: Signed, keys: Keys, now_us: int, latest: Mapping[bytes, int] = MappingProxyType({})
) -> int | Failure:
    """The sequence number of a message that is authentic and new, else what is wrong with it.

    Nothing of the trailer is believed before its HMAC is known to be right.

    :param now_us: the time of day, µs since 1970.
    :param latest: the last sequence number of each sender (``Senders.latest``).
    """
    trailer = signed.trailer
    if not trailer:
        return Failure.MISSING
    if len(trailer) != SIZE:
        return Failure.MALFORMED
    type_, key_id, reserved, sequence = _HEAD.unpack_from(trailer)
    if type_ != TYPE or reserved:
        return Failure.MALFORMED
    secret = keys.secrets.get(key_id)
    if secret is None:
        return Failure.UNKNOWN_KEY
    reckoned = _hmac(secret, signed.message, signed.source, trailer[: _HEAD.size])
    if not hmac.compare_digest(trailer[_HEAD.size :], reckoned):
        return Failure.INVALID
    window_s = keys.window_s
    if window_s is not None and abs(ahead_s(sequence, now_us)) > window_s:
        return Failure.STALE
    last = latest.get(signed.source)
    if last is None or is_newer(sequence, last):
        return int(sequence)
    if window_s is not None and ahead_s(last, now_us) > window_s:
        # Our time of day was set back: what it was before says nothing any more.
        return int(sequence)
    return Failure.REPLAY


def ahead_s(sequence: int, now_us: int) -> int:
    """By how many seconds a sender's time of day is ahead of ours; both may have wrapped."""
    distance = ((sequence >> 32) - now_us // 1_000_000) % _SECONDS_MODULUS
    return distance - _SECONDS_MODULUS if distance >= _SECONDS_MODULUS // 2 else distance


def is_newer(sequence: int, than: int) -> bool:
    """Whether a sequence number comes after another, by serial number arithmetic (RFC 1982 §3.2)."""
    return 0 < (sequence - than) % _MODULUS < _MODULUS // 2


def sequence_at(now_us: int) -> int:
    """The lowest sequence number of a moment."""
    seconds, microseconds = divmod(now_us, 1_000_000)
    return seconds % _SECONDS_MODULUS << 32 | (microseconds << 16) // 1_000_000 << 16


@attrs.define
class Sequence:
    """The sequence numbers that one sender gives its adverts; it outlives a reload."""

    last: int | None = None

    def next(self, now_us: int, window_s: int | None) -> int:
        """The next one: the time of day, or one more than the last where that has not passed since.

        A time of day that was set back by more than ``window_s`` is followed: nobody
        whose clock is right has accepted the numbers from before.
        """
        wanted = sequence_at(now_us)
        last = self.last
        if last is not None and not is_newer(wanted, last):
            followed = window_s is not None and ahead_s(last, now_us) > window_s
            if not followed:
                wanted = (last + 1) % _MODULUS
        self.last = wanted
        return wanted


@attrs.define
class Senders:
    """The latest sequence number of each sender that was authentic, of ``MOST_SENDERS`` at most."""

    latest: dict[bytes, int] = attrs.field(factory=dict)

    def heard(self, source: bytes, sequence: int) -> None:
        """A message was accepted; who was silent longest makes room."""
        self.latest.pop(source, None)
        if len(self.latest) >= MOST_SENDERS:
            del self.latest[next(iter(self.latest))]
        self.latest[source] = sequence


def _hmac(secret: bytes, message: bytes, source: bytes, head: bytes) -> bytes:
    pseudo = bytes((FAMILY[len(source)], message[0] >> 4, message[1], 0)) + source.ljust(_ADDRESS_SIZE, b"\0")
    covered = pseudo + message[:6] + b"\0\0" + message[8:] + head + bytes(_HMAC_SIZE)
    return hmac.digest(secret, covered, "sha256")[:_HMAC_SIZE]
