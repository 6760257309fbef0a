"""Facts on their way from the role that knows them to those that act on them.

One exchange is in the supervisor, which keeps the latest of each fact while
roles come and go, and one in each role's process; AMP is between them.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from kaltwisted.ports import Fact

Learn = Callable[[Fact], object]
"""Hears of a fact."""


class Facts:
    """The latest of each fact, and who wants to hear of it."""

    _log = Logger()

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Fact] = {}
        self._listeners: list[tuple[frozenset[str], Learn]] = []

    def publish(self, fact: Fact) -> None:
        """Keep it, and tell it at once to those who want it.  Nothing happens where it is known already."""
        key = fact.kind, fact.name
        if self._known.get(key, Fact(*key, None)) == fact:
            return
        if fact.value is None:
            del self._known[key]
        else:
            self._known[key] = fact
        for kinds, learn in tuple(self._listeners):
            if fact.kind in kinds:
                self._tell(learn, fact)

    def listen(self, kinds: frozenset[str], learn: Learn) -> Callable[[], None]:
        """Tell ``learn`` all that is known of these kinds, and every change until the result is called."""
        listener = kinds, learn
        self._listeners.append(listener)
        for fact in tuple(self._known.values()):
            if fact.kind in kinds:
                self._tell(learn, fact)

        def leave() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return leave

    def forget(self, kinds: frozenset[str]) -> None:
        """Who knew all facts of these kinds is gone: nobody knows them any more."""
        for fact in tuple(self._known.values()):
            if fact.kind in kinds:
                self.publish(Fact(fact.kind, fact.name, None))

    def _tell(self, learn: Learn, fact: Fact) -> None:
        try:
            learn(fact)
        except Exception:  # what one makes of it is no concern of him who tells it, nor of the others
            self._log.failure("{fact}", fact=fact)
