"""``virtual_server`` and ``real_server``."""

from __future__ import annotations

from ipaddress import IPv4Address

import attrs

from kaltwisted.config.findings import Severity
from kaltwisted.config.keywords.checks import CHECKS, DELAY, PERIOD
from kaltwisted.config.keywords.convert import (
    INT_MAX,
    UINT_MAX,
    Number,
    OneOf,
    Word,
    boolean,
    endpoint,
    flag,
    missing,
    not_one_of,
    parse_address,
    whole_number,
)
from kaltwisted.config.keywords.scripts import script
from kaltwisted.config.keywords.table import KEEP, Again, Keep, Keyword, Problem, Problems, Table
from kaltwisted.config.model import Address, Forwarding, ForwardingMethod, Protocol, TunnelType

SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos")
_KINDS = {kind.value: kind for kind in Forwarding}
_METHOD = OneOf(_KINDS)
_TUNNELS = {tunnel.value: tunnel for tunnel in TunnelType}
_CHECKSUMS = ("nocsum", "csum", "remcsum")
PERSISTENCE_DEFAULT_S = 360


@attrs.frozen
class _Scheduler(OneOf[str]):
    """One of the kernel's schedulers, or what the guide took for one."""

    def __call__(self, words: list[str], problems: Problems) -> str | Keep:
        if words[1:2] != ["lbhc"]:
            return super().__call__(words, problems)
        problems.append(
            Problem(
                "`lbhc` of the 2002 guide never was a scheduler; taken as `lblc`",
                expected="`lblc`, locality-based least-connection",
                severity=Severity.WARNING,
            )
        )
        return "lblc"


@attrs.frozen
class _Forwarding:
    """``NAT | DR | TUN [type ipip|gue|gre] [port N] [nocsum|csum|remcsum]``."""

    choices = tuple(_KINDS)
    options = ("type", *_TUNNELS, "port", *_CHECKSUMS)

    def __call__(self, words: list[str], problems: Problems) -> ForwardingMethod | Keep:
        kind = _METHOD(words, problems)
        return kind if isinstance(kind, Keep) else _tunnel(kind, words, problems)


def _tunnel(kind: Forwarding, words: list[str], problems: Problems) -> ForwardingMethod:
    """The words behind the method, which say how a tunnel is made."""
    tunnel, port = TunnelType.IPIP, 0
    index = 2
    while index < len(words):
        word, value = words[index], words[index + 1] if index + 1 < len(words) else ""
        if kind is not Forwarding.TUN:
            message = f"`{word}` goes with TUN only, and is not read"
            problems.append(Problem(message, index, "nothing more", severity=Severity.WARNING))
            break
        if word == "type" and value in _TUNNELS:
            tunnel = _TUNNELS[value]
        elif word == "type":
            problems.append(not_one_of(value, list(_TUNNELS), min(index + 1, len(words) - 1)))
            break
        elif word == "port":
            number = whole_number(value, 1, 65535)
            if isinstance(number, str):
                at = min(index + 1, len(words) - 1)
                problems.append(Problem(f"port `{value}` {number}", at, "a port from 1 to 65535"))
                break
            port = number
        elif word in _CHECKSUMS:
            if word != "nocsum":
                message = f"`{word}` is understood, not acted on yet: it would set the tunnel's checksums"
                problems.append(Problem(message, index, severity=Severity.WARNING))
            index += 1
            continue
        else:
            problems.append(not_one_of(word, ["type", "port", *_CHECKSUMS], index))
            break
        index += 2
    return ForwardingMethod(kind, tunnel, port)


def _granularity(words: list[str], problems: Problems) -> int | Keep:
    """``255.255.255.0``, or a prefix length for IPv6."""
    expected = "a mask such as 255.255.255.0, for IPv6 a prefix length"
    if len(words) < 2:
        return missing(words, problems, expected)
    if "." in words[1]:
        mask = parse_address(words[1])
        if isinstance(mask, IPv4Address):
            bits = f"{int(mask):032b}"
            if "01" not in bits and "1" in bits:
                return bits.count("1")
    else:
        prefix = whole_number(words[1], 1, 128)
        if isinstance(prefix, int):
            return prefix
    problems.append(Problem(f"`{words[1]}` is not a mask", expected=expected))
    return KEEP


def _sorry_server(words: list[str], problems: Problems) -> tuple[Address, int | None] | Keep:
    return endpoint(words, problems, lowest_port=1)


def _nat_mask(words: list[str], problems: Problems) -> Keep:
    problems.append(
        Problem(
            "`nat_mask` was for kernel 2.2 and does nothing; leave it out",
            0,
            severity=Severity.WARNING,
        )
    )
    return KEEP


def _snmp_name(words: list[str], problems: Problems) -> Keep:
    """It is for nobody here."""
    if len(words) > 2:
        problems.append(Problem(f"`{words[2]}` is a word too many", 2, "one name"))
    elif len(words) < 2:
        missing(words, problems, "a name", fatal=False)
    return KEEP


def _forwarding_keyword(field: str, doc: str) -> Keyword:
    return Keyword(doc, field, _Forwarding(), words=None)


_SCHEDULER = Keyword(
    "scheduler: how clients are spread", "lb_algo", _Scheduler({name: name for name in SCHEDULERS})
)
_FORWARDING = _forwarding_keyword("forwarding", "how packets reach the real servers: NAT, DR or TUN")
_HOST = Keyword(
    "Host of HTTP checks", "virtualhost", Word("a host name", fatal=False), again=Again.OVERWRITES
)
_INHERITED = {
    "delay_loop": Keyword("time from check to check", "delay_loop_us", PERIOD),
    "retry": Keyword("tries after the first failure", "retry", Number(1, UINT_MAX)),
    "delay_before_retry": Keyword("pause before each retry", "delay_before_retry_us", DELAY),
    "warmup": Keyword("longest random pause before the first check", "warmup_us", DELAY),
    "connect_timeout": Keyword("limit of a check's connection", "connect_timeout_us", PERIOD),
    "virtualhost": _HOST,
    "smtp_alert": Keyword("mail on changes", "smtp_alert", boolean),
    "snmp_name": Keyword("name shown in SNMP, which we do not have", "", _snmp_name),
}

REAL_SERVER = Table(
    "real_server",
    {
        **_INHERITED,
        **CHECKS,
        "weight": Keyword("share of the clients; 0 for none", "weight", Number(0, INT_MAX)),
        "lvs_method": _FORWARDING,
        "uthreshold": Keyword("connections at which IPVS stops sending more", "uthreshold", Number()),
        "lthreshold": Keyword("connections at which it starts again", "lthreshold", Number()),
        "inhibit_on_failure": Keyword("weight 0 instead of removal", "inhibit_on_failure", boolean),
        "alpha": Keyword("out of the pool until the checks succeed", "alpha", boolean),
        "notify_up": script("notify_up", "run when the server comes up"),
        "notify_down": script("notify_down", "run when the server goes down"),
    },
    misprints={"Weight": "weight", "Virtualhost": "virtualhost"},
    header=("address", "port"),
    ordered="checks",
)

VIRTUAL_SERVER = Table(
    "virtual_server",
    {
        **_INHERITED,
        "ip_family": Keyword(
            "inet or inet6, for fwmark services", "ip_family", OneOf({"inet": 4, "inet6": 6})
        ),
        "lb_algo": _SCHEDULER,
        "lvs_sched": _SCHEDULER,
        "lb_kind": _FORWARDING,
        "lvs_method": _FORWARDING,
        "inhibit_on_failure": Keyword("weight 0 instead of removal", "inhibit_on_failure", flag, words=1),
        "ops": Keyword("schedule each UDP packet by itself", "ops", flag, words=1),
        "flag-1": Keyword("scheduler flag 1", "flag_1", flag, words=1),
        "flag-2": Keyword("scheduler flag 2", "flag_2", flag, words=1),
        "flag-3": Keyword("scheduler flag 3", "flag_3", flag, words=1),
        "hashed": Keyword("sh: a flag that does nothing", "hashed", flag, words=1),
        "sh-port": Keyword("sh: hash the port too", "sh_port", flag, words=1),
        "sh-fallback": Keyword("sh: skip servers of weight 0", "sh_fallback", flag, words=1),
        "mh-port": Keyword("mh: hash the port too", "mh_port", flag, words=1),
        "mh-fallback": Keyword("mh: skip servers of weight 0", "mh_fallback", flag, words=1),
        "persistence_timeout": Keyword(
            "how long a client stays with its server",
            "persistence_timeout_s",
            Number(1, 31 * 24 * 3600, optional=PERSISTENCE_DEFAULT_S),
        ),
        "persistence_granularity": Keyword(
            "clients of one network stay together", "persistence_granularity", _granularity
        ),
        "persistence_engine": Keyword(
            "kernel module that tells clients apart", "persistence_engine", Word("an engine such as sip")
        ),
        "protocol": Keyword(
            "TCP, UDP or SCTP",
            "protocol",
            OneOf({each.name: each for each in Protocol if each is not Protocol.NONE}, fold=True),
        ),
        "alpha": Keyword("servers stay out until their checks succeed", "alpha", flag, words=1),
        "omega": Keyword("run the down scripts at stop", "omega", flag, words=1),
        "ha_suspend": Keyword(
            "suspend the checks while the virtual address is not on this machine",
            "ha_suspend",
            flag,
            words=1,
        ),
        "quorum": Keyword("weight needed for the service to be up", "quorum", Number(1)),
        "hysteresis": Keyword("margin around the quorum", "hysteresis", Number()),
        "quorum_up": script("quorum_up", "run when the quorum is gained"),
        "quorum_down": script("quorum_down", "run when the quorum is lost"),
        "weight": Keyword("weight, default of real servers", "weight", Number(1, INT_MAX)),
        "sorry_server": Keyword("answers while the quorum is lost", "sorry_server", _sorry_server, words=3),
        "sorry_server_inhibit": Keyword(
            "keep the sorry server, with weight 0", "sorry_server_inhibit", flag, words=1
        ),
        "sorry_server_lvs_method": _forwarding_keyword(
            "sorry_server_forwarding", "how packets reach the sorry server"
        ),
        "nat_mask": Keyword("NAT granularity of kernel 2.2; does nothing", convert=_nat_mask),
        "real_server": Keyword("one server of the pool", block=REAL_SERVER, words=None, takes="IP PORT"),
    },
    misprints={"Virtualhost": "virtualhost"},
    header=("address", "port"),
    marked=("fwmark", "group"),
)
