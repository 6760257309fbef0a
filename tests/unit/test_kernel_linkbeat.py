"""Asking interfaces for their links: by which question, and what is asked where there is no answer."""

from __future__ import annotations

import ctypes
import errno
import struct

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import LinkbeatMethod
from kaltwisted.kernel.linkbeat import Linkbeat, beat
from kaltwisted.ports import Beat, ILinkbeat
from kaltwisted.testing.vrrp import FakeLinkbeat

MII, ETHTOOL, IOCTL = LinkbeatMethod
UP, RUNNING = 0x1, 0x40


class Card:
    """A card that answers ioctls.  ``ethtool``: its link; None: it does not say.  ``mii``: two readings."""

    def __init__(
        self, flags: int | None = UP | RUNNING, ethtool: bool | None = None, mii: tuple[int, ...] = ()
    ) -> None:
        self.flags, self.ethtool, self.mii = flags, ethtool, list(mii)

    def __call__(self, number: int, ifreq: bytes) -> bytes:
        assert len(ifreq) == 40
        assert ifreq.startswith(b"eth0\0")
        name = ifreq[:16]
        if self.flags is None:
            raise OSError(errno.ENODEV, "No such device")
        if number == 0x8913:
            return name + struct.pack("H22x", self.flags)
        if number == 0x8946 and self.ethtool is not None:
            (address,) = struct.unpack_from("P", ifreq, 16)
            value = (ctypes.c_uint32 * 2).from_address(address)
            assert value[0] == 0xA
            value[1] = self.ethtool
            return ifreq
        if number == 0x8947 and self.mii:
            return name + struct.pack("4H16x", 7, 0, 0, 0)
        if number == 0x8948 and self.mii:
            assert struct.unpack_from("2H", ifreq, 16) == (7, 1)
            return name + struct.pack("4H16x", 7, 1, 0, self.mii.pop(0))
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")


class Asking(SynchronousTestCase):
    def answers(self, card: Card, method: LinkbeatMethod | None = None) -> Beat:
        return beat("eth0", method, card)

    def test_the_transceiver_first_and_its_present_state_not_the_one_it_kept(self) -> None:
        for readings, up in (((0, 4), True), ((4, 4), True), ((4, 0), False), ((0xFFFB, 0xFFFB), False)):
            self.assertEqual(self.answers(Card(mii=readings)), Beat(MII, up))

    def test_then_the_driver_then_the_flags(self) -> None:
        for up in (True, False):
            self.assertEqual(self.answers(Card(ethtool=up)), Beat(ETHTOOL, up))
            self.assertEqual(self.answers(Card(ethtool=up), MII), Beat(ETHTOOL, up))
        self.assertEqual(self.answers(Card()), Beat(IOCTL, True))
        self.assertEqual(self.answers(Card(flags=UP)), Beat(IOCTL, False))
        self.assertEqual(self.answers(Card(), ETHTOOL), Beat(IOCTL, True))

    def test_a_method_that_is_asked_for_is_used(self) -> None:
        card = Card(ethtool=False, mii=(4, 4))
        self.assertEqual(self.answers(card, IOCTL), Beat(IOCTL, True))
        self.assertEqual(self.answers(card, ETHTOOL), Beat(ETHTOOL, False))
        self.assertEqual(self.answers(card, MII), Beat(MII, True))

    def test_one_that_is_down_has_no_link(self) -> None:
        self.assertEqual(self.answers(Card(flags=RUNNING, mii=(4, 4))), Beat(MII, False))
        self.assertEqual(self.answers(Card(flags=RUNNING, ethtool=True)), Beat(ETHTOOL, False))
        self.assertEqual(self.answers(Card(flags=RUNNING)), Beat(IOCTL, False))

    def test_one_that_is_not_there_has_none_and_leaves_the_method_open(self) -> None:
        self.assertEqual(self.answers(Card(flags=None)), Beat(None, False))
        self.assertEqual(self.answers(Card(flags=None), MII), Beat(MII, False))


class Thread(SynchronousTestCase):
    def test_the_kernel_is_asked_where_it_may_take_its_time(self) -> None:
        """Of this machine: lo has a link, and a name that nobody has has none."""
        threads = []

        def in_thread(call: object) -> Deferred[object]:
            threads.append(call)
            return succeed(call())  # type: ignore[operator]

        linkbeat = Linkbeat(in_thread)
        found = self.successResultOf(linkbeat.ask({"lo": IOCTL, "no0": None}))
        self.assertEqual(found, {"lo": Beat(IOCTL, True), "no0": Beat(None, False)})
        self.assertEqual(len(threads), 1)

    def test_all_provide_the_seam(self) -> None:
        verifyObject(ILinkbeat, Linkbeat(lambda call: succeed(call())))
        verifyObject(ILinkbeat, FakeLinkbeat())
