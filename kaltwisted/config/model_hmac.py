"""``auth_hmac`` as frozen values: the keys that adverts are signed with, and what is asked of others'."""

from __future__ import annotations

from enum import Enum

import attrs

from kaltwisted.config.model_values import Position, place


class HmacMode(Enum):
    """``mode``: whether adverts are signed, and what becomes of those of others that are not."""

    ENFORCE = "enforce"
    PERMISSIVE = "permissive"
    RECEIVE_ONLY = "receive-only"


class AntiReplay(Enum):
    """``anti_replay``: what an advert that was heard before is told by."""

    TIME = "time"
    MONOTONIC = "monotonic"


@attrs.frozen
class HmacKey:
    """``key``: a number and 32 to 64 secret bytes, which never show in a repr, dump or log.

    ``file``: where they are read from, and are empty until then.
    """

    id: int
    secret: bytes = attrs.field(default=b"", repr=False)
    file: str | None = None
    where: Position | None = place()


@attrs.frozen
class AuthHmac:
    """``auth_hmac``: a keyed trailer on each advert (keepalived 2.4).

    ``keys``: at least one, each with its own number.  ``active_key``: the number
    of the one that adverts are signed with.  ``time_window_s`` None: by the
    instance's ``advert_int``.
    """

    keys: tuple[HmacKey, ...]
    active_key: int
    time_window_s: int | None = None
    anti_replay: AntiReplay = AntiReplay.TIME
    mode: HmacMode = HmacMode.ENFORCE
