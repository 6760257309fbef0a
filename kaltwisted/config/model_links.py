"""How changes of links are taken, as frozen values."""

from __future__ import annotations

from enum import Enum

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


class LinkbeatMethod(Enum):
    """What an interface is asked for its link by: the transceiver, its driver, or the kernel's flags."""

    MII = "MII"
    ETHTOOL = "ETHTOOL"
    IOCTL = "IOCTL"

    def __str__(self) -> str:
        return self.value


@attrs.frozen
class LinkbeatInterface:
    """A line of ``linkbeat_interfaces``: it is asked for its link; ``method`` None: the first that works."""

    name: str
    method: LinkbeatMethod | None = None
    where: Position | None = place()

    def __str__(self) -> str:
        return self.name if self.method is None else f"{self.name} {self.method}"
