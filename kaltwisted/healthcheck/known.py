"""What others know and checks go by, such as whether a BFD session is up.  Pure."""

from __future__ import annotations

from collections.abc import Callable

from kaltwisted.ports import Fact


class Known:
    """The latest of each fact; who goes by one hears of every change."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], int] = {}
        self._followers: dict[tuple[str, str], list[Callable[[], object]]] = {}

    def value(self, kind: str, name: str) -> int | None:
        """Of a fact; None: nobody knows."""
        return self._values.get((kind, name))

    def learn(self, fact: Fact) -> None:
        """It is so from now on."""
        key = fact.kind, fact.name
        if self._values.get(key) == fact.value:
            return
        if fact.value is None:
            del self._values[key]
        else:
            self._values[key] = fact.value
        for turned in tuple(self._followers.get(key, ())):
            turned()

    def follow(self, kind: str, name: str, turned: Callable[[], object]) -> Callable[[], None]:
        """Call ``turned`` whenever a fact is another, until the result is called."""
        followers = self._followers.setdefault((kind, name), [])
        followers.append(turned)

        def leave() -> None:
            followers.remove(turned)
            if not followers and self._followers.get((kind, name)) is followers:
                del self._followers[kind, name]

        return leave
