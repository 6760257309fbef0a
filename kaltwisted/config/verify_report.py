"""How a rule tells of a block: at its place, unless it has none, as one that was not read has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from kaltwisted.config.findings import Related, Severity

if TYPE_CHECKING:
    from kaltwisted.config.model import Position
    from kaltwisted.config.reader import Reader


class Placed(Protocol):
    """A block of the model."""

    @property
    def where(self) -> Position | None:
        """Its place in the file."""


def error(reader: Reader, at: Placed, message: str, first: Placed | None = None, **more: Any) -> None:
    """Not done as written; arguments as for ``report``."""
    report(reader, Severity.ERROR, at, message, first, **more)


def warn(reader: Reader, at: Placed, message: str, first: Placed | None = None, **more: Any) -> None:
    """Done, but worth a word; arguments as for ``report``."""
    report(reader, Severity.WARNING, at, message, first, **more)


def report(
    reader: Reader, severity: Severity, at: Placed, message: str, first: Placed | None = None, **more: Any
) -> None:
    """A finding about a block.

    :param first: the one that it is a second of.
    :param more: as for ``Source.finding``.
    """
    if at.where is None:
        return
    if first is not None:
        more["related"] = related(first, "here is the first")
    reader.source.tell(reader.findings, severity, at.where, message, **more)


def related(other: Placed, note: str) -> tuple[Related, ...]:
    """Another block that explains a finding."""
    return () if other.where is None else (Related(other.where, note),)
