"""``auth_hmac`` (keepalived 2.4)."""

from __future__ import annotations

from typing import Final

from kaltwisted.config.keywords.convert import Number, OneOf, Seconds, missing, whole_number
from kaltwisted.config.keywords.table import KEEP, Keep, Keyword, Problem, Problems, Table
from kaltwisted.config.model import SECOND_US, AntiReplay, HmacKey, HmacMode

LARGEST_ID: Final = 255
SHORTEST_KEY: Final = 32
LONGEST_KEY: Final = 64
FILE: Final = "file:"
_HEX: Final = "hex:"
LENGTHS: Final = f"{SHORTEST_KEY} to {LONGEST_KEY} bytes"
_EXPECTED: Final = f"a number from 1 to {LARGEST_ID}, then hex:…, file:/path, or text; {LENGTHS} of secret"


def secret_of(text: str) -> bytes | str:
    """The bytes that a key's text stands for; a str is what is wrong with it, and says nothing of it."""
    if text.startswith(_HEX):
        try:
            secret = bytes.fromhex(text.removeprefix(_HEX))
        except ValueError:
            return "the key is not hexadecimal"
    else:
        secret = text.encode("utf-8", "surrogateescape")
    if len(secret) < SHORTEST_KEY:
        return "the key is too short"
    return secret if len(secret) <= LONGEST_KEY else "the key is too long"


def key(words: list[str], problems: Problems) -> HmacKey | Keep:
    """``ID hex:… | file:… | TEXT``."""
    if len(words) < 3:
        return missing(words, problems, _EXPECTED)
    number = whole_number(words[1], 1, LARGEST_ID)
    if isinstance(number, str):
        problems.append(Problem(f"the key's number {number}", 1, _EXPECTED))
        return KEEP
    if words[2].startswith(FILE):
        path = words[2].removeprefix(FILE)
        if not path.startswith("/"):
            problems.append(Problem("the key's file is no absolute path", 2, "file:/path"))
            return KEEP
        return HmacKey(number, file=path)
    secret = secret_of(words[2])
    if isinstance(secret, str):
        problems.append(Problem(secret, 2, _EXPECTED))
        return KEEP
    return HmacKey(number, secret)


AUTH_HMAC: Final = Table(
    "auth_hmac",
    {
        "key": Keyword(
            "a key: its number, and hex:…, file:… or text; there may be several", "key", key, words=3
        ),
        "active_key": Keyword("number of the key to sign with", "active_key", Number(1, LARGEST_ID)),
        "time_window": Keyword(
            "how far clocks may differ", "time_window_us", Seconds(SECOND_US, 300 * SECOND_US, whole=True)
        ),
        "anti_replay": Keyword(
            "what an old advert is told by",
            "anti_replay",
            OneOf({each.value: each for each in AntiReplay}),
        ),
        "mode": Keyword(
            "enforce; permissive: unsigned ones are accepted; receive-only: none is signed either",
            "mode",
            OneOf({each.value: each for each in HmacMode}),
        ),
    },
)
