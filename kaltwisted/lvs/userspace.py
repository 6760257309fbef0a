"""The userspace data plane: a balancer of our own, for machines without IPVS or without privileges.

It forwards as a proxy does: real servers see this host's address, and DR and
TUN are carried as NAT would be.  Firewall marks, port 0 (all ports) and SCTP
need the kernel's IPVS and are refused in words.
"""

from __future__ import annotations

import resource
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.config.model import Protocol
from kaltwisted.lvs.table import (
    AddDestination,
    AddService,
    Applied,
    DeleteDestination,
    DeleteService,
    DestinationKey,
    Failure,
    Service,
    ServiceKey,
    SetDestination,
    SetService,
    Step,
    Table,
    steps_between,
)
from kaltwisted.lvs.userspace_budget import Budget
from kaltwisted.lvs.userspace_listen import IReactor
from kaltwisted.lvs.userspace_pool import Counters
from kaltwisted.lvs.userspace_tcp import TcpService
from kaltwisted.lvs.userspace_udp import UdpService
from kaltwisted.ports import IDataPlane

_Carrier: TypeAlias = TcpService | UdpService

FLUSH_S = 0.15
"""How long ``stop`` waits for clients to take what has been read for them."""

OPEN_FILES_WANTED = 65_536
RESERVED_FILES = 128
"""Descriptors left for everything else: checks, scripts, logs."""


def connection_limit() -> int:
    """Connections at once, two descriptors each; raises our soft limit on open files where allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES_WANTED if hard == resource.RLIM_INFINITY else min(OPEN_FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft == resource.RLIM_INFINITY:
        soft = wanted
    return max(16, (soft - RESERVED_FILES) // 2)


def why_unsupported(key: ServiceKey) -> str | None:
    """Why this service cannot be carried in userspace; None when it can."""
    if key.fwmark:
        return "firewall marks need the kernel's IPVS: give the virtual server an address and port"
    if key.protocol is Protocol.SCTP:
        return "SCTP needs the kernel's IPVS"
    if not key.port:
        return "port 0 (all ports) needs the kernel's IPVS: name the port"
    return None


@implementer(IDataPlane)
class UserspaceDataPlane:
    """Balances by itself.

    ``connections``: at most so many at once (None: by the limit on open files);
    ``service_connections``: and in one service (None: the same).
    """

    name = "userspace"
    ours: frozenset[ServiceKey] = frozenset()  # nothing here outlives its process
    log = Logger()

    def __init__(
        self, reactor: IReactor, connections: int | None = None, service_connections: int | None = None
    ) -> None:
        self._reactor = reactor
        limit = connection_limit() if connections is None else connections
        self._budget = Budget(limit)
        self._service_limit = limit if service_connections is None else service_connections
        self._table: dict[ServiceKey, Service] = {}
        self._services: dict[ServiceKey, _Carrier] = {}
        self._closed: list[_Carrier] = []  # no longer desired, carrying their last connections
        self._refused: dict[ServiceKey, str] = {}

    def start(self) -> Deferred[Table]:
        """Nothing outlives a process here, so nothing is found."""
        return succeed({})

    def apply(self, desired: Table) -> Deferred[Applied]:
        """Make it so.  What cannot be done in userspace is a failure once, and then left out in silence."""
        self._refused = {key: reason for key, reason in self._refused.items() if key in desired}
        self._closed = [service for service in self._closed if service.connections]
        steps = 0
        failures: list[Failure] = []
        for step in steps_between(self._table, desired, self._table):
            key = _service_of(step)
            if key in self._refused:
                continue
            if isinstance(step, AddService) and (reason := why_unsupported(key)) is not None:
                self._refused[key] = reason
                failures.append(Failure(step, reason))
                continue
            self._take(step)
            steps += 1
        self._table = {key: service for key, service in desired.items() if key not in self._refused}
        return succeed(Applied(steps, tuple(failures)))

    def _take(self, step: Step) -> None:
        match step:
            case AddService(service):
                self._services[service.key] = self._new_service(service)
            case SetService(service):
                self._services[service.key].pool.set_service(service)
                self._warn_of_scheduler(self._services[service.key])
            case DeleteService(key):
                leaving = self._services.pop(key)
                leaving.close()
                self._closed.append(leaving)
            case AddDestination(key, destination) | SetDestination(key, destination):
                self._services[key].pool.set_destination(destination)
            case DeleteDestination(key, destination_key):
                self._services[key].pool.remove_destination(destination_key)

    def _new_service(self, wanted: Service) -> _Carrier:
        carrier = UdpService if wanted.key.protocol is Protocol.UDP else TcpService
        service = carrier(self._reactor, wanted, self._budget, self._service_limit)
        self._warn_of_scheduler(service)
        service.start()
        return service

    def _warn_of_scheduler(self, service: _Carrier) -> None:
        if not service.pool.scheduler_known:
            self.log.warn(
                "{service}: scheduler {scheduler} is not known in userspace, using wlc",
                service=str(service.pool.service.key),
                scheduler=service.pool.service.scheduler,
            )

    def snapshot(self) -> Deferred[Table]:
        """What is being done now."""
        return succeed(
            {
                key: attrs.evolve(service.pool.service, destinations=dict(service.pool.destinations))
                for key, service in self._services.items()
            }
        )

    def statistics(self) -> Mapping[tuple[ServiceKey, DestinationKey], Counters]:
        """What each destination has carried; also removed ones, while connections still go to them."""
        counters: dict[tuple[ServiceKey, DestinationKey], Counters] = {}
        for key, service in self._services.items():
            for destination, counted in service.statistics():
                counters[key, destination] = counted
        return MappingProxyType(counters)

    def stop(self, *, keep: bool) -> Deferred[None]:
        """Listen no more, send what has been read, close.

        ``keep`` changes nothing: connections through this process cannot
        outlive it.
        """
        services = [*self._services.values(), *self._closed]
        self._services, self._closed, self._table = {}, [], {}
        for service in services:
            service.close()
            service.finish()
        done: Deferred[None] = Deferred()

        def end() -> None:
            for service in services:
                service.abort()
            done.callback(None)

        if any(service.connections for service in services):
            self._reactor.callLater(FLUSH_S, end)
        else:
            end()
        return done


def _service_of(step: Step) -> ServiceKey:
    match step:
        case AddService(service) | SetService(service):
            return service.key
        case DeleteService(key):
            return key
        case AddDestination(key, _) | SetDestination(key, _) | DeleteDestination(key, _):
            return key
