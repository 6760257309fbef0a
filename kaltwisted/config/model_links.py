"""How changes of links are taken, as frozen values."""

from __future__ import annotations

import attrs

from kaltwisted.config.model_values import SECOND_US, Position, place


@attrs.frozen
class LinkDelay:
    """A line of ``interface_up_down_delays``: how long a link must be down, or up, until that counts."""

    name: str
    down_us: int = 0
    up_us: int = 0
    where: Position | None = place()

    def __str__(self) -> str:
        return f"{self.name} {self.down_us / SECOND_US:.8g} {self.up_us / SECOND_US:.8g}"
