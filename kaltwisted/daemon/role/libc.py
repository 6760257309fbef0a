"""Calls of the C library that Python has no words for."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Any


def call(name: str, *arguments: Any) -> int:
    """Call a function that returns -1 for an error, with ``errno`` set.

    :raises OSError: what it failed for; ENOSYS where this C library does not have it.
    """
    try:
        function = getattr(ctypes.CDLL(None, use_errno=True), name)
    except AttributeError:
        raise OSError(errno.ENOSYS, f"the C library has no {name}") from None
    result: int = function(*arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prctl(option: int, *arguments: int | bytes) -> int:
    """prctl(2): each number as long as the kernel reads it.

    :raises OSError: it was refused.
    """
    longs = [each if isinstance(each, bytes) else ctypes.c_ulong(each) for each in arguments]
    return call("prctl", option, *longs, *[ctypes.c_ulong(0)] * (4 - len(longs)))
