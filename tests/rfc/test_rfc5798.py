"""RFC 5798 (VRRP version 3, IPv4), and where RFC 9568 changed it: each rule by its section, both ways."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import checksum, packet
from kaltwisted.vrrp.actions import State, TimerName
from kaltwisted.vrrp.packet import Advert, Expected, Reason
from tests.unit.vrrp_helpers import VIP, Driven, seconds, sent

TENTH = 100_000


def master_packet(**fields: object) -> bytes:
    advert = Driven(version=3, **fields).become_master()[0]  # type: ignore[arg-type]
    assert isinstance(advert, act.SendAdvert)
    return advert.packet


class Section5PacketFormat(SynchronousTestCase):
    def test_5_2_1_version_3(self) -> None:
        self.assertEqual(master_packet()[20], 0x31)
        self.assertEqual(packet.decode(Driven().packet(100), Expected(51, 3)), Reason.VERSION)

    def test_5_2_5_an_advert_without_addresses_is_ignored(self) -> None:
        driven = Driven(version=3)
        driven.after(seconds(1))
        driven.hear(200, block=b"")
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 2_609_375)
        self.assertEqual(driven.instance.statistics.packet_errors[Reason.ADDRESS_COUNT], 1)

    def test_5_2_6_reserved_bits_are_sent_zero_and_ignored(self) -> None:
        data = bytearray(master_packet())
        self.assertEqual(data[24] >> 4, 0)
        data[24] |= 0xF0
        data[26:28] = b"\0\0"
        pseudo = checksum.pseudo_header(bytes(data[12:16]), bytes(data[16:20]), 12)
        data[26:28] = checksum.checksum(pseudo + bytes(data[20:])).to_bytes(2)
        advert = packet.decode(bytes(data), Expected(51, 3))
        assert isinstance(advert, Advert)
        self.assertEqual(advert.interval_us, seconds(1))

    def test_5_2_7_the_interval_in_hundredths_of_a_second(self) -> None:
        for interval_us, field in ((10_000, 1), (TENTH, 10), (seconds(40.95), 4095)):
            self.assertEqual(int.from_bytes(master_packet(advert_int_us=interval_us)[24:26]), field)

    def test_5_2_8_the_checksum_has_a_pseudo_header_as_keepalived_demands(self) -> None:
        # RFC 9568 leaves it out for IPv4; keepalived, FRR and hardware send and require it.
        data = bytearray(master_packet())
        self.assertIsInstance(packet.decode(bytes(data), Expected(51, 3)), Advert)
        data[26:28] = b"\0\0"
        data[26:28] = checksum.checksum(bytes(data[20:])).to_bytes(2)
        self.assertEqual(packet.decode(bytes(data), Expected(51, 3)), Reason.CHECKSUM)

    def test_5_2_9_no_authentication_field(self) -> None:
        self.assertEqual(master_packet()[28:], VIP.address.packed)


class Section6Timers(SynchronousTestCase):
    def test_6_1_the_masters_interval_is_learned(self) -> None:
        driven = Driven(version=3)
        driven.hear(200, interval_us=TENTH)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3 * TENTH + 156 * TENTH // 256)
        self.assertEqual(driven.instance.statistics.interval_mismatches, 1)

    def test_6_1_a_discarded_advert_teaches_nothing(self) -> None:
        driven = Driven(version=3)
        driven.hear(50, interval_us=TENTH)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_609_375)

    def test_6_4_2_a_new_master_goes_back_to_its_own_interval(self) -> None:
        driven = Driven(version=3)
        driven.hear(200, interval_us=TENTH)
        driven.become_master()
        self.assertEqual(driven.waits_us(TimerName.ADVERT), seconds(1))

    def test_6_4_2_priority_0_waits_a_skew_of_the_learned_interval(self) -> None:
        driven = Driven(version=3)
        driven.hear(200, interval_us=TENTH)
        driven.hear(0, interval_us=TENTH)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 156 * TENTH // 256)

    def test_6_4_3_a_yielding_master_learns_too(self) -> None:
        driven = Driven(version=3)
        driven.become_master()
        driven.hear(200, interval_us=TENTH)
        self.assertEqual(driven.state, State.BACKUP)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3 * TENTH + 156 * TENTH // 256)

    def test_rfc_9568_6_4_3_a_lower_priority_is_answered_at_once(self) -> None:
        driven = Driven(version=3)
        driven.become_master()
        driven.after(seconds(0.5))
        self.assertEqual(sent(driven.hear(99)), [100])
        self.assertEqual(sent(driven.hear(101)), [])
