"""Where operators reach the daemon over TCP: ``api_*`` of ``global_defs``; its unix socket needs none."""

from __future__ import annotations

from enum import Enum

import attrs

from kaltwisted.config.model_values import Address


class Public(Enum):
    """What needs no token; the values are the words behind ``api_public``."""

    HEALTH = "health"
    METRICS = "metrics"
    STATUS = "status"


@attrs.frozen
class ApiListen:
    """``api_listen``: an address and a port."""

    address: Address
    port: int

    def __str__(self) -> str:
        return f"{f'[{self.address}]' if self.address.version == 6 else self.address}:{self.port}"


@attrs.frozen
class ApiSettings:
    """``api_listen`` and what belongs to it.  ``None`` means "not given".

    ``certificate``, ``key``: PEM files for
    TLS; a file of both is enough.  ``tokens``: the file that says who may what.
    ``public``: what needs none.  ``names``: names that clients call us by,
    besides addresses.
    """

    listen: tuple[ApiListen, ...] = ()
    certificate: str | None = None
    key: str | None = None
    tokens: str | None = None
    public: tuple[Public, ...] = ()
    names: tuple[str, ...] = ()
