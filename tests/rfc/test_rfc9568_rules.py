"""RFC 9568, section by section: each rule for a router that can be seen in its packets and states, over
IPv4 and IPv6 alike.  docs/rfc-9568.md lists all, with those that real networks and the kernel show.
"""

from __future__ import annotations

import inspect
import re
from ipaddress import ip_address
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.findings import Consequence
from kaltwisted.config.load import load_text
from kaltwisted.config.model import Address, Tracked, VirtualIpAddress
from kaltwisted.ports import Ipv6Message
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp import packet
from kaltwisted.vrrp.actions import State, TimerName
from kaltwisted.vrrp.packet import Advert, Expected, Reason
from tests.unit.test_config_broken import instance
from tests.unit.vrrp_helpers import Driven, kinds, seconds
from tests.unit.vrrp_helpers import lines as lines_of

HERE = Path(__file__)
TENTH = seconds(0.1)


class Router(Driven):
    """An instance of version 3 over IPv4 or IPv6, with priority 100 unless another is given."""

    def __init__(self, ipv6: bool, *, begin: bool = True, **fields: object) -> None:
        self.ipv6 = ipv6
        vips = ("fe80::51", "2001:db8::51") if ipv6 else ("10.0.0.100", "10.0.0.101")
        self.vips = [VirtualIpAddress(ip_address(each), 64 if ipv6 else 24) for each in vips]
        own = {"version": 3, "virtual_ipaddress": tuple(self.vips)}
        super().__init__(begin=False, **(own | fields))  # type: ignore[arg-type]
        self.do(ev.SourceChanged(self.address(5)))
        if begin:
            self.do(ev.Start())

    def address(self, number: int) -> Address:
        """The primary address of the router with this number; ours is 5."""
        return ip_address(f"fe80::{number:x}" if self.ipv6 else f"10.0.0.{number}")

    @property
    def group(self) -> bytes:
        return packet.IPV6_GROUP if self.ipv6 else packet.IPV4_GROUP

    @property
    def block(self) -> bytes:
        return b"".join(each.address.packed for each in self.vips)

    def event(
        self,
        priority: int,
        number: int = 9,
        *,
        ttl: int = 255,
        message: bytes | None = None,
        block: bytes | None = None,
        **expected: object,
    ) -> ev.Event:
        """That an advert of router ``number`` came in."""
        source = self.address(number).packed
        sent = attrs.evolve(Expected(51, 3), **expected)  # type: ignore[arg-type]
        if message is None:
            message = packet.encode(
                sent, priority, self.block if block is None else block, source, self.group
            )
        if self.ipv6:
            return ev.MessageReceived(Ipv6Message(message, source, self.group, ttl))
        return ev.PacketReceived(packet.ipv4_packet(message, source, self.group, 1, ttl=ttl))

    def told(self, priority: int, number: int = 9, **changed: object) -> list[act.Action]:
        """Hear an advert."""
        return self.do(self.event(priority, number, **changed))  # type: ignore[arg-type]

    def message(self, number: int = 9) -> bytearray:
        """The message of a good advert of priority 200, to be changed."""
        source = self.address(number).packed
        return bytearray(packet.encode(Expected(51, 3), 200, self.block, source, self.group))

    def masters(self) -> list[int]:
        """The priorities of the adverts that were sent so far."""
        return [self.fields(each)[2] for each in sent_of(self.actions)]

    def fields(self, advert: act.SendAdvert) -> bytes:
        """The VRRP message of an advert."""
        return advert.packet if self.ipv6 else advert.packet[20:]

    @property
    def wait_us(self) -> int:
        """How long it still waits for the master."""
        return self.waits_us(TimerName.MASTER_DOWN)


def sent_of(actions: list[act.Action]) -> list[act.SendAdvert]:
    return [each for each in actions if isinstance(each, act.SendAdvert)]


class Rules(SynchronousTestCase):
    """The rules, over IPv4."""

    IPV6 = False

    def router(self, **fields: object) -> Router:
        return Router(self.IPV6, **fields)  # type: ignore[arg-type]

    def master(self, **fields: object) -> Router:
        router = self.router(**fields)
        router.become_master()
        return router

    def verdict(self, message: bytes, ttl: int = 255) -> Advert | Reason:
        """What a router of VRID 51 makes of a message of router 9."""
        event = self.router().event(0, ttl=ttl, message=bytes(message))
        if isinstance(event, ev.MessageReceived):
            return packet.decode_ipv6(event.message, Expected(51, 3))
        assert isinstance(event, ev.PacketReceived)
        return packet.decode(event.packet, Expected(51, 3))

    def resummed(self, message: bytearray) -> bytes:
        """A message with its checksum made right."""
        router = self.router()
        message[6:8] = b"\0\0"
        source = router.address(9).packed
        front = packet.pseudo_header(source, router.group, len(message))
        message[6:8] = packet.checksum(front + bytes(message)).to_bytes(2)
        return bytes(message)

    # -- 5: the packet -------------------------------------------------------------------

    def test_5_1_source_is_the_primary_address(self) -> None:
        router = self.master()
        [advert] = sent_of(router.actions)
        self.assertEqual(advert.source, router.address(5))
        if not self.IPV6:
            self.assertEqual(advert.packet[12:16], router.address(5).packed)

    def test_5_1_destination_is_the_group(self) -> None:
        router = self.master()
        [advert] = sent_of(router.actions)
        self.assertEqual(advert.destination.packed, router.group)

    def test_5_1_ttl_or_hop_limit_is_255(self) -> None:
        [advert] = sent_of(self.master().actions)
        self.assertEqual(advert.hop_limit if self.IPV6 else advert.packet[8], 255)

    def test_5_1_any_other_ttl_is_discarded(self) -> None:
        for ttl in (0, 1, 254):
            self.assertEqual(self.verdict(self.router().message(), ttl), Reason.TTL)
        self.assertIsInstance(self.verdict(self.router().message()), Advert)

    def test_5_1_protocol_is_112(self) -> None:
        [advert] = sent_of(self.master().actions)
        if self.IPV6:  # the kernel writes the header: it is what the socket was opened for
            self.assertEqual(packet.auth.VRRP_PROTOCOL, 112)
        else:
            self.assertEqual(advert.packet[9], 112)

    def test_5_2_1_version_3(self) -> None:
        router = self.master()
        self.assertEqual(router.fields(sent_of(router.actions)[0])[0] >> 4, 3)

    def test_5_2_2_type_1_and_others_are_discarded(self) -> None:
        router = self.master()
        self.assertEqual(router.fields(sent_of(router.actions)[0])[0] & 15, 1)
        for kind in (0, 2, 15):
            message = router.message()
            message[0] = 0x30 | kind
            self.assertEqual(self.verdict(self.resummed(message)), Reason.TYPE)

    def test_5_2_3_vrid_is_ours_and_others_are_not_for_us(self) -> None:
        router = self.master(virtual_router_id=7)
        self.assertEqual(router.fields(sent_of(router.actions)[0])[1], 7)
        message = router.message()
        message[1] = 52
        self.assertEqual(self.verdict(self.resummed(message)), Reason.FOREIGN)

    def test_5_2_4_priority_of_an_owner_is_255_whatever_is_tracked(self) -> None:
        for tracked in ((), (Tracked("eth9", -50),)):
            router = self.router(priority=255, track_interface=tracked)
            router.do(ev.LinkChanged("eth9", False))
            router.become_master()
            self.assertEqual(router.masters(), [255])

    def test_5_2_4_priority_of_others_is_1_to_254_whatever_is_tracked(self) -> None:
        for priority, weight, up, effective in ((1, -50, False, 1), (254, 50, True, 254)):
            tracked = (Tracked("eth9", weight),)
            router = self.router(priority=priority, track_interface=tracked)
            router.do(ev.LinkChanged("eth9", up))
            router.become_master()
            self.assertEqual(router.masters(), [effective])

    def test_5_2_4_priority_0_is_said_when_an_active_router_stops(self) -> None:
        router = self.master()
        router.do(ev.Stop())
        self.assertEqual(router.masters(), [100, 0])

    def test_5_2_5_count_is_that_of_the_addresses(self) -> None:
        router = self.master()
        self.assertEqual(router.fields(sent_of(router.actions)[0])[3], 2)

    def test_5_2_5_an_advert_without_addresses_is_ignored(self) -> None:
        router = self.router()
        router.after(seconds(1))
        router.told(200, block=b"")
        self.assertEqual(router.wait_us, 2_609_375)

    def test_5_2_5_unless_we_have_none_either(self) -> None:
        source = self.router().address(5)
        nothing = {"virtual_ipaddress": (), "no_virtual_ipaddress": True}
        router = self.router(**nothing, native_ipv6=self.IPV6, mcast_src_ip=source)
        router.after(seconds(1))
        router.told(200, block=b"")
        self.assertEqual(router.wait_us, 3_609_375)
        router.become_master()
        self.assertEqual(router.fields(sent_of(router.actions)[0])[3], 0)

    def test_5_2_6_reserved_bits_are_sent_zero_and_ignored(self) -> None:
        router = self.master()
        self.assertEqual(router.fields(sent_of(router.actions)[0])[4] >> 4, 0)
        message = router.message()
        message[4] |= 0xF0
        advert = self.verdict(self.resummed(message))
        assert isinstance(advert, Advert), advert
        self.assertEqual(advert.interval_us, seconds(1))

    def test_5_2_7_interval_in_hundredths_in_12_bits(self) -> None:
        for interval_us, field in ((10_000, 1), (seconds(1), 100), (seconds(40.95), 4095)):
            router = self.master(advert_int_us=interval_us)
            message = router.fields(sent_of(router.actions)[0])
            self.assertEqual(int.from_bytes(message[4:6]), field)

    def test_5_2_8_a_wrong_checksum_is_discarded(self) -> None:
        message = self.router().message()
        message[7] ^= 1
        self.assertEqual(self.verdict(bytes(message)), Reason.CHECKSUM)

    def test_5_2_9_addresses_as_they_are_configured_and_nothing_behind(self) -> None:
        router = self.master()
        self.assertEqual(router.fields(sent_of(router.actions)[0])[8:], router.block)

    def test_5_2_9_addresses_of_one_family(self) -> None:
        ours, other = ("fe80::51", "10.0.0.100") if self.IPV6 else ("10.0.0.100", "fe80::51")
        lines = f"version 3\nvirtual_ipaddress {{\n{ours}\n{other}\n}}"
        reading = load_text(instance(lines), "a.conf")
        [bound] = reading.configuration.vrrp_instances
        self.assertEqual([str(each.address) for each in bound.virtual_ipaddress], [ours])
        self.assertIn("address family must match", "".join(each.log or "" for each in reading.findings))

    # -- 6: parameters, timers and states ------------------------------------------------

    def test_6_1_priority_is_100_by_default(self) -> None:
        reading = load_text(instance("version 3"), "a.conf")
        self.assertEqual(reading.configuration.vrrp_instances[0].priority, 100)

    def test_6_1_interval_is_100_hundredths_by_default(self) -> None:
        reading = load_text(instance("version 3"), "a.conf")
        self.assertEqual(reading.configuration.vrrp_instances[0].advert_int_us, seconds(1))

    def test_6_1_preemption_is_on_by_default(self) -> None:
        router = self.router()
        router.after(seconds(2))
        router.told(99)
        self.assertEqual(router.wait_us, 1_609_375)

    def test_6_1_an_owner_preempts_whatever_is_configured(self) -> None:
        for priority, kept in ((255, False), (254, True)):
            reading = load_text(instance(f"version 3\npriority {priority}\nnopreempt"), "a.conf")
            [bound] = reading.configuration.vrrp_instances
            self.assertEqual(bound.nopreempt, kept)

    def test_6_1_vrid_is_1_to_255_and_has_no_default(self) -> None:
        for vrid, there in (("0", False), ("1", True), ("255", True), ("256", False), (None, False)):
            line = "" if vrid is None else f"virtual_router_id {vrid}"
            reading = load_text(instance("version 3", vrid=line), "a.conf")
            self.assertEqual(reading.findings == (), there, vrid)

    def test_6_1_at_least_one_address(self) -> None:
        for lines, there in (("", True), ("virtual_ipaddress {\n}", False)):
            reading = load_text(instance(f"version 3\n{lines}"), "a.conf")
            fatal = [each for each in reading.findings if each.consequence is Consequence.FATAL]
            self.assertEqual(fatal == [], there)

    def test_6_1_skew_is_a_share_of_the_active_interval(self) -> None:
        for priority, skew_us in (
            (254, 2 * TENTH // 256),
            (100, 156 * TENTH // 256),
            (1, 255 * TENTH // 256),
        ):
            router = self.router(priority=priority, advert_int_us=TENTH)
            self.assertEqual(router.wait_us, 3 * TENTH + skew_us)

    def test_6_4_1_an_owner_becomes_active_at_once(self) -> None:
        router = self.router(priority=255, state="MASTER")
        router.become_master()
        self.assertEqual((router.now, router.masters()), (1, [255]))

    def test_6_4_1_others_become_backup_and_wait_by_their_own_interval(self) -> None:
        router = self.router(advert_int_us=TENTH)
        self.assertEqual(router.state, State.BACKUP)
        self.assertEqual(router.wait_us, 3 * TENTH + 156 * TENTH // 256)

    def test_6_4_2_a_backup_has_no_address_and_announces_none(self) -> None:
        found = kinds(self.router().actions)
        self.assertNotIn(act.AddAddresses, found)
        self.assertNotIn(act.Announce, found)

    def test_6_4_2_a_backup_sends_nothing(self) -> None:
        router = self.router()
        for priority in (0, 1, 100, 254, 255):
            router.told(priority)
        self.assertEqual(router.masters(), [])

    def test_6_4_2_shutdown_cancels_the_timer_and_is_silent(self) -> None:
        router = self.router()
        router.do(ev.Stop())
        self.assertEqual((router.masters(), router.timers), ([], {}))

    def test_6_4_2_the_timer_fires_advert_then_announcements_then_the_next_advert(self) -> None:
        router = self.router()
        done = router.become_master()
        order = [each for each in kinds(done) if each in (act.SendAdvert, act.AddAddresses, act.Announce)]
        self.assertEqual(order, [act.SendAdvert, act.AddAddresses, act.Announce])
        self.assertEqual(router.waits_us(TimerName.ADVERT), seconds(1))

    def test_6_4_2_every_address_is_announced(self) -> None:
        router = self.router()
        [announced] = [each for each in router.become_master() if isinstance(each, act.Announce)]
        self.assertEqual(announced.addresses, tuple(router.vips))

    def test_6_4_2_priority_0_sets_the_timer_to_the_skew(self) -> None:
        router = self.router()
        router.told(0)
        self.assertEqual(router.wait_us, 609_375)

    def test_6_4_2_equal_or_higher_priority_resets_the_timer(self) -> None:
        for priority in (100, 101, 255):
            router = self.router()
            router.after(seconds(2))
            router.told(priority)
            self.assertEqual(router.wait_us, 3_609_375)

    def test_6_4_2_the_active_router_s_interval_is_taken_over(self) -> None:
        router = self.router()
        router.told(200, interval_us=TENTH)
        self.assertEqual(router.wait_us, 3 * TENTH + 156 * TENTH // 256)

    def test_6_4_2_lower_priority_is_discarded_and_teaches_nothing(self) -> None:
        router = self.router()
        router.after(seconds(2))
        router.told(99, interval_us=TENTH)
        self.assertEqual(router.wait_us, 1_609_375)

    def test_6_4_2_lower_priority_is_followed_without_preemption(self) -> None:
        router = self.router(nopreempt=True)
        router.after(seconds(2))
        router.told(99, interval_us=TENTH)
        self.assertEqual(router.wait_us, 3 * TENTH + 156 * TENTH // 256)

    def test_6_4_3_shutdown_cancels_the_timer_says_0_and_gives_the_addresses_up(self) -> None:
        router = self.master()
        done = router.do(ev.Stop())
        self.assertEqual(router.masters()[1:], [0])
        self.assertIn(act.RemoveAddresses, kinds(done))
        self.assertNotIn(TimerName.ADVERT, router.timers)

    def test_6_4_3_an_advert_at_each_interval(self) -> None:
        router = self.master(advert_int_us=TENTH)
        before = router.now
        for number in range(1, 4):
            router.expire(TimerName.ADVERT)
            self.assertEqual(router.now - before, number * TENTH)
        self.assertEqual(router.masters(), [100] * 4)

    def test_6_4_3_priority_0_is_answered_and_the_timer_reset(self) -> None:
        router = self.master()
        router.after(seconds(0.5))
        router.told(0)
        self.assertEqual(router.masters(), [100, 100])
        self.assertEqual(router.waits_us(TimerName.ADVERT), seconds(1))

    def test_6_4_3_higher_priority_makes_it_backup_by_that_one_s_interval(self) -> None:
        router = self.master()
        done = router.told(101, interval_us=TENTH)
        self.assertEqual(router.state, State.BACKUP)
        self.assertIn(act.RemoveAddresses, kinds(done))
        self.assertNotIn(TimerName.ADVERT, router.timers)
        self.assertEqual(router.wait_us, 3 * TENTH + 156 * TENTH // 256)

    def test_6_4_3_equal_priority_and_a_higher_address_makes_it_backup(self) -> None:
        # As numbers, not as text: 16 (fe80::10) is above 5, and 4 is below.
        for number, state in ((16, State.BACKUP), (4, State.MASTER)):
            router = self.master()
            router.told(100, number)
            self.assertEqual(router.state, state)

    def test_6_4_3_lower_priority_is_discarded_and_answered_at_once(self) -> None:
        router = self.master()
        router.after(seconds(0.5))
        router.told(99)
        self.assertEqual((router.state, router.masters()), (State.MASTER, [100, 100]))
        self.assertEqual(router.waits_us(TimerName.ADVERT), seconds(0.5))

    def test_6_4_3_equal_priority_and_a_lower_address_is_answered_too(self) -> None:
        router = self.master()
        router.after(seconds(0.5))
        router.told(100, 4)
        self.assertEqual((router.state, router.masters()), (State.MASTER, [100, 100]))

    def test_6_4_3_not_more_often_than_ten_times_an_interval(self) -> None:
        # The RFC has no limit, and a storm of adverts would make one of ours.
        for priority in (0, 99):
            router = self.master()
            for _ in range(50):
                router.after(seconds(0.01))
                router.told(priority)
            self.assertIn(len(router.masters()), (5, 6))

    def test_6_4_3_our_own_advert_is_told_and_not_answered(self) -> None:
        router = self.master()
        router.after(seconds(0.5))
        done = router.told(100, 5)
        self.assertIn("from our own address", "".join(lines_of(done)))
        self.assertEqual((router.state, router.masters()), (State.MASTER, [100]))

    # -- 7: receiving and sending --------------------------------------------------------

    def test_7_1_what_is_not_valid_changes_nothing(self) -> None:
        def changed(at: int, value: int) -> bytes:
            message = self.router().message()
            message[at] = value
            return self.resummed(message)

        whole, broken = bytes(self.router().message()), self.router().message()
        broken[7] ^= 1
        for message in (
            changed(0, 0x21),
            changed(0, 0x32),
            changed(1, 52),
            changed(3, 3),
            *(whole[:size] for size in range(len(whole))),
            bytes(broken),
        ):
            router = self.router()
            router.after(seconds(2))
            done = router.told(0, message=message)
            self.assertEqual([each for each in kinds(done) if each is not act.Alarm], [])
            self.assertEqual(router.wait_us, 1_609_375)

    def test_7_1_it_is_logged_at_a_limited_rate(self) -> None:
        router = self.router()
        told = 0
        for _ in range(100):
            router.after(TENTH)
            told += len(lines_of(router.told(200, ttl=64)))
            router.told(200)
        self.assertEqual(told, 1)
        self.assertEqual(router.instance.statistics.packet_errors[Reason.TTL], 100)

    def test_7_1_another_list_of_addresses_is_logged(self) -> None:
        router = self.router()
        done = router.told(200, block=router.block[: len(router.block) // 2])
        self.assertIn("expected 2 VIPs but received 1", "".join(lines_of(done)))
        self.assertEqual(router.instance.statistics.address_list_errors, 1)

    def test_7_1_another_interval_is_logged(self) -> None:
        done = self.router().told(200, interval_us=TENTH)
        self.assertIn("interval mismatch", "".join(lines_of(done)))

    def test_7_1_an_interval_of_0_is_told_and_not_taken_over(self) -> None:
        for known_us in (seconds(1), TENTH):
            router = self.router()
            router.told(200, interval_us=known_us)
            router.after(TENTH)
            router.told(200, interval_us=0)
            self.assertEqual(router.wait_us, 3 * known_us + 156 * known_us // 256)
        router = self.router()
        self.assertIn("received=0 us", "".join(lines_of(router.told(200, interval_us=0))))

    def test_7_1_what_an_owner_hears_is_logged(self) -> None:
        for priority, words in ((200, "lower priority 200, ours 255"), (255, "configured as address owner")):
            router = self.master(priority=255)
            router.after(seconds(0.5))
            self.assertIn(words, "".join(lines_of(router.told(priority, 4))))
            self.assertEqual(router.state, State.MASTER)

    def test_7_1_an_owner_hears_others_as_keepalived_does(self) -> None:
        # The RFC has it discard whatever comes.  With keepalived the better of two owners stays, as
        # it is by address, so that there are not two for ever.
        router = self.master(priority=255)
        router.told(255, 16)
        self.assertEqual(router.state, State.BACKUP)

    def test_7_1_an_owner_discards_what_it_hears_where_it_shall(self) -> None:
        router = self.master(priority=255, owner_ignore_adverts=True)
        for priority in (255, 100, 0):
            self.assertEqual(router.told(priority, 16), [])
        self.assertEqual(router.state, State.MASTER)

    def test_7_2_what_is_sent_is_valid(self) -> None:
        router = self.master()
        [advert] = sent_of(router.actions)
        if self.IPV6:
            message = Ipv6Message(advert.packet, advert.source.packed, router.group, advert.hop_limit)
            verdict = packet.decode_ipv6(message, Expected(51, 3))
        else:
            verdict = packet.decode(advert.packet, Expected(51, 3))
        assert isinstance(verdict, Advert), verdict
        self.assertEqual(verdict.address_block, router.block)

    # -- 8: operation --------------------------------------------------------------------

    def test_8_1_2_an_address_that_is_added_is_announced(self) -> None:
        router = self.master()
        added = VirtualIpAddress(router.address(0x66), 64 if self.IPV6 else 24)
        config = router.instance.config
        config = attrs.evolve(config, virtual_ipaddress=(*config.virtual_ipaddress, added))
        done = router.take(
            router.instance.reconfigure(config, {}, keeps_weights=True, known={}, now=router.now)
        )
        [change] = [each for each in done if isinstance(each, act.ChangeAddresses)]
        self.assertEqual((change.added, change.repeat), ((added,), 5))

    def test_8_3_2_two_owners_are_told_at_a_limited_rate(self) -> None:
        router = self.master(priority=255)
        told = 0
        for _ in range(100):
            router.after(TENTH)
            told += "".join(lines_of(router.told(255, 4))).count("configured as address owner")
        self.assertEqual(told, 1)

    def test_8_3_2_equal_priorities_are_told(self) -> None:
        for number, words in ((16, "same priority 100 but higher IP address"), (4, "ours 100, forcing")):
            router = self.master()
            router.after(seconds(0.5))
            self.assertIn(words, "".join(lines_of(router.told(100, number))))


class RulesOverIpv6(Rules):
    """The same rules, over IPv6."""

    IPV6 = True


class ListTests(SynchronousTestCase):
    """docs/rfc-9568.md and the tests know of one another."""

    def test_every_test_that_is_listed_is_there_and_every_rule_here_is_listed(self) -> None:
        root = HERE.parents[2]
        text = (root / "docs" / "rfc-9568.md").read_text()
        listed = re.findall(r"(?:`(tests/[\w/]+\.py)` )?`(test_\w+)`", text)
        for file, name in listed:
            source = (root / file).read_text() if file else HERE.read_text()
            self.assertIn(f"def {name}(", source)
        ours = {name for name, _ in inspect.getmembers(Rules) if name.startswith("test_")}
        self.assertEqual(ours, {name for file, name in listed if not file})
