"""All health checks of the checker role, by server: made, followed through a reload, dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any, Final

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.logger import Logger

from kaltwisted.config.diff import Changed, Part, compare_real_servers, predecessors
from kaltwisted.config.identity import ServerId
from kaltwisted.config.model import Address, BfdCheck, Check, RealServer, VirtualServer
from kaltwisted.config.model_checks import kind
from kaltwisted.healthcheck.build import build_check, goes_on
from kaltwisted.healthcheck.heard import check_service
from kaltwisted.healthcheck.known import Known
from kaltwisted.healthcheck.outcome import Outcome, Verdict
from kaltwisted.healthcheck.service import CheckService
from kaltwisted.healthcheck.status import head, target
from kaltwisted.lvs.entries import listens_on, pool_key
from kaltwisted.lvs.member import key_of
from kaltwisted.lvs.pool import Pool
from kaltwisted.lvs.service import LvsService
from kaltwisted.lvs.status import server_id
from kaltwisted.lvs.table import DestinationKey, PoolKey
from kaltwisted.ports import IScripts

ATTEMPTS_AT_ONCE: Final = 16
"""How many are made at once of those that an operator asks for: a large pool must not be stormed."""


@attrs.define(eq=False)
class Place:
    """Whose a check is and which of that server's, where it reports to; a reload may move it."""

    lvs: LvsService
    service: PoolKey
    server: DestinationKey
    index: int

    def report(self, verdict: Verdict) -> None:
        """Tell the pool."""
        pool = self.lvs.pools[self.service]
        server = pool.server(self.server)
        check = server.checks[self.index]
        what = f"{kind(check)} {target(check)}"
        if pool.is_up(self.server, self.index) != verdict.up:
            name = f"{server_id(pool, server)} {what}"
            self.lvs.note_turned("check", name, up=verdict.up, why=verdict.why)
        self.lvs.report(
            self.service,
            self.server,
            self.index,
            up=verdict.up,
            summary=verdict.summary,
            weight=verdict.weight,
            why=f"{what}: {verdict.why}",
        )


@attrs.define(eq=False)
class Running:
    """A check that runs.  Its service knows its place and not this, so that no cycle keeps either alive."""

    place: Place
    configured: Check
    service: CheckService
    _head: str | None = attrs.field(default=None, init=False)

    @property
    def status_head(self) -> str:
        """What the status document says of it again and again; made when it is asked for the first time."""
        if self._head is None:
            self._head = head(self.configured)
        return self._head


@attrs.frozen
class Ran:
    """What an attempt that was asked for has found of a server; no ``outcome``: it came to no end."""

    running: Running
    outcome: Outcome | None

    def told(self, service: ServerId) -> dict[str, object]:
        """For programs; what the check counts as may be older than the outcome, if it is paused."""
        check, server, outcome = self.running.service, self.running.place.server, self.outcome
        return {
            "server": str(service.with_real(server.address, server.port)),
            "kind": kind(self.running.configured),
            "target": target(self.running.configured),
            "good": None if outcome is None else outcome.good,
            "result": "it came to no end" if outcome is None else outcome.words,
            "latency_ms": None if outcome is None else round(check.statistics.last_latency * 1000, 3),
            "up": check.up,
            "paused": check.is_paused,
        }


class Checks(Service):
    """Runs the checks of every pool and tells ``lvs`` what they find.

    :param known: what others know.
    :param wanted: whether a virtual server's checks run now, or stand still until its address is here.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        scripts: IScripts,
        lvs: LvsService,
        known: Known,
        wanted: Callable[[VirtualServer], bool] = lambda _: True,
    ) -> None:
        self._reactor = reactor
        self._scripts = scripts
        self._lvs = lvs
        self.known = known
        self._wanted = wanted
        #: Pools whose checks are being made or changed: they are looked at again when that is done.
        self._in_work: set[PoolKey] = set()
        self._running: dict[tuple[PoolKey, DestinationKey], list[Running]] = {}
        self._paused: set[tuple[PoolKey, DestinationKey | None]] = set()
        #: The checks that a pool has begun with and that have not run yet; None until all are made.
        self._awaited: dict[PoolKey, set[Place | None]] = {}

    def of(self, service: PoolKey, server: DestinationKey) -> list[Running]:
        """The checks of a server, in the order configured."""
        return self._running.get((service, server), [])

    def stopService(self) -> None:
        """End all of them."""
        super().stopService()
        for checks in self._running.values():
            for running in checks:
                running.service.stopService()
        self._running.clear()

    # -- what operators ask for ------------------------------------------------------------

    def pause(self, service: PoolKey, server: DestinationKey | None, paused: bool) -> None:
        """Have the checks of a server, or of all servers of a virtual one, stand still, or go on.

        A server's stand still while its own or its virtual server's shall, also those that are yet to be.
        """
        (self._paused.add if paused else self._paused.discard)((service, server))
        for running in self._concerned(service, server):
            if self._is_paused(service, running.place.server) != running.service.is_paused:
                (running.service.resume if running.service.is_paused else running.service.pause)()

    def run(self, service: PoolKey, server: DestinationKey | None) -> Deferred[list[Ran]]:
        """One attempt now of each check of a server, or of all servers of a virtual one; a few at a time."""
        few = DeferredSemaphore(ATTEMPTS_AT_ONCE)
        asked = self._concerned(service, server)
        return gatherResults([few.run(_run, running) for running in asked], consumeErrors=True)

    def _concerned(self, service: PoolKey, server: DestinationKey | None = None) -> list[Running]:
        """The checks of a server, or of all servers of a virtual one."""
        if server is not None:
            return list(self.of(service, server))
        pool = self._lvs.pools.get(service)
        members = () if pool is None else pool.members
        return [each for member in members for each in self.of(service, member.destination.key)]

    def _is_paused(self, service: PoolKey, server: DestinationKey) -> bool:
        return (service, server) in self._paused or (service, None) in self._paused

    # -- all of them, in steps --------------------------------------------------------------

    def begin(self) -> Iterator[None]:
        """Make the checks of every pool."""
        self._in_work.update(self._lvs.pools)
        for pool in self._lvs.pools.values():
            yield from self._make_pool(pool)
        running = chain.from_iterable(self._running.values())
        if any(isinstance(each.configured, BfdCheck) for each in running):
            self._log.info("Activating BFD healthchecker")

    def reload(self, part: Part[VirtualServer]) -> Iterator[None]:
        """Change the pools and their checks by what differs."""
        for gone in part.removed:
            key = pool_key(gone)
            for server in gone.real_servers:
                self._drop(key, key_of(server))
                yield
            self._awaited.pop(key, None)
            self._lvs.remove(key)
        for change in part.changed:
            yield from self._reload_pool(change)
        for added in part.added:
            yield from self._make_pool(self._lvs.add(added))

    def _make_pool(self, pool: Pool) -> Iterator[None]:
        awaited = self._awaited[pool.key] = {None}
        self._in_work.add(pool.key)
        pool.suspended = not self._wanted(pool.virtual_server)
        for server in pool.virtual_server.real_servers:
            yield from self._make_all(pool, server)
            key = pool.key, key_of(server)
            awaited.update(
                each.place for each in self._running.get(key, ()) if not each.service.standing.has_run
            )
        if not pool.suspended:
            self._has_run(pool.key, None)
        self._worked_on(pool)

    def _worked_on(self, pool: Pool) -> None:
        self._in_work.discard(pool.key)
        self._look_at(pool)

    # -- ha_suspend ------------------------------------------------------------------------

    def address_changed(self, address: Address, here: bool) -> None:
        """This host has an address now, or has it no longer."""
        concerned = [
            pool
            for pool in self._lvs.pools.values()
            if pool.virtual_server.ha_suspend and listens_on(pool.virtual_server, address)
        ]
        if concerned and self.running:
            word = "added" if here else "removed"
            self._log.info("Netlink reflector reports IP {address} {word}", address=str(address), word=word)
            for pool in concerned:
                self._look_at(pool)

    def _look_at(self, pool: Pool) -> None:
        """Have its checks stand still, or go on, if it is no longer as it was."""
        if pool.key in self._in_work or pool.suspended is not self._wanted(pool.virtual_server):
            return
        pool.suspended = not pool.suspended
        running = self._concerned(pool.key)
        awaited = self._awaited[pool.key] = {None}
        if pool.suspended:
            self._lvs.unchecked(pool.key)
            for each in running:
                each.service.stopService()
                self._say("Suspending", pool, each)
        else:
            awaited.update(each.place for each in running)
            for each in running:
                each.service.startService()
            self._has_run(pool.key, None)

    def _start(self, pool: Pool, running: Running) -> None:
        if pool.suspended:
            self._say("Deactivating", pool, running)
        else:
            running.service.startService()

    def _say(self, what: str, pool: Pool, running: Running) -> None:
        server = pool.server(running.place.server)
        self._log.info(
            "{what} healthchecker for service {service} for VS {name}",
            what=what,
            service=server.format(pool.virtual_server.protocol),
            name=pool.name,
        )

    def _has_run(self, key: PoolKey, place: Place | None) -> None:
        """A check of a pool has run for the first time, or never will."""
        awaited = self._awaited.get(key)
        if awaited is not None:
            awaited.discard(place)
            if not awaited:
                del self._awaited[key]
                self._lvs.checked(key)

    def _reload_pool(self, change: Changed[VirtualServer]) -> Iterator[None]:
        was = change.old
        servers = compare_real_servers(was, change.new)
        pool = self._lvs.change(change.new)
        self._in_work.add(pool.key)
        # At one go: a check that reports in between would not find its place in the pool.
        for server in servers.removed:
            self._drop(pool.key, key_of(server))
        for each in servers.changed:
            self._follow(pool, was, each)
        yield
        if was.virtualhost != change.new.virtualhost:
            followed = {id(each.new) for each in servers.changed} | {id(server) for server in servers.added}
            for server in change.new.real_servers:
                if id(server) not in followed:
                    self._follow(pool, was, Changed(server, server))
                    yield
        for server in servers.added:
            yield from self._make_all(pool, server)
        self._worked_on(pool)

    # -- one server's ---------------------------------------------------------------------

    def _make_all(self, pool: Pool, server: RealServer) -> Iterator[None]:
        member = pool.member(server)
        key = pool.key, key_of(server) if member is None else member.destination.key
        for index in range(len(server.checks)):
            running = self._make(pool, server, Place(self._lvs, *key, index))
            self._running.setdefault(key, []).append(running)
            self._start(pool, running)
            yield

    def _drop(self, service: PoolKey, server: DestinationKey) -> None:
        for running in self._running.pop((service, server), ()):
            running.service.stopService()
            self._has_run(service, running.place)

    def _follow(self, pool: Pool, was: VirtualServer, change: Changed[RealServer]) -> None:
        """A server has changed, and ``pool`` knows: change its checks, no more than needed.

        What asks the same goes on with all it knows; the others start anew,
        as up or down as the pool has them.
        """
        old, new = change.old, change.new
        key = pool.key, key_of(new)
        before = self._running.get(key, [])
        origins = [
            before[origin] if origin is not None else None for origin in predecessors(old.checks, new.checks)
        ]
        after: list[Running] = []
        for index, (check, running) in enumerate(zip(new.checks, origins, strict=True)):
            if running is not None and goes_on(
                (running.configured, old, was), (check, new, pool.virtual_server)
            ):
                running.place.index = index
                if running.configured.timing != check.timing:
                    running.service.reconfigure(check.timing)
                running.configured = check
                after.append(running)
            else:
                after.append(self._make(pool, new, Place(self._lvs, *key, index)))
        for running in before:
            if running not in after:
                running.service.stopService()
                self._has_run(pool.key, running.place)
        self._running[key] = after
        for running in after:
            if not running.service.running:
                self._start(pool, running)

    def _make(self, pool: Pool, server: RealServer, place: Place) -> Running:
        configured = server.checks[place.index]
        running = Running(
            place,
            configured,
            check_service(
                build_check(
                    configured, server, pool.virtual_server, self._reactor, self._scripts, self.known
                ),
                configured,
                service=server.format(pool.virtual_server.protocol),
                virtual_server=pool.name,
                report=place.report,
                clock=self._reactor,
                initially_up=pool.is_up(place.server, place.index),
                ran=partial(self._has_run, place.service, place),
            ),
        )
        if self._is_paused(place.service, place.server):
            running.service.pause()
        return running


def _run(running: Running) -> Deferred[Ran]:
    return running.service.run_now().addCallback(partial(Ran, running))
