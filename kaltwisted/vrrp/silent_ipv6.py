"""Adverts over IPv6 on the interface of a virtual MAC, which need not speak IPv6 itself.

A backup's must not: answers to neighbour solicitations and reports of groups
(MLD) would come from the MAC that is the master's.  So its IPv6 is off until it
is master, and adverts are whole packets that a packet socket sends and hears.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from kaltwisted.config.model import Address
from kaltwisted.kernel.ethernet import close_aside
from kaltwisted.ports import IAdvertPort, Ipv6Message, Link, Listening, Received
from kaltwisted.vrrp.auth import VRRP_PROTOCOL
from kaltwisted.vrrp.checksum import is_intact, pseudo_header
from kaltwisted.vrrp.filter import ipv6_packet_filter
from kaltwisted.vrrp.packet import TOS, summed_ipv6
from kaltwisted.vrrp.raw import only_send
from kaltwisted.vrrp.silent import ETH_P_IPV6, SilentPort, group_mac, open_silent

# version, traffic class and flow label; payload length, next header, hop limit, source, destination
_IPV6 = struct.Struct("!IHBB16s16s")
_VERSION_6 = 6
#: The longest packet read: 255 addresses, and version 2's password.
_LONGEST = _IPV6.size + 8 + 255 * 16 + 8


def packed(message: bytes, source: Address, destination: Address, hop_limit: int) -> bytes:
    """The IPv6 packet around a VRRP message (RFC 8200 §3), whose checksum is made here."""
    head = _VERSION_6 << 28 | TOS << 20
    header = _IPV6.pack(head, len(message), VRRP_PROTOCOL, hop_limit, source.packed, destination.packed)
    return header + summed_ipv6(message, source.packed, destination.packed)


def unpacked(packet: bytes) -> Ipv6Message | None:
    """The message in an IPv6 packet; None for what the kernel would not hand to a raw socket either."""
    if len(packet) < _IPV6.size:
        return None
    head, size, protocol, hop_limit, source, destination = _IPV6.unpack_from(packet)
    message = packet[_IPV6.size : _IPV6.size + size]
    if head >> 28 != _VERSION_6 or protocol != VRRP_PROTOCOL or len(message) < size:
        return None
    if not is_intact(pseudo_header(source, destination, size) + message):
        return None
    return Ipv6Message(message, source, destination, hop_limit)


@implementer(IAdvertPort)
class SilentIpv6Port:
    """One interface of a virtual MAC, opened for IPv6.

    :param reactor: provides IReactorFDSet and IReactorInThreads.
    :param waited_us: says of a socket how long the packet read last had waited.
    """

    def __init__(
        self,
        reactor: Any,
        link: Link,
        listening: Listening,
        received: Received,
        waited_us: Callable[[Any], int],
    ) -> None:
        self._reactor = reactor
        self._link = link
        self._received = received
        self._sender = _sender(link)
        try:
            program = ipv6_packet_filter(listening.vrids, VRRP_PROTOCOL)
            opened = open_silent(link, program, listening, ETH_P_IPV6)
        except BaseException:
            self._sender.close()
            raise
        self._port = SilentPort(reactor, opened, self._heard, waited_us, _LONGEST)

    def send(self, packet: bytes, source: Address, destination: Address, hop_limit: int) -> str | None:
        """Send it at once, to a group; peers are not sent to from a virtual MAC."""
        whole = packed(packet, source, destination, hop_limit)
        to = (self._link.name, ETH_P_IPV6, 0, 0, group_mac(destination))
        try:
            self._sender.sendto(whole, to)
        except OSError as error:
            return os.strerror(error.errno) if error.errno else str(error)
        return None

    def close(self) -> None:
        """Close the sockets, which leaves the groups."""
        close_aside(self._reactor, self._sender)
        self._port.stopListening()

    def _heard(self, packet: bytes | Ipv6Message, waited: int) -> None:
        assert isinstance(packet, bytes)
        message = unpacked(packet)
        if message is not None:
            self._received(message, waited)


def _sender(link: Link) -> socket.socket:
    # Protocol 0: nothing is ever received.
    flags = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    opened = socket.socket(socket.AF_PACKET, flags, 0)
    try:
        opened.bind((link.name, 0))
        only_send(opened)
    except BaseException:
        opened.close()
        raise
    return opened
