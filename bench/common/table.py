"""Rows of figures of two daemons, side by side."""

from __future__ import annotations

import statistics
import sys

from common.daemons import OURS, C

_WIDTH = 62


class Table:
    """Gathers measurements, and prints of each the median, the worst and the ratio.

    A limit is held against the median of ours.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._rows: dict[str, dict[str, list[float]]] = {}
        self._limits: dict[str, Limit] = {}

    def add(self, what: str, by: str, *values: float) -> None:
        """Enter measurements of one daemon."""
        self._rows.setdefault(what, {}).setdefault(by, []).extend(values)

    def limit(self, what: str, most: float = float("inf"), ratio: float = float("inf")) -> None:
        """What is asked for: a figure of at most this, or at most so many times the other's."""
        self._limits[what] = (most, ratio)

    def print(self) -> None:
        """All of it, and begin anew."""
        print(f"\n{self._title + ': median (worst)':{_WIDTH}}{C:>17}{OURS:>17}{'ratio':>8}   goal")
        for what, by in self._rows.items():
            ratio = float("nan")
            if C in by and OURS in by and statistics.median(by[C]):
                ratio = statistics.median(by[OURS]) / statistics.median(by[C])
            cells = "".join(f"{_cell(by.get(name)):>17}" for name in (C, OURS))
            print(f"{what:{_WIDTH}}{cells}{ratio:8.2f}   {self._goal(what, by.get(OURS), ratio)}".rstrip())
        self._rows.clear()
        sys.stdout.flush()

    def _goal(self, what: str, ours: list[float] | None, ratio: float) -> str:
        if what not in self._limits or not ours:
            return ""
        most, times = self._limits[what]
        met = statistics.median(ours) <= most and not ratio > times
        asked = f"{most:g}" if most != float("inf") else f"x {times:g}"
        return f"{asked} {'ok' if met else 'MISSED'}"


Limit = tuple[float, float]


def _cell(values: list[float] | None) -> str:
    if not values:
        return "-"
    return f"{statistics.median(values):.2f} ({max(values):.2f})"
