"""Who asks, and what he may: the same for every way in (socket, tokens)."""

from __future__ import annotations

from enum import IntEnum

import attrs


class Role(IntEnum):
    """What somebody may do; who may more, may also less."""

    PUBLIC = 0
    """What everybody may who reaches us, such as health where the configuration says so."""
    READ = 1
    CONTROL = 2


@attrs.frozen
class Access:
    """``by``: who it is, for the log, such as ``root (uid 0)`` or the name of a token."""

    role: Role
    by: str
