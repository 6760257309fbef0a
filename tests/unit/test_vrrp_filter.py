"""The kernel's filter, run here by a small machine of our own."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.vrrp import packet
from kaltwisted.vrrp.auth import AH_SIZE, ah_header
from kaltwisted.vrrp.filter import vrid_filter

SOURCE = bytes((10, 0, 0, 1))


def accepts(program: bytes, data: bytes) -> bool:
    """Run classic BPF (bpf(4)) as far as we use it; reading past the end drops the packet."""
    instructions = list(struct.iter_unpack("=HBBI", program))
    accumulator = index = at = 0
    while True:
        code, if_true, if_false, operand = instructions[at]
        at += 1
        match code:
            case 0xB1:  # ldx 4*([k]&0xf)
                if operand >= len(data):
                    return False
                index = 4 * (data[operand] & 0xF)
            case 0x30:  # ldb [k]
                if operand >= len(data):
                    return False
                accumulator = data[operand]
            case 0x50:  # ldb [x + k]
                if index + operand >= len(data):
                    return False
                accumulator = data[index + operand]
            case 0x15:  # jeq #k
                at += if_true if accumulator == operand else if_false
            case 0x06:  # ret #k
                return operand > 0
            case _:
                raise AssertionError(f"instruction {code:#x}")


def advert(vrid: int, options: bytes = b"") -> bytes:
    message = packet.encode(packet.Expected(vrid), 100, SOURCE, SOURCE, packet.IPV4_GROUP)
    whole = packet.ipv4_packet(message, SOURCE, packet.IPV4_GROUP, 1)
    return bytes((0x45 + len(options) // 4,)) + whole[1:20] + options + whole[20:]


class Filter(SynchronousTestCase):
    @given(st.sets(st.integers(1, 255)), st.integers(1, 255), st.sampled_from([b"", bytes(4), bytes(40)]))
    def test_ours_pass_and_nobody_elses(self, vrids: set[int], vrid: int, options: bytes) -> None:
        self.assertEqual(accepts(vrid_filter(vrids), advert(vrid, options)), vrid in vrids)

    def test_all_255_virtual_routers_fit(self) -> None:
        program = vrid_filter(range(1, 256))
        self.assertTrue(all(accepts(program, advert(vrid)) for vrid in range(1, 256)))
        self.assertFalse(accepts(program, advert(0)))

    @given(st.sets(st.integers(1, 255)), st.integers(1, 255))
    def test_over_ipv6_the_message_stands_alone(self, vrids: set[int], vrid: int) -> None:
        program = vrid_filter(vrids, ip_header=False)
        self.assertEqual(accepts(program, advert(vrid)[20:]), vrid in vrids)
        self.assertFalse(accepts(program, b"\x31"))

    def test_behind_an_authentication_header(self) -> None:
        message = packet.encode(packet.Expected(51), 100, SOURCE, SOURCE, packet.IPV4_GROUP)
        sealed = packet.ipv4_packet(ah_header(SOURCE, 1) + message, SOURCE, packet.IPV4_GROUP, 1, protocol=51)
        self.assertTrue(accepts(vrid_filter([51], AH_SIZE), sealed))
        self.assertFalse(accepts(vrid_filter([52], AH_SIZE), sealed))

    @given(st.binary(max_size=60))
    def test_no_packet_does_harm(self, data: bytes) -> None:
        accepts(vrid_filter([51, 52]), data)

    def test_another_version_passes_so_that_somebody_is_told(self) -> None:
        message = packet.encode(packet.Expected(51, 3), 100, SOURCE, SOURCE, packet.IPV4_GROUP)
        whole = packet.ipv4_packet(message, SOURCE, packet.IPV4_GROUP, 1)
        self.assertTrue(accepts(vrid_filter([51]), whole))
