"""A classic BPF program that lets the kernel drop the adverts of others (linux/filter.h).  Pure.

Whoever shares the link may send any number of adverts for virtual routers that
are not ours.  What the filter drops costs us no reactor turn.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

_INSTRUCTION = struct.Struct("=HBBI")

# Codes: class, size or operation, mode.
_LDX_IP_HEADER_SIZE = 0xB1  # BPF_LDX | BPF_B | BPF_MSH: X = 4 * (packet[k] & 0xF)
_LOAD_BYTE_AT_X = 0x50  # BPF_LD | BPF_B | BPF_IND
_LOAD_BYTE = 0x30  # BPF_LD | BPF_B | BPF_ABS
_JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

_WHOLE_PACKET = 0xFFFF
_PROTOCOL_OFFSET = 9
_VRID_OFFSET = 1
_IPV6_PROTOCOL_OFFSET = 6
_IPV6_SIZE = 40


def vrid_filter(
    vrids: Iterable[int], header_size: int = 0, protocol: int | None = None, *, ip_header: bool = True
) -> bytes:
    """Let in packets whose VRRP message has one of these VRIDs; the raw socket's view, IPv4 header first.

    ``header_size``: bytes between the IP header and the VRRP message, 24 for
    AH.  ``protocol``: the IP protocol it must be; a raw socket gets no other
    anyway.  ``ip_header`` False: a raw socket of IPv6, which sees none.
    The version is not looked at: a router of ours that is configured with
    another version is a mistake somebody must be told about.
    """
    wanted = sorted(frozenset(vrids))
    program: list[tuple[int, int, int, int]] = []
    if protocol is not None:
        # What is not is dropped by the return behind the comparison.
        program += [
            (_LOAD_BYTE, 0, 0, _PROTOCOL_OFFSET),
            (_JUMP_IF_EQUAL, 1, 0, protocol),
            (_RETURN, 0, 0, 0),
        ]
    if ip_header:
        program += [
            (_LDX_IP_HEADER_SIZE, 0, 0, 0),
            (_LOAD_BYTE_AT_X, 0, 0, header_size + _VRID_OFFSET),
        ]
    else:
        program += [(_LOAD_BYTE, 0, 0, _VRID_OFFSET)]
    return _only(program, wanted)


def ipv6_packet_filter(vrids: Iterable[int], protocol: int) -> bytes:
    """The same for a packet socket's view of IPv6, its header first: no advert has extension headers."""
    program = [
        (_LOAD_BYTE, 0, 0, _IPV6_PROTOCOL_OFFSET),
        (_JUMP_IF_EQUAL, 1, 0, protocol),
        (_RETURN, 0, 0, 0),
        (_LOAD_BYTE, 0, 0, _IPV6_SIZE + _VRID_OFFSET),
    ]
    return _only(program, sorted(frozenset(vrids)))


def _only(program: list[tuple[int, int, int, int]], wanted: list[int]) -> bytes:
    """What ``program`` has loaded must be one of these."""
    # Behind the comparisons stands "drop", then "accept": the longest jump of 255 is over 254 of them and it.
    for index, vrid in enumerate(wanted):
        program.append((_JUMP_IF_EQUAL, len(wanted) - index, 0, vrid))
    program.append((_RETURN, 0, 0, 0))
    program.append((_RETURN, 0, 0, _WHOLE_PACKET))
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in program)
