"""The lines of VRRP's value blocks: addresses and peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaltwisted.config.keywords.convert import not_one_of, parse_address, whole_number
from kaltwisted.config.keywords.table import Problem
from kaltwisted.config.keywords.vrrp import ADDRESS_FIELDS, ADDRESS_FLAGS, ADDRESS_OPTIONS, ADDRESS_WORDS
from kaltwisted.config.model import Address, VirtualIpAddress

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement


def peers(reader: Reader, statement: Statement) -> list[Address]:
    """Lines of ``address [min_ttl N] [max_ttl N]``."""
    found = []
    for line in statement.block or ():
        address = parse_address(line.words[0])
        if address is None:
            reader.error(line, f"`{line.words[0]}` is not an IP address", expected="the address of a peer")
            continue
        if len(line.words) > 1:
            reader.warn(line, f"`{line.words[1]}` of a peer is understood, not acted on yet", word=1)
        found.append(address)
    return found


def addresses(reader: Reader, statement: Statement) -> list[VirtualIpAddress]:
    found = []
    for line in statement.block or ():
        address = _address(reader, line)
        if address is not None:
            found.append(address)
    return found


def _address(reader: Reader, line: Statement) -> VirtualIpAddress | None:
    """``address[/prefix] [dev D] [label L] [scope S] [brd B] …``."""
    expected = "an address, such as 192.0.2.1/24 dev eth0"
    text, slash, length = line.words[0].partition("/")
    address = parse_address(text)
    if address is None:
        reader.error(line, f"`{line.words[0]}` is not an IP address", expected=expected)
        return None
    prefix = whole_number(length, 0, address.max_prefixlen) if slash else address.max_prefixlen
    if isinstance(prefix, str):
        reader.error(line, f"prefix length `{length}` {prefix}", expected=f"0 to {address.max_prefixlen}")
        return None
    options: dict[str, str] = {}
    no_track = False
    index = 1
    while index < len(line.words):
        word = line.words[index]
        field = ADDRESS_FIELDS.get(word)
        if word == "no_track":
            no_track = True
            index += 1
            continue
        if word in ADDRESS_FLAGS:
            reader.warn(line, f"`{word}` of an address is understood, not acted on yet", word=index)
            index += 1
            continue
        if field is None and word not in ADDRESS_WORDS:
            reader.problems(line, [not_one_of(word, list(ADDRESS_OPTIONS), index)])
            break
        if index + 1 == len(line.words):
            reader.problems(line, [Problem(f"`{word}` lacks its value", index)])
            break
        if field is None:
            reader.warn(line, f"`{word}` of an address is understood, not acted on yet", word=index)
        else:
            options[field] = line.words[index + 1]
        index += 2
    return VirtualIpAddress(
        address,
        prefix,
        options.get("dev"),
        options.get("label"),
        options.get("scope"),
        options.get("brd"),
        no_track,
    )
