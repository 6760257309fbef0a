"""Small configurations about one keyword each: what it is for, and every mistake that can be made with it.

They are made from the keyword tables, so that a new keyword has its cases by being there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from kaltwisted.config.findings import Finding
from kaltwisted.config.keywords.table import Again, Keyword, Stage, Table, tables
from kaltwisted.config.keywords.top import TOP, homes
from kaltwisted.config.load import Reading
from tests.unit.config_values import values
from tests.unit.test_config_broken import GOOD_SERVER, TWO, check, globals_, instance, service

MARK = "«"
_STAGES = ("not acted on yet", "is accepted; today it is")


class Case(NamedTuple):
    """``text`` with a mark in front of its one mistake; none, where all is right."""

    block: str
    name: str
    text: str

    @property
    def plain(self) -> str:
        """As it is read."""
        return self.text.replace(MARK, "")

    @property
    def place(self) -> tuple[int, int] | None:
        """Line and column of the mistake."""
        before, mark, _ = self.text.partition(MARK)
        return (before.count("\n") + 1, len(before) - before.rfind("\n")) if mark else None


def _with(lines: str, word: str, line: str) -> str:
    """Lines with one more that they need, unless a slip of ``word`` is what they are about."""
    slip = word[:-2]
    firsts = [each.lstrip(MARK).lower().split(" ")[0] for each in lines.splitlines()]
    # No slip makes a word longer, and another spelling does by one letter at most (neighbour_ip).
    there = any(first.startswith(slip) and len(first) <= len(word) + 1 for first in firsts)
    return lines if there else f"{line}\n{lines}"


def _pool(lines: str) -> str:
    named = _session("") if "BFD_CHECK" in lines else _file("") if "FILE_CHECK" in lines else ""
    return named + service("", f"    real_server 10.0.0.4 80 {{\n{_indented(lines, 8)}    }}\n{GOOD_SERVER}")


def _http(kind: str, lines: str) -> str:
    return check(kind, _with(lines, "url {", "url {\n    path /\n}"))


def _url(lines: str) -> str:
    return check("HTTP_GET", f"url {{\n{_indented(_with(lines, 'path', 'path /'), 4)}}}")


def _authentication(lines: str) -> str:
    inside = _indented(_with(lines, "auth_pass", "auth_pass secret"), 4)
    # Whatever stands in there, the instance has its own.
    own = "interface eth0\n" if "interface" in lines else ""
    return instance(f"{own}authentication {{\n{inside}}}")


def _auth_hmac(lines: str) -> str:
    inside = _indented(_with(lines, "key", f"key 1 {'k' * 32}"), 4)
    own = "\n    interface eth0" if "interface" in lines else ""
    return instance(f"auth_hmac {{\n{inside}}}", vrid=f"virtual_router_id 51{own}")


def _script(lines: str) -> str:
    return f"vrrp_script s {{\n{_indented(_with(lines, 'script', 'script /bin/true'), 4)}}}\n"


def _process(lines: str) -> str:
    return f"vrrp_track_process p {{\n{_indented(_with(lines, 'process', 'process nginx'), 4)}}}\n"


def _file(lines: str) -> str:
    return f"track_file f {{\n{_indented(_with(lines, 'file', 'file /run/number'), 4)}}}\n"


def _session(lines: str) -> str:
    return f"bfd_instance b {{\n{_indented(_with(lines, 'neighbor_ip', 'neighbor_ip 10.0.0.8'), 4)}}}\n"


def _pace(lines: str) -> str:
    inside = _with(_with(lines, "garp_interval", "garp_interval 1"), "interface", "interface eth0")
    return f"garp_group {{\n{_indented(inside, 4)}}}\n" + instance("")


def _tracking(lines: str) -> str:
    inside = _indented(_with(lines, "group", "group {\n    VI_1\n}"), 4)
    return f"{TWO}track_group T {{\n{inside}}}\n"


def _group(lines: str) -> str:
    inside = _indented(_with(lines, "group", "group {\n    VI_1\n    VI_2\n}"), 4)
    return f"{TWO}vrrp_sync_group G {{\n{inside}}}\n"


def _indented(lines: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in lines.splitlines())


# A configuration that has nothing wrong with it, with more lines in one of its blocks.
AROUND: dict[str, Callable[[str], str]] = {
    "": lambda lines: f"{lines}\n" + instance("", "VI_9", "virtual_router_id 9"),
    "global_defs": globals_,
    "virtual_server": lambda lines: service(lines, GOOD_SERVER),
    "real_server": _pool,
    "HTTP_GET": lambda lines: _http("HTTP_GET", lines),
    "SSL_GET": lambda lines: _http("SSL_GET", lines),
    "BFD_CHECK": lambda lines: _session("") + check("BFD_CHECK", _with(lines, "name", "name b")),
    "FILE_CHECK": lambda lines: _file("") + check("FILE_CHECK", _with(lines, "track_file", "track_file f")),
    "MISC_CHECK": lambda lines: check("MISC_CHECK", _with(lines, "misc_path", "misc_path /bin/true")),
    **{f"{kind}_CHECK": partial(check, f"{kind}_CHECK") for kind in ("TCP", "SMTP", "PING", "UDP", "DNS")},
    "host": lambda lines: check("SMTP_CHECK", f"host {{\n{_indented(lines, 4)}}}"),
    "url": _url,
    "vrrp_instance": lambda lines: instance(
        lines, vrid=_with(lines, "virtual_router_id", "virtual_router_id 51").removesuffix(lines)
    ),
    "authentication": _authentication,
    "auth_hmac": _auth_hmac,
    "vrrp_script": _script,
    "vrrp_track_process": _process,
    "vrrp_track_file": _file,
    "bfd_instance": _session,
    "vrrp_sync_group": _group,
    "garp_group": _pace,
    "track_group": _tracking,
    "SSL": lambda lines: f"SSL {{\n{_indented(lines, 4)}}}\n" + instance(""),
}
# What a keyword does not go without.
BESIDE = {
    **{f"sh-{what}": "lb_algo sh" for what in ("port", "fallback")},
    "hashed": "lb_algo sh",
    **{f"mh-{what}": "lb_algo mh" for what in ("port", "fallback")},
    "ops": "protocol UDP",
    "sorry_server_inhibit": "sorry_server 10.0.0.3 80",
    "sorry_server_lvs_method": "sorry_server 10.0.0.3 80",
    "persistence_engine": "persistence_timeout 300",
    "persistence_granularity": "persistence_timeout 300",
    "regex_no_match": "regex abc",
    "unicast_src_ip": "unicast_peer {\n    10.0.0.8\n}",
    "check_unicast_src": "unicast_peer {\n    10.0.0.8\n}",
    "unicast_ttl": "unicast_peer {\n    10.0.0.8\n}",
    "vmac_xmit_base": "use_vmac",
    "min_reply_length": "max_reply_length 65535",
    "auth_type": "auth_pass secret",
    "active_key": f"key 1 {'k' * 32}\nkey 255 {'l' * 32}",
}
# One word is one too many, though a warning says something better of it.
TOLD_ANYWAY = ("reload_check_config",)
# The guide's words that are told of whatever stands behind them: see test_config_broken.
ALWAYS_TOLD = ("nat_mask",)
# Blocks as they stand in a configuration: the first line, and what is inside.  With the block around
# them in front, where one word opens different blocks.
BLOCKS = {
    "global_defs": ("global_defs", "router_id x"),
    "virtual_server": ("virtual_server 10.0.0.8 80", service("").partition("\n")[2].rpartition("}")[0]),
    "real_server": ("real_server 10.0.0.5 80", "weight 1"),
    "vrrp_instance": ("vrrp_instance V", instance("").partition("\n")[2].rpartition("}")[0]),
    "vrrp_script": ("vrrp_script s", "script /bin/true"),
    "vrrp_sync_group": ("vrrp_sync_group G", "group {\nVI_1\nVI_2\n}"),
    "notification_email": ("notification_email", "root@localhost"),
    "TCP_CHECK": ("TCP_CHECK", "retry 1"),
    "HTTP_GET": ("HTTP_GET", "url {\npath /\n}"),
    "SSL_GET": ("SSL_GET", "url {\npath /\n}"),
    "MISC_CHECK": ("MISC_CHECK", "misc_path /bin/true"),
    "BFD_CHECK": ("BFD_CHECK", "name b"),
    "FILE_CHECK": ("FILE_CHECK", "track_file f"),
    "SMTP_CHECK": ("SMTP_CHECK", "retry 1"),
    "PING_CHECK": ("PING_CHECK", "retry 1"),
    "UDP_CHECK": ("UDP_CHECK", "payload 0a"),
    "DNS_CHECK": ("DNS_CHECK", "type A"),
    "host": ("host", "connect_port 25"),
    "url": ("url", "path /"),
    "auth_hmac": ("auth_hmac", f"key 1 {'k' * 32}"),
    "authentication": ("authentication", "auth_type PASS\nauth_pass secret"),
    "virtual_ipaddress": ("virtual_ipaddress", "10.0.0.9"),
    "virtual_ipaddress_excluded": ("virtual_ipaddress_excluded", "10.0.0.10"),
    "unicast_peer": ("unicast_peer", "10.0.0.8"),
    "track_script": ("track_script", ""),
    "track_interface": ("track_interface", "eth1"),
    "group": ("group", "VI_1\nVI_2"),
    "virtual_server_group": ("virtual_server_group G", "10.0.0.20 80\nfwmark 5"),
    "vrrp_track_process": ("vrrp_track_process P", "process nginx"),
    "static_ipaddress": ("static_ipaddress", "10.0.0.30 dev eth0"),
    "static_routes": ("static_routes", "192.0.2.0/24 dev eth0"),
    "static_rules": ("static_rules", "from 192.0.2.0/24 table 100 priority 1000"),
    "virtual_routes": ("virtual_routes", "192.0.2.0/24 dev eth0"),
    "virtual_rules": ("virtual_rules", "from 192.0.2.0/24 table 100 priority 1000"),
    "track_process": ("track_process", ""),
    "track_virtual_server": ("track_virtual_server", ""),
    "track_file": ("track_file", ""),
    " track_file": ("track_file F", "file /run/number"),
    "track_bfd": ("track_bfd", ""),
    "track_group": ("track_group T", "group {\nVI_9\n}"),
    "garp_group": ("garp_group", "garp_interval 1\ninterface eth0"),
    "interfaces": ("interfaces", "eth1"),
    "linkbeat_interfaces": ("linkbeat_interfaces", "eth0 MII\neth1"),
    "interface_up_down_delays": ("interface_up_down_delays", "eth0 1.5 1"),
    "bfd_instance": ("bfd_instance B", "neighbor_ip 10.0.0.8"),
    "SSL": ("SSL", "certificate /etc/ssl/certs/client.pem"),
}


def mistakes(reading: Reading) -> list[Finding]:
    """What is told of it, but for keywords that are old or wait for somebody to act on them."""
    return [finding for finding in reading.findings if not any(word in finding.message for word in _STAGES)]


def _cases() -> Iterator[Case]:
    for table in _read_tables():
        for word, keyword in table.keywords.items():
            if keyword.stage is Stage.KNOWN or word in ALWAYS_TOLD:
                continue
            if keyword.block is None:
                yield from _of_line(table, word, keyword)
            elif keyword.today is None:
                yield from _of_block(table, word, keyword)


def _read_tables() -> list[Table]:
    """Those of the blocks that are read, with keywords inside."""
    by_name = {
        keyword.block
        for table in tables(TOP)
        for keyword in table.keywords.values()
        if keyword.stage is Stage.KNOWN
    }
    return [table for table in tables(TOP) if not table.values and table not in by_name]


def _of_line(table: Table, word: str, keyword: Keyword) -> Iterator[Case]:
    around = AROUND[table.name]
    beside = BESIDE.get(word, "")

    def case(what: str, lines: str) -> Case:
        return Case(table.name, f"{table.name} {word}: {what}", around(f"{beside}\n{lines}".lstrip("\n")))

    found = values(table, word, keyword)
    if found.bare:
        yield case("bare", word)
    else:
        yield case("missing", f"«{word}")
    for value in found.right:
        yield case(f"right {value}", f"{word} {value}")
    for value in found.wrong:
        yield case(f"wrong {value}", f"{word} {value}")
    usual = f"{word} {found.usual}".rstrip()
    if keyword.words is not None and word not in TOLD_ANYWAY:
        yield case("one word too many", f"{word} {found.fullest} «more")
    second = "" if keyword.again in (Again.LAST_WINS, Again.APPENDS) else MARK
    yield case("twice", f"{usual}\n{second}{usual}")
    yield case("with a block", f"«{usual} {{\n    weight 1\n}}")
    if word != word.upper():
        yield case("in capitals", f"«{usual.replace(word, word.upper(), 1)}")
    slip = word[:-2] + word[-1] + word[-2]
    if slip not in homes() and slip != word:
        yield case("misspelt", f"«{usual.replace(word, slip, 1)}")
    yield from _misplaced(table, word, f"«{usual}")


def _of_block(table: Table, word: str, keyword: Keyword) -> Iterator[Case]:
    head, body = BLOCKS.get(f"{table.name} {word}") or BLOCKS[word]
    around = AROUND[table.name]
    if word == "vrrp_sync_group":
        around = lambda lines: f"{TWO}{lines}\n"  # noqa: E731

    def case(what: str, lines: str) -> Case:
        return Case(table.name, f"{table.name} {word}: {what}", around(lines))

    inside = _indented(body, 4)
    yield case("right", f"{head} {{\n{inside}}}")
    yield case("brace on a line of its own", f"{head}\n{{\n{inside}}}")
    yield case("without a block", f"«{head}")
    yield case("one word too many", f"{head} «more {{\n{inside}}}")
    yield case("two braces", f"{head} {{\n«{{\n{inside}}}\n}}")
    if word != word.upper():
        yield case("in capitals", f"«{head.replace(word, word.upper(), 1)} {{\n{inside}}}")
    if table is not TOP:
        yield from _misplaced(table, word, f"«{head} {{\n{inside}}}")


def _misplaced(table: Table, word: str, lines: str) -> Iterator[Case]:
    """At top level, and in a block that does not have it."""
    strange = [other for other in _read_tables() if other is not table and other.resolve(word) is None]
    for other in {strange[0], strange[len(word) % len(strange)]} if strange else ():
        where = other.name or "top level"
        yield Case(table.name, f"{table.name} {word}: in {where}", AROUND[other.name](lines))


CASES = list(_cases())
"""All of them, block by block."""
