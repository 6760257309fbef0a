"""What a role may do beyond what any process may: its capabilities, and giving up those it has no need of.

Which are needed was tried: without any one of them something of the role
fails (``tests/network/test_capabilities.py``).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from typing import Final

from kaltwisted.daemon.role.libc import call

# <linux/capability.h>, by their numbers.
_LIST = """
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT
SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL
SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
"""
_NAMES: Final = _LIST.split()
_NUMBERS: Final = {f"CAP_{name}": number for number, name in enumerate(_NAMES)}

# Scripts as another user (as root setpriv(1) gets these anew, a daemon of its own user hands them on),
# ending such scripts; a configuration that only its owner may read.
SCRIPTS: Final = frozenset({"CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_DAC_READ_SEARCH"})
# Real-time priority again after a pause, and more memory once it is locked.
SCHEDULING: Final = frozenset({"CAP_SYS_NICE", "CAP_IPC_LOCK"})
# Addresses, routes and sysctls; adverts and gratuitous ARP.
VRRP: Final = frozenset({"CAP_NET_ADMIN", "CAP_NET_RAW"}) | SCRIPTS | SCHEDULING
# IPVS, the mark of a check and the raw socket of a ping; ports below 1024 of the userspace plane.
CHECKER: Final = frozenset({"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_NET_BIND_SERVICE"}) | SCRIPTS | SCHEDULING
# UDP needs none.
BFD: Final = SCHEDULING

_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Half(ctypes.Structure):
    """32 of the 64 bits of each set."""

    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def held() -> frozenset[str]:
    """The effective capabilities of the calling thread; none where that cannot be known."""
    try:
        halves = _get()
    except OSError:
        return frozenset()
    bits = halves[0].effective | halves[1].effective << 32
    return frozenset(_name(number) for number in range(64) if bits >> number & 1)


def keep_only(names: Iterable[str]) -> str | None:
    """Give up every capability that is not among ``names``; what is wrong with that in words, None: nothing.

    The effective, permitted and inheritable sets lose them, and so does the
    ambient set.  The bounding set is left alone: programs that root starts
    get all of it again at exec(2), and a notify script of root expects to have
    what root has, as it has with keepalived.  A process of another user cannot
    come back to them in any way but by programs that are setuid.

    Sets are those of a thread, so this comes before any thread is started.
    """
    mask = sum(1 << _NUMBERS[name] for name in set(names) if name in _NUMBERS)
    try:
        halves = _get()
        for shift, half in zip((0, 32), halves, strict=True):
            for kind in ("effective", "permitted", "inheritable"):
                setattr(half, kind, getattr(half, kind) & mask >> shift & 0xFFFFFFFF)
        call("capset", ctypes.byref(_Header(_VERSION_3, 0)), halves)
    except OSError as error:
        return f"Capabilities cannot be given up: {error.strerror}"
    threads = _threads()
    return None if threads == 1 else f"{threads - 1} threads that run already keep their capabilities"


def _get() -> ctypes.Array[_Half]:
    halves = (_Half * 2)()
    call("capget", ctypes.byref(_Header(_VERSION_3, 0)), halves)
    return halves


def _name(number: int) -> str:
    return f"CAP_{_NAMES[number]}" if number < len(_NAMES) else f"CAP_{number}"


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - names only
    except OSError:
        return 1
