"""How many connections all services of the userspace plane share."""

from __future__ import annotations

from typing import Protocol


class Accepting(Protocol):
    """A service that stopped accepting for want of room."""

    def resume_accepting(self) -> None:
        """There may be room again."""


class Budget:
    """How many client connections all services together may have; each takes two descriptors."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._waiting: list[Accepting] = []

    def take(self) -> bool:
        """Have room for one more, or not."""
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def give(self) -> None:
        """One has ended: whoever waits may accept again."""
        self.used -= 1
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for service in waiting:
                service.resume_accepting()

    def wait(self, service: Accepting) -> None:
        """Tell ``service`` when there is room again."""
        if service not in self._waiting:
            self._waiting.append(service)
