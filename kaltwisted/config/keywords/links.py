"""How changes of links are taken: ``interface_up_down_delays``."""

from __future__ import annotations

from typing import Final

from kaltwisted.config.keywords.convert import Seconds
from kaltwisted.config.keywords.table import Table
from kaltwisted.config.model_values import SECOND_US

INTERFACE_UP_DOWN_DELAYS: Final = Table("interface_up_down_delays", values=True)
LINK_DELAY: Final = Seconds(0, 255 * SECOND_US)
