"""``global_defs``: settings of the whole daemon."""

from __future__ import annotations

from kaltwisted.config.keywords.api import API
from kaltwisted.config.keywords.buffers import NETLINK_BUFS, RX_BUFS
from kaltwisted.config.keywords.convert import (
    AtLeastOne,
    OneOf,
    Seconds,
    Word,
    boolean,
    flag,
    missing,
    not_one_of,
    whole_number,
)
from kaltwisted.config.keywords.ipvs import IPVS
from kaltwisted.config.keywords.known import known
from kaltwisted.config.keywords.naming import IN_GLOBAL_DEFS
from kaltwisted.config.keywords.nftables import NFTABLES
from kaltwisted.config.keywords.process import PROCESSES
from kaltwisted.config.keywords.scripts import checking_command, user
from kaltwisted.config.keywords.start_stop import START_AND_STOP
from kaltwisted.config.keywords.table import KEEP, Again, Keep, Keyword, Problem, Problems, Table
from kaltwisted.config.keywords.vrrp_defaults import VRRP_DEFAULTS
from kaltwisted.config.model import SECOND_US, NotifyFifo, SmtpServer

LONGEST_PREFIX = 10
_VMAC_PREFIX = f"up to {LONGEST_PREFIX} characters, without blanks or `/`"


def _smtp_server(words: list[str], problems: Problems) -> SmtpServer | Keep:
    if len(words) < 2:
        return missing(words, problems, "a host name or IP address, perhaps a port")
    if len(words) < 3:
        return SmtpServer(words[1])
    port = whole_number(words[2], 1, 65535)
    if isinstance(port, str):
        problems.append(Problem(f"port `{words[2]}` {port}", 2, "a port from 1 to 65535"))
        return KEEP
    return SmtpServer(words[1], port)


def _dynamic(words: list[str], problems: Problems) -> bool:
    """On by being there; ``allow_if_changes`` changes nothing here."""
    if len(words) > 1 and words[1] != "allow_if_changes":
        problems.append(not_one_of(words[1], ["allow_if_changes"]))
    return True


def _fifo(words: list[str], problems: Problems) -> NotifyFifo | Keep:
    """``path [user [group]]``."""
    if len(words) < 2:
        return missing(words, problems, "the path of a named pipe, perhaps a user and a group", fatal=False)
    return NotifyFifo(*words[1:4])


def _fifos(prefix: str, of: str) -> dict[str, Keyword]:
    pipe, reader = f"{prefix}notify_fifo", f"{prefix}notify_fifo_script"
    return {
        pipe: Keyword(f"named pipe that is told {of}", pipe, _fifo, words=4, again=Again.FIRST_WINS),
        reader: Keyword(
            f"what reads {pipe}, whose path is its last argument",
            reader,
            checking_command,
            words=4,
            script=True,
            again=Again.FIRST_WINS,
        ),
    }


def _vmac_prefix(words: list[str], problems: Problems) -> str | Keep:
    """Room must be left for ``6.255``."""
    if len(words) < 2:
        return missing(words, problems, _VMAC_PREFIX)
    prefix = words[1]
    if not 0 < len(prefix) <= LONGEST_PREFIX or any(each in "/:" or each.isspace() for each in prefix):
        problems.append(Problem(f"`{prefix}` cannot begin an interface's name", 1, _VMAC_PREFIX))
        return KEEP
    return prefix


NOTIFICATION_EMAIL = Table("notification_email", values=True)

_smtp_timeout = AtLeastOne(Seconds(whole=True), SECOND_US)
_router_id = Word("a name for this machine", fatal=False)

GLOBAL_DEFS = Table(
    "global_defs",
    {
        "router_id": Keyword("name of this machine in mail subjects", "router_id", _router_id),
        "lvs_id": Keyword("the guide's word for router_id", "router_id", _router_id, today="router_id"),
        "notification_email": Keyword("who gets the alert mails", block=NOTIFICATION_EMAIL, words=1),
        "notification_email_from": Keyword(
            "sender of alert mails",
            "notification_email_from",
            Word("a mail address", fatal=False),
            again=Again.OVERWRITES,
        ),
        "smtp_server": Keyword(
            "mail relay: host or address, perhaps a port", "smtp_server", _smtp_server, words=3
        ),
        "smtp_connect_timeout": Keyword("limit of each SMTP step", "smtp_connect_timeout_us", _smtp_timeout),
        "smtp_connection_timeout": Keyword(
            "a slip of the guide", "smtp_connect_timeout_us", _smtp_timeout, today="smtp_connect_timeout"
        ),
        "smtp_helo_name": Keyword(
            "name said in HELO", "smtp_helo_name", Word("a host name", fatal=False), again=Again.OVERWRITES
        ),
        "smtp_alert": Keyword("mail on changes, default of every object", "smtp_alert", boolean),
        "smtp_alert_checker": Keyword("mail on changes, default of servers", "smtp_alert_checker", boolean),
        "smtp_alert_vrrp": Keyword("mail on changes, default of VRRP", "smtp_alert_vrrp", boolean),
        "no_checker_emails": Keyword(
            "no mail for each checker, only for each server", "no_checker_emails", boolean
        ),
        "no_email_faults": Keyword(
            "no mail when an instance or a group is in FAULT", "no_email_faults", flag, words=1
        ),
        "disable_local_igmp": Keyword(
            "tell no switch of the groups in 224.0.0.0/24, where adverts go",
            "disable_local_igmp",
            flag,
            words=1,
        ),
        "log_unknown_vrids": Keyword(
            "log adverts of virtual routers that are not configured", "log_unknown_vrids", flag, words=1
        ),
        "checker_log_all_failures": Keyword("log every failed check", "checker_log_all_failures", boolean),
        "rs_init_notifies": Keyword(
            "run notify_up/down for the first state too", "rs_init_notifies", boolean
        ),
        "script_user": Keyword("who runs the scripts: user, perhaps a group", "script_user", user, words=3),
        "enable_script_security": Keyword(
            "no root scripts that others could alter", "enable_script_security", flag, words=1
        ),
        "dynamic_interfaces": Keyword(
            "interfaces may be missing at the start, and come and go", "dynamic_interfaces", _dynamic
        ),
        "vrrp_version": Keyword(
            "VRRP version, default of instances", "vrrp_version", OneOf({"2": 2, "3": 3})
        ),
        "default_interface": Keyword(
            "interface of instances that name none", "default_interface", Word("an interface", fatal=False)
        ),
        **_fifos("", "of all changes"),
        **_fifos("vrrp_", "of VRRP's changes"),
        **_fifos("lvs_", "of servers' changes"),
        "fifo_write_vrrp_states_on_reload": Keyword(
            "tell the FIFO the states again after a reload",
            "fifo_write_vrrp_states_on_reload",
            boolean,
        ),
        "vrrp_startup_delay": Keyword(
            "hold all instances back after the start",
            "vrrp_startup_delay_us",
            Seconds(SECOND_US // 1000),
        ),
        "vrrp_delay_after_boot": Keyword(
            "hold all instances back until the machine has been up so long",
            "vrrp_delay_after_boot_us",
            Seconds(SECOND_US // 1000),
        ),
        "vmac_prefix": Keyword(
            "first part of the names of VMACs", "vmac_prefix", _vmac_prefix, again=Again.FIRST_WINS
        ),
        "vmac_addr_prefix": Keyword(
            "first part of the names of VMACs of addresses",
            "vmac_addr_prefix",
            _vmac_prefix,
            again=Again.FIRST_WINS,
        ),
        # Acted on where the files are read, in config.expand.
        "include_check": Keyword(
            "which problems of an include are errors", "", lambda words, problems: KEEP, words=None
        ),
        **VRRP_DEFAULTS,
        **NETLINK_BUFS,
        **RX_BUFS,
        **NFTABLES,
        **PROCESSES,
        **START_AND_STOP,
        **IN_GLOBAL_DEFS,
        **IPVS,
        **API,
        **known("global_defs"),
    },
)
