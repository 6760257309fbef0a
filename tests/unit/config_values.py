"""Right and wrong values of every keyword that is read: by its converter, or written down here.

In a wrong value ``«`` stands in front of the word that is wrong.
"""

from __future__ import annotations

from typing import NamedTuple

import attrs

from kaltwisted.config.keywords.convert import (
    AtLeastOne,
    IpAddress,
    Number,
    OneOf,
    Seconds,
    Word,
    boolean,
    flag,
)
from kaltwisted.config.keywords.scripts import checking_command, command
from kaltwisted.config.keywords.table import Keyword, Table
from kaltwisted.config.keywords.virtual_server import SCHEDULERS
from kaltwisted.config.model import SECOND_US

EMPTY = '«""'
DIGITS = "9" * 30


class Values(NamedTuple):
    """What may stand behind a keyword, and what may not.

    ``bare``: the keyword may stand alone.  ``most``: all words that it takes,
    where that is not the first of ``right``.
    """

    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    bare: bool = False
    most: str | None = None

    @property
    def usual(self) -> str:
        """As one would write it."""
        return self.right[0] if self.right else ""

    @property
    def fullest(self) -> str:
        """With nothing left that could be added."""
        return self.usual if self.most is None else self.most


FLAG = Values(bare=True)
BOOLEAN = Values(("on", "true", "yes", "off", "false", "no"), ("«maybe", "«1", "«YES", EMPTY), bare=True)
ADDRESS = Values(("10.0.0.7",), ("«10.0.0.256", "«10.0.0", "«10.0.0.7/24", "«host", "«2001:db8::g", EMPTY))
SCRIPT = Values(
    ("/bin/true", '"/bin/true one two"', "\"/bin/true 'one two'\"", "/bin/true root", "/bin/true root root"),
    ("/bin/true «-x", "/bin/true root «/etc", '«"/bin/true', "«'/bin/true", '«"/bin/true \'one"'),
    most="/bin/true root root",
)
USER = Values(("root", "root root"), most="root root")
_PRIORITY = Values(("-20", "19", "+5"), ("«-21", "«20", "«5x", "«many", f"«{DIGITS}", EMPTY))
_RT_PRIORITY = Values(("1", "99"), ("«0", "«100", "«-1", "«5x", "«many", EMPTY))
_AFFINITY = Values(("0",), ("«x", "0 «x", "«-1", "«0,1", "«1024", EMPTY))
_NAME = Values(("a", "n" * 15), ("«" + "n" * 16,))
_FORWARDING = Values(
    ("NAT", "DR", "TUN", "TUN type ipip", "TUN type gue port 5555", "TUN type gre"),
    (
        *("«dr", "«FULLNAT", EMPTY, "NAT «type gre", "TUN «kind", "TUN type «vxlan", "TUN «type"),
        *("TUN type gue port «0", "TUN type gue port «65536", "TUN type gue port «x", "TUN type gue «port"),
    ),
)

# By "block keyword" or by the keyword alone, where its converter does not tell.
WRITTEN: dict[str, Values] = {
    "smtp_server": Values(
        ("127.0.0.1", "127.0.0.1 1", "::1 65535", "localhost 25"),
        ("127.0.0.1 «0", "127.0.0.1 «65536", "127.0.0.1 «smtp", "127.0.0.1 «25x", "127.0.0.1 «-1"),
        most="127.0.0.1 25",
    ),
    "smtp_connect_timeout": Values(
        ("1", "4294"), ("«0", "«4295", "«soon", "«1.5", "«5s", "«-1", f"«{DIGITS}", EMPTY)
    ),
    "include_check": Values(("all", "none", "match", "+match -read"), bare=True),
    **{f"{role}_priority": _PRIORITY for role in ("vrrp", "checker", "bfd")},
    **{f"{role}_rt_priority": _RT_PRIORITY for role in ("vrrp", "checker", "bfd")},
    **{f"{role}_cpu_affinity": _AFFINITY for role in ("vrrp", "checker", "bfd")},
    **{f"{role}process_name": _NAME for role in ("", "vrrp_", "checker_", "bfd_", "lvs_")},
    "umask": Values(
        ("0", "022", "0777", "0x1f", "18", "IWGRP|IWOTH", "IWGRP | IWOTH"),
        ("«01000", "«512", "«09", "«022x", "022 «033", "«rwx", "«IRWXU", "«-1"),
    ),
    "instance": Values(("edge", "edge.2"), ("«a/b", "«..", EMPTY)),
    **dict.fromkeys(
        ("startup_script_timeout", "shutdown_script_timeout"),
        Values(("1", "1000"), ("«0", "«1001", "«-1", "«1.5", "«5s", "«soon", f"«{DIGITS}", EMPTY)),
    ),
    "api_listen": Values(
        ("127.0.0.1 9650", "127.0.0.1 1 ::1 65535"),
        (
            *("«localhost 9650", "«127.0.0.1", "127.0.0.1 «0", "127.0.0.1 «65536", "127.0.0.1 «http"),
            *("127.0.0.1 9650 «::1", "127.0.0.1 9650 «x 9650", EMPTY),
        ),
    ),
    "api_public": Values(("health", "metrics status health"), ("«all", "health «METRICS", EMPTY)),
    "api_names": Values(("lb.example.net", "lb1 lb2.example.net")),
    "lvs_sync_daemon": Values(
        # Of those with an instance: see test_config_ipvs.
        ("eth1", "eth1 id 0", "eth1 maxlen 65507 port 65535 ttl 255 group 224.0.0.99"),
        (
            *("«" + "n" * 16, "eth1 id 7 «other", "eth1 «inst"),
            *(f"eth1 id «{each}" for each in ("256", "-1", "x", "7x")),
            *("eth1 maxlen «0", "eth1 maxlen «65508", "eth1 port «0", "eth1 port «65536", "eth1 «port"),
            *("eth1 ttl «0", "eth1 ttl «256", "eth1 group «10.0.0.1", "eth1 group «x", EMPTY),
        ),
    ),
    "lvs_timeouts": Values(
        ("tcp 900", "tcp 0 tcpfin 120 udp 2678400"),
        ("tcp «2678401", "udp «-1", "tcpfin «x", "tcp «5x", "«sctp 3", "tcp 900 «udp", EMPTY),
    ),
    "lvs_flush_on_stop": Values(("VS",), ("«vs", EMPTY), bare=True),
    "min_auto_priority_delay": Values(("1", "10000000"), ("«0", "«10000001", "«-1", "«x", EMPTY)),
    "max_auto_priority": Values(("50", "0", "-1", "99"), ("«100", "«-2", "«x", EMPTY), bare=True),
    "dynamic_interfaces": Values(("allow_if_changes",), ("«sometimes",), bare=True),
    "reload_check_config": Values(wrong=("«/tmp/log",), bare=True),
    "snmp_name": Values(("web", '"of two"')),
    "lb_algo": Values(SCHEDULERS, ("«rrr", "«RR", "«lbhc", EMPTY)),
    "lvs_sched": Values(("rr",), ("«rrr", "«RR", EMPTY)),
    **dict.fromkeys(("lb_kind", "lvs_method", "sorry_server_lvs_method"), _FORWARDING),
    "persistence_granularity": Values(
        ("255.255.255.255", "255.255.0.0", "128.0.0.0"),
        ("«255.0.255.0", "«256.0.0.0", "«0.0.0.0", "«mask", "«129", "«0", EMPTY),
    ),
    "sorry_server": Values(
        ("10.0.0.3", "10.0.0.3 1", "10.0.0.3 65535"),
        ("«later 80", "10.0.0.3 «0", "10.0.0.3 «65536", "10.0.0.3 «http", "10.0.0.3 «-1"),
        most="10.0.0.3 80",
    ),
    "vrrp_script weight": Values(
        ("-253", "0", "253", "+5", "5 reverse"),
        ("«-254", "«254", "«5x", "«many", "5 «backwards", EMPTY),
        most="5 reverse",
    ),
    "vrrp_track_process weight": Values(
        ("-254", "0", "254", "5 reverse"),
        ("«-255", "«255", "«5x", "«many", "5 «backwards", EMPTY),
        most="5 reverse",
    ),
    "vrrp_track_file file": Values(("/run/number", "number")),
    "vrrp_track_file weight": Values(
        ("-254", "0", "254", "5 reverse"),
        ("«-255", "«255", "«5x", "«many", "5 «backwards", EMPTY),
        most="5 reverse",
    ),
    "vrrp_track_file init_file": Values(
        ("0", "-5", "254", "overwrite", "7 overwrite"),
        ("«255", "«2147483648", "«5x", "«always", "7 «backwards", "7 overwrite «more", EMPTY),
        bare=True,
        most="7 overwrite",
    ),
    "bfd_instance weight": Values(
        ("-253", "0", "253", "5 reverse"),
        ("«-254", "«254", "«5x", "«many", "5 «backwards", EMPTY),
        most="5 reverse",
    ),
    "FILE_CHECK track_file": Values(("f",)),
    "FILE_CHECK weight": Values(
        ("-2147483647", "0", "2147483647", "5 reverse"),
        ("«-2147483648", "«2147483648", "«5x", "«many", "5 «backwards", EMPTY),
        most="5 reverse",
    ),
    "BFD_CHECK name": Values(("b",), ("b «other", EMPTY)),
    **{
        word: Values((low, "1000.5", "10000"), ("«0", "«soon", "«4294968", "«-1", "«10ms", "«10001", EMPTY))
        for word, low in (("min_rx", "1"), ("min_tx", "1"), ("idle_tx", "1000"))
    },
    "vrrp_mcast_group4": Values(("224.0.0.20",), ("«10.0.0.1", "«ff02::14", "«group", EMPTY)),
    "mcast_dst_ip": Values(("224.0.0.20",), ("«10.0.0.1", "«group", EMPTY)),
    "vrrp_mcast_group6": Values(("ff02::14",), ("«2001:db8::1", "«224.0.0.20", "«group", EMPTY)),
    "nftables": Values(("keepalived", "own"), bare=True),
    "nftables_priority": Values(("-100", "0", "100"), ("«high", "«5x", "«2147483648", EMPTY)),
    "old_unicast_checksum": Values(("never",), ("«always",), bare=True),
    **{
        word: Values(
            (f"{low}", "86400", "all 5"),
            ("«86401", "«x", "all «x", "«all", f"«{below}", EMPTY),
            most="all 5",
        )
        for word, low, below in (("garp_extra_if", 0, "-1"), ("vrrp_garp_extra_if", 1, "0"))
    },
    "notify_deleted": SCRIPT._replace(bare=True),
    "process": Values(("nginx", "nginx -g daemon")),
    "param_match": Values(("initial", "partial"), ("«exact", "«INITIAL", EMPTY), bare=True),
    "use_vmac": Values(
        ("vrrp.51", "name vrrp.51", "02:00:5e:00:01:33", "vrrp.51 02:00:5e:00:01 netlink_notify_msg group 5"),
        ("«" + "v" * 16, "«a/b", "vrrp.51 «vrrp.52", "«01:00:5e:00:01:33", "«02:00:5e", "v «group", EMPTY),
        bare=True,
    ),
    "use_ipvlan": Values(
        ("10.0.0.5/24", "ipvl 10.0.0.5/24 private", "10.0.0.5 vepa", "bridge 10.0.0.5/24 ipvl"),
        (
            "10.0.0.5 «" + "v" * 16,
            "10.0.0.5 «a/b",
            "10.0.0.5 ipvl «other",
            "10.0.0.5 «10.0.0.6",
            "«10.0.0.5/99",
            "10.0.0.5 bridge «vepa",
            "10.0.0.5 «group",
            "10.0.0.5 " + EMPTY,
        ),
    ),
    "vmac_prefix": Values(("v", "longestfit"), ("«longestthat", "«a/b", EMPTY)),
    "vmac_addr_prefix": Values(("va", "longestfit"), ("«longestthat", "«a/b", EMPTY)),
    **{
        f"{prefix}notify_fifo": Values(
            ("/run/fifo", "/run/fifo root", "/run/fifo root root"), most="/run/fifo root root"
        )
        for prefix in ("", "vrrp_", "lvs_")
    },
    **{f"{prefix}notify_fifo_script": SCRIPT for prefix in ("", "vrrp_", "lvs_")},
    "auth_pass": Values(("a", "12345678", '"a b#c"', "ümlaut"), ("«123456789", "«ümlauten", EMPTY)),
    "auth_hmac key": Values(
        ("1 " + "k" * 32, "255 hex:" + "0a" * 64, "2 file:/etc/keepalived/vrrp.key", f'3 "{"a b" * 12}"'),
        (
            *(f"«{number} {'k' * 32}" for number in ("0", "256", "x")),
            *("1 «short", "1 «hex:0a", "1 «hex:0g", "1 «file:vrrp.key", "1 «" + "k" * 65),
        ),
    ),
    "anti_replay": Values(("time", "monotonic"), ("«TIME", "«never", EMPTY)),
    "tls_compliant": BOOLEAN,
    "tls_verify": Values(("www.example.org",), bare=True),
    "user": USER,
    "script_user": USER,
    "digest": Values(("0123456789abcdefABCDEF0123456789",), ("«00", "«" + "g" * 32, "«" + "0" * 33, EMPTY)),
    "status_code": Values(
        ("100", "599", "200 301-302", "100-599", "204-204"),
        ("«99", "«600", "200 «x", "«302-301", "«200-", "«200-600", "«-1", EMPTY),
    ),
    "regex": Values(("abc", '"a b"', r'"^a\\.b$"'), ("«(", '«"*"')),
    "payload": Values(("00", "0a ff 3c", "0aff3C 1"), ("«0x0a", "«0a XX", "«g", EMPTY)),
    "require_reply": Values(("00", "0a fX", "xxXX"), ("«on", "«0a g", EMPTY), bare=True),
    "name": Values((".", "www.example.org", "example.org."), ("«a..b", "«" + "a" * 64, "«" + "a." * 128)),
    # What a word or a number may be depends on what is around it.
    "advert_int": Values(("1", "255"), ("«0", "«256", "«-1", "«soon", "«1s", "«0.001", EMPTY)),
    "quorum": Values(("1", "+1", "001"), ("«0", "«-1", "«many", "«1x", "«4294967296", EMPTY)),
    "hysteresis": Values(("0",), ("«-1", "«many", "«0x", "«4294967296", EMPTY)),
    "ip_family": Values(("inet",), ("«ipv4", "«INET", EMPTY)),
    "vrrp_rx_bufs_policy": Values(
        ("MTU", "advert", "ADVERT advert", "0", "4294967295"),
        ("«many", "«-1", "«4294967296", "«100x", "«MTUx", EMPTY, "MTU «ADVERT", "1000 «MTU", "MTU «1000"),
        most="MTU MTU",
    ),
    "connect_ip": ADDRESS._replace(right=("10.0.0.7", "2001:db8::7")),
    "persistence_engine": Values(("sip",)),
    "path": Values(("/", "/a?b=c", '"/with blank"')),
    "tls_ca_file": Values(("/etc/ssl/certs/ca-certificates.crt",)),
    **{
        word: Values(("eth0",))
        for word in ("interface", "bind_if", "default_interface", "lvs_sync_daemon_interface")
    },
}


def values(table: Table, word: str, keyword: Keyword) -> Values:
    """What may and may not stand behind a keyword.

    :raises LookupError: it has a converter of its own, and nothing is written down here for it.
    """
    for name in (f"{table.name} {word}", word, keyword.today or ""):
        if name in WRITTEN:
            return WRITTEN[name]
    convert = keyword.convert
    match convert:
        case AtLeastOne():
            found = values(table, word, attrs.evolve(keyword, convert=convert.convert))
            right = tuple(value for value in found.right if value.strip("+0"))
            return found._replace(right=right, wrong=(*found.wrong, "«0", "«000"))
        case Number():
            return _numbers(convert)
        case Seconds():
            return _seconds(convert)
        case OneOf():
            first = next(iter(convert.choices))
            other = () if convert.fold or first == first.swapcase() else (f"«{first.swapcase()}",)
            return Values(tuple(convert.choices), (f"«{first}x", "«Zq", EMPTY, *other))
        case IpAddress():
            return ADDRESS
        case Word():
            return Values(("word", '"of two"'))
    if keyword.words == 1:
        return FLAG
    for known, found in ((flag, FLAG), (boolean, BOOLEAN), (command, SCRIPT), (checking_command, SCRIPT)):
        if convert is known:
            return found
    raise LookupError(f"`{word}` of block `{table.name}` has a converter of its own: give its values here")


def _numbers(number: Number) -> Values:
    low, high = number.low, number.high
    wrong = ("«many", EMPTY, f"«{low}x", f"«{low}.5", f"«{low - 1}", f"«{high + 1}", f"«{DIGITS}")
    right = (str(low), str(high), f"+{high}", f"00{max(low, 0)}", f'"{high}"')
    return Values(right, wrong, bare=number.optional is not None)


def _seconds(seconds: Seconds) -> Values:
    low, high = _decimal(seconds.low_us), _decimal(seconds.high_us)
    wrong = ["«soon", EMPTY, f"«{high}s", f"«{_decimal(seconds.high_us + SECOND_US)}", "«-1", f"«{DIGITS}"]
    if seconds.low_us:
        wrong.append("«0")
    wrong.extend(("«1.5",) if seconds.whole else ("«1.2.3", "«.", "«1.1234567"))
    right = (low, high, f"+{high}") if seconds.whole else (low, high, "1.5", f"{high}.000000")
    return Values(right, tuple(wrong))


def _decimal(microseconds: int) -> str:
    whole, rest = divmod(microseconds, SECOND_US)
    return f"{whole}.{rest:06}".rstrip("0") if rest else str(whole)
