"""Classic BPF programs on sockets (linux/filter.h): what the kernel drops costs no turn of the reactor."""

from __future__ import annotations

import ctypes
import socket
import struct
import sys

_SO_ATTACH_FILTER = 26
_PROGRAM = struct.Struct("HP")
_INSTRUCTION = struct.Struct("=HBBI")

_LOAD_BYTE = 0x30  # BPF_LD | BPF_B | BPF_ABS
_LOAD_HALF = 0x28  # BPF_LD | BPF_H | BPF_ABS
_LOAD_HALF_AT_X = 0x48  # BPF_LD | BPF_H | BPF_IND
_LDX_IP_HEADER_SIZE = 0xB1  # BPF_LDX | BPF_B | BPF_MSH: X = 4 * (packet[k] & 0xF)
_JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K
_WHOLE = 0x7FFFFFFF


def attach(opened: socket.socket, program: bytes) -> None:
    """Let the kernel run ``program`` on every packet (struct sock_fprog)."""
    memory = ctypes.create_string_buffer(program, len(program))
    described = _PROGRAM.pack(len(program) // _INSTRUCTION.size, ctypes.addressof(memory))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)


def type_filter(type_: int, offset: int, value: int, unwanted: int) -> bytes:
    """Netlink messages but those of type ``unwanted``; of ``type_`` only with ``value`` at ``offset``.

    Both types are below 256, and ``value`` is a byte.
    """
    type_offset = 4 if sys.byteorder == "little" else 5
    program = (
        (_LOAD_BYTE, 0, 0, type_offset),
        (_JUMP_IF_EQUAL, 4, 0, unwanted),
        (_JUMP_IF_EQUAL, 0, 2, type_),
        (_LOAD_BYTE, 0, 0, offset),
        (_JUMP_IF_EQUAL, 0, 1, value),
        (_RETURN, 0, 0, _WHOLE),
        (_RETURN, 0, 0, 0),
    )
    return _packed(*program)


def half_filter(offset: int, value: int, *, ip_header: bool) -> bytes:
    """Messages with these 16 bits at ``offset``; ``ip_header``: that of IPv4 stands in front."""
    load = ((_LDX_IP_HEADER_SIZE, 0, 0, 0), (_LOAD_HALF_AT_X, 0, 0, offset))
    return _packed(
        *(load if ip_header else ((_LOAD_HALF, 0, 0, offset),)),
        (_JUMP_IF_EQUAL, 0, 1, value),
        (_RETURN, 0, 0, _WHOLE),
        (_RETURN, 0, 0, 0),
    )


def _packed(*program: tuple[int, int, int, int]) -> bytes:
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in program)
