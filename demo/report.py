"""What the demo prints: a line as each thing happens, and the table at the end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import attrs

COLOURS = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}


@attrs.frozen
class Row:
    """One thing that was to happen, and what did."""

    step: str
    expected: str
    seen: str
    good: bool


class Report:
    """Lines with the time since ``start``; colours on a terminal only."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._start = clock()
        self._coloured = sys.stdout.isatty()
        self.rows: list[Row] = []

    def colour(self, text: str, name: str) -> str:
        """``text`` in that colour where there are colours."""
        return f"\033[{COLOURS[name]}m{text}\033[0m" if self._coloured and name else text

    def print(self, text: str = "") -> None:
        """A line without a time."""
        print(text, flush=True)

    def event(self, topic: str, text: str, colour: str = "") -> None:
        """Something happened."""
        elapsed = self._clock() - self._start
        self.print(self.colour(f"{elapsed:5.1f} s  {topic:<8} {text}", colour))

    def shares(self, topic: str, counts: Counter[str], weights: Mapping[str, int]) -> None:
        """Who answered how often, each beside its weight."""
        total = sum(counts.values())
        parts = []
        for server in dict.fromkeys([*weights, *counts]):
            weight = f"weight {weights[server]}" if server in weights else "sorry server"
            share = f"{100 * counts[server] / total:.1f} %" if counts[server] else "-"
            parts.append(f"{server} {share} ({weight})")
        self.event(topic, f"{'   '.join(parts)}   of {total}", "bold")

    def row(self, step: str, expected: str, seen: str, good: bool) -> None:
        """A row of the table."""
        self.rows.append(Row(step, expected, seen, good))
        if not good:
            self.event("FAILED", f"{step}: expected {expected}; seen: {seen}", "red")

    @property
    def failed(self) -> list[Row]:
        """The rows that went wrong."""
        return [row for row in self.rows if not row.good]

    def table(self) -> None:
        """All rows."""
        heads = Row("step", "expected", "seen", True)
        widths = [
            max(len(cell) for cell in column)
            for column in zip(*map(_cells, [heads, *self.rows]), strict=True)
        ]
        self.print()
        self.print(self.colour(_line(_cells(heads), widths), "dim"))
        for row in self.rows:
            verdict = self.colour("ok", "green") if row.good else self.colour("FAILED", "red")
            self.print(f"{_line(_cells(row), widths)}  {verdict}")
        self.print()


def _cells(row: Row) -> tuple[str, str, str]:
    return row.step, row.expected, row.seen


def _line(cells: Iterable[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
