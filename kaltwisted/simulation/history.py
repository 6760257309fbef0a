"""What happened in a rehearsal, as values: who held which address when, who was told what.  Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, TypeAlias, TypeVar

import attrs

from kaltwisted.config.model import Address
from kaltwisted.ports import Mail
from kaltwisted.vrrp.actions import Notify

LOG_LINES: Final = 100_000
"""The newest log lines and happenings that are kept."""


@attrs.define
class Holding:
    """That a director could be reached by an address, from ``since`` until ``until`` (None: still), in µs."""

    address: Address
    director: str
    since: int
    until: int | None = None

    def covers(self, since: int, until: int) -> bool:
        """Whether it was so all the time between two times."""
        return self.since <= since and (self.until is None or self.until >= until)


@attrs.frozen
class Turned:
    """An instance or sync group of a director has changed its state."""

    at: int
    director: str
    notify: Notify
    why: str = ""
    """Of FAULT, the reasons."""


@attrs.frozen
class Lived:
    """The daemon of a director runs from now on, or does not."""

    at: int
    director: str
    runs: bool


@attrs.frozen
class Mailed:
    """A mail that would be sent, with its whole subject."""

    at: int
    director: str
    mail: Mail


@attrs.frozen
class Ran:
    """A notify script that would run, with its arguments."""

    at: int
    director: str
    command: str


@attrs.frozen
class PoolChanged:
    """Who takes clients of a virtual server now, by a director's table; ``servers`` have weight."""

    at: int
    director: str
    service: str
    servers: tuple[str, ...]


@attrs.frozen
class Logged:
    """A log line of a director."""

    at: int
    director: str
    line: str


@attrs.frozen
class Happened:
    """Something that the scenario has done."""

    at: int
    words: str


Happening: TypeAlias = Lived | Turned | Mailed | Ran | PoolChanged | Happened


@attrs.frozen
class Span:
    """A time, in µs, and who held an address then: nobody, or several."""

    since: int
    until: int
    directors: tuple[str, ...]

    @property
    def length(self) -> int:
        """In µs."""
        return self.until - self.since


class History:
    """Everything that is told of a run, in the order in which it happened."""

    def __init__(self) -> None:
        self.holdings: list[Holding] = []
        self.happenings: deque[Happening] = deque(maxlen=LOG_LINES)
        self.log: deque[Logged] = deque(maxlen=LOG_LINES)
        self._of: dict[Address, list[Holding]] = {}
        self._held: dict[str, dict[Address, Holding]] = {}
        self._turns: dict[tuple[str, str], list[Turned]] = {}
        self._lives: dict[str, list[Lived]] = {}

    def tell(self, happening: Happening) -> None:
        """Something more has happened."""
        self.happenings.append(happening)
        if isinstance(happening, Turned):
            self._turns.setdefault((happening.director, happening.notify.name), []).append(happening)
        elif isinstance(happening, Lived):
            self._lives.setdefault(happening.director, []).append(happening)

    def hold(self, director: str, addresses: Iterable[Address], now: int) -> None:
        """These are all the addresses that a director can be reached by from now on."""
        there = set(addresses)
        held = self._held.setdefault(director, {})
        for address in held.keys() - there:
            held.pop(address).until = now
        for address in sorted(there - held.keys(), key=lambda each: (each.version, int(each))):
            holding = held[address] = Holding(address, director, now)
            self.holdings.append(holding)
            self._of.setdefault(address, []).append(holding)

    # -- questions -----------------------------------------------------------------------

    def holders(self, address: Address) -> list[str]:
        """Who has an address now, in the order in which they came to have it."""
        return [holding.director for holding in self.holdings_of(address) if holding.until is None]

    def holdings_of(self, address: Address) -> Sequence[Holding]:
        """Who had an address when."""
        return self._of.get(address, ())

    def last_turn(self, director: str, name: str, at: int) -> Turned | None:
        """The last change of an instance or sync group up to a time."""
        return _last(self._turns.get((director, name), ()), at)

    def first_ran(self, director: str) -> int | None:
        """When the daemon of a director ran for the first time; None: never."""
        return next((each.at for each in self._lives.get(director, ()) if each.runs), None)

    def ran(self, director: str, at: int) -> bool:
        """Whether the daemon of a director ran at a time."""
        lived = _last(self._lives.get(director, ()), at)
        return lived is not None and lived.runs

    def together(
        self, director: str, addresses: Iterable[Address], until: int
    ) -> Iterator[tuple[int, int, frozenset[Address]]]:
        """From 0 to a time, which of these addresses a director had from when to when."""
        mine = [
            holding
            for address in addresses
            for holding in self.holdings_of(address)
            if holding.director == director
        ]
        for since, end in pairwise(_edges(mine, 0, until)):
            yield since, end, frozenset(each.address for each in mine if each.covers(since, end))

    def spans(self, address: Address, since: int, until: int) -> Iterator[Span]:
        """Between two times, who had an address from when to when; without moments of no length."""
        holdings = self.holdings_of(address)
        before: Span | None = None
        for start, end in pairwise(_edges(holdings, since, until)):
            there = tuple(holding.director for holding in holdings if holding.covers(start, end))
            if before is not None and sorted(before.directors) == sorted(there):
                before = attrs.evolve(before, until=end)
                continue
            if before is not None:
                yield before
            before = Span(start, end, there)
        if before is not None:
            yield before


_Told = TypeVar("_Told", Turned, Lived)


def _last(told: Sequence[_Told], at: int) -> _Told | None:
    index = bisect_right(told, at, key=lambda each: each.at)
    return told[index - 1] if index else None


def _edges(holdings: Iterable[Holding], since: int, until: int) -> list[int]:
    """The times at which something changes, with both ends."""
    edges = {since, until}
    for each in holdings:
        edges |= {each.since, until if each.until is None else each.until}
    return sorted(each for each in edges if since <= each <= until)
