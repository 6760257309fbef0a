"""How late timers come, counted; pure, and cheap enough for every advert."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator

import attrs

#: Upper bounds of the classes in milliseconds; what is later than the last is a class of its own.
CLASSES_MS = (0.1, 1, 2, 5, 10, 50)
_BOUNDS_S = tuple(bound / 1000 for bound in CLASSES_MS)


@attrs.frozen
class LatenessSeen:
    """What was counted.  ``classes``: how many were as late as each of ``CLASSES_MS``, and later than all."""

    count: int = 0
    mean_s: float = 0.0
    longest_s: float = 0.0
    classes: tuple[int, ...] = (0,) * (len(CLASSES_MS) + 1)

    @property
    def p99_ms(self) -> float:
        """What 99 of 100 were not later than: the bound of a class, or the longest."""
        seen, wanted = 0, self.count * 0.99
        for bound, number in zip(CLASSES_MS, self.classes, strict=False):
            seen += number
            if seen >= wanted:
                return min(bound, self.longest_s * 1000)
        return self.longest_s * 1000

    def summary(self) -> dict[str, float]:
        """For the status document."""
        return {
            "count": self.count,
            "mean_ms": round(self.mean_s * 1000, 3),
            "p99_ms": round(self.p99_ms, 3),
            "worst_ms": round(self.longest_s * 1000, 3),
        }

    def lines(self) -> Iterator[str]:
        """For the dump, in keepalived's layout."""
        yield f" Timers = {self.count}"
        yield f" Mean lateness = {self.mean_s * 1000:.3f} ms"
        yield f" Longest lateness = {self.longest_s * 1000:.3f} ms"
        for bound, number in zip(CLASSES_MS, self.classes, strict=False):
            yield f" Late up to {bound:g} ms = {number}"
        yield f" Late over {CLASSES_MS[-1]:g} ms = {self.classes[-1]}"


class Lateness:
    """Counts how late timers come.

    ``too_late_s``: from when on a timer is too late (keepalived:
    ``min_auto_priority_delay``), and ``too_late``, what is to be done then.
    """

    def __init__(self) -> None:
        self.too_late_s = 1.0
        self.too_late: Callable[[], object] = lambda: None
        self.clear()

    def clear(self) -> None:
        """Begin anew, as after SIGRTMAX-1."""
        self._count = 0
        self._total_s = 0.0
        self._longest_s = 0.0
        self._classes = [0] * (len(CLASSES_MS) + 1)

    def note(self, late_s: float) -> None:
        """A timer came so many seconds after its time; one that came early counts as on time."""
        if late_s < 0:
            late_s = 0.0
        self._count += 1
        self._total_s += late_s
        if late_s > self._longest_s:
            self._longest_s = late_s
        self._classes[bisect_left(_BOUNDS_S, late_s)] += 1

    def seen(self) -> LatenessSeen:
        """All since the beginning or the last ``clear``."""
        mean_s = self._total_s / self._count if self._count else 0.0
        return LatenessSeen(self._count, mean_s, self._longest_s, tuple(self._classes))
