"""Hears VRRP over IPv4 for some seconds and then sends all of it again, from the same addresses.

python vrrp_replay.py SECONDS
"""

from __future__ import annotations

import socket
import sys
import time

GROUP = "224.0.0.18"
VRRP = 112


def main(seconds: float) -> None:
    """Listen on ``eth0``, then speak."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_RAW, VRRP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0\0")
    index = socket.if_nametoindex("eth0")
    member = socket.inet_aton(GROUP) + bytes(4) + index.to_bytes(4, sys.byteorder)
    listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    listener.settimeout(20)
    heard = [listener.recv(2048)]
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        heard.append(listener.recv(2048))
    sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0\0")
    for packet in heard:
        sender.sendto(packet, (GROUP, 0))
        time.sleep(0.01)


if __name__ == "__main__":
    main(float(sys.argv[1]))
