"""Which real server a new connection goes to: IPVS' schedulers as pure decisions (``lvs_sched``).

A scheduler is asked with the whole pool as a tuple of targets.  The same tuple
means an unchanged pool; when a destination was added, removed or re-weighted
the caller passes a new tuple, and the scheduler carries its state over.
Targets of weight 0, overloaded or excluded are never picked; equally loaded
ones take turns by weight, for in userspace there are no inactive connections
(TIME_WAIT), by which IPVS tells them apart.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Container, Sequence
from functools import reduce
from hashlib import blake2b
from itertools import count
from typing import Protocol

import attrs

from kaltwisted.config.model import Address
from kaltwisted.lvs.table import Destination, DestinationKey

DEFAULT_SCHEDULER = "wlc"


@attrs.define(eq=False)
class Target:
    """A destination with what it carries now.

    ``overloaded``: over ``uthreshold`` and not yet below ``lthreshold`` again,
    which without ``lthreshold`` is three quarters of ``uthreshold`` (as IPVS).
    """

    destination: Destination
    active: int = 0
    overloaded: bool = False

    @property
    def weight(self) -> int:
        return self.destination.weight

    def opened(self) -> None:
        """A connection more."""
        self.active += 1
        self.judge_load()

    def closed(self) -> None:
        """A connection less."""
        self.active -= 1
        self.judge_load()

    def judge_load(self) -> None:
        """Set ``overloaded`` after a change of connections or thresholds."""
        upper, lower = self.destination.uthreshold, self.destination.lthreshold
        if upper and self.active >= upper:
            self.overloaded = True
        elif not upper or (self.active < lower if lower else self.active * 4 < upper * 3):
            self.overloaded = False


@attrs.frozen
class Client:
    """Who connects, and to which virtual address."""

    address: Address
    port: int
    virtual: Address


class Scheduler(Protocol):
    """One service's scheduler, with its state."""

    def pick(
        self, pool: Sequence[Target], client: Client, excluded: Container[DestinationKey] = ()
    ) -> Target | None:
        """The target of a new connection, or None when nobody can take it."""


def _usable(target: Target, excluded: Container[DestinationKey]) -> bool:
    return target.destination.weight > 0 and not target.overloaded and target.destination.key not in excluded


class _Pool:
    """The pool as last seen; ``follow`` tells whether it changed."""

    def __init__(self) -> None:
        self._pool: Sequence[Target] = ()

    def follow(self, pool: Sequence[Target]) -> bool:
        if pool is self._pool:
            return False
        self._pool = pool
        return True


class RoundRobin(_Pool):
    """``rr``: each in turn, whatever the weight (but 0)."""

    def __init__(self) -> None:
        super().__init__()
        self._last = -1

    def pick(
        self, pool: Sequence[Target], client: Client, excluded: Container[DestinationKey] = ()
    ) -> Target | None:
        previous = self._pool
        if self.follow(pool):
            self._last = _place_in(pool, previous, self._last)
        for step in range(1, len(pool) + 1):
            index = (self._last + step) % len(pool)
            if _usable(pool[index], excluded):
                self._last = index
                return pool[index]
        return None


def _place_in(pool: Sequence[Target], previous: Sequence[Target], last: int) -> int:
    """Where the turn stands in a changed pool: at the last picked, or at its nearest predecessor left."""
    places = {target.destination.key: index for index, target in enumerate(pool)}
    for target in reversed(previous[: last + 1]):
        if (place := places.get(target.destination.key)) is not None:
            return place
    return -1


class WeightedRoundRobin(_Pool):
    """``wrr``: in each cycle as many turns as the weight, interleaved: A=4 B=3 C=2 gives AABABCABC.

    IPVS' way: a current weight sinks from the greatest weight by the greatest
    common divisor, and only who weighs as much has a turn.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last = -1
        self._current = 0
        self._greatest = 0
        self._divisor = 1

    def pick(
        self, pool: Sequence[Target], client: Client, excluded: Container[DestinationKey] = ()
    ) -> Target | None:
        previous = self._pool
        if self.follow(pool):
            self._last = _place_in(pool, previous, self._last)
            weights = [target.weight for target in pool if target.weight > 0]
            self._greatest = max(weights, default=0)
            self._divisor = reduce(math.gcd, weights, 0) or 1
            # The current weight stays on the grid of the new divisor, else shares would be off.
            self._current = min(self._current - self._current % self._divisor, self._greatest)
        if not pool:
            return None
        ceiling = self._greatest
        for step in count():
            if step == len(pool) + 1:
                # A whole round in vain: go on, from the next, with what the heaviest usable one weighs.
                ceiling = max((target.weight for target in pool if _usable(target, excluded)), default=0)
                if not ceiling:
                    return None
            self._last += 1
            if self._last >= len(pool):
                self._last = 0
                self._current -= self._divisor
            if self._current <= 0:
                self._current = self._greatest
            if self._last == 0:
                self._current = min(self._current, ceiling)
            target = pool[self._last]
            if target.weight >= self._current and _usable(target, excluded):
                return target
        raise AssertionError("unreachable")


class LeastLoaded(_Pool):
    """The lowest load, as ``load`` says; among equals turns are shared by weight.

    ``lc``, ``wlc`` and ``sed`` are this with their own idea of load; with
    ``idle_first`` it is ``nq``: a server without connections is never kept waiting.
    """

    def __init__(self, load: Callable[[Target], float], idle_first: bool = False) -> None:
        super().__init__()
        self._load = load
        self._idle_first = idle_first
        self._turns: dict[DestinationKey, int] = {}

    def pick(
        self, pool: Sequence[Target], client: Client, excluded: Container[DestinationKey] = ()
    ) -> Target | None:
        if self.follow(pool):
            # From scratch: a newcomer must not make up for turns before its time.
            self._turns = {target.destination.key: 0 for target in pool}
        best: Target | None = None
        best_rank = (False, math.inf, math.inf)
        for target in pool:
            if not _usable(target, excluded):
                continue
            busy = self._idle_first and target.active > 0
            turns = (self._turns[target.destination.key] + 1) / target.weight
            rank = (busy, self._load(target), turns)
            if best is None or rank < best_rank:
                best, best_rank = target, rank
        if best is not None:
            self._turns[best.destination.key] += 1
        return best


class Hashing(_Pool):
    """``sh``, ``dh`` and ``mh``: the same key goes to the same server, shares by weight.

    Weighted rendezvous hashing instead of IPVS' bucket tables: when a server
    comes or goes, only its own clients move.  Whoever cannot be picked is
    passed over for the key's next choice (IPVS: flags sh-fallback, mh-fallback;
    without them it drops the client, which helps nobody here).
    """

    def __init__(self, key: Callable[[Client], bytes]) -> None:
        super().__init__()
        self._key = key
        self._seeds: list[bytes] = []

    def pick(
        self, pool: Sequence[Target], client: Client, excluded: Container[DestinationKey] = ()
    ) -> Target | None:
        if self.follow(pool):
            self._seeds = [str(target.destination.key).encode() for target in pool]
        key = self._key(client)
        best: Target | None = None
        best_score = -math.inf
        for seed, target in zip(self._seeds, pool, strict=True):
            if not _usable(target, excluded):
                continue
            digest = int.from_bytes(blake2b(key, digest_size=8, key=seed[:64]).digest(), "big")
            # -weight/ln(u) with u uniform in (0, 1): the highest wins in proportion to weight.
            score = -target.weight / math.log((digest + 1) / (2**64 + 2))
            if score > best_score:
                best, best_score = target, score
        return best


class LocalityBased(_Pool):
    """``lblc``: one server for a virtual address until it is overloaded, then the least loaded.

    Overloaded, as in IPVS: more connections than its weight while another has
    fewer than half its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._least = LeastLoaded(_weighted_load)
        self._chosen: dict[Address, DestinationKey] = {}

    def pick(
        self, pool: Sequence[Target], client: Client, excluded: Container[DestinationKey] = ()
    ) -> Target | None:
        chosen = self._chosen.get(client.virtual)
        for target in pool:
            if target.destination.key == chosen and _usable(target, excluded):
                if target.active > target.weight and any(
                    other.active * 2 < other.weight and _usable(other, excluded) for other in pool
                ):
                    break
                return target
        picked = self._least.pick(pool, client, excluded)
        if picked is not None:
            self._chosen[client.virtual] = picked.destination.key
        return picked


class Heaviest:
    """``fo``: the greatest weight takes all; with ``overflow`` (``ovf``) as many as it weighs."""

    def __init__(self, overflow: bool = False) -> None:
        self._overflow = overflow

    def pick(
        self, pool: Sequence[Target], client: Client, excluded: Container[DestinationKey] = ()
    ) -> Target | None:
        best: Target | None = None
        for target in pool:
            if not _usable(target, excluded) or (self._overflow and target.active > target.weight):
                continue
            if best is None or target.weight > best.weight:
                best = target
        return best


class PowerOfTwo:
    """``twos``: the less loaded of two drawn by weight."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def pick(
        self, pool: Sequence[Target], client: Client, excluded: Container[DestinationKey] = ()
    ) -> Target | None:
        usable = [target for target in pool if _usable(target, excluded)]
        if not usable:
            return None
        drawn = self._draw.choices(usable, [target.weight for target in usable], k=2)
        return min(drawn, key=_weighted_load)


def _active(target: Target) -> float:
    return target.active


def _weighted_load(target: Target) -> float:
    return target.active / target.weight


def _expected_delay(target: Target) -> float:
    return (target.active + 1) / target.weight


def _source(client: Client) -> bytes:
    return client.address.packed


def _source_and_port(client: Client) -> bytes:
    return client.address.packed + client.port.to_bytes(2, "big")


def _virtual_address(client: Client) -> bytes:
    return client.virtual.packed


def scheduler_named(name: str, flags: Container[str] = ()) -> Scheduler | None:
    """A new scheduler of keepalived's ``lvs_sched`` name; None when it is not known here.

    ``flags``: of these only ``sh-port`` and ``mh-port`` mean something here.
    """
    match name:
        case "rr":
            return RoundRobin()
        case "wrr":
            return WeightedRoundRobin()
        case "lc":
            return LeastLoaded(_active)
        case "wlc":
            return LeastLoaded(_weighted_load)
        case "sed":
            return LeastLoaded(_expected_delay)
        case "nq":
            return LeastLoaded(_expected_delay, idle_first=True)
        case "sh" | "mh":
            return Hashing(_source_and_port if f"{name}-port" in flags else _source)
        case "dh":
            return Hashing(_virtual_address)
        case "lblc":
            return LocalityBased()
        case "fo":
            return Heaviest()
        case "ovf":
            return Heaviest(overflow=True)
        case "twos":
            # Seeded: a choice that spreads load needs no secret, and a run can be repeated.
            return PowerOfTwo(random.Random(0))
    return None
