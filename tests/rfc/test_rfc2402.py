"""RFC 2402 (IP Authentication Header) under VRRP (RFC 2338 §5.3.6.3): each rule by its section, both ways."""

from __future__ import annotations

import hmac

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.vrrp import packet
from kaltwisted.vrrp.packet import Advert, Expected, Reason
from tests.unit.vrrp_helpers import SECRET, Driven

EXPECTED = Expected(51, auth_type=SECRET.type, password=b"k@l!ve1\0")


def sealed(sequence: int = 1) -> bytearray:
    return bytearray(Driven(authentication=SECRET).packet(200, sequence=sequence))


class AuthenticationHeader(SynchronousTestCase):
    def test_2_1_next_header_is_vrrp_and_anything_else_is_not_ours(self) -> None:
        data = sealed()
        self.assertEqual((data[9], data[20]), (51, 112))
        data[20] = 6
        self.assertEqual(packet.decode(bytes(data), EXPECTED), Reason.FOREIGN)

    def test_2_2_payload_length_is_in_words_less_two_and_2_3_reserved_is_zero(self) -> None:
        self.assertEqual(bytes(sealed()[21:24]), b"\4\0\0")

    def test_2_4_spi_is_the_source_address_as_keepalived_has_it(self) -> None:
        data = sealed()
        self.assertEqual(data[24:28], data[12:16])

    def test_2_5_sequence_starts_at_1_and_grows(self) -> None:
        driven = Driven(authentication=SECRET)
        driven.become_master()
        self.assertEqual(driven.instance.sequence.value, 1)

    def test_3_4_3_replays_are_dropped(self) -> None:
        data = bytes(sealed(7))
        self.assertIsInstance(packet.decode(data, EXPECTED, 6), Advert)
        for last in (7, 8, 0xFFFFFFFF):
            self.assertEqual(packet.decode(data, EXPECTED, last), Reason.SEQUENCE)

    def test_3_3_3_1_icv_is_hmac_md5_96_with_mutable_fields_zeroed(self) -> None:
        data = sealed()
        image = bytearray(data)
        for at in (1, 6, 7, 10, 11, *range(32, 44)):
            image[at] = 0
        self.assertEqual(data[32:44], hmac.digest(b"k@l!ve1", bytes(image), "md5")[:12])

    def test_3_3_3_1_ttl_is_not_zeroed_for_multicast_as_keepalived_has_it(self) -> None:
        # The RFC counts TTL as mutable; keepalived keeps the 255 of a multicast in.
        data = sealed()
        image = bytearray(data)
        for at in (1, 6, 7, 8, 10, 11, *range(32, 44)):
            image[at] = 0
        data[32:44] = hmac.digest(b"k@l!ve1", bytes(image), "md5")[:12]
        self.assertEqual(packet.decode(bytes(data), EXPECTED), Reason.ICV)

    def test_3_4_4_a_wrong_icv_is_dropped_before_anything_else_is_believed(self) -> None:
        data = sealed(1)
        data[25 + 24] ^= 1
        self.assertEqual(packet.decode(bytes(data), EXPECTED, 99), Reason.ICV)
