"""Processors with AMX have more registers than the 6.1 kernel of User-Mode Linux has room for.

It asks for all extended registers of a process at once (``PTRACE_GETREGSET``, ``NT_X86_XSTATE``), gets as
many as it has room for, and cannot set them again: the guest panics before its first process.  When it is
told at its start that there is no such request it takes the older one, which has SSE's registers and no wider
ones.  So a seccomp filter tells it so, and the guest's programs are told not to use wider registers: they
would lose them at each page fault.
"""

from __future__ import annotations

import ctypes
import struct
from pathlib import Path
from typing import Final

_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_RETURN_ERRNO: Final = 0x0005_0000
_RETURN_ALLOW: Final = 0x7FFF_0000
_EINVAL: Final = 22
_PTRACE: Final = 101
_GETREGSET: Final = 0x4204
_SETREGSET: Final = 0x4205
_XSTATE: Final = 0x202

# BPF: load a word of struct seccomp_data, jump if equal, return.
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER, _REQUEST, _ADDRESS = 0, 16, 32

_FILTER: Final = (
    (_LOAD, 0, 0, _NUMBER),
    (_JUMP_EQUAL, 0, 6, _PTRACE),
    (_LOAD, 0, 0, _REQUEST),
    (_JUMP_EQUAL, 1, 0, _GETREGSET),
    (_JUMP_EQUAL, 0, 3, _SETREGSET),
    (_LOAD, 0, 0, _ADDRESS),
    (_JUMP_EQUAL, 0, 1, _XSTATE),
    (_RETURN, 0, 0, _RETURN_ERRNO | _EINVAL),
    (_RETURN, 0, 0, _RETURN_ALLOW),
)

_WIDE: Final = (
    *("AVX", "AVX2", "AVX_Fast_Unaligned_Load", "AVX512F", "AVX512VL", "AVX512BW", "AVX512CD", "AVX512DQ"),
    *("XSAVE", "XSAVEC", "FMA", "FMA4"),
)
ENVIRONMENT: Final = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join(f"-{each}" for each in _WIDE),
    # Bits of CPUID 1 (AVX, XSAVE, FMA) and 7 (AVX2 and what came after it).
    "OPENSSL_ia32cap": "~0x1c00100000000000:0x0",
}
"""For programs of the guest: no registers that are wider than SSE's."""


def needed() -> bool:
    """Whether this machine's processor has them."""
    return " amx_tile" in Path("/proc/cpuinfo").read_text()


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


_code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in _FILTER))
_program = _Program(len(_FILTER), ctypes.cast(_code, ctypes.c_void_p))
_libc = ctypes.CDLL(None, use_errno=True)


def hide() -> None:
    """This process and those that it starts are without that request from now on."""
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(_program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
