"""What the tests of ``auth_hmac`` share: two keys, a moment, and packets that are signed."""

from __future__ import annotations

from ipaddress import ip_address

from kaltwisted.config.model import SECOND_US, AuthHmac, HmacKey
from kaltwisted.vrrp import hmac, packet
from kaltwisted.vrrp.hmac import Keys
from kaltwisted.vrrp.packet import Expected

SOURCE, GROUP = ip_address("10.9.0.1").packed, packet.IPV4_GROUP
ADDRESS = ip_address("10.9.0.100").packed
OLD = HmacKey(1, bytes(range(32)))
NEW = HmacKey(2, bytes(range(100, 164)))
NOW_US = 1_800_000_000 * SECOND_US
KEYS = Keys({1: OLD.secret, 2: NEW.secret}, 5)


def auth_hmac(*keys: HmacKey, **fields: object) -> AuthHmac:
    """A block with these keys, the first of which is active unless another is said to be."""
    return AuthHmac(keys or (OLD,), **({"active_key": (keys or (OLD,))[0].id} | fields))  # type: ignore[arg-type]


def signed(
    expected: Expected,
    sequence: int = hmac.sequence_at(NOW_US),
    key: HmacKey = OLD,
    *,
    priority: int = 100,
    address: bytes = ADDRESS,
) -> bytes:
    """The IPv4 packet of a router that signs."""
    message = packet.encode(expected, priority, address, SOURCE, GROUP)
    trailer = hmac.sign(message, SOURCE, key.id, key.secret, sequence)
    return packet.ipv4_packet(packet.with_trailer(message, trailer, SOURCE, GROUP), SOURCE, GROUP, 1)
