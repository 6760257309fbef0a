"""Hearing adverts on the interface of a virtual MAC without a word from it.

A raw socket joins its multicast group by IGMP, which the kernel tells the
link of, from the MAC that is also the master's: switches would then look for
the master where a backup is.  A packet socket's membership is a matter between
it and the interface.  So it is over IPv6 (MLD); what is sent there goes as a
packet too, for the interface has no address of its own to send from.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.config.model import Address
from kaltwisted.kernel.ethernet import close_aside
from kaltwisted.ports import Link, Listening, Received
from kaltwisted.vrrp.raw import TURN_BYTES, only_hear

_SOL_PACKET = 263
_PACKET_ADD_MEMBERSHIP = 1
_PACKET_MULTICAST = 0
_ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD
# index, type, length of the address, address (struct packet_mreq)
_MEMBERSHIP = struct.Struct("=iHH8s")


def group_mac(group: Address) -> bytes:
    """A group on Ethernet: the last 23 bits of its address (RFC 1112 §6.4), of IPv6 32 (RFC 2464 §7)."""
    if group.version == 6:
        return b"\x33\x33" + group.packed[-4:]
    return (0x01005E000000 | int(group) & 0x7FFFFF).to_bytes(6, "big")


def open_silent(link: Link, program: bytes, listening: Listening, protocol: int = _ETH_P_IP) -> socket.socket:
    """A packet socket on ``link``, IP header first; ``program`` is its filter, ``protocol`` an EtherType.

    :raises OSError: it cannot be.
    """
    flags = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    # Bound to no protocol it hears nothing before its filter is there.
    opened = socket.socket(socket.AF_PACKET, flags, 0)
    try:
        only_hear(opened, program, listening.receive_buffer)
        for group in listening.groups:
            mac = group_mac(group)
            member = _MEMBERSHIP.pack(link.index, _PACKET_MULTICAST, len(mac), mac)
            opened.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, member)
        opened.bind((link.name, protocol))
    except BaseException:
        opened.close()
        raise
    return opened


@implementer(IReadDescriptor)
class SilentPort:
    """Reads such a socket, a little per turn of the reactor.

    :param reactor: provides IReactorFDSet and IReactorInThreads.
    :param waited_us: says of a socket how long the packet read last had waited.
    :param longest: bytes of the longest packet.
    """

    def __init__(
        self,
        reactor: Any,
        opened: socket.socket,
        received: Received,
        waited_us: Callable[[Any], int],
        longest: int,
    ) -> None:
        self._reactor = reactor
        self._socket: socket.socket | None = opened
        self._received = received
        self._waited_us = waited_us
        self._longest = longest
        reactor.addReader(self)

    def doRead(self) -> None:
        """Hand over what has come."""
        read = 0
        while read < TURN_BYTES and (opened := self._socket) is not None:
            try:
                data = opened.recv(self._longest)
            except OSError:
                return  # nothing more, or the interface went down
            read += len(data)
            self._received(data, self._waited_us(opened))

    def stopListening(self) -> None:
        """Hear no more, and close it; again does no harm."""
        opened = self._socket
        if opened is not None:
            self._reactor.removeReader(self)
            self._socket = None
            close_aside(self._reactor, opened)

    def fileno(self) -> int:
        """The socket's."""
        return -1 if self._socket is None else self._socket.fileno()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor gives it up, as when the interface goes down; it hears again once that is up.

        Whoever opened it closes it when the interface is gone.
        """
        if self._socket is not None:
            self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # told once
            self._reactor.addReader(self)

    def logPrefix(self) -> str:
        """What twistd's own lines call it."""
        return "VRRP"
