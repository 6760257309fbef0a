"""The Internet checksum (RFC 1071).  Pure."""

from __future__ import annotations


def checksum(data: bytes) -> int:
    """The checksum of ``data``, in which the checksum's own field is zero.

    A big number modulo 2**16 - 1 is the sum of its 16-bit words with the carries
    folded in: one division in place of a loop.
    """
    total = int.from_bytes(data) << (8 * (len(data) & 1))
    folded = total % 0xFFFF
    return 0 if total and not folded else 0xFFFF - folded


def is_intact(data: bytes) -> bool:
    """Whether ``data``, its checksum included, sums up to all ones."""
    total = int.from_bytes(data) << (8 * (len(data) & 1))
    return total != 0 and total % 0xFFFF == 0
