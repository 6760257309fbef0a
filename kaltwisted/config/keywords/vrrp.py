"""``vrrp_instance`` and ``vrrp_sync_group``."""

from __future__ import annotations

import attrs

from kaltwisted.config.address_lines import ADDRESS_OPTIONS
from kaltwisted.config.keywords.buffers import SIZE
from kaltwisted.config.keywords.convert import (
    INT_MAX,
    AtLeastOne,
    Group,
    IpAddress,
    Number,
    OneOf,
    Seconds,
    Word,
    boolean,
    flag,
    missing,
)
from kaltwisted.config.keywords.garp import ExtraInterval
from kaltwisted.config.keywords.hmac import AUTH_HMAC
from kaltwisted.config.keywords.known import known
from kaltwisted.config.keywords.links import LINKBEAT_USE_POLLING
from kaltwisted.config.keywords.own_interface import use_ipvlan, use_vmac
from kaltwisted.config.keywords.scripts import perhaps_command, script
from kaltwisted.config.keywords.table import KEEP, Again, Keep, Keyword, Problem, Problems, Table
from kaltwisted.config.keywords.track import OF_GROUPS, OF_INSTANCES
from kaltwisted.config.model import SECOND_US, AuthType, OldUnicastChecksum
from kaltwisted.config.option_words import STATIC_OPTION
from kaltwisted.config.route_lines import ROUTE_OPTIONS
from kaltwisted.config.rule_lines import RULE_OPTIONS

LONGEST_PASSWORD = 8


def _password(words: list[str], problems: Problems) -> bytes | Keep:
    expected = f"up to {LONGEST_PASSWORD} characters"
    if len(words) < 2:
        return missing(words, problems, expected)
    password = words[1].encode("utf-8", "surrogateescape")
    if not password:
        problems.append(Problem("the password is empty", 1, expected))
        return KEEP
    if len(password) > LONGEST_PASSWORD:
        message = f"the password has {len(password)} bytes, the first {LONGEST_PASSWORD} are used"
        problems.append(Problem(message, 1, expected))
    return password[:LONGEST_PASSWORD]


def _unset(words: list[str], problems: Problems) -> bool:
    return False


def _old_checksum(words: list[str], problems: Problems) -> OldUnicastChecksum | Keep:
    """``[never]``."""
    if len(words) < 2:
        return OldUnicastChecksum.ALWAYS
    if words[1] == "never":
        return OldUnicastChecksum.NEVER
    problems.append(
        Problem(
            f"`{words[1]}` is not known here",
            expected="never, or nothing",
            log=f"Unknown old_unicast_chksum mode {words[1]} - ignoring",
        )
    )
    return KEEP


NOTIFY = {
    "notify": script("notify", "run on every change, with what changed as more arguments"),
    "notify_master": script("notify_master", "run on becoming MASTER"),
    "notify_backup": script("notify_backup", "run on becoming BACKUP"),
    "notify_fault": script("notify_fault", "run on becoming FAULT"),
    "notify_stop": script("notify_stop", "run when VRRP stops"),
}

UNICAST_PEER = Table("unicast_peer", values=True, options=("min_ttl", "max_ttl"))

_ROUNDS = AtLeastOne(Number())
_EXTRA = Keyword(
    "time from one announcement to the next where no adverts go out: of virtual MACs, or with `all` anywhere",
    "garp_extra_if",
    ExtraInterval(0),
    words=3,
)
_GARP = {
    "garp_master_delay": Keyword(
        "pause before the second burst of gratuitous ARP", "garp_master_delay_us", Seconds(whole=True)
    ),
    "garp_master_repeat": Keyword("rounds of each burst", "garp_master_repeat", _ROUNDS),
    "garp_master_refresh": Keyword(
        "time from one refreshing burst to the next", "garp_master_refresh_us", Seconds(whole=True)
    ),
    "garp_master_refresh_repeat": Keyword(
        "rounds of a refreshing burst", "garp_master_refresh_repeat", _ROUNDS
    ),
    "garp_lower_prio_delay": Keyword(
        "pause before the second burst after a lower priority was heard",
        "garp_lower_prio_delay_us",
        Seconds(whole=True),
    ),
    "garp_lower_prio_repeat": Keyword(
        "rounds of a burst after a lower priority was heard", "garp_lower_prio_repeat", Number(0, INT_MAX)
    ),
    "garp_extra_if": _EXTRA,
    "vmac_garp_intvl": attrs.evolve(_EXTRA, doc="the old word for it", today="garp_extra_if"),
}

AUTHENTICATION = Table(
    "authentication",
    {
        "auth_type": Keyword("PASS or AH", "auth_type", OneOf({"PASS": AuthType.PASS, "AH": AuthType.AH})),
        "auth_pass": Keyword("the shared password", "auth_pass", _password),
    },
)

VIRTUAL_IPADDRESS = Table("virtual_ipaddress", values=True, options=ADDRESS_OPTIONS)
VIRTUAL_IPADDRESS_EXCLUDED = Table("virtual_ipaddress_excluded", values=True, options=ADDRESS_OPTIONS)
VIRTUAL_ROUTES = Table("virtual_routes", values=True, options=ROUTE_OPTIONS)
VIRTUAL_RULES = Table("virtual_rules", values=True, options=RULE_OPTIONS)
STATIC_IPADDRESS = Table("static_ipaddress", values=True, options=(*ADDRESS_OPTIONS, STATIC_OPTION))
STATIC_ROUTES = Table("static_routes", values=True, options=(*ROUTE_OPTIONS, STATIC_OPTION))
STATIC_RULES = Table("static_rules", values=True, options=(*RULE_OPTIONS, STATIC_OPTION))
GROUP = Table("group", values=True)

TRACK_GROUP = Table(
    "track_group",
    {"group": Keyword("the instances", block=GROUP, words=1)},
    header=("name",),
)

_sync_interface = Word("an interface")
_LATE_RIVAL = Number(1, 254, optional=254)
_PRIORITY_CHANGES = Keyword("tell the FIFO of priorities", "notify_priority_changes", boolean)
_READ = {
    "use_vmac": Keyword(
        "a macvlan with a MAC address of its own",
        "use_vmac",
        use_vmac,
        words=None,
        again=Again.FIRST_WINS,
    ),
    "use_vmac_addr": Keyword(
        "addresses elsewhere than on its interface have a macvlan too", "use_vmac_addr", flag, words=1
    ),
    "use_ipvlan": Keyword(
        "an ipvlan, by whose address its adverts go",
        "use_ipvlan",
        use_ipvlan,
        words=None,
        again=Again.FIRST_WINS,
    ),
    "vmac_xmit_base": Keyword("send adverts through the base interface", "vmac_xmit_base", flag, words=1),
    "track_src_ip": Keyword("FAULT while the source address is not there", "track_src_ip", flag, words=1),
    "no_virtual_ipaddress": Keyword("it may be without addresses", "no_virtual_ipaddress", flag, words=1),
    "promote_secondaries": Keyword(
        "removing an address keeps its secondaries", "promote_secondaries", flag, words=1
    ),
    "notify_priority_changes": _PRIORITY_CHANGES,
}

VRRP_INSTANCE = Table(
    "vrrp_instance",
    {
        **NOTIFY,
        **_GARP,
        "notify_master_rx_lower_pri": script(
            "notify_master_rx_lower_pri", "run when a master hears a lower priority"
        ),
        "notify_deleted": Keyword(
            "at a reload without it be DELETED, in place of FAULT, and run this if it is given",
            "notify_deleted",
            perhaps_command,
            words=4,
            script=True,
            again=Again.FIRST_WINS,
        ),
        "unicast_src_ip": Keyword("source address of unicast adverts", "unicast_src_ip", IpAddress()),
        "unicast_peer": Keyword("routers to send adverts to, one by one", block=UNICAST_PEER, words=1),
        "unicast_ttl": Keyword("TTL or hop limit of unicast adverts", "unicast_ttl", Number(0, 255)),
        "unicast_fault_no_peer": Keyword(
            "without a peer be in FAULT, in place of sending to the group",
            "unicast_fault_no_peer",
            flag,
            words=1,
        ),
        "old_unicast_checksum": Keyword(
            "unicast checksum of version 3 as before keepalived 1.3.6: always, or never",
            "old_unicast_checksum",
            _old_checksum,
        ),
        "v3_checksum_as_v2": Keyword(
            "checksum of version 3 over IPv4 without the addresses", "v3_checksum_as_v2", boolean
        ),
        "mcast_dst_ip": Keyword("group that adverts go to", "mcast_dst_ip", Group()),
        "native_ipv6": Keyword(
            "adverts go over IPv6, as today the addresses tell", "native_ipv6", flag, words=1
        ),
        "accept": Keyword("take packets to the virtual addresses", "accept", flag, words=1),
        "no_accept": Keyword(
            "drop packets to the virtual addresses, unless their owner", "accept", _unset, words=1
        ),
        "strict_mode": Keyword("hold to the RFC", "strict_mode", boolean),
        "check_unicast_src": Keyword("hear configured peers only", "check_unicast_src", flag, words=1),
        **OF_INSTANCES,
        "dont_track_primary": Keyword("do not need its own interface", "dont_track_primary", flag, words=1),
        "lower_prio_no_advert": Keyword(
            "as master stay silent on a lower priority", "lower_prio_no_advert", boolean
        ),
        "higher_prio_send_advert": Keyword(
            "send one more advert before yielding", "higher_prio_send_advert", boolean
        ),
        "down_timer_adverts": Keyword(
            "adverts missed before it takes over", "down_timer_adverts", Number(1, 100)
        ),
        "skip_check_adv_addr": Keyword(
            "compare addresses only when the sender changed", "skip_check_adv_addr", boolean
        ),
        "owner_ignore_adverts": Keyword(
            "as master of priority 255 take no notice of adverts", "owner_ignore_adverts", boolean
        ),
        "timer_expired_backup": Keyword(
            "step back when the advert timer ran so late that a rival of this priority may have taken over",
            "timer_expired_backup",
            _LATE_RIVAL,
        ),
        "thread_timer_expired": Keyword(
            "the old word for it", "timer_expired_backup", _LATE_RIVAL, today="timer_expired_backup"
        ),
        "state": Keyword(
            "state to begin with: MASTER or BACKUP", "state", OneOf({"MASTER": "MASTER", "BACKUP": "BACKUP"})
        ),
        "interface": Keyword("interface the adverts run on", "interface", Word("an interface")),
        "mcast_src_ip": Keyword("source address of adverts", "mcast_src_ip", IpAddress()),
        "virtual_router_id": Keyword(
            "number of the virtual router", "virtual_router_id", Number(1, 255, strict=True)
        ),
        "priority": Keyword("the highest becomes master; 255 owns the addresses", "priority", Number(1, 255)),
        "advert_int": Keyword(
            "time from advert to advert", "advert_int_us", Seconds(SECOND_US // 100, 255 * SECOND_US)
        ),
        "version": Keyword("VRRP version", "version", OneOf({"2": 2, "3": 3})),
        "authentication": Keyword("VRRPv2 authentication", block=AUTHENTICATION, words=1),
        "auth_hmac": Keyword("a keyed trailer on each advert", block=AUTH_HMAC, words=1),
        "virtual_ipaddress": Keyword("the virtual addresses", block=VIRTUAL_IPADDRESS, words=1),
        "virtual_ipaddress_excluded": Keyword(
            "more of them, not in the adverts", block=VIRTUAL_IPADDRESS_EXCLUDED, words=1
        ),
        "virtual_routes": Keyword("routes that are there while MASTER", block=VIRTUAL_ROUTES, words=1),
        "virtual_rules": Keyword("policy rules that are there while MASTER", block=VIRTUAL_RULES, words=1),
        **_READ,
        "nopreempt": Keyword("do not displace a master of lower priority", "nopreempt", flag, words=1),
        "preempt": Keyword("take an earlier nopreempt back", "nopreempt", _unset, words=1),
        "preempt_delay": Keyword(
            "wait before displacing a master", "preempt_delay_us", Seconds(0, 1000 * SECOND_US)
        ),
        "smtp_alert": Keyword("mail on changes", "smtp_alert", boolean),
        "lvs_sync_daemon_interface": Keyword(
            "IPVS connection sync follows this instance", "lvs_sync_daemon_interface", _sync_interface
        ),
        "lvs_sync_daemon_inteface": Keyword(
            "a slip of the guide",
            "lvs_sync_daemon_interface",
            _sync_interface,
            today="lvs_sync_daemon_interface",
        ),
        "kernel_rx_buf_size": Keyword(
            "bytes for its adverts that wait to be read", "kernel_rx_buf_size", SIZE, exact=True
        ),
        "linkbeat_use_polling": LINKBEAT_USE_POLLING,
        **known("vrrp_instance"),
    },
    misprints={
        "State": "state",
        "Interface": "interface",
        "Virtual_router_id": "virtual_router_id",
        "Priority": "priority",
    },
    header=("name",),
)

VRRP_SYNC_GROUP = Table(
    "vrrp_sync_group",
    {
        **NOTIFY,
        "group": Keyword("the instances that change together", block=GROUP, words=1),
        "smtp_alert": Keyword("mail on changes", "smtp_alert", boolean),
        "sync_group_tracking_weight": Keyword(
            "let weights change priorities in the group", "sync_group_tracking_weight", flag, words=1
        ),
        "global_tracking": Keyword(
            "the old word for it",
            "sync_group_tracking_weight",
            flag,
            words=1,
            today="sync_group_tracking_weight",
        ),
        **OF_GROUPS,
        "notify_priority_changes": _PRIORITY_CHANGES,
    },
    header=("name",),
)
