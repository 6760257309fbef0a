"""When a check runs: an absolute schedule, spread so that many checks never start in one burst.

Pure: times are seconds of the reactor's clock, given as arguments.
"""

from __future__ import annotations

from hashlib import blake2s
from math import ceil

from kaltwisted.config.model import SECOND_US, CheckTiming

FIRST_RUN_S = 1.0
"""keepalived's pause before the earliest first run: addresses and routes have settled by then."""

GRID_S = 0.02
"""First runs begin on multiples of this, and so do the later ones.

Checks of one instant share a turn of the reactor: with a thousand checks a
second, waking up for each alone is a third of what they cost.  Short enough
that a turn takes some two milliseconds then.
"""


def phase(name: str) -> float:
    """A share of an interval, 0 <= phase < 1, always the same for one name.

    A hash and not chance: a restart finds every check at its old place, and
    two directors with one configuration can be compared.
    """
    return int.from_bytes(blake2s(name.encode(), digest_size=4).digest()) / 2**32


def first_run(timing: CheckTiming, name: str, now: float) -> float:
    """When the first run is due: a second after start plus a share of ``warmup``, on the grid."""
    due = now + FIRST_RUN_S + phase(name) * timing.warmup_us / SECOND_US
    return ceil(due / GRID_S) * GRID_S


def next_slot(origin: float, period: float, now: float) -> float:
    """The first time after ``now`` on the grid ``origin + k * period``.

    An attempt that overran its slot thus skips to the next one: runs never
    pile up, and lateness never adds up.
    """
    due = origin + ((now - origin) // period + 1) * period
    return due if due > now else due + period
