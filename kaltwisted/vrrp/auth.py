"""Authentication of VRRPv2 (RFC 2338 §5.3.6, §10): the plain password and the IPsec authentication header.

RFC 3768 dropped both: PASS only guards against accidents, and AH with MD5 is
no longer strong.  They are what keepalived's users have, and what the other
router demands.
"""

from __future__ import annotations

import hmac
import struct

import attrs

PASSWORD_SIZE = 8
ICV_SIZE = 12
AH_SIZE = 24
VRRP_PROTOCOL = 112
AH_PROTOCOL = 51

SEQUENCE_LIMIT = 0xFFFFFFFD
"""keepalived's: a counter above it is spent, the instance is "in cycle" and stops sending."""

_AH = struct.Struct("!BBHII")
_AH_WORDS = AH_SIZE // 4 - 2


def pad(password: bytes) -> bytes:
    """A password as it travels: eight bytes, cut or filled with zeros."""
    return password[:PASSWORD_SIZE].ljust(PASSWORD_SIZE, b"\0")


def same_password(received: bytes | memoryview, padded: bytes) -> bool:
    """Whether eight received bytes are the password; the time it takes tells nothing."""
    return hmac.compare_digest(received, padded)


def md5_is_available() -> bool:
    """Whether this system lets us reckon HMAC-MD5 (FIPS mode does not): ask when reading a configuration."""
    try:
        hmac.digest(b"", b"", "md5")
    except ValueError:
        return False
    return True


def ah_header(spi: bytes, sequence: int) -> bytes:
    """The authentication header (RFC 2402 §2) with an empty ICV; next header is VRRP."""
    return _AH.pack(VRRP_PROTOCOL, _AH_WORDS, 0, int.from_bytes(spi), sequence) + bytes(ICV_SIZE)


def icv(key: bytes, packet: bytes | memoryview, header_size: int, *, multicast: bool) -> bytes:
    """HMAC-MD5-96 over an IPv4 packet whose AH follows ``header_size`` bytes of IP header (RFC 2402 §3.3.3).

    Mutable fields count as zero: TOS, flags and fragment offset, header
    checksum, and the ICV itself.  TTL counts as zero for unicast only:
    keepalived keeps the 255 of a multicast in, against the RFC, and nothing
    interworks unless we do too.
    """
    image = bytearray(packet)
    image[1] = 0
    image[6:8] = b"\0\0"
    if not multicast:
        image[8] = 0
    image[10:12] = b"\0\0"
    at = header_size + AH_SIZE - ICV_SIZE
    image[at : at + ICV_SIZE] = bytes(ICV_SIZE)
    return hmac.digest(key, image, "md5")[:ICV_SIZE]


def same_icv(received: bytes | memoryview, reckoned: bytes) -> bool:
    """Constant-time comparison of two ICVs."""
    return hmac.compare_digest(received, reckoned)


@attrs.define
class AhSequence:
    """The anti-replay counter of one instance, used both ways as keepalived does; it outlives a reload.

    Sent: one more for each advert.  Received: must be above it, and becomes it.
    No window: a packet overtaken by a later one is lost.
    """

    value: int = 0

    @property
    def in_cycle(self) -> bool:
        """The counter is spent: send nothing until the next time as master starts it anew."""
        return self.value > SEQUENCE_LIMIT

    def next(self) -> int:
        """The sequence number of the next advert; not to be asked for ``in_cycle``."""
        self.value += 1
        return self.value

    def restart(self) -> None:
        """Count from 1 again."""
        self.value = 0
