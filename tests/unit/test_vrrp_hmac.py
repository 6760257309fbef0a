"""``auth_hmac``: the trailer as bytes, what is taken and what is not, and what is remembered of senders."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import SECOND_US, AuthType
from kaltwisted.ports import Ipv6Message
from kaltwisted.vrrp import hmac, packet
from kaltwisted.vrrp.checksum import checksum, pseudo_header
from kaltwisted.vrrp.hmac import Failure, Keys
from kaltwisted.vrrp.packet import Advert, Expected, Moment, Reason
from tests.unit.hmac_helpers import ADDRESS, GROUP, KEYS, NEW, NOW_US, OLD, SOURCE, auth_hmac, signed
from tests.unit.vrrp_helpers import config

SOURCE6, GROUP6 = ip_address("fe80::9").packed, packet.IPV6_GROUP
ADDRESS6 = ip_address("fe80::51").packed

# What each covers, written down by hand: pseudo-header, message with a checksum of zero, trailer with an
# HMAC of zero; and the first half of what `openssl dgst -sha256 -mac HMAC` makes of it with the key 00..1f.
HEAD = "010700006b49d20080000003"
SEQUENCE = 0x6B49D20080000003
GOLDEN = [
    (Expected(51, 3), SOURCE, ADDRESS, "06dbe7de309702384aa83066c6afcde5"),
    (Expected(51, 2), SOURCE, ADDRESS, "ce2b492d73988c9ac6db4119635f63eb"),
    (Expected(51, 3), SOURCE6, ADDRESS6, "e429061bf2de5604f646d74c91ecf610"),
]


def resized(data: bytes) -> bytes:
    """An IPv4 packet whose header tells the length that it has."""
    return data[:2] + len(data).to_bytes(2) + data[4:]


class TrailerTests(SynchronousTestCase):
    def test_golden_vectors(self) -> None:
        for expected, source, address, tag in GOLDEN:
            group = GROUP if len(source) == 4 else GROUP6
            message = packet.encode(expected, 100, address, source, group)
            trailer = hmac.sign(message, source, 7, OLD.secret, SEQUENCE)
            self.assertEqual(trailer.hex(), HEAD + tag)
            judged = hmac.Signed(message, trailer, source)
            self.assertEqual(hmac.judge(judged, Keys({7: OLD.secret}, 5), NOW_US), SEQUENCE)

    def test_a_moment_as_a_sequence_number(self) -> None:
        self.assertEqual(hmac.sequence_at(NOW_US + 500_000), 0x6B49D20080000000)
        self.assertEqual(hmac.sequence_at(NOW_US + 999_999) & 0xFFFFFFFF, 0xFFFF0000)
        self.assertEqual(hmac.sequence_at((1 << 32) * SECOND_US), 0)

    def test_it_covers_sender_family_and_virtual_router(self) -> None:
        message = packet.encode(Expected(51, 3), 100, ADDRESS, SOURCE, GROUP)
        trailer = hmac.sign(message, SOURCE, 1, OLD.secret, SEQUENCE)
        other_vrid = bytes((message[0], 52)) + message[2:]
        for changed, source in (
            (message, ip_address("10.9.0.2").packed),
            (message, SOURCE + bytes(12)),
            (other_vrid, SOURCE),
            (b"\x21" + message[1:], SOURCE),
        ):
            judged = hmac.Signed(changed, trailer, source)
            self.assertIs(hmac.judge(judged, KEYS, NOW_US), Failure.INVALID)
        # The checksum is not covered: over IPv6 the kernel makes it.
        judged = hmac.Signed(message[:6] + b"\xab\xcd" + message[8:], trailer, SOURCE)
        self.assertEqual(hmac.judge(judged, KEYS, NOW_US), SEQUENCE)

    def test_serial_numbers_wrap(self) -> None:
        last = (1 << 64) - 1
        self.assertTrue(hmac.is_newer(0, last))
        self.assertFalse(hmac.is_newer(last, 0))
        self.assertFalse(hmac.is_newer(5, 5))
        late_us = (1 << 32) * SECOND_US - 1
        self.assertEqual(hmac.ahead_s(hmac.sequence_at(late_us + 2 * SECOND_US), late_us), 2)
        self.assertEqual(hmac.ahead_s(hmac.sequence_at(late_us), late_us + 2 * SECOND_US), -2)


class JudgementTests(SynchronousTestCase):
    V3 = Expected(51, 3, keys=KEYS)

    def judged(
        self, data: bytes, expected: Expected = V3, now_us: int = NOW_US, last: int | None = None
    ) -> object:
        moment = Moment(now_us, {} if last is None else {SOURCE: last})
        return packet.decode(data, expected, 0, moment)

    def test_authentic_ones_of_both_versions_and_each_key(self) -> None:
        for expected in (self.V3, Expected(51, 2, keys=KEYS)):
            for key in (OLD, NEW):
                advert = self.judged(signed(expected, key=key), expected)
                assert isinstance(advert, Advert), advert
                self.assertEqual(advert.signed, hmac.sequence_at(NOW_US))
                self.assertEqual(advert.address_block, ADDRESS)

    def test_each_failure(self) -> None:
        good = signed(self.V3)
        plain = packet.ipv4_packet(packet.encode(self.V3, 100, ADDRESS, SOURCE, GROUP), SOURCE, GROUP, 1)
        stranger = attrs.evolve(OLD, id=9)
        forger = attrs.evolve(OLD, secret=bytes(32))
        for data, reason in (
            (plain, Reason.HMAC_MISSING),
            (resized(good[:-1]), Reason.HMAC_MALFORMED),
            (resized(good + b"\0"), Reason.HMAC_MALFORMED),
            (good[:32] + b"\x02" + good[33:], Reason.HMAC_MALFORMED),
            (good[:35] + b"\x01" + good[36:], Reason.HMAC_MALFORMED),
            (signed(self.V3, key=stranger), Reason.HMAC_UNKNOWN_KEY),
            (signed(self.V3, key=forger), Reason.HMAC_INVALID),
            (good[:22] + b"\xff" + good[23:], Reason.HMAC_INVALID),
            (signed(self.V3, hmac.sequence_at(NOW_US - 6 * SECOND_US)), Reason.HMAC_STALE),
            (signed(self.V3, hmac.sequence_at(NOW_US + 6 * SECOND_US)), Reason.HMAC_STALE),
        ):
            self.assertEqual(self.judged(data), reason)
        self.assertEqual(self.judged(good, last=hmac.sequence_at(NOW_US)), Reason.HMAC_REPLAY)
        self.assertIsInstance(self.judged(good, last=hmac.sequence_at(NOW_US) - 1), Advert)
        for ahead_s in (-5, 5):
            sequence = hmac.sequence_at(NOW_US + ahead_s * SECOND_US)
            self.assertIsInstance(self.judged(signed(self.V3, sequence)), Advert)

    def test_who_has_no_keys_drops_what_is_signed(self) -> None:
        for expected in (Expected(51, 3), Expected(51, 2), Expected(51, 2, auth_type=AuthType.PASS)):
            self.assertEqual(self.judged(signed(expected), expected), Reason.HMAC_UNEXPECTED)

    def test_other_modes_take_what_is_not_signed_and_nothing_that_is_wrongly(self) -> None:
        expected = attrs.evolve(self.V3, keys=attrs.evolve(KEYS, required=False))
        plain = packet.ipv4_packet(packet.encode(self.V3, 100, ADDRESS, SOURCE, GROUP), SOURCE, GROUP, 1)
        advert = self.judged(plain, expected)
        assert isinstance(advert, Advert)
        self.assertIsNone(advert.signed)
        data = signed(self.V3, key=attrs.evolve(OLD, secret=bytes(32)))
        self.assertEqual(self.judged(data, expected), Reason.HMAC_INVALID)

    def test_monotonic_asks_for_growth_alone(self) -> None:
        expected = attrs.evolve(self.V3, keys=attrs.evolve(KEYS, window_s=None))
        for now_us in (0, NOW_US, NOW_US + 10**14):
            self.assertIsInstance(self.judged(signed(self.V3), expected, now_us), Advert)
        last = hmac.sequence_at(NOW_US) + 1
        self.assertEqual(self.judged(signed(self.V3), expected, 0, last=last), Reason.HMAC_REPLAY)

    def test_our_own_clock_was_set_back(self) -> None:
        ahead = hmac.sequence_at(NOW_US + 3600 * SECOND_US)
        self.assertIsInstance(self.judged(signed(self.V3), last=ahead), Advert)
        near = hmac.sequence_at(NOW_US + 5 * SECOND_US)
        self.assertEqual(self.judged(signed(self.V3), last=near), Reason.HMAC_REPLAY)

    def test_a_checksum_over_ipv4_may_cover_the_trailer(self) -> None:
        data = bytearray(signed(self.V3))
        data[26:28] = b"\0\0"
        front = pseudo_header(SOURCE, GROUP, len(data) - 20)
        data[26:28] = checksum(front + bytes(data[20:])).to_bytes(2)
        self.assertIsInstance(self.judged(bytes(data)), Advert)
        data[26] ^= 1
        self.assertEqual(self.judged(bytes(data)), Reason.CHECKSUM)

    def test_ipv6(self) -> None:
        message = packet.encode(self.V3, 100, ADDRESS6, SOURCE6, GROUP6)
        trailer = hmac.sign(message, SOURCE6, 1, OLD.secret, hmac.sequence_at(NOW_US))
        whole = packet.with_trailer(message, trailer, SOURCE6, GROUP6)
        # As the kernel reckons it: over all that the packet carries.
        front = pseudo_header(SOURCE6, GROUP6, len(whole))
        self.assertEqual(checksum(front + whole[:6] + b"\0\0" + whole[8:]).to_bytes(2), whole[6:8])
        received = Ipv6Message(whole, SOURCE6, GROUP6, 255)
        moment = Moment(NOW_US)
        advert = packet.decode_ipv6(received, self.V3, moment)
        assert isinstance(advert, Advert), advert
        self.assertEqual(advert.addresses, (ip_address("fe80::51"),))
        for changed, reason in (
            (whole[:-1], Reason.HMAC_MALFORMED),
            (message, Reason.HMAC_MISSING),
            (whole[:2] + b"\xff" + whole[3:], Reason.HMAC_INVALID),
            (whole[:6] + bytes((whole[6] ^ 1,)) + whole[7:], Reason.CHECKSUM),
        ):
            verdict = packet.decode_ipv6(attrs.evolve(received, message=changed), self.V3, moment)
            self.assertEqual(verdict, reason)
        self.assertEqual(packet.decode_ipv6(received, Expected(51, 3), moment), Reason.HMAC_UNEXPECTED)

    @given(st.data())
    def test_no_alteration_of_what_is_covered_is_accepted(self, data: st.DataObject) -> None:
        good = signed(self.V3)
        altered = bytearray(good)
        at = data.draw(st.integers(20, len(good) - 1).filter(lambda each: each not in (26, 27)))
        altered[at] ^= data.draw(st.integers(1, 255))
        self.assertIsInstance(self.judged(bytes(altered)), Reason)


class MemoryTests(SynchronousTestCase):
    def test_only_so_many_senders_are_known(self) -> None:
        senders = hmac.Senders()
        for number in range(hmac.MOST_SENDERS):
            senders.heard(number.to_bytes(4), number)
        senders.heard(bytes(4), 7)
        senders.heard(b"new!", 1)
        self.assertEqual(len(senders.latest), hmac.MOST_SENDERS)
        self.assertEqual(senders.latest[bytes(4)], 7)
        self.assertNotIn((1).to_bytes(4), senders.latest)

    @given(st.lists(st.integers(0, 3 * SECOND_US), max_size=30), st.sampled_from([None, 5]))
    def test_numbers_grow_also_when_time_stands_still_or_is_set_back_a_little(
        self, offsets: list[int], window_s: int | None
    ) -> None:
        sequence, last = hmac.Sequence(), None
        for offset in offsets:
            number = sequence.next(NOW_US + offset, window_s)
            if last is not None:
                self.assertTrue(hmac.is_newer(number, last))
            last = number

    def test_a_clock_that_was_hours_ahead_is_followed_back_where_there_is_a_window(self) -> None:
        for window_s, follows in ((5, True), (None, False)):
            sequence = hmac.Sequence()
            ahead = sequence.next(NOW_US + 3600 * SECOND_US, window_s)
            number = sequence.next(NOW_US, window_s)
            self.assertEqual(number, hmac.sequence_at(NOW_US) if follows else ahead + 1)

    def test_a_key_shows_in_no_repr(self) -> None:
        shown = f"{config(auth_hmac=auth_hmac(OLD))} {KEYS} {Expected(51, keys=KEYS)}"
        for text in (repr(OLD.secret)[2:-1], OLD.secret.hex()):
            self.assertNotIn(text, shown)
