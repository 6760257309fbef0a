"""The lines of VRRP's value blocks: addresses and peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from kaltwisted.config.keywords.convert import not_one_of, parse_address, whole_number
from kaltwisted.config.keywords.table import Problem
from kaltwisted.config.keywords.vrrp import ADDRESS_FIELDS, ADDRESS_FLAGS, ADDRESS_OPTIONS, ADDRESS_WORDS
from kaltwisted.config.model import UnicastPeer, VirtualIpAddress

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

_TTLS = ("min_ttl", "max_ttl")


def peers(reader: Reader, statement: Statement) -> list[UnicastPeer]:
    """Lines of ``address [min_ttl N] [max_ttl N]``."""
    found = []
    for line in statement.block or ():
        address = parse_address(line.words[0])
        if address is None:
            reader.error(line, f"`{line.words[0]}` is not an IP address", expected="the address of a peer")
            continue
        peer = UnicastPeer(address, **_ttls(reader, line))
        if peer.min_ttl > peer.max_ttl:
            reader.warn(
                line,
                f"min_ttl {peer.min_ttl} is above max_ttl {peer.max_ttl}: nothing of this peer is heard",
                expected="min_ttl N max_ttl M, N not above M",
            )
        found.append(peer)
    return found


def _ttls(reader: Reader, line: Statement) -> dict[str, int]:
    """What stands behind a peer's address."""
    found: dict[str, int] = {}
    for index in range(1, len(line.words), 2):
        word = line.words[index]
        if word not in _TTLS:
            reader.problems(line, [not_one_of(word, list(_TTLS), index)])
            break
        if index + 1 == len(line.words):
            reader.problems(line, [Problem(f"`{word}` lacks its value", index)])
            break
        number = whole_number(line.words[index + 1], 0, 255)
        if isinstance(number, str):
            message = f"{word} `{line.words[index + 1]}` {number}"
            reader.error(line, message, word=index + 1, expected="0 to 255")
        else:
            found[word] = number
    return found


def addresses(reader: Reader, statement: Statement, *, static: bool = False) -> list[VirtualIpAddress]:
    """Lines of addresses; those of ``static`` ones may name a ``track_group``."""
    found = []
    for line in statement.block or ():
        address = _address(reader, line)
        if address is not None and address.track_group is not None and not static:
            reader.warn(
                line,
                "`track_group` is for static items, and passed over",
                word=line.words.index("track_group"),
            )
            address = attrs.evolve(address, track_group=None)
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
    flags: set[str] = set()
    index = 1
    while index < len(line.words):
        word = line.words[index]
        field = ADDRESS_FIELDS.get(word)
        if word in ("no_track", "use_vmac"):
            flags.add(word)
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
        no_track="no_track" in flags,
        use_vmac="use_vmac" in flags,
        track_group=options.get("track_group"),
    )
