"""``global_defs``: the HTTP API over TCP.  keepalived has nothing of the kind."""

from __future__ import annotations

from typing import Final

from kaltwisted.config.keywords.convert import (
    Word,
    missing,
    not_one_of,
    parse_address,
    whole_number,
)
from kaltwisted.config.keywords.table import KEEP, Keep, Keyword, Problem, Problems
from kaltwisted.config.model import ApiListen, Public

_LISTEN: Final = "an address and a port, and perhaps more such pairs"
_PUBLIC: Final = {each.value: each for each in Public}


def _listen(words: list[str], problems: Problems) -> tuple[ApiListen, ...] | Keep:
    """``ADDRESS PORT [ADDRESS PORT ...]``."""
    if len(words) < 2:
        return missing(words, problems, _LISTEN, fatal=False)
    found = []
    for index in range(1, len(words), 2):
        address = parse_address(words[index])
        if address is None:
            problems.append(Problem(f"`{words[index]}` is not an IP address", index, _LISTEN))
            return KEEP
        if index + 1 == len(words):
            problems.append(Problem(f"`{words[index]}` has no port behind it", index, _LISTEN))
            return KEEP
        port = whole_number(words[index + 1], 1, 65535)
        if isinstance(port, str):
            problems.append(Problem(f"port `{words[index + 1]}` {port}", index + 1, "a port from 1 to 65535"))
            return KEEP
        found.append(ApiListen(address, port))
    return tuple(dict.fromkeys(found))


def _public(words: list[str], problems: Problems) -> tuple[Public, ...] | Keep:
    """One or more of ``Public``, in any order."""
    if len(words) < 2:
        return missing(words, problems, " ".join(_PUBLIC), fatal=False)
    for index, word in enumerate(words[1:], 1):
        if word not in _PUBLIC:
            problems.append(not_one_of(word, list(_PUBLIC), index))
            return KEEP
    return tuple(each for word, each in _PUBLIC.items() if word in words[1:])


def _names(words: list[str], problems: Problems) -> tuple[str, ...] | Keep:
    if len(words) < 2:
        return missing(words, problems, "host names", fatal=False)
    return tuple(dict.fromkeys(word.lower() for word in words[1:]))


API: Final = {
    "api_listen": Keyword(
        "where the HTTP API is, besides its unix socket", "api_listen", _listen, words=None, ours=True
    ),
    "api_certificate": Keyword(
        "its certificate, with the chain", "api_certificate", Word("a PEM file", fatal=False), ours=True
    ),
    "api_key": Keyword("the certificate's key", "api_key", Word("a PEM file", fatal=False), ours=True),
    "api_tokens": Keyword("who may what", "api_tokens", Word("a file of tokens", fatal=False), ours=True),
    "api_public": Keyword("what needs no token", "api_public", _public, words=None, ours=True),
    "api_names": Keyword(
        "names that clients call it by, besides its addresses", "api_names", _names, words=None, ours=True
    ),
}
