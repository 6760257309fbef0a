"""Which replies a UDP_CHECK takes for good.  Pure."""

from __future__ import annotations

from kaltwisted.config.model import UdpCheck


def is_good(check: UdpCheck, reply: bytes) -> bool:
    """Whether it has the length and, as far as it goes, the bits that are wanted; without a pattern any has.

    So keepalived 2.2.7: it is ``min_reply_length`` that says how much of the pattern there must be.
    """
    pattern = check.require_reply
    if pattern is None or not pattern.value:
        return True
    if not check.min_reply_length <= len(reply) <= check.max_reply_length:
        return False
    head = reply[: len(pattern.value)]
    wanted, mask = (int.from_bytes(each[: len(head)]) for each in (pattern.value, pattern.mask))
    return not (int.from_bytes(head) ^ wanted) & mask
