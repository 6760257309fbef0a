"""VRRP's two reckoned times, in integers of microseconds (RFC 3768 §6.1, RFC 5798 §6.1).

The skew lets the better of two backups go first: the higher the priority, the
shorter its wait.
"""

from __future__ import annotations

from kaltwisted.config.model import SECOND_US
from kaltwisted.config.model_vrrp import OWNER_PRIORITY as OWNER_PRIORITY


def skew_us(version: int, priority: int, interval_us: int) -> int:
    """``Skew_Time`` of a router of this priority.

    Version 2: (256 - priority) / 256 s, whatever the interval.  Version 3: that
    share of ``interval_us``, the master's advertisement interval as learned.
    """
    unit = interval_us if version == 3 else SECOND_US
    return (256 - priority) * unit // 256


def master_down_us(version: int, priority: int, interval_us: int, adverts: int = 3) -> int:
    """``Master_Down_Interval``: how long silence lasts before the master counts as gone.

    ``adverts``: the adverts that may be missed (keepalived: ``down_timer_adverts``).
    """
    return adverts * interval_us + skew_us(version, priority, interval_us)
