"""Figures, and the table of them: ours beside C keepalived's beside what is asked."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

import attrs

_WIDTH = 80


@attrs.frozen
class Figure:
    """One row: what it is, in which unit, and the most that is asked for (None: only to compare).

    ``limit`` is of the worst, ``median_limit`` of the median.
    """

    name: str
    unit: str
    limit: float | None = None
    median_limit: float | None = None

    def met(self, values: list[float]) -> bool:
        """Whether measurements are within what is asked for."""
        return not values or (
            (self.limit is None or max(values) <= self.limit)
            and (self.median_limit is None or statistics.median(values) <= self.median_limit)
        )

    @property
    def asked(self) -> str:
        """The limits as they are printed, as measurements are: of the median (of the worst)."""
        if self.median_limit is None:
            return "" if self.limit is None else f"{self.limit:g}"
        return f"{self.median_limit:g}" + ("" if self.limit is None else f" ({self.limit:g})")


class Report:
    """Gathers the measurements of each kind of daemon."""

    def __init__(self) -> None:
        self._values: dict[Figure, dict[str, list[float]]] = {}

    def add(self, figure: Figure, kind: str, *values: float) -> None:
        """Enter measurements."""
        self._values.setdefault(figure, {}).setdefault(kind, []).extend(values)

    def lines(self, kinds: Iterable[str]) -> Iterable[str]:
        """The table: the median, and in brackets the worst; ours are held to the limits."""
        kinds = tuple(kinds)
        yield (
            f"{'median (worst)':{_WIDTH}}{'unit':>5}" + "".join(f"{kind:>20}" for kind in kinds) + "   limit"
        )
        for figure, by_kind in self._values.items():
            row = f"{figure.name:{_WIDTH}}{figure.unit:>5}"
            for kind in kinds:
                row += f"{_cell(by_kind.get(kind, [])):>20}"
            if figure.asked:
                ours = by_kind.get("ours", [])
                row += f"{figure.asked:>8}"
                if ours:
                    row += "  ok" if figure.met(ours) else "  MISSED"
            yield row

    def missed(self) -> int:
        """How many of ours are above their limit."""
        return sum(not figure.met(by_kind.get("ours", [])) for figure, by_kind in self._values.items())


def _cell(values: list[float]) -> str:
    if not values:
        return "-"
    return f"{statistics.median(values):.2f} ({max(values):.2f})"
