"""The lines of ``unicast_peer``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaltwisted.config.keywords.convert import not_one_of, parse_address, whole_number
from kaltwisted.config.keywords.table import Problem
from kaltwisted.config.model import UnicastPeer

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
