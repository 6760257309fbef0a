"""``SSL { ... }``: what every ``SSL_GET`` shows of itself, and what it trusts."""

from __future__ import annotations

import attrs

from kaltwisted.config.model_values import Position, place


@attrs.frozen
class SslContext:
    """The block as it is written: PEM files, and the pass phrase of the key's."""

    certificate: str | None = None
    key: str | None = None
    ca: str | None = None
    password: bytes | None = attrs.field(default=None, repr=False)
    where: Position | None = place()


@attrs.frozen
class ClientTls:
    """What is in these files, in PEM; empty: nothing that could be used.

    ``certificate``: with its chain; ``password``: the pass phrase of ``key``; ``ca``: trust roots.
    """

    certificate: bytes = b""
    key: bytes = attrs.field(default=b"", repr=False)
    password: bytes | None = attrs.field(default=None, repr=False)
    ca: bytes = b""
