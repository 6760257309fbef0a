"""Whether network cards have a link, asked by ioctl, for drivers that do not tell it by netlink.

Such a question waits for the kernel's lock of all network devices, and perhaps
for the card: it is asked in a thread.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Final

from twisted.internet.defer import Deferred
from zope.interface import implementer

from kaltwisted.config.model import LinkbeatMethod
from kaltwisted.kernel.rtnetlink import IFF_RUNNING, IFF_UP
from kaltwisted.ports import Beat, ILinkbeat, InThread

# linux/sockios.h, linux/ethtool.h, linux/mii.h
_SIOCGIFFLAGS, _SIOCETHTOOL, _SIOCGMIIPHY, _SIOCGMIIREG = 0x8913, 0x8946, 0x8947, 0x8948
_ETHTOOL_GLINK = 0x0000000A
_MII_BMSR, _BMSR_LINK = 1, 0x0004
# struct ifreq: a name, and 24 bytes whose meaning is the request's.
_FLAGS, _POINTER, _MII = struct.Struct("16sH22x"), struct.Struct("16sP16x"), struct.Struct("16s4H16x")

_ORDER: Final = (LinkbeatMethod.MII, LinkbeatMethod.ETHTOOL, LinkbeatMethod.IOCTL)
"""keepalived's: who cannot be asked by one is asked by the next; the last one every interface answers."""

Request = Callable[[int, bytes], bytes]
"""An ioctl: its number, the ``ifreq`` that goes in, and the one that comes out."""


@implementer(ILinkbeat)
class Linkbeat:
    """Asks the kernel in a thread."""

    def __init__(self, in_thread: InThread) -> None:
        self._in_thread = in_thread

    def ask(self, methods: Mapping[str, LinkbeatMethod | None]) -> Deferred[Mapping[str, Beat]]:
        """Whether these interfaces have a link, and by which method they can be asked."""
        return self._in_thread(lambda: _ask(dict(methods)))


def _ask(methods: Mapping[str, LinkbeatMethod | None]) -> Mapping[str, Beat]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asking:
        return {
            name: beat(name, method, lambda number, ifreq: fcntl.ioctl(asking, number, ifreq))
            for name, method in methods.items()
        }


def beat(name: str, method: LinkbeatMethod | None, request: Request) -> Beat:
    """Ask one interface by ``method`` or, where that is not supported, by the next one.

    One that is down or not there has no link.
    """
    word = name.encode("utf-8", "surrogateescape")
    start = _ORDER.index(method or _ORDER[0])
    for each in _ORDER[start:]:
        try:
            _, flags = _FLAGS.unpack(request(_SIOCGIFFLAGS, _FLAGS.pack(word, 0)))
            if each is LinkbeatMethod.IOCTL:
                return Beat(each, up=flags & (IFF_UP | IFF_RUNNING) == IFF_UP | IFF_RUNNING)
            linked = _mii(word, request) if each is LinkbeatMethod.MII else _ethtool(word, request)
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.ENXIO):
                return Beat(method, up=False)
            continue
        return Beat(each, up=linked and bool(flags & IFF_UP))
    return Beat(method, up=False)


def _mii(word: bytes, request: Request) -> bool:
    """The link bit of the transceiver (IEEE 802.3 clause 22): a loss stays in it until it is read."""
    _, phy, *_ = _MII.unpack(request(_SIOCGMIIPHY, _MII.pack(word, 0, 0, 0, 0)))
    for _ in range(2):
        *_, status = _MII.unpack(request(_SIOCGMIIREG, _MII.pack(word, phy, _MII_BMSR, 0, 0)))
    return bool(status & _BMSR_LINK)


def _ethtool(word: bytes, request: Request) -> bool:
    value = ctypes.create_string_buffer(struct.pack("II", _ETHTOOL_GLINK, 0), 8)
    request(_SIOCETHTOOL, _POINTER.pack(word, ctypes.addressof(value)))
    return bool(struct.unpack("II", value.raw)[1])
