"""Values that all parts of the model are made of."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

import attrs

Address: TypeAlias = IPv4Address | IPv6Address

SECOND_US = 1_000_000


@attrs.frozen
class Position:
    """A place in a configuration: file as the user named it, line and column from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def place() -> Position | None:
    """The field ``where`` of a block: its place in its file."""
    return attrs.field(default=None, eq=False, repr=False, kw_only=True)  # type: ignore[no-any-return]


@attrs.frozen
class Script:
    """A command run without a shell, such as a notify script (keepalived: ``script [user [group]]``)."""

    argv: tuple[str, ...]
    user: str | None = None
    group: str | None = None

    def __str__(self) -> str:
        return " ".join(self.argv)
