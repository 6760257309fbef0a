"""The destinations of one userspace service: who gets the next connection, and what each has carried.

Pure; shared by TCP and UDP.  A destination that is removed or set to weight 0
gets no new connections, while those it has go on to their end: for the client
that is better than IPVS, which drops packets of a connection whose
destination is gone.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

import attrs

from kaltwisted.lvs.persistence import Entry, Persistence
from kaltwisted.lvs.schedulers import (
    DEFAULT_SCHEDULER,
    Client,
    LeastLoaded,
    Scheduler,
    Target,
    scheduler_named,
)
from kaltwisted.lvs.table import Destination, DestinationKey, Service


@attrs.frozen
class Counters:
    """What a destination has carried.  ``bytes_in``: from clients; ``refused``: connects that failed."""

    connections: int = 0
    active: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    refused: int = 0


@attrs.define(eq=False)
class CountedTarget(Target):
    """A target with its counters.  ``sockaddr``: its address as sockets take it."""

    sockaddr: tuple[str, int] = ("", 0)

    connections: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    refused: int = 0

    def counters(self) -> Counters:
        return Counters(self.connections, self.active, self.bytes_in, self.bytes_out, self.refused)


@attrs.define(eq=False)
class Assignment:
    """One connection (or UDP session) at its target, until ``Pool.release``; with its bytes so far."""

    target: CountedTarget
    entry: Entry | None = None
    bytes_in: int = 0
    bytes_out: int = 0

    def carried(self, bytes_in: int, bytes_out: int) -> None:
        """These are its bytes by now."""
        self.target.bytes_in += bytes_in - self.bytes_in
        self.target.bytes_out += bytes_out - self.bytes_out
        self.bytes_in, self.bytes_out = bytes_in, bytes_out


def _new_target(destination: Destination) -> CountedTarget:
    key = destination.key
    return CountedTarget(destination, sockaddr=(str(key.address), key.port))


class Pool:
    """The destinations of one service."""

    def __init__(self, service: Service) -> None:
        self.service = attrs.evolve(service, destinations={})
        self._targets: dict[DestinationKey, CountedTarget] = {}
        self._leaving: dict[DestinationKey, CountedTarget] = {}
        self._order: tuple[CountedTarget, ...] = ()
        self._scheduler: Scheduler = LeastLoaded(lambda target: target.active)
        self._persistence: Persistence | None = None
        self.scheduler_known = True
        self._read_settings(None)

    # -- What should be

    def set_service(self, service: Service) -> None:
        """New settings; destinations, connections and, where it makes sense, state stay."""
        before = self.service
        self.service = attrs.evolve(service, destinations={})
        self._read_settings(before)

    def _read_settings(self, before: Service | None) -> None:
        service = self.service
        if before is None or (before.scheduler, before.scheduler_flags) != (
            service.scheduler,
            service.scheduler_flags,
        ):
            scheduler = scheduler_named(service.scheduler, service.scheduler_flags)
            self.scheduler_known = scheduler is not None
            scheduler = scheduler or scheduler_named(DEFAULT_SCHEDULER)
            assert scheduler is not None
            self._scheduler = scheduler
        if not service.persistence_timeout_s:
            self._persistence = None
        elif self._persistence is None or self._persistence.granularity != service.granularity:
            self._persistence = Persistence(service.persistence_timeout_s, service.granularity)
        else:
            self._persistence.timeout_s = service.persistence_timeout_s

    def set_destination(self, destination: Destination) -> None:
        """Add it, or change it in place."""
        target = self._targets.get(destination.key)
        if target is None:
            # One that comes back while connections of its earlier stay go on still has their load.
            target = self._leaving.pop(destination.key, None) or _new_target(destination)
            self._targets[destination.key] = target
        target.destination = destination
        target.judge_load()
        self._order = tuple(self._targets.values())

    def remove_destination(self, key: DestinationKey) -> None:
        """No new connections; those it has go on."""
        target = self._targets.pop(key)
        if target.active:
            self._leaving[key] = target
        self._order = tuple(self._targets.values())

    @property
    def destinations(self) -> Mapping[DestinationKey, Destination]:
        return {key: target.destination for key, target in self._targets.items()}

    # -- Connections

    def assign(
        self, client: Client, now: float, excluded: Container[DestinationKey] = ()
    ) -> Assignment | None:
        """A target for a new connection, None when nobody can take it; ``now`` in seconds.

        A persistent client keeps its server even at weight 0 (IPVS without
        expire_quiescent_template) and at its threshold.
        """
        target: Target | None = None
        persistence = self._persistence
        if persistence is not None:
            key = persistence.find(client.address, now)
            if key is not None and key not in excluded:
                target = self._targets.get(key)
        if target is None:
            target = self._scheduler.pick(self._order, client, excluded)
        if target is None:
            return None
        assert isinstance(target, CountedTarget)
        target.connections += 1
        target.opened()
        entry = None
        if persistence is not None:
            entry = persistence.connected(client.address, target.destination.key, now)
        return Assignment(target, entry)

    def release(self, assignment: Assignment) -> None:
        """The connection has ended."""
        target = assignment.target
        target.closed()
        if assignment.entry is not None:
            Persistence.closed(assignment.entry)
        if not target.active and self._leaving:
            key = target.destination.key
            if self._leaving.get(key) is target:
                del self._leaving[key]

    def refused(self, assignment: Assignment) -> None:
        """The server did not take the connection: as ``release``, and not counted as a connection of its."""
        assignment.target.connections -= 1
        assignment.target.refused += 1
        self.release(assignment)

    def counters(self) -> Iterator[tuple[DestinationKey, Counters]]:
        """Of every destination, also of removed ones that connections still go to."""
        for targets in (self._targets, self._leaving):
            for key, target in targets.items():
                yield key, target.counters()
