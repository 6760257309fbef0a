"""How changes of links are taken: ``interface_up_down_delays``, ``linkbeat_interfaces`` and its kin."""

from __future__ import annotations

from typing import Final

from kaltwisted.config.keywords.convert import Seconds, flag
from kaltwisted.config.keywords.table import Keyword, Table
from kaltwisted.config.model_links import LinkbeatMethod
from kaltwisted.config.model_values import SECOND_US

INTERFACE_UP_DOWN_DELAYS: Final = Table("interface_up_down_delays", values=True)
LINK_DELAY: Final = Seconds(0, 255 * SECOND_US)
LINKBEAT_INTERFACES: Final = Table(
    "linkbeat_interfaces", values=True, options=tuple(each.value for each in LinkbeatMethod)
)

LINKS: Final = {
    "interface_up_down_delays": Keyword(
        "how long links must be down, or up, until that counts",
        block=INTERFACE_UP_DOWN_DELAYS,
        words=1,
    ),
    "linkbeat_interfaces": Keyword(
        "interfaces that are asked for their links, in place of hearing of them by netlink",
        block=LINKBEAT_INTERFACES,
        words=1,
    ),
    "linkbeat_use_polling": Keyword(
        "ask all interfaces that virtual routers need for their links",
        "linkbeat_use_polling",
        flag,
        words=1,
    ),
}
LINKBEAT_USE_POLLING: Final = Keyword(
    "the old way to have its interface in linkbeat_interfaces", "linkbeat_use_polling", flag, words=1
)
