"""Sends whole Ethernet frames (AF_PACKET), for announcements."""

from __future__ import annotations

import os
import socket
from typing import Any

from zope.interface import implementer

from kaltwisted.ports import IFrames, Link


@implementer(IFrames)
class Ethernet:
    """One sending socket an interface, opened when first needed; it receives nothing.

    Needs CAP_NET_RAW.

    :param reactor: provides IReactorInThreads.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._sockets: dict[int, socket.socket] = {}

    def send(self, link: Link, frame: bytes) -> str | None:
        """Put ``frame`` on the wire; says in words why it could not."""
        try:
            opened = self._sockets.get(link.index)
            if opened is None:
                opened = self._sockets[link.index] = _open(link.name)
            opened.send(frame)
        except OSError as error:
            # Its interface may be gone, and the number another's next time.
            self.close(link.index)
            return os.strerror(error.errno) if error.errno else str(error)
        return None

    def close(self, index: int) -> None:
        """The interface is gone."""
        opened = self._sockets.pop(index, None)
        if opened is not None:
            close_aside(self._reactor, opened)

    def stop(self) -> None:
        """Close everything."""
        for index in tuple(self._sockets):
            self.close(index)


def close_aside(reactor: Any, opened: socket.socket) -> None:
    """Close a packet socket beside the reactor: the kernel takes 10 to 40 ms for each.

    It waits until no processor can still have its hands on it (synchronize_net),
    and an interface that goes takes the sockets of all its virtual MACs along.
    """
    reactor.callInThread(opened.close)


def _open(name: str) -> socket.socket:
    # Protocol 0: nothing is ever received.
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0)
    try:
        opened.bind((name, 0))
    except BaseException:
        opened.close()
        raise
    return opened
