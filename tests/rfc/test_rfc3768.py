"""RFC 3768 (VRRP version 2): each rule by its section, tried as accepted and as refused.

Where keepalived differs from the RFC, the test says so and holds us to keepalived.
"""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import Authentication, AuthType
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import checksum, packet
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp.actions import State, TimerName
from kaltwisted.vrrp.packet import Advert, Expected, Reason
from tests.unit.vrrp_helpers import OURS, VIP, Driven, kinds, seconds, sent


def master_packet(**fields: object) -> bytes:
    advert = Driven(**fields).become_master()[0]  # type: ignore[arg-type]
    assert isinstance(advert, act.SendAdvert)
    return advert.packet


class Section5PacketFormat(SynchronousTestCase):
    def test_5_2_1_source_is_the_primary_address(self) -> None:
        self.assertEqual(master_packet()[12:16], ip_address(OURS).packed)
        self.assertEqual(
            master_packet(mcast_src_ip=ip_address("10.0.0.4"))[12:16], ip_address("10.0.0.4").packed
        )

    def test_5_2_2_destination_is_the_group(self) -> None:
        self.assertEqual(master_packet()[16:20], ip_address("224.0.0.18").packed)

    def test_5_2_3_ttl_is_255_and_anything_else_is_discarded(self) -> None:
        data = bytearray(master_packet())
        self.assertEqual(data[8], 255)
        self.assertIsInstance(packet.decode(bytes(data), Expected(51)), Advert)
        for ttl in (0, 1, 254):
            data[8] = ttl
            self.assertEqual(packet.decode(bytes(data), Expected(51)), Reason.TTL)

    def test_5_2_4_protocol_is_112(self) -> None:
        self.assertEqual(master_packet()[9], 112)

    def test_5_3_1_and_5_3_2_version_2_type_1(self) -> None:
        self.assertEqual(master_packet()[20], 0x21)
        for first, reason in ((0x31, Reason.VERSION), (0x11, Reason.VERSION), (0x22, Reason.TYPE)):
            data = bytearray(master_packet())
            data[20] = first
            self.assertEqual(packet.decode(bytes(data), Expected(51)), reason)

    def test_5_3_3_vrid(self) -> None:
        self.assertEqual(master_packet(virtual_router_id=7)[21], 7)
        self.assertEqual(packet.decode(master_packet(), Expected(7)), Reason.FOREIGN)

    def test_5_3_4_priorities_0_100_and_255(self) -> None:
        self.assertEqual(master_packet()[22], 100)
        self.assertEqual(master_packet(priority=255)[22], 255)
        driven = Driven()
        driven.become_master()
        self.assertEqual(sent(driven.do(ev.Stop())), [0])

    def test_5_3_5_address_count_and_5_3_9_addresses(self) -> None:
        data = master_packet()
        self.assertEqual((data[23], data[28:32]), (1, VIP.address.packed))

    def test_5_3_6_authentication_type_must_be_ours(self) -> None:
        password = Authentication(AuthType.PASS, b"secret")
        self.assertEqual((master_packet()[24], master_packet(authentication=password)[24]), (0, 1))
        self.assertEqual(
            packet.decode(master_packet(authentication=password), Expected(51)), Reason.AUTH_MISMATCH
        )
        for kind, reason in ((2, Reason.AUTH_MISMATCH), (3, Reason.AUTH_UNKNOWN), (255, Reason.AUTH_UNKNOWN)):
            data = bytearray(master_packet())
            data[24] = kind
            self.assertEqual(packet.decode(bytes(data), Expected(51)), reason)

    def test_5_3_7_interval_in_seconds(self) -> None:
        self.assertEqual(master_packet(advert_int_us=seconds(7))[25], 7)

    def test_5_3_8_checksum_covers_the_message_only(self) -> None:
        self.assertTrue(checksum.is_intact(master_packet()[20:]))

    def test_5_3_10_authentication_data_is_always_there_and_zero_without_a_password(self) -> None:
        self.assertEqual(master_packet()[32:], bytes(8))
        data = bytearray(master_packet())
        data[32:] = b"whatever"
        data[26:28] = b"\0\0"
        data[26:28] = checksum.checksum(bytes(data[20:])).to_bytes(2)
        self.assertIsInstance(packet.decode(bytes(data), Expected(51)), Advert)


class Section6Initialize(SynchronousTestCase):
    def test_6_4_1_an_owner_becomes_master_at_once(self) -> None:
        driven = Driven(priority=255, state="MASTER")
        driven.become_master()
        self.assertEqual(driven.now, 1)

    def test_6_4_1_others_wait_the_master_down_interval(self) -> None:
        driven = Driven()
        self.assertEqual(driven.state, State.BACKUP)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_609_375)


class Section6Backup(SynchronousTestCase):
    def test_6_4_2_a_backup_holds_no_address(self) -> None:
        self.assertNotIn(act.AddAddresses, kinds(Driven().actions))

    def test_6_4_2_shutdown_is_silent(self) -> None:
        self.assertEqual(sent(Driven().do(ev.Stop())), [])

    def test_6_4_2_timer_fires_then_advert_arp_and_master(self) -> None:
        driven = Driven()
        actions = driven.become_master()
        self.assertEqual(kinds(actions), [act.SendAdvert, act.AddAddresses, act.Announce, act.Notify])
        self.assertEqual(driven.waits_us(TimerName.ADVERT), seconds(1))

    def test_6_4_2_priority_0_sets_the_timer_to_the_skew(self) -> None:
        driven = Driven()
        driven.after(seconds(1))
        driven.hear(0)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 609_375)

    def test_6_4_2_higher_or_equal_priority_resets_the_timer(self) -> None:
        for priority in (100, 101, 255):
            driven = Driven()
            driven.after(seconds(2))
            driven.hear(priority)
            self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_609_375)

    def test_6_4_2_lower_priority_is_discarded_and_the_timer_runs_on(self) -> None:
        driven = Driven()
        driven.after(seconds(2))
        driven.hear(99)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 1_609_375)

    def test_6_4_2_lower_priority_resets_the_timer_without_preemption(self) -> None:
        driven = Driven(nopreempt=True)
        driven.after(seconds(2))
        driven.hear(99)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_609_375)


class Section6Master(SynchronousTestCase):
    def setUp(self) -> None:
        self.driven = Driven()
        self.driven.become_master()
        self.driven.after(seconds(0.5))

    def test_6_4_3_shutdown_sends_priority_0(self) -> None:
        self.assertEqual(sent(self.driven.do(ev.Stop())), [0])

    def test_6_4_3_adverts_at_the_interval(self) -> None:
        self.assertEqual(sent(self.driven.expire(TimerName.ADVERT)), [100])
        self.assertEqual(self.driven.waits_us(TimerName.ADVERT), seconds(1))

    def test_6_4_3_priority_0_is_answered_at_once(self) -> None:
        self.assertEqual(sent(self.driven.hear(0)), [100])
        self.assertEqual(self.driven.waits_us(TimerName.ADVERT), seconds(1))
        self.assertEqual(self.driven.state, State.MASTER)

    def test_6_4_3_yields_to_higher_priority(self) -> None:
        actions = self.driven.hear(101)
        self.assertEqual(kinds(actions), [act.RemoveAddresses, act.Notify])
        self.assertEqual(self.driven.state, State.BACKUP)
        self.assertEqual(self.driven.waits_us(TimerName.MASTER_DOWN), 3_609_375)

    def test_6_4_3_yields_to_equal_priority_of_a_higher_address_only(self) -> None:
        # 10.0.0.5 is ours.  As numbers, not as text: .40 is above .5, .4 is not.
        for source, state in (("10.0.0.4", State.MASTER), ("9.255.255.255", State.MASTER)):
            self.driven.hear(100, source)
            self.assertEqual(self.driven.state, state)
        self.driven.hear(100, "10.0.0.40")
        self.assertEqual(self.driven.state, State.BACKUP)

    def test_6_4_3_lower_priority_is_discarded(self) -> None:
        # And answered, as RFC 9568 has it for version 3 and keepalived for both.
        self.assertEqual(sent(self.driven.hear(99)), [100])
        self.assertEqual(self.driven.state, State.MASTER)


class Section7Receiving(SynchronousTestCase):
    def heard(self, **changed: object) -> bool:
        """Whether a master of priority 200, changed like this, is followed."""
        driven = Driven()
        driven.after(seconds(2))
        driven.hear(200, **changed)
        return driven.waits_us(TimerName.MASTER_DOWN) == 3_609_375

    def test_7_1_a_good_packet_is_heard(self) -> None:
        self.assertTrue(self.heard())

    def test_7_1_ttl_version_length_checksum_vrid_are_verified(self) -> None:
        good = Driven().packet(200)
        for at, value in ((8, 254), (20, 0x31), (23, 2), (26, 0xFF), (21, 52)):
            driven = Driven()
            driven.after(seconds(2))
            data = bytearray(good)
            data[at] = value
            done = driven.do(ev.PacketReceived(bytes(data)))
            self.assertEqual([each for each in done if not isinstance(each, act.Log | act.Alarm)], [])
            self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 1_609_375)

    def test_7_1_the_whole_packet_has_to_be_there(self) -> None:
        good = Driven().packet(200)
        for size in range(len(good)):
            self.assertIsInstance(packet.decode(good[:size], Expected(51)), Reason, size)

    def test_7_1_authentication_is_verified(self) -> None:
        self.assertFalse(self.heard(auth_type=AuthType.PASS))
        driven = Driven(authentication=Authentication(AuthType.PASS, b"secret"))
        for password, waits_us in ((b"other", 1_609_375), (b"secret", 3_609_375)):
            driven.now = seconds(2)
            driven.hear(200, password=password.ljust(8, b"\0"))
            self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), waits_us)

    def test_7_1_the_interval_must_be_ours(self) -> None:
        self.assertFalse(self.heard(interval_us=seconds(2)))

    def test_7_1_another_address_list_is_used_all_the_same_as_keepalived_does(self) -> None:
        # The RFC would drop it unless the sender is the owner.
        self.assertTrue(self.heard(block=ip_address("10.0.0.1").packed))

    def test_7_1_an_owner_hears_others_as_keepalived_does(self) -> None:
        # The RFC would have it discard them, and two that are configured so would both stay.
        driven = Driven(priority=255, state="MASTER")
        driven.become_master()
        driven.hear(255, "10.0.0.40")
        self.assertEqual(driven.state, State.BACKUP)
