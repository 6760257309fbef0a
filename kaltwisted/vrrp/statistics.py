"""What an instance counts, as keepalived's statistics group it."""

from __future__ import annotations

from collections import Counter

import attrs

from kaltwisted.vrrp.packet import Reason


@attrs.define
class Statistics:
    """Counters since start; they outlive a reload.

    ``packet_errors``: dropped packets by reason.  ``unsigned``: adverts without an HMAC trailer that were
    accepted.
    """

    adverts_received: int = 0
    adverts_sent: int = 0
    became_master: int = 0
    released_master: int = 0
    priority_zero_received: int = 0
    priority_zero_sent: int = 0
    address_list_errors: int = 0
    interval_mismatches: int = 0
    split_brains: int = 0
    unsigned: int = 0
    packet_errors: Counter[Reason] = attrs.field(factory=Counter)
