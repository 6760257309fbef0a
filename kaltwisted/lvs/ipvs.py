"""The kernel's IPVS as data plane: the desired table made so by generic netlink."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import cast

import attrs
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.config.model import FlushOnStop, GlobalDefs
from kaltwisted.kernel.generic import open_generic
from kaltwisted.kernel.messages import NetlinkError
from kaltwisted.kernel.netlink import WINDOW, Reactor
from kaltwisted.kernel.netlink_socket import NetlinkSocket
from kaltwisted.lvs import ipvs_messages as messages
from kaltwisted.lvs.ipvs_kernel import IpvsKernel, IpvsUnavailableError
from kaltwisted.lvs.ipvs_reasons import describe, is_surprise, reason
from kaltwisted.lvs.ipvs_settings import IpvsSettings
from kaltwisted.lvs.ipvs_usable import why_not
from kaltwisted.lvs.ownership import OwnershipFile
from kaltwisted.lvs.table import (
    AddDestination,
    AddService,
    Applied,
    DeleteDestination,
    DeleteService,
    Failure,
    Service,
    ServiceKey,
    SetDestination,
    SetService,
    Step,
    Table,
    steps_between,
)
from kaltwisted.ports import IDataPlane

__all__ = ["IpvsDataPlane", "IpvsUnavailableError", "why_not"]

#: How often a service is looked at again, within one apply, because others change it as we do.
_ROUNDS = 4
_COMPARED_PER_TURN = 1000


@attrs.define
class _Work:
    """One ``apply`` under way: steps taken, refusals by service, services found other than believed."""

    steps: int = 0
    failures: dict[ServiceKey, list[Failure]] = attrs.field(factory=dict)
    surprises: dict[ServiceKey, Failure] = attrs.field(factory=dict)


@implementer(IDataPlane)
class IpvsDataPlane:
    """IPVS of the network namespace we run in.

    What we believe to be in the kernel is kept beside what is asked for, so
    that ``apply`` sends differences only.  After a ``snapshot`` the belief is
    what was read: to repair what somebody changed by hand, take a snapshot and
    apply the desired table again.  Wherever the kernel's answer contradicts
    the belief, the service is read again and worked on from what it is.

    ``state_file`` names our services for the next life (see OwnershipFile).
    ``flush_first`` (keepalived: ``lvs_flush``): start with an empty table, and
    so adopt nothing.
    ``ours``: those services of the kernel that we, now or in an earlier life, were
    asked for; the rest is foreign and never touched.
    """

    name = "ipvs"
    _log = Logger()

    def __init__(
        self,
        reactor: Reactor,
        state_file: Path | None = None,
        *,
        flush_first: bool = False,
        connect: Callable[[], NetlinkSocket] = open_generic,
    ) -> None:
        self._reactor = reactor
        self._flush_first = flush_first
        self._defs = GlobalDefs()
        self._kernel = IpvsKernel(reactor, connect)
        self._settings = IpvsSettings(reactor, self._kernel, connect)
        self._ownership = OwnershipFile(state_file)
        self._lock = DeferredLock()
        self._stopping = False
        self.ours: frozenset[ServiceKey] = frozenset()
        # The belief; None: not known, read before use.
        self._known: dict[ServiceKey, Service] | None = None
        # Services as they were asked for, and as the kernel will report them.
        self._asked: dict[ServiceKey, tuple[Service, Service]] = {}

    def configure(self, defs: GlobalDefs) -> Deferred[None]:
        """Take over what concerns IPVS as a whole; fires when the kernel has it.

        Before the start nothing is asked of the kernel yet.
        """
        self._defs = defs
        return self._lock.run(self._configure)

    # --- IDataPlane --------------------------------------------------------------------

    def start(self) -> Deferred[Table]:
        """Fires with what the kernel holds; fails with IpvsUnavailableError or NetlinkError."""
        return self._lock.run(self._start)

    def apply(self, desired: Table) -> Deferred[Applied]:
        return self._lock.run(self._apply, desired)

    def snapshot(self) -> Deferred[Table]:
        return self._lock.run(self._snapshot)

    def stop(self, *, keep: bool) -> Deferred[None]:
        self._stopping = True  # an apply under way ends at its next step
        return self._lock.run(self._stop, keep)

    # --- Starting and stopping ---------------------------------------------------------

    async def _start(self) -> Table:
        self._stopping = False
        await self._kernel.open()
        try:
            if self._flush_first:
                await self._kernel.flush()
            await self._settings.make_so(self._defs)
            self._known = await self._read_table()
        except BaseException:
            self._kernel.close()
            raise
        self.ours = self._ownership.read() & self._known.keys()
        return dict(self._known)

    async def _configure(self) -> None:
        if self._kernel.is_open:
            await self._settings.make_so(self._defs)

    async def _stop(self, keep: bool) -> None:
        if not self._kernel.is_open:
            return
        try:
            await self._settings.undo()
            if not keep and self._defs.lvs_flush_on_stop is FlushOnStop.ALL:
                await self._kernel.flush()
                self.ours = frozenset()
                self._ownership.remove()
            elif not keep:
                await self._delete_ours()
        finally:
            self._kernel.close()
            self._known = None

    async def _delete_ours(self) -> None:
        left: set[ServiceKey] = set()
        steps = [DeleteService(key) for key in self.ours]
        for _ in range(_ROUNDS):
            errors: list[NetlinkError | None] = []
            for start in range(0, len(steps), WINDOW):
                errors += await self._kernel.send(steps[start : start + WINDOW])
            answered = list(zip(steps, errors, strict=True))
            for step, error in answered:
                if error is not None and not is_surprise(step, error):
                    left.add(step.key)
                    why = reason(step, error)
                    self._log.warn("cannot remove service {key}: {reason}", key=step.key, reason=why)
            steps = [step for step, error in answered if error is not None and error.answer_lost]
            if not steps:
                break
        self.ours = frozenset(left)
        if left:
            self._ownership.write(self.ours)
        else:
            self._ownership.remove()

    # --- Applying ----------------------------------------------------------------------

    async def _apply(self, desired: Table) -> Applied:
        known = self._known
        if known is None:
            known = await self._read_table()
        wanted = self._as_reported(desired)
        # Written down before it is done: whoever finds us killed half-way knows them for ours.
        self.ours |= wanted.keys()
        self._ownership.write(self.ours)

        self._known = None  # until all is answered
        await self._recognise(known, wanted)
        work = _Work()
        await self._take(steps_between(known, wanted, self.ours), work)
        self._believe(known, wanted, known.keys() | wanted.keys(), work)
        for _ in range(_ROUNDS):
            if not work.surprises or self._stopping:
                break
            again, work.surprises = work.surprises, {}
            for key, found in again.items():
                what, why = describe(found.step), found.reason
                self._log.info("{key} is not as we left it ({what}: {why})", key=key, what=what, why=why)
            await self._read_services(known, again)
            actual = {key: known[key] for key in again if key in known}
            part = {key: wanted[key] for key in again if key in wanted}
            for key in again:
                work.failures.pop(key, None)
            await self._take(steps_between(actual, part, self.ours), work)
            self._believe(known, wanted, again, work)
        for key, failure in work.surprises.items():
            work.failures.setdefault(key, []).append(failure)
        await self._read_services(known, work.failures)
        if self._stopping:
            return Applied(work.steps, _flat(work.failures))
        self._known = known
        self.ours = frozenset(key for key in self.ours if key in known or key in wanted)
        self._ownership.write(self.ours)
        return Applied(work.steps, _flat(work.failures))

    async def _recognise(
        self, known: dict[ServiceKey, Service], wanted: Mapping[ServiceKey, Service]
    ) -> None:
        """Let equal destinations be the same objects, so that ``steps_between`` need not compare them.

        That takes 15 ms for 5,000 of them, as when a full table is adopted: so it
        is done some per reactor turn.
        """
        compared = 0
        for key, service in wanted.items():
            present = known.get(key)
            if present is None or present is service:
                continue
            destinations = dict(present.destinations)
            for there, each in service.destinations.items():
                found = destinations.get(there)
                if found is None or found is each:
                    continue
                if found == each:
                    destinations[there] = each
                compared += 1
                if compared % _COMPARED_PER_TURN == 0:
                    await deferLater(cast(IReactorTime, self._reactor), 0)
            known[key] = attrs.evolve(present, destinations=destinations)

    async def _take(self, steps: Iterator[Step], work: _Work) -> None:
        """Send the steps, a batch at a time, and sort the answers."""
        refused: set[ServiceKey] = set()  # services that could not be added
        while not self._stopping:
            batch = list(islice((step for step in steps if _service_of(step) not in refused), WINDOW))
            if not batch:
                return
            for step, error in zip(batch, await self._kernel.send(batch), strict=True):
                key = _service_of(step)
                if error is None:
                    work.steps += 1
                elif key in refused:
                    pass  # its destinations: a consequence, not a reason
                elif is_surprise(step, error):
                    work.surprises.setdefault(key, Failure(step, reason(step, error)))
                else:
                    work.failures.setdefault(key, []).append(Failure(step, reason(step, error)))
                    if isinstance(step, AddService):
                        refused.add(key)

    def _believe(
        self,
        known: dict[ServiceKey, Service],
        wanted: Mapping[ServiceKey, Service],
        keys: Iterable[ServiceKey],
        work: _Work,
    ) -> None:
        """What went well is now so; what did not is read again by the caller."""
        for key in list(keys):
            if key in work.surprises or key in work.failures:
                continue
            service = wanted.get(key)
            if service is not None:
                known[key] = service
            elif key in self.ours:
                known.pop(key, None)

    def _as_reported(self, desired: Table) -> dict[ServiceKey, Service]:
        """The desired table in the kernel's spelling; unchanged services keep their identity."""
        asked = self._asked
        self._asked = {}
        for key, service in desired.items():
            before = asked.get(key)
            same = before is not None and before[0] is service
            self._asked[key] = before if same and before else (service, messages.as_reported(service))
        return {key: reported for key, (_, reported) in self._asked.items()}

    # --- Reading -----------------------------------------------------------------------

    async def _snapshot(self) -> Table:
        self._known = None
        self._known = await self._read_table()
        return dict(self._known)

    async def _read_table(self) -> dict[ServiceKey, Service]:
        return await self._kernel.read_table({key: reported for key, (_, reported) in self._asked.items()})

    async def _read_services(self, known: dict[ServiceKey, Service], keys: Iterable[ServiceKey]) -> None:
        """Read some services again; those that are not there leave ``known``."""
        for key in keys:
            _, expected = self._asked.get(key, (None, None))
            found = await self._kernel.read_service(key, expected)
            known.pop(key, None)
            if found is not None:
                known[key] = found


def _service_of(step: Step) -> ServiceKey:
    match step:
        case AddDestination(service=key) | SetDestination(service=key) | DeleteDestination(service=key):
            return key
        case AddService(service) | SetService(service):
            return service.key
        case DeleteService(key):
            return key


def _flat(failures: Mapping[ServiceKey, list[Failure]]) -> tuple[Failure, ...]:
    return tuple(failure for each in failures.values() for failure in each)
