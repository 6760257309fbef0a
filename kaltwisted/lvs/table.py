"""The LVS table as a value: what should be in the data plane, or is; and the steps from one to the other.

The shape is the kernel's (``struct ip_vs_service_user``, linux/ip_vs.h): services
by key, each with its destinations by key.  Tables are plain read-only mappings;
an unchanged service keeps its identity from one desired table to the next, so
that comparing large tables costs only what changed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import TypeAlias

import attrs

from kaltwisted.config.identity import EndPoint
from kaltwisted.config.model import Address, FirewallMark, ForwardingMethod, Protocol, VirtualAddress


@attrs.frozen(cache_hash=True)
class ServiceKey:
    """What the kernel finds a service by: address, port and protocol, or else a firewall mark.

    ``address`` is None for a mark; ``ipv6`` tells the family in both cases.
    """

    ipv6: bool
    protocol: Protocol | None = None
    address: Address | None = None
    port: int = 0
    fwmark: int = 0

    @classmethod
    def of(cls, listen: VirtualAddress | EndPoint | FirewallMark, protocol: Protocol) -> ServiceKey:
        """A virtual server's; a firewall mark has neither protocol nor port."""
        if isinstance(listen, FirewallMark):
            return cls(listen.ipv6, fwmark=listen.mark)
        return cls(listen.address.version == 6, protocol, listen.address, listen.port)

    def __str__(self) -> str:
        if self.fwmark:
            return f"FWM {self.fwmark}"
        return f"[{self.address}]:{self.protocol}:{self.port}"


@attrs.frozen(cache_hash=True)
class GroupKey:
    """What we find a pool by that is of several services: its group, and the protocol, NONE for marks."""

    name: str
    protocol: Protocol


PoolKey: TypeAlias = ServiceKey | GroupKey
"""What we find a pool by: its service, or its group."""


@attrs.frozen(cache_hash=True)
class DestinationKey:
    """What the kernel finds a destination by, within its service."""

    address: Address
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}"


@attrs.frozen
class Destination:
    """One real server (or sorry server) of a service.  Thresholds are numbers of connections, 0: none."""

    key: DestinationKey
    weight: int
    forwarding: ForwardingMethod
    uthreshold: int = 0
    lthreshold: int = 0


@attrs.frozen
class Service:
    """One virtual service.

    ``persistence_timeout_s`` 0: not persistent.  ``granularity`` is a prefix
    length, None for single clients.  ``scheduler_flags`` are keepalived's
    words (``sh-port``, ``mh-fallback``...).
    """

    key: ServiceKey
    scheduler: str
    persistence_timeout_s: int = 0
    granularity: int | None = None
    persistence_engine: str | None = None
    ops: bool = False
    scheduler_flags: frozenset[str] = frozenset()
    destinations: Mapping[DestinationKey, Destination] = attrs.field(factory=dict)

    def same_settings(self, other: Service) -> bool:
        """Whether nothing but the destinations differs."""
        return self is other or attrs.evolve(self, destinations={}) == attrs.evolve(other, destinations={})


Table: TypeAlias = Mapping[ServiceKey, Service]


def table_of(services: Iterable[Service]) -> dict[ServiceKey, Service]:
    """The table that holds them; one that is named twice has the first's settings and all servers."""
    table: dict[ServiceKey, Service] = {}
    for service in services:
        first = table.setdefault(service.key, service)
        if first is not service:
            destinations = {**service.destinations, **first.destinations}
            table[service.key] = attrs.evolve(first, destinations=destinations)
    return table


# --- The steps between two tables ----------------------------------------------------


@attrs.frozen
class AddService:
    """Add a service, without destinations."""

    service: Service


@attrs.frozen
class SetService:
    """Change a service's settings; its connections stay."""

    service: Service


@attrs.frozen
class DeleteService:
    """Delete a service and its destinations."""

    key: ServiceKey


@attrs.frozen
class AddDestination:
    """Add a destination to a service."""

    service: ServiceKey
    destination: Destination


@attrs.frozen
class SetDestination:
    """Change a destination in place; its connections stay."""

    service: ServiceKey
    destination: Destination


@attrs.frozen
class DeleteDestination:
    """Delete a destination."""

    service: ServiceKey
    key: DestinationKey


Step: TypeAlias = (
    AddService | SetService | DeleteService | AddDestination | SetDestination | DeleteDestination
)


@attrs.frozen
class Failure:
    """A step that the data plane refused, and why in words."""

    step: Step
    reason: str


@attrs.frozen
class Applied:
    """What ``IDataPlane.apply`` did: steps taken, and those refused."""

    steps: int = 0
    failures: tuple[Failure, ...] = ()


def steps_between(actual: Table, desired: Table, ours: Container[ServiceKey] = ()) -> Iterator[Step]:
    """The fewest steps that make ``actual`` hold ``desired``.

    Services of ``actual`` that are not desired are deleted only when they are
    in ``ours``: the rest belong to somebody else.  In each service additions
    come before deletions, so that a pool is at no time emptier than it needs be.
    """
    for key in actual:
        if key not in desired and key in ours:
            yield DeleteService(key)
    for key, wanted in desired.items():
        present = actual.get(key)
        if present is wanted:
            continue
        if present is None:
            yield AddService(wanted)
            for destination in wanted.destinations.values():
                yield AddDestination(key, destination)
            continue
        if not wanted.same_settings(present):
            yield SetService(wanted)
        yield from _destination_steps(key, present.destinations, wanted.destinations)


def _destination_steps(
    service: ServiceKey,
    actual: Mapping[DestinationKey, Destination],
    desired: Mapping[DestinationKey, Destination],
) -> Iterator[Step]:
    for key, wanted in desired.items():
        present = actual.get(key)
        if present is None:
            yield AddDestination(service, wanted)
        elif present is not wanted and present != wanted:
            yield SetDestination(service, wanted)
    for key in actual:
        if key not in desired:
            yield DeleteDestination(service, key)
