"""Addresses are set and removed in slices, in order, and expected refusals are no errors."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import VirtualIpAddress
from kaltwisted.kernel.addresses import SLICE, Addresses
from kaltwisted.kernel.messages import Message, split
from kaltwisted.kernel.rtnetlink import RTM_DELADDR, RTM_NEWADDR, parse_address
from kaltwisted.ports import IAddresses, PlacedAddress
from kaltwisted.testing.netlink import FakeNetlinkSocket, ReaderClock, acknowledgement
from kaltwisted.testing.vrrp import FakeAddresses, FakeLinks


def placed(count: int, first: int = 0) -> list[PlacedAddress]:
    base = int(ip_address("10.0.0.0")) + first
    return [PlacedAddress(2, VirtualIpAddress(ip_address(base + number), 32)) for number in range(count)]


class Slices(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = ReaderClock()
        self.refuse: dict[str, int] = {}
        self.asked: list[tuple[int, str]] = []
        self.socket = FakeNetlinkSocket(self.answer)
        self.addresses = Addresses(self.reactor, lambda: self.socket)

    def answer(self, asked: Message) -> Iterable[bytes]:
        found = parse_address(asked)
        assert found is not None
        self.asked.append((asked.type, str(found.address)))
        return [acknowledgement(asked, self.refuse.get(str(found.address), 0))]

    def tearDown(self) -> None:
        self.addresses.stop()
        self.assertEqual((self.reactor.readers, self.reactor.getDelayedCalls()), ([], []))

    def step(self) -> None:
        """One reactor turn."""
        self.reactor.advance(0)
        self.reactor.turn()

    def test_fakes_and_real_ones_provide_the_same(self) -> None:
        verifyObject(IAddresses, self.addresses)
        verifyObject(IAddresses, FakeAddresses(FakeLinks()))

    def test_many_addresses_go_a_slice_per_turn_and_are_told_as_they_stand(self) -> None:
        slices: list[int] = []
        done = self.addresses.add(placed(2 * SLICE + 5), lambda some: slices.append(len(some)))
        self.assertEqual(self.asked, [])  # not in the turn that asks: others' adverts go first
        for expected in (SLICE, 2 * SLICE, 2 * SLICE + 5):
            self.step()
            self.assertEqual(len(self.asked), expected)
        self.assertEqual(self.successResultOf(done), ())
        self.assertEqual(slices, [SLICE, SLICE, 5])
        self.assertTrue(all(len(list(split(sent))) <= SLICE for sent in self.socket.sent))

    def test_small_jobs_share_a_slice(self) -> None:
        jobs = [self.addresses.add(placed(1, first)) for first in range(SLICE)]
        self.step()
        for job in jobs:
            self.assertEqual(self.successResultOf(job), ())

    def test_what_is_there_already_counts_as_set_and_what_is_not_as_removed(self) -> None:
        self.refuse = {"10.0.0.0": errno.EEXIST, "10.0.0.1": errno.EPERM}
        standing: list[PlacedAddress] = []

        def stand(some: Sequence[PlacedAddress]) -> None:
            standing.extend(some)

        done = self.addresses.add(placed(3), stand)
        self.step()
        [refused] = self.successResultOf(done)
        self.assertEqual(str(refused.placed.address.address), "10.0.0.1")
        self.assertIn("EPERM", refused.why)
        self.assertEqual([str(each.address.address) for each in standing], ["10.0.0.0", "10.0.0.2"])
        self.refuse = {"10.0.0.0": errno.EADDRNOTAVAIL, "10.0.0.1": errno.ENODEV}
        removed = self.addresses.remove(placed(2))
        self.step()
        self.assertEqual(self.successResultOf(removed), ())

    def test_a_nonsensical_address_does_not_hold_up_the_others(self) -> None:
        odd = PlacedAddress(2, VirtualIpAddress(ip_address("10.0.0.1"), 32, scope="universe"))
        done = self.addresses.add([odd, *placed(1)])
        self.step()
        [refused] = self.successResultOf(done)
        self.assertIs(refused.placed, odd)

    def test_who_changes_his_mind_leaves_the_rest_unset_and_removals_keep_their_place(self) -> None:
        adding = self.addresses.add(placed(3 * SLICE))
        self.step()
        adding.cancel()
        self.assertEqual(self.successResultOf(adding), ())
        removing = self.addresses.remove(placed(3 * SLICE))
        for _ in range(6):
            self.step()
        self.assertEqual(self.successResultOf(removing), ())
        kinds = [kind for kind, _ in self.asked]
        self.assertEqual(kinds.count(RTM_DELADDR), 3 * SLICE)
        # Nothing is added behind its removal.
        self.assertEqual(kinds, sorted(kinds, key=lambda kind: kind != RTM_NEWADDR))

    def test_stopping_answers_everybody(self) -> None:
        self.socket.answer = lambda _: ()
        jobs = [
            self.addresses.add(placed(2 * SLICE)),
            self.addresses.add([]),
            self.addresses.remove(placed(1)),
        ]
        self.step()
        self.addresses.stop()
        for job in jobs:
            self.assertEqual(self.successResultOf(job), ())
