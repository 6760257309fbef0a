"""``vrrp_instance`` and ``vrrp_sync_group``."""

from __future__ import annotations

from kaltwisted.config.findings import Severity
from kaltwisted.config.keywords.convert import (
    INT_MAX,
    IpAddress,
    Number,
    OneOf,
    Seconds,
    Word,
    boolean,
    flag,
    missing,
)
from kaltwisted.config.keywords.known import later
from kaltwisted.config.keywords.scripts import script, user
from kaltwisted.config.keywords.table import KEEP, Keep, Keyword, Problem, Problems, Table
from kaltwisted.config.model import SECOND_US, AuthType

LONGEST_PASSWORD = 8


def _password(words: list[str], problems: Problems) -> bytes | Keep:
    expected = f"up to {LONGEST_PASSWORD} characters"
    if len(words) < 2:
        return missing(words, problems, expected)
    password = words[1].encode("utf-8", "surrogateescape")
    if not password:
        problems.append(Problem("the password is empty", 0, expected))
        return KEEP
    if len(password) > LONGEST_PASSWORD:
        message = f"the password has {len(password)} bytes, the first {LONGEST_PASSWORD} are used"
        problems.append(Problem(message, 1, expected))
    return password[:LONGEST_PASSWORD]


def _unset(words: list[str], problems: Problems) -> bool:
    return False


NOTIFY = {
    "notify": script("notify", "run on every change, with what changed as more arguments"),
    "notify_master": script("notify_master", "run on becoming MASTER"),
    "notify_backup": script("notify_backup", "run on becoming BACKUP"),
    "notify_fault": script("notify_fault", "run on becoming FAULT"),
    "notify_stop": script("notify_stop", "run when VRRP stops"),
}

_LONGEST_INTERVAL_US = 4_294_967 * SECOND_US
WEIGHTS = (-253, 253)


def _weight(words: list[str], problems: Problems) -> int | Keep:
    """``N [reverse]``."""
    if len(words) > 2 and words[2] == "reverse":
        message = "`reverse` is understood, not acted on yet: good and bad would change places"
        problems.append(Problem(message, 2, severity=Severity.WARNING))
    return Number(*WEIGHTS)(words, problems)


VRRP_SCRIPT = Table(
    "vrrp_script",
    {
        "script": script("script", "the command; exit status 0 is good"),
        "interval": Keyword("time from run to run", "interval_us", Seconds(0, _LONGEST_INTERVAL_US)),
        "timeout": Keyword("limit of a run", "timeout_us", Seconds(0, _LONGEST_INTERVAL_US)),
        "weight": Keyword("change of priority; 0: bad is FAULT", "weight", _weight, words=3),
        "rise": Keyword("good results that make it good", "rise", Number(1, INT_MAX)),
        "fall": Keyword("bad results that make it bad", "fall", Number(1, INT_MAX)),
        "user": Keyword("who runs it: user, perhaps a group", "user", user, words=3),
        "init_fail": Keyword("bad until it has been good", "init_fail", flag, words=1),
    },
    header=("name",),
)
TRACK_SCRIPT = Table("track_script", values=True)
TRACK_INTERFACE = Table("track_interface", values=True)
UNICAST_PEER = Table("unicast_peer", values=True)

_GARP = {
    "garp_master_delay": Keyword(
        "pause before the second burst of gratuitous ARP", "garp_master_delay_us", Seconds(whole=True)
    ),
    "garp_master_repeat": Keyword("rounds of each burst", "garp_master_repeat", Number()),
    "garp_master_refresh": Keyword(
        "time from one refreshing burst to the next", "garp_master_refresh_us", Seconds(whole=True)
    ),
    "garp_master_refresh_repeat": Keyword(
        "rounds of a refreshing burst", "garp_master_refresh_repeat", Number()
    ),
    "garp_lower_prio_delay": Keyword(
        "pause before the second burst after a lower priority was heard",
        "garp_lower_prio_delay_us",
        Seconds(whole=True),
    ),
    "garp_lower_prio_repeat": Keyword(
        "rounds of a burst after a lower priority was heard", "garp_lower_prio_repeat", Number(0, INT_MAX)
    ),
}

AUTHENTICATION = Table(
    "authentication",
    {
        "auth_type": Keyword("PASS or AH", "auth_type", OneOf({"PASS": AuthType.PASS, "AH": AuthType.AH})),
        "auth_pass": Keyword("the shared password", "auth_pass", _password),
    },
)

VIRTUAL_IPADDRESS = Table("virtual_ipaddress", values=True)
VIRTUAL_IPADDRESS_EXCLUDED = Table("virtual_ipaddress_excluded", values=True)
GROUP = Table("group", values=True)

_sync_interface = Word("an interface")

VRRP_INSTANCE = Table(
    "vrrp_instance",
    {
        **NOTIFY,
        **_GARP,
        "notify_master_rx_lower_pri": script(
            "notify_master_rx_lower_pri", "run when a master hears a lower priority"
        ),
        "unicast_src_ip": Keyword("source address of unicast adverts", "unicast_src_ip", IpAddress()),
        "unicast_peer": Keyword("routers to send adverts to, one by one", block=UNICAST_PEER, words=1),
        "check_unicast_src": Keyword("hear configured peers only", "check_unicast_src", flag, words=1),
        "track_script": Keyword("scripts that tell whether it is fit", block=TRACK_SCRIPT, words=1),
        "track_interface": Keyword("interfaces it needs", block=TRACK_INTERFACE, words=1),
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
        "timer_expired_backup": Keyword(
            "step back when the advert timer ran so late that a rival of this priority may have taken over",
            "timer_expired_backup",
            Number(1, 254, optional=254),
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
        "virtual_ipaddress": Keyword("the virtual addresses", block=VIRTUAL_IPADDRESS, words=1),
        "virtual_ipaddress_excluded": Keyword(
            "more of them, not in the adverts", block=VIRTUAL_IPADDRESS_EXCLUDED, words=1
        ),
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
        **later("vrrp_instance"),
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
        **later("vrrp_sync_group"),
    },
    header=("name",),
)
