"""``auth_hmac`` blocks to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from kaltwisted.config.drafts import HmacDraft
from kaltwisted.config.keywords.hmac import AUTH_HMAC, key
from kaltwisted.config.model import SECOND_US, AntiReplay, AuthHmac, HmacKey, HmacMode
from kaltwisted.config.reader import says

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement


def auth_hmac(reader: Reader, statement: Statement) -> AuthHmac | None:
    """One ``auth_hmac``; None when it has no key."""
    draft = reader.read(statement.block or [], AUTH_HMAC, HmacDraft())
    keys = _keys(reader, statement)
    if not keys:
        if not says(statement, "key"):
            reader.error(
                statement,
                "auth_hmac has no key",
                expected="key 1 hex:… with 32 random bytes or more, the same on all routers",
            )
        return None
    active = draft.active_key or next(iter(keys))
    if active not in keys:
        line = [inner for inner in statement.block or () if inner.words[0] == "active_key"][-1]
        numbers = " or ".join(map(str, keys))
        reader.error(
            line,
            f"there is no key {active}, so key {next(iter(keys))} is used",
            word=1,
            expected=f"the number of a key: {numbers}",
        )
        active = next(iter(keys))
    window_us = draft.time_window_us
    return AuthHmac(
        tuple(keys.values()),
        active,
        None if window_us is None else window_us // SECOND_US,
        draft.anti_replay or AntiReplay.TIME,
        draft.mode or HmacMode.ENFORCE,
    )


def _keys(reader: Reader, statement: Statement) -> dict[int, HmacKey]:
    """The keys that are right, by number; ``Reader.read`` has told of the others."""
    found: dict[int, HmacKey] = {}
    for inner in statement.block or ():
        if inner.words[0] != "key" or inner.block is not None:
            continue
        made = key(inner.words, [])
        if not isinstance(made, HmacKey):
            continue
        first = found.setdefault(made.id, attrs.evolve(made, where=reader.source.where(inner)))
        if first != made:
            reader.error(
                inner,
                f"key {made.id} stands here a second time: the first one counts",
                word=1,
                expected="a number of its own for each key",
            )
    return found
