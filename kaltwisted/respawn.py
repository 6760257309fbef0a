"""How long to wait before a process that has ended is started again: keepalived's rule."""

from __future__ import annotations

LONG_LIFE_S = 60.0
"""One that lived as long starts again at once."""
LONGEST_S = 60


class Respawn:
    """0, 1, 2, 4 … 60 s for lives that are short one after the other."""

    def __init__(self) -> None:
        self._delay_s = 0

    def delay_s(self, lived_s: float) -> int:
        """What to wait after a life of ``lived_s``."""
        if lived_s >= LONG_LIFE_S:
            self._delay_s = 0
        delay_s = self._delay_s
        self._delay_s = min(LONGEST_S, 2 * delay_s or 1)
        return delay_s
