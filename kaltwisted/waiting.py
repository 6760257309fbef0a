"""Those who wait until something is done."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed


class Waiting:
    """Any number of them, who all hear at once.  Who comes later waits for the next time."""

    def __init__(self) -> None:
        self._waiting: list[Deferred[None]] = []

    def until(self, done: bool) -> Deferred[None]:
        """Fires when it is ``done``, which may be now."""
        if done:
            return succeed(None)
        self._waiting.append(Deferred())
        return self._waiting[-1]

    def tell(self) -> None:
        """It is done."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)
