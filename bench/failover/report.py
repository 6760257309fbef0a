"""Figures, and the table of them: ours beside C keepalived's beside what is asked."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

import attrs

_WIDTH = 68


@attrs.frozen
class Figure:
    """One row: what it is, in which unit, and the most that is asked for (None: only to compare)."""

    name: str
    unit: str
    limit: float | None = None


class Report:
    """Gathers the measurements of each kind of daemon."""

    def __init__(self) -> None:
        self._values: dict[Figure, dict[str, list[float]]] = {}

    def add(self, figure: Figure, kind: str, *values: float) -> None:
        """Enter measurements."""
        self._values.setdefault(figure, {}).setdefault(kind, []).extend(values)

    def lines(self, kinds: Iterable[str]) -> Iterable[str]:
        """The table: the median, and in brackets the worst; the worst of ours is held to the limit."""
        kinds = tuple(kinds)
        yield (
            f"{'median (worst)':{_WIDTH}}{'unit':>5}" + "".join(f"{kind:>20}" for kind in kinds) + "   limit"
        )
        for figure, by_kind in self._values.items():
            row = f"{figure.name:{_WIDTH}}{figure.unit:>5}"
            for kind in kinds:
                row += f"{_cell(by_kind.get(kind, [])):>20}"
            if figure.limit is not None:
                ours = by_kind.get("ours")
                row += f"{figure.limit:8g}"
                if ours:
                    row += "  ok" if max(ours) <= figure.limit else "  MISSED"
            yield row

    def missed(self) -> int:
        """How many of ours are above their limit."""
        return sum(
            figure.limit is not None and max(by_kind.get("ours", [0.0])) > figure.limit
            for figure, by_kind in self._values.items()
        )


def _cell(values: list[float]) -> str:
    if not values:
        return "-"
    return f"{statistics.median(values):.2f} ({max(values):.2f})"
