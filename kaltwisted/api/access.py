"""Who asks, and what he may: the same for every way in (socket, tokens)."""

from __future__ import annotations

from enum import IntEnum

import attrs

from kaltwisted.config.model import Public


class Role(IntEnum):
    """What somebody may do; who may more, may also less."""

    PUBLIC = 0
    """What everybody may who reaches us, such as health where the configuration says so."""
    READ = 1
    CONTROL = 2


@attrs.frozen
class Access:
    """``by``: who it is, for the log: ``root``, or a token's name.  ``public``: what anybody may."""

    role: Role
    by: str
    public: frozenset[Public] = frozenset()
