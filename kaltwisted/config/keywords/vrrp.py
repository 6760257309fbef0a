"""``vrrp_instance`` and ``vrrp_sync_group``."""

from __future__ import annotations

from kaltwisted.config.keywords.convert import IpAddress, Number, OneOf, Seconds, Word, boolean, flag, missing
from kaltwisted.config.keywords.known import later
from kaltwisted.config.keywords.scripts import script
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
)

VRRP_SYNC_GROUP = Table(
    "vrrp_sync_group",
    {
        **NOTIFY,
        "group": Keyword("the instances that change together", block=GROUP, words=1),
        "smtp_alert": Keyword("mail on changes", "smtp_alert", boolean),
        **later("vrrp_sync_group"),
    },
)
