"""``virtual_server_group`` to the model: addresses, ranges of them, and firewall marks."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from kaltwisted.config.findings import Consequence
from kaltwisted.config.keywords.convert import (
    MOST_DIGITS,
    UINT_MAX,
    missing,
    not_one_of,
    parse_address,
    whole_number,
)
from kaltwisted.config.keywords.table import Problem, Problems
from kaltwisted.config.model import AddressRange, FirewallMark, VirtualServerGroup
from kaltwisted.config.reader import nameless

if TYPE_CHECKING:
    from kaltwisted.config.model import Address
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

_EXPECTED = "an address, a range such as 10.0.0.1-9 or a network such as 10.0.0.0/30, and a port"
_FAMILIES = {"inet": False, "inet6": True}
# What a range ends with, when it is not an address: its last octet, or its last 16 bits.
_DIGITS = {10: frozenset("0123456789"), 16: frozenset("0123456789abcdefABCDEF")}


def server_group(reader: Reader, statement: Statement) -> VirtualServerGroup | None:
    """One ``virtual_server_group``; None when it has no name or nothing in it."""
    if len(statement.words) < 2:
        nameless(reader, statement, Consequence.MISSING_PARAMETER)
        return None
    name = statement.words[1]
    lines = statement.block or ()
    entries = [entry for line in lines if (entry := _entry(reader, line)) is not None]
    if not lines:
        reader.error(
            statement,
            f"virtual_server_group `{name}` is empty and is left out",
            expected=_EXPECTED,
            log=f"virtual server group {name} has no entries - removing",
        )
    if not entries:
        return None
    return VirtualServerGroup(name, tuple(entries), where=reader.source.where(statement))


def _entry(reader: Reader, line: Statement) -> AddressRange | FirewallMark | None:
    """One line; None when something is wrong with it, and reported."""
    problems: Problems = []
    marked = line.words[0] == "fwmark"
    entry = _mark(line.words, problems) if marked else _addresses(line.words, problems)
    if problems:
        reader.problems(line, problems)
    else:
        reader.most_words(line, 3 if marked else 2)
    return entry


def _mark(words: list[str], problems: Problems) -> FirewallMark | None:
    """``fwmark N [inet|inet6]``."""
    if len(words) < 2:
        missing(words, problems, "a mark from 0 on, perhaps inet6")
        return None
    mark = whole_number(words[1], 0, UINT_MAX)
    if isinstance(mark, str):
        problems.append(Problem(f"firewall mark `{words[1]}` {mark}", 1, "a mark from 0 on"))
        return None
    family = words[2] if len(words) > 2 else "inet"
    if family not in _FAMILIES:
        problems.append(not_one_of(family, list(_FAMILIES), 2))
        return None
    return FirewallMark(mark, _FAMILIES[family])


def _addresses(words: list[str], problems: Problems) -> AddressRange | None:
    """``ADDRESS[/LENGTH | -LAST] [PORT]``."""
    found = _network(words[0]) if "/" in words[0] else _range(words[0])
    if isinstance(found, str):
        problems.append(Problem(f"`{words[0]}` {found}", 0, _EXPECTED))
        return None
    port = whole_number(words[1], 0, 65535) if len(words) > 1 else 0
    if isinstance(port, str):
        problems.append(Problem(f"port `{words[1]}` {port}", 1, "a port from 1 to 65535"))
        return None
    return AddressRange(*found, port)


def _network(text: str) -> tuple[Address, Address] | str:
    """First and last address; a str is what is wrong."""
    first, _, length = text.partition("/")
    address = parse_address(first)
    if address is None:
        return "is not an IP address"
    prefix = whole_number(length, 1, address.max_prefixlen)
    if isinstance(prefix, str):
        return f"has a prefix length that {prefix}"
    network = ip_network((address, prefix), strict=False)
    if network.network_address != address:
        return f"is no network: it begins at {network.network_address}"
    return network[0], network[-1]


def _range(text: str) -> tuple[Address, Address] | str:
    first, dash, end = text.partition("-")
    address = parse_address(first)
    if address is None:
        return "is not an IP address"
    if not dash:
        return address, address
    last = parse_address(end)
    if last is None:
        base, bits = (10, 8) if address.version == 4 else (16, 16)
        if not end or not _DIGITS[base].issuperset(end):
            return "ends with what is neither an address nor the end of one"
        number = int(end[:MOST_DIGITS], base)
        if number >= 1 << bits:
            return "ends with a number that is too large"
        last = type(address)(int(address) >> bits << bits | number)
    if last.version != address.version:
        return "is not of one family"
    return (address, last) if int(last) > int(address) else "ends where it begins, or before"
