"""Floods a link with what a director must not mind: foreign, forged and bad adverts, and rubbish.

``python storm.py SECONDS PER_SECOND``, on the stranger; prints how many it sent.  The virtual
router with VRID 1 is version 2 with a password.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from ipaddress import ip_address

from kaltwisted.config.model import AuthType
from kaltwisted.vrrp import auth, packet

_SOURCE = ip_address("10.77.0.66").packed
_BURSTS_A_SECOND = 200


def packets() -> list[bytes]:
    """One of each: foreign, wrong password (twice), none, wrong version, wrong sum, noise (twice)."""
    block = ip_address("10.77.10.1").packed
    guessed = packet.Expected(1, auth_type=AuthType.PASS, password=auth.pad(b"guess"))

    def made(expected: packet.Expected, priority: int) -> bytes:
        return packet.encode(expected, priority, block, _SOURCE, packet.IPV4_GROUP)

    right = made(packet.Expected(1, auth_type=AuthType.PASS, password=auth.pad(b"secret")), 255)
    messages = [
        made(packet.Expected(77), 255),
        made(guessed, 255),
        made(guessed, 0),
        made(packet.Expected(1), 255),
        made(packet.Expected(1, 3), 255),
        right[:6] + bytes((right[6] ^ 0xFF, right[7])) + right[8:],
        bytes((0x21, 1)) + os.urandom(30),
        os.urandom(3),
    ]
    return [
        packet.ipv4_packet(message, _SOURCE, packet.IPV4_GROUP, number + 1)
        for number, message in enumerate(messages)
    ]


def main(seconds: float, per_second: int) -> None:
    """Send them in turn."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0\0")
    storm = packets()
    began = time.monotonic()
    sent = 0
    while (now := time.monotonic() - began) < seconds:
        due = int(now * per_second) - sent
        for _ in range(due):
            sender.sendto(storm[sent % len(storm)], ("224.0.0.18", 0))
            sent += 1
        time.sleep(1 / _BURSTS_A_SECOND)
    print(sent)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
