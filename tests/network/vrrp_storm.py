"""Floods a link with adverts that nobody should mind: foreign ones, forged ones, rubbish.

Run on a host of ``vrrp_lan``: ``python vrrp_storm.py SECONDS PER_SECOND VRID``.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from ipaddress import ip_address

from kaltwisted.config.model import Authentication, AuthType
from kaltwisted.vrrp import auth, packet


def packets(vrid: int) -> list[bytes]:
    """One of each kind: another virtual router's, a wrong password, a replay without AH, noise."""
    source, group = ip_address("10.77.0.66").packed, packet.IPV4_GROUP
    authentication = Authentication(AuthType.PASS, b"guess")
    guessed = packet.Expected(vrid, auth_type=AuthType.PASS, password=auth.pad(authentication.password))
    block = ip_address("10.77.0.99").packed
    made = [
        packet.encode(packet.Expected(vrid + 1), 255, block, source, group),
        packet.encode(guessed, 255, block, source, group),
        packet.encode(packet.Expected(vrid, 3), 255, block, source, group),
        bytes((0x21, vrid)) + os.urandom(30),
        os.urandom(3),
    ]
    return [packet.ipv4_packet(message, source, group, number + 1) for number, message in enumerate(made)]


def main(seconds: float, per_second: int, vrid: int) -> None:
    """Send them round robin, in bursts of ten milliseconds."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0\0")
    storm = packets(vrid)
    ends, due, count = time.monotonic() + seconds, time.monotonic(), 0
    while time.monotonic() < ends:
        for _ in range(per_second // 100):
            sender.sendto(storm[count % len(storm)], ("224.0.0.18", 0))
            count += 1
        due += 0.01
        time.sleep(max(0.0, due - time.monotonic()))
    print(count)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
