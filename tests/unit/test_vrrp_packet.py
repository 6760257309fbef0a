"""Adverts as bytes: as C keepalived sends them, and everything that must be refused."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import AuthType
from kaltwisted.ports import Ipv6Message
from kaltwisted.vrrp import auth, checksum, packet
from kaltwisted.vrrp.packet import Advert, Expected, Reason

GROUP = packet.IPV4_GROUP
SENDER = ip_address("10.9.0.1").packed
PEER = ip_address("10.9.0.2").packed
VIP = ip_address("10.9.0.100").packed
KAL = auth.pad(b"k@l")

# Captured with tcpdump on a veth pair from Debian's keepalived 2.2.7.
CAPTURED = {
    "v2": (
        Expected(53),
        254,
        "45c0002800010000ff70d0880a090001e00000122135fe010001d6460a0900780000000000000000",
    ),
    "v2 PASS, two addresses": (
        Expected(51, auth_type=AuthType.PASS, password=KAL),
        150,
        "45c0002c00010000ff70d0840a090001e00000122133960201015bad0a0900640a0900656b406c0000000000",
    ),
    "v2 PASS, priority 0, id 6": (
        Expected(51, auth_type=AuthType.PASS, password=KAL),
        0,
        "45c0002c00060000ff70d07f0a090001e0000012213300020101f1ad0a0900640a0900656b406c0000000000",
    ),
    "v2 AH": (
        Expected(52, auth_type=AuthType.AH, password=KAL),
        140,
        "45c0004000010000ff33d0ad0a090001e0000012"
        "700400000a0900010000000178bf5d304a5998251dd4eeab"
        "21348c01020146520a09006e0000000000000000",
    ),
    "v2 AH, unicast": (
        Expected(56, auth_type=AuthType.AH, password=auth.pad(b"secret"), unicast=True),
        100,
        "45c0004000010000ff33a6b50a0900010a090002"
        "700400000a090001000000011484f63300fea5c93b4b79ea"
        "2138640102016e260a0900960000000000000000",
    ),
    "v3": (
        Expected(54, 3, 500_000),
        100,
        "45c0002000010000ff70d0900a090001e000001231366401003275720a090082",
    ),
    "v3, unicast": (
        Expected(55, 3, 500_000, unicast=True),
        100,
        "45c0002000010000ff70a6980a0900010a0900023137640100324b6f0a09008c",
    ),
}


def build(
    expected: Expected, priority: int, block: bytes, identification: int, **changed: bytes | int
) -> bytes:
    """A packet as ``expected`` wants it, of the sender's making."""
    source = bytes(changed.get("source", SENDER))  # type: ignore[arg-type]
    destination = bytes(changed.get("destination", PEER if expected.unicast else GROUP))  # type: ignore[arg-type]
    message = packet.encode(expected, priority, block, source, destination)
    if expected.auth_type is AuthType.AH:
        sequence = int(changed.get("sequence", 1))  # type: ignore[arg-type]
        return packet.sealed_packet(message, source, destination, identification, expected.password, sequence)
    ttl = int(changed.get("ttl", 255))  # type: ignore[arg-type]
    return packet.ipv4_packet(message, source, destination, identification, ttl=ttl)


def patched(data: bytes, at: int, value: bytes, *, resum_at: int | None = 20) -> bytes:
    """``data`` with other bytes at a place, and the version 2 checksum made right again."""
    changed = bytearray(data)
    changed[at : at + len(value)] = value
    if resum_at is not None:
        changed[resum_at + 6 : resum_at + 8] = b"\0\0"
        changed[resum_at + 6 : resum_at + 8] = checksum.checksum(bytes(changed[resum_at:])).to_bytes(2)
    return bytes(changed)


class ChecksumTests(SynchronousTestCase):
    def test_the_example_of_rfc_1071(self) -> None:
        # §3: 0001 f203 f4f5 f6f7 sum up to ddf2.
        data = bytes.fromhex("0001f203f4f5f6f7")
        self.assertEqual(checksum.checksum(data), 0xFFFF - 0xDDF2)

    def test_edges(self) -> None:
        self.assertEqual(checksum.checksum(b"\0\0"), 0xFFFF)
        self.assertEqual(checksum.checksum(b"\xff\xff"), 0)
        self.assertEqual(checksum.checksum(b"\x01"), 0xFEFF)
        self.assertFalse(checksum.is_intact(bytes(8)))

    def test_pseudo_headers(self) -> None:
        self.assertEqual(checksum.pseudo_header(SENDER, GROUP, 12).hex(), "0a090001e00000120070000c")
        six = checksum.pseudo_header(bytes(16), packet.IPV6_GROUP, 24)
        self.assertEqual(six.hex(), "00" * 16 + "ff02" + "00" * 13 + "12" + "00000018" + "00000070")


class KeepalivedTests(SynchronousTestCase):
    def test_reads_what_keepalived_sends(self) -> None:
        for name, (expected, priority, text) in CAPTURED.items():
            data = bytes.fromhex(text)
            advert = packet.decode(memoryview(data), expected)
            assert isinstance(advert, Advert), (name, advert)
            self.assertEqual(packet.vrid_of(data), expected.vrid, name)
            self.assertEqual((advert.priority, advert.source), (priority, SENDER), name)
            self.assertEqual(advert.interval_us, expected.interval_us, name)

    def test_sends_the_same_bytes(self) -> None:
        for name, (expected, priority, text) in CAPTURED.items():
            data = bytes.fromhex(text)
            advert = packet.decode(data, expected)
            assert isinstance(advert, Advert), name
            identification = int.from_bytes(data[4:6])
            ours = build(
                expected, priority, advert.address_block, identification, sequence=advert.sequence or 0
            )
            self.assertEqual(ours.hex(), text, name)

    def test_names_the_addresses_in_their_order(self) -> None:
        expected, _, text = CAPTURED["v2 PASS, two addresses"]
        advert = packet.decode(bytes.fromhex(text), expected)
        assert isinstance(advert, Advert)
        self.assertEqual([str(address) for address in advert.addresses], ["10.9.0.100", "10.9.0.101"])

    def test_multicast_icv_keeps_the_ttl_and_unicast_does_not(self) -> None:
        for name, altered in (("v2 AH", Reason.ICV), ("v2 AH, unicast", None)):
            expected, _, text = CAPTURED[name]
            data = bytearray.fromhex(text)
            data[8] = 64
            verdict = packet.decode(bytes(data), attrs.evolve(expected, unicast=True))
            # Multicast is refused at the ICV already; unicast gets through.
            self.assertEqual(verdict if isinstance(verdict, Reason) else None, altered, name)


class RefusalTests(SynchronousTestCase):
    """Every rung of the ladder, each with one thing wrong and the rest right."""

    PLAIN = Expected(51)
    PASS = Expected(51, auth_type=AuthType.PASS, password=KAL)
    AH = Expected(51, auth_type=AuthType.AH, password=KAL)
    V3 = Expected(51, 3, 1_000_000)

    def assert_refused(self, data: bytes, expected: Expected, reason: Reason, last: int = 0) -> None:
        self.assertEqual(packet.decode(data, expected, last), reason)

    def test_plain_is_accepted(self) -> None:
        for expected in (self.PLAIN, self.PASS, self.AH, self.V3):
            self.assertIsInstance(packet.decode(build(expected, 100, VIP, 1), expected), Advert)

    def test_each_rung(self) -> None:
        plain = build(self.PLAIN, 100, VIP, 1)
        v3 = build(self.V3, 100, VIP, 1)
        unicast = attrs.evolve(self.PLAIN, unicast=True)
        peers = attrs.evolve(unicast, sources=frozenset({SENDER}))
        near = attrs.evolve(unicast, ttls={SENDER: (1, 254)})
        other = attrs.evolve(self.PASS, password=auth.pad(b"other"))
        cases = [
            (build(Expected(52), 100, VIP, 1), self.PLAIN, Reason.FOREIGN),
            (patched(plain, 9, b"\x06", resum_at=None), self.PLAIN, Reason.FOREIGN),
            (plain[:-1], self.PLAIN, Reason.LENGTH),
            (patched(plain, 23, b"\x02"), self.PLAIN, Reason.LENGTH),
            (plain + bytes(7), self.PLAIN, Reason.LENGTH),
            (patched(plain, 0, b"\x65", resum_at=None), self.PLAIN, Reason.LENGTH),
            (patched(plain, 0, b"\x44", resum_at=None), self.PLAIN, Reason.LENGTH),
            (plain, self.AH, Reason.AH_MISSING),
            (build(self.AH, 100, VIP, 1), self.PLAIN, Reason.AH_UNEXPECTED),
            (build(self.PLAIN, 100, VIP, 1, ttl=254), self.PLAIN, Reason.TTL),
            (patched(plain, 20, b"\x31"), self.PLAIN, Reason.VERSION),
            (v3, self.PLAIN, Reason.VERSION),
            (plain, self.V3, Reason.VERSION),
            (patched(plain, 24, b"\x03"), self.PLAIN, Reason.AUTH_UNKNOWN),
            (plain, self.PASS, Reason.AUTH_MISMATCH),
            (build(other, 100, VIP, 1), self.PASS, Reason.PASSWORD),
            (patched(plain, 25, b"\x02"), self.PLAIN, Reason.INTERVAL),
            (patched(plain, 20, b"\x22"), self.PLAIN, Reason.TYPE),
            (patched(plain, 2, b"\x00\x29", resum_at=None), self.PLAIN, Reason.IP_LENGTH),
            (patched(plain, 22, b"\x65", resum_at=None), self.PLAIN, Reason.CHECKSUM),
            (patched(v3, 22, b"\x65", resum_at=None), self.V3, Reason.CHECKSUM),
            (build(self.V3, 100, b"", 1), self.V3, Reason.ADDRESS_COUNT),
            (build(unicast, 100, VIP, 1), self.PLAIN, Reason.NOT_MULTICAST),
            (plain, unicast, Reason.NOT_UNICAST),
            (build(peers, 100, VIP, 1, source=VIP), peers, Reason.UNKNOWN_PEER),
            (build(near, 100, VIP, 1), near, Reason.TTL_RANGE),
        ]
        for data, expected, reason in cases:
            self.assert_refused(data, expected, reason)
        elsewhere = {Reason.ICV, Reason.SPI, Reason.SEQUENCE}
        elsewhere |= {reason for reason in Reason if reason.name.startswith("HMAC")}  # test_vrrp_hmac
        self.assertEqual({reason for _, _, reason in cases} | elsewhere, set(Reason))

    def test_ethernet_padding_is_no_fault(self) -> None:
        v3 = build(self.V3, 100, VIP, 1)
        self.assertEqual(len(v3), 32)
        self.assertIsInstance(packet.decode(v3 + bytes(14), self.V3), Advert)
        self.assert_refused(v3 + bytes(15), self.V3, Reason.LENGTH)

    def test_sealed_packets_are_judged_by_icv_then_spi_then_sequence(self) -> None:
        data = build(self.AH, 100, VIP, 1, sequence=5)
        self.assertIsInstance(packet.decode(data, self.AH, 4), Advert)
        self.assert_refused(data, self.AH, Reason.SEQUENCE, last=5)
        self.assert_refused(data, attrs.evolve(self.AH, password=auth.pad(b"other")), Reason.ICV, last=5)
        other_spi = bytearray(data)
        other_spi[24:28] = PEER
        other_spi[32:44] = auth.icv(KAL, bytes(other_spi), 20, multicast=True)
        self.assert_refused(bytes(other_spi), self.AH, Reason.SPI, last=5)

    def test_every_altered_byte_of_a_sealed_packet_is_noticed_but_the_mutable_ones(self) -> None:
        data = build(self.AH, 100, VIP, 1)
        for at in range(len(data)):
            altered = bytearray(data)
            altered[at] ^= 0x04
            verdict = packet.decode(bytes(altered), self.AH)
            mutable = at in (1, 6, 7, 10, 11)
            self.assertEqual(isinstance(verdict, Advert), mutable, (at, verdict))


class PropertyTests(SynchronousTestCase):
    ADDRESS6 = st.binary(min_size=16, max_size=16)
    EXPECTED = st.builds(
        Expected,
        vrid=st.integers(1, 255),
        version=st.just(2),
        interval_us=st.integers(1, 255).map(lambda s: s * 1_000_000),
        auth_type=st.sampled_from([None, *AuthType]),
        password=st.binary(max_size=12).map(auth.pad),
        unicast=st.booleans(),
    ) | st.builds(
        Expected,
        vrid=st.integers(1, 255),
        version=st.just(3),
        interval_us=st.integers(1, 0xFFF).map(lambda cs: cs * 10_000),
        unicast=st.booleans(),
    )

    @given(
        EXPECTED,
        st.integers(0, 255),
        st.lists(st.binary(min_size=4, max_size=4), min_size=1, max_size=255),
        st.integers(1, 0xFFFF),
        st.integers(1, auth.SEQUENCE_LIMIT),
    )
    def test_round_trip(
        self, expected: Expected, priority: int, addresses: list[bytes], identification: int, sequence: int
    ) -> None:
        data = build(expected, priority, b"".join(addresses), identification, sequence=sequence)
        advert = packet.decode(data, expected, sequence - 1)
        self.assertEqual(
            advert,
            Advert(
                expected.version,
                expected.vrid,
                priority,
                expected.interval_us,
                b"".join(addresses),
                SENDER,
                sequence if expected.auth_type is AuthType.AH else None,
            ),
        )
        self.assertTrue(checksum.is_intact(data[:20]))

    @given(st.binary(max_size=120), EXPECTED, ADDRESS6, ADDRESS6, st.integers(0, 255))
    def test_any_bytes_get_a_verdict(
        self, data: bytes, expected: Expected, source: bytes, destination: bytes, hop_limit: int
    ) -> None:
        self.assertIsInstance(packet.vrid_of(data), int)
        self.assertIsInstance(packet.decode(memoryview(data), expected), Advert | Reason)
        message = Ipv6Message(data, source, destination, hop_limit)
        self.assertIsInstance(packet.vrid_of(message), int)
        self.assertIsInstance(packet.decode_ipv6(message, expected), Advert | Reason)

    @given(EXPECTED, st.data())
    def test_any_alteration_gets_a_verdict(self, expected: Expected, data: st.DataObject) -> None:
        altered = bytearray(build(expected, 100, VIP, 1))
        for _ in range(data.draw(st.integers(1, 4))):
            altered[data.draw(st.integers(0, len(altered) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(altered)))
        self.assertIsInstance(packet.decode(bytes(altered[:cut]), expected), Advert | Reason)

    @given(st.integers(0, 255), st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=30))
    def test_ipv6_round_trip(self, priority: int, addresses: list[bytes]) -> None:
        expected = Expected(7, 3, 1_000_000)
        source = ip_address("fe80::1").packed
        message = packet.encode(expected, priority, b"".join(addresses), source, packet.IPV6_GROUP)
        good = Ipv6Message(message, source, packet.IPV6_GROUP, 255)
        advert = packet.decode_ipv6(good, expected)
        assert isinstance(advert, Advert)
        self.assertEqual(advert.address_block, b"".join(addresses))
        self.assertEqual(packet.decode_ipv6(attrs.evolve(good, hop_limit=254), expected), Reason.TTL)

    @given(st.data())
    def test_any_alteration_of_an_ipv6_message_gets_a_verdict(self, data: st.DataObject) -> None:
        expected = Expected(7, 3, 1_000_000)
        source = ip_address("fe80::1").packed
        whole = packet.encode(expected, 100, bytes(range(32)), source, packet.IPV6_GROUP)
        altered = bytearray(whole)
        for _ in range(data.draw(st.integers(1, 4))):
            altered[data.draw(st.integers(0, len(altered) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(altered)))
        message = bytes(altered[:cut])
        verdict = packet.decode_ipv6(Ipv6Message(message, source, packet.IPV6_GROUP, 255), expected)
        self.assertIsInstance(verdict, Advert | Reason)
        if message != whole and isinstance(verdict, Advert):
            # A sum of words cannot tell what changed places, but nothing got longer or shorter.
            self.assertEqual(len(verdict.address_block), 32)


class SmallThingsTests(SynchronousTestCase):
    def test_identification_skips_zero(self) -> None:
        self.assertEqual(
            [packet.next_identification(last) for last in (0, 1, 0xFFFE, 0xFFFF)], [1, 2, 0xFFFF, 1]
        )

    def test_long_passwords_are_cut(self) -> None:
        self.assertEqual(auth.pad(b"abcdefghij"), b"abcdefgh")

    def test_sequence_numbers_end(self) -> None:
        sequence = auth.AhSequence(auth.SEQUENCE_LIMIT)
        self.assertFalse(sequence.in_cycle)
        self.assertEqual(sequence.next(), auth.SEQUENCE_LIMIT + 1)
        self.assertTrue(sequence.in_cycle)
        sequence.restart()
        self.assertEqual(sequence.next(), 1)

    def test_a_password_shows_in_no_repr(self) -> None:
        self.assertNotIn("k@l", repr(RefusalTests.PASS))
