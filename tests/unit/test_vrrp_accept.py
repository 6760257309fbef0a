"""Accept mode: what instances ask of the firewall, and what that asks of the kernel."""

from __future__ import annotations

import errno
import struct
from ipaddress import ip_address
from pathlib import Path

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import Configuration, Nftables, VirtualIpAddress, VrrpInstance
from kaltwisted.kernel.messages import Message, attributes, split
from kaltwisted.kernel.nftables import NftablesFirewall
from kaltwisted.ports import IFirewall
from kaltwisted.testing.vrrp import FakeFirewall
from tests.unit.test_vrrp_service import VIP, World, advert
from tests.unit.vrrp_helpers import config

SHUT = config(accept=False)
OTHER = VirtualIpAddress(ip_address("10.0.0.101"), 32)


class AcceptMode(World):
    def reload(self, instance: VrrpInstance) -> None:
        done = Deferred.fromCoroutine(self.service.reconfigure(Configuration(vrrp_instances=(instance,))))
        self.settle()
        self.successResultOf(done)

    def test_addresses_are_closed_before_they_stand_and_opened_when_they_are_gone(self) -> None:
        self.start(SHUT)
        self.assertEqual(self.firewall.prepared, frozenset((4,)))
        self.addresses.held = True
        self.wait(4)
        self.assertFalse(self.holds())
        self.assertEqual(self.firewall.closed, {VIP: 1})
        self.addresses.finish()
        self.wire.ports["eth0"].receive(advert(200))
        self.settle()
        self.assertEqual(self.firewall.closed, {VIP: 1})
        self.addresses.finish()
        self.assertEqual(self.firewall.closed, {})
        self.addresses.held = False
        self.stop()
        self.assertIs(self.firewall.stopped, False)

    def test_where_all_is_accepted_nothing_is_asked_for(self) -> None:
        self.start(config())
        self.wait(4)
        self.stop()
        self.assertEqual((self.firewall.prepared, self.firewall.log), (frozenset(), []))

    def test_the_log_has_keepalived_s_lines_in_their_places(self) -> None:
        with capturedLogs() as logs:
            self.start(SHUT)
            self.wait(4)
            self.stop()
        lines = [formatEvent(event) for event in logs]
        at = lines.index("(X) Entering MASTER STATE")
        self.assertEqual(lines[at + 1 : at + 3], ["(X) setting firewall drop rule", "(X) setting VIPs."])
        at = lines.index("(X) sent 0 priority")
        self.assertEqual(lines[at + 1 : at + 3], ["(X) removing VIPs.", "(X) removing firewall drop rule"])

    def test_a_reload_closes_and_opens_what_a_master_holds(self) -> None:
        self.start(config())
        self.wait(4)
        self.reload(SHUT)
        self.assertEqual(self.firewall.closed, {VIP: 1})
        more = attrs.evolve(SHUT, virtual_ipaddress=(*SHUT.virtual_ipaddress, OTHER))
        self.reload(more)
        self.assertEqual(self.firewall.closed, {VIP: 1, OTHER.address: 1})
        self.reload(SHUT)
        self.assertEqual(self.firewall.closed, {VIP: 1})
        self.reload(config())
        self.assertEqual(self.firewall.closed, {})
        self.stop()

    def test_addresses_that_stay_stay_closed(self) -> None:
        self.start(SHUT, keep_addresses=True)
        self.wait(4)
        self.stop()
        self.assertIs(self.firewall.stopped, True)


class Kernel:
    """An nf_tables that does, or ``refuses`` with an errno; ``heard`` keeps (kind, strings) of requests."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, list[str]]] = []
        self.refuses = 0
        self.closed = False
        self._answers: list[bytes] = []

    def fileno(self) -> int:
        return -1

    def send(self, data: bytes, /) -> int:
        asked = list(split(data))
        assert (asked[0].type, asked[-1].type) == (16, 17)
        for each in asked[1:-1]:
            self.heard.append((each.type & 0xFF, _strings(each)))
            self._answers.append(_answer(each, self.refuses))
        return len(data)

    def recvfrom_into(self, buffer: bytearray, /) -> tuple[int, object]:
        if not self._answers:
            raise BlockingIOError(errno.EAGAIN, "nothing")
        answer = self._answers.pop(0)
        buffer[: len(answer)] = answer
        return len(answer), None

    def close(self) -> None:
        self.closed = True


def _strings(message: Message) -> list[str]:
    found = attributes(message.data, 20)
    return [found[kind].rstrip(b"\0").decode() for kind in (1, 2) if kind in found and len(found[kind]) < 30]


def _answer(message: Message, number: int) -> bytes:
    return struct.pack("=IHHIIi", 36, 2, 0, message.sequence, 0, -number) + message.data[:16]


NEW_TABLE, DELETE_TABLE, NEW_ELEMENTS, DELETE_ELEMENTS = 0, 2, 12, 14
PLACE, LOCAL = (2, VIP), (2, ip_address("fe80::1"))


class Firewall(SynchronousTestCase):
    def setUp(self) -> None:
        self.kernel = Kernel()
        self.state = Path(self.mktemp())
        self.firewall = self.make()

    def make(self) -> NftablesFirewall:
        return NftablesFirewall(Nftables("mine"), self.state, lambda: self.kernel)

    def kinds(self) -> list[int]:
        kinds = [kind for kind, _ in self.kernel.heard]
        self.kernel.heard.clear()
        return kinds

    def test_it_provides_its_interface(self) -> None:
        for provided in (self.firewall, FakeFirewall()):
            verifyObject(IFirewall, provided)

    def test_nothing_is_asked_where_nothing_is_closed(self) -> None:
        self.firewall.prepare(frozenset())
        self.firewall.stop()
        self.assertEqual(self.kernel.heard, [])
        self.assertFalse(self.state.exists())

    def test_tables_are_made_once_and_replace_what_is_there(self) -> None:
        self.firewall.prepare(frozenset((4,)))
        self.assertEqual(self.kinds()[:3], [NEW_TABLE, DELETE_TABLE, NEW_TABLE])
        self.firewall.close([PLACE])
        self.assertEqual(self.kernel.heard, [(NEW_ELEMENTS, ["mine", "vips"])])
        self.kinds()
        self.firewall.close([LOCAL])
        self.assertEqual(self.kernel.heard[-1], (NEW_ELEMENTS, ["mine", "vips_link_local"]))
        self.assertEqual(self.kinds()[:3], [NEW_TABLE, DELETE_TABLE, NEW_TABLE])
        self.firewall.stop()
        self.assertEqual(self.kinds(), [DELETE_TABLE, DELETE_TABLE])
        self.assertFalse(self.state.exists())

    def test_an_address_of_two_instances_is_open_when_both_say_so(self) -> None:
        for _ in range(2):
            self.firewall.close([PLACE])
        self.kinds()
        self.firewall.open([PLACE])
        self.assertEqual(self.kinds(), [])
        self.firewall.open([PLACE])
        self.assertEqual(self.kinds(), [DELETE_ELEMENTS])

    def test_what_a_killed_life_left_is_removed(self) -> None:
        self.firewall.close([PLACE])
        self.kinds()
        next_life = self.make()
        next_life.prepare(frozenset())
        self.assertEqual(self.kernel.heard, [(DELETE_TABLE, ["mine"])] * 2)
        self.kinds()
        next_life.prepare(frozenset())
        self.assertEqual(self.kinds(), [])

    def test_kept_rules_are_left_and_remembered(self) -> None:
        self.firewall.close([PLACE])
        self.kinds()
        self.firewall.stop(keep=True)
        self.assertEqual(self.kinds(), [])
        self.assertTrue(self.state.exists())

    def test_where_there_is_no_nf_tables_it_is_told_once(self) -> None:
        self.kernel.refuses = errno.EINVAL
        with capturedLogs() as logs:
            for _ in range(3):
                self.firewall.close([PLACE])
                self.firewall.open([PLACE])
            self.firewall.stop()
        [line] = [formatEvent(event) for event in logs]
        for word in ("no_accept has no effect", "are accepted", "without nf_tables"):
            self.assertIn(word, line)

    def test_a_kernel_that_does_not_answer_is_not_waited_for(self) -> None:
        self.kernel.send = len  # type: ignore[method-assign, assignment]
        with capturedLogs() as logs:
            self.firewall.close([PLACE])
        self.assertEqual(len(logs), 1)
        self.assertTrue(self.kernel.closed)

    def test_tables_that_somebody_removed_are_made_anew_with_all_that_is_closed(self) -> None:
        self.firewall.close([PLACE])
        self.kinds()
        answers = iter((errno.ENOENT, 0))
        send = self.kernel.send

        def once(data: bytes) -> int:
            self.kernel.refuses = next(answers)
            return send(data)

        self.kernel.send = once  # type: ignore[method-assign, assignment]
        with capturedLogs() as logs:
            self.firewall.close([(2, OTHER.address)])
        self.assertEqual(logs, [])
        kinds = self.kinds()
        self.assertEqual(kinds[1:4], [NEW_TABLE, DELETE_TABLE, NEW_TABLE])
