"""One advert of each kind that a router should refuse, and good ones, for ``test_vrrp_counters``.

Run on a host of ``vrrp_lan``: ``python vrrp_bad_packets.py``.
"""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from types import MappingProxyType

import attrs

from kaltwisted.config.model import AuthType
from kaltwisted.vrrp import auth, packet
from kaltwisted.vrrp.checksum import checksum, pseudo_header
from kaltwisted.vrrp.packet import Expected

SOURCE, STRANGER, TARGET = (ip_address(f"10.77.0.{number}").packed for number in (2, 3, 1))
GROUP = packet.IPV4_GROUP
SECRET = auth.pad(b"secret")
PLAIN = Expected(51)
PASS = Expected(52, auth_type=AuthType.PASS, password=SECRET)
AH = Expected(53, auth_type=AuthType.AH, password=SECRET)
THREE = Expected(54, version=3)
UNICAST = Expected(55)

_numbers = itertools.count(100_000)


def message(
    settings: Expected,
    patches: Mapping[int, int] = MappingProxyType({}),
    *,
    vips: tuple[str, ...] | None = None,
    priority: int = 100,
    destination: bytes = GROUP,
    right_checksum: bool = True,
) -> bytes:
    """A VRRP message for the router of these settings, with some bytes changed."""
    addresses = (f"10.77.0.{settings.vrid}",) if vips is None else vips
    block = b"".join(ip_address(each).packed for each in addresses)
    made = bytearray(packet.encode(settings, priority, block, SOURCE, destination))
    for at, value in patches.items():
        made[at] = value
    if patches and right_checksum:
        made[6:8] = bytes(2)
        covered = pseudo_header(SOURCE, destination, len(made)) if made[0] >> 4 == 3 else b""
        made[6:8] = checksum(covered + bytes(made)).to_bytes(2)
    return bytes(made)


def multicast(body: bytes, ttl: int = 255) -> bytes:
    """To everybody."""
    return packet.ipv4_packet(body, SOURCE, GROUP, 1, ttl=ttl)


def unicast(body: bytes, source: bytes = SOURCE, ttl: int = 255) -> bytes:
    """To the router alone."""
    return packet.ipv4_packet(body, source, TARGET, 1, ttl=ttl)


def sealed(body: bytes, key: bytes = SECRET, sequence: int | None = None) -> bytes:
    """Behind an authentication header."""
    number = next(_numbers) if sequence is None else sequence
    return packet.sealed_packet(body, SOURCE, GROUP, 1, key, number)


def packets() -> Iterator[bytes]:
    """All of them, good ones first."""
    changed = attrs.evolve
    for good in (PLAIN, PASS, THREE):
        yield multicast(message(good))
    yield sealed(message(AH))
    yield unicast(message(UNICAST, destination=TARGET))
    yield multicast(message(PLAIN, priority=0))
    # lengths
    yield multicast(message(PLAIN)[:-8])
    yield multicast(message(PLAIN) + bytes(4))
    yield multicast(message(PLAIN) + bytes(40))
    yield multicast(message(PLAIN, {3: 9}))
    yield multicast(message(PLAIN, {3: 0}))
    # TTL
    yield multicast(message(PLAIN), ttl=254)
    yield multicast(message(THREE), ttl=254)
    yield unicast(message(UNICAST, destination=TARGET), ttl=254)
    # versions and types
    yield multicast(message(changed(PLAIN, version=3)))
    yield multicast(message(changed(THREE, version=2)))
    yield multicast(message(THREE, {0: 0x41}))
    yield multicast(message(PLAIN, {0: 0x22}))
    yield multicast(message(THREE, {0: 0x32}))
    # authentication
    yield multicast(message(changed(PLAIN, auth_type=AuthType.PASS, password=SECRET)))
    yield multicast(message(changed(PASS, auth_type=None)))
    yield multicast(message(PLAIN, {4: 7}))
    yield multicast(message(PASS, {4: 7}))
    yield multicast(message(PLAIN, {4: 2}))
    yield multicast(message(changed(PASS, password=auth.pad(b"wrong"))))
    yield sealed(message(PLAIN))
    yield sealed(message(PASS))
    yield multicast(message(AH))
    yield sealed(message(AH), key=auth.pad(b"wrong"))
    yield sealed(message(AH), sequence=5)
    yield sealed(message(changed(AH, auth_type=None)))
    yield sealed(message(AH, {4: 1}))
    # checksums
    yield multicast(message(PLAIN, {6: 1, 7: 2}, right_checksum=False))
    yield multicast(message(THREE, {6: 1, 7: 2}, right_checksum=False))
    # addresses
    yield multicast(message(THREE, vips=()))
    yield multicast(message(PLAIN, vips=("10.77.0.199",)))
    yield multicast(message(THREE, vips=("10.77.0.199",)))
    # who talks to whom
    yield multicast(message(UNICAST))
    yield unicast(message(PLAIN, destination=TARGET))
    yield unicast(message(THREE, destination=TARGET))
    yield unicast(message(UNICAST, destination=TARGET), source=STRANGER)


def main() -> None:
    """Send each once."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0\0")
    for each in packets():
        sender.sendto(each, (str(ip_address(each[16:20])), 0))
        time.sleep(0.02)


if __name__ == "__main__":
    main()
