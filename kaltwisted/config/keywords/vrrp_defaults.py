"""``vrrp_*`` of ``global_defs``: defaults of the instances, and the pace of announcements."""

from __future__ import annotations

import attrs

from kaltwisted.config.keywords.convert import Group, Seconds, boolean
from kaltwisted.config.keywords.garp import ExtraInterval
from kaltwisted.config.keywords.table import Keyword
from kaltwisted.config.keywords.vrrp import VRRP_INSTANCE

PREFIX = "vrrp_"

_OF_INSTANCES = (
    "garp_master_delay",
    "garp_master_repeat",
    "garp_master_refresh",
    "garp_master_refresh_repeat",
    "garp_lower_prio_delay",
    "garp_lower_prio_repeat",
    "lower_prio_no_advert",
    "higher_prio_send_advert",
    "down_timer_adverts",
    "check_unicast_src",
    "skip_check_adv_addr",
    "owner_ignore_adverts",
    "notify_priority_changes",
)


def _default(name: str) -> Keyword:
    keyword = VRRP_INSTANCE.keywords[name]
    return attrs.evolve(keyword, doc=f"{keyword.doc}; default of instances", field=f"{PREFIX}{keyword.field}")


_EXTRA = attrs.evolve(_default("garp_extra_if"), convert=ExtraInterval(1))
VRRP_DEFAULTS = {
    **{f"{PREFIX}{name}": _default(name) for name in _OF_INSTANCES},
    # Of these two the default has another name than the instance's own.
    "v3_checksum_as_v2": _default("v3_checksum_as_v2"),
    "vrrp_strict": attrs.evolve(_default("strict_mode"), field="vrrp_strict"),
    "vrrp_mcast_group4": Keyword("group of IPv4 adverts", "vrrp_mcast_group4", Group(4)),
    "vrrp_mcast_group6": Keyword("group of IPv6 adverts", "vrrp_mcast_group6", Group(6)),
    "vrrp_min_garp": Keyword(
        "announce each address once, where nothing else is said", "vrrp_min_garp", boolean
    ),
    "vrrp_garp_extra_if": _EXTRA,
    "vrrp_vmac_garp_intvl": attrs.evolve(_EXTRA, doc="the old word for it", today="vrrp_garp_extra_if"),
    "vrrp_garp_interval": Keyword(
        "least time between two gratuitous ARPs on an interface", "vrrp_garp_interval_us", Seconds(1)
    ),
    "vrrp_gna_interval": Keyword(
        "least time between two unsolicited NAs on an interface", "vrrp_gna_interval_us", Seconds(1)
    ),
}
