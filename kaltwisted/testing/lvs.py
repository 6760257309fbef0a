"""Stand-ins for data planes and for the kernel's IPVS."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterable

import attrs
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from kaltwisted.config.model import LvsTimeouts
from kaltwisted.kernel.generic import GENERIC_HEADER_SIZE, generic_header
from kaltwisted.kernel.messages import NLM_F_DUMP, Message, attribute, attributes
from kaltwisted.lvs import ipvs_messages as messages
from kaltwisted.lvs.ipvs_messages import Command
from kaltwisted.lvs.table import (
    Applied,
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    Table,
    steps_between,
)
from kaltwisted.ports import IDataPlane
from kaltwisted.testing.netlink import FakeNetlinkSocket, acknowledgement, listing, message


@implementer(IDataPlane)
class FakeDataPlane:
    """Does at once what it is told, and remembers.

    ``found``: what ``start`` reports.  ``applied``: every table asked for.
    ``outcomes``: results for the next ``apply`` calls in place of success;
    ``table`` is then left as it was.
    """

    name = "fake"

    def __init__(self, found: Table | None = None) -> None:
        self.found: Table = found or {}
        self.table: Table = {}
        self.ours: frozenset[ServiceKey] = frozenset()
        self.applied: list[Table] = []
        self.outcomes: list[Applied] = []
        self.stopped: bool | None = None

    def start(self) -> Deferred[Table]:
        self.table = self.found
        return succeed(self.table)

    def apply(self, desired: Table) -> Deferred[Applied]:
        self.applied.append(desired)
        if self.outcomes:
            return succeed(self.outcomes.pop(0))
        steps = sum(1 for _ in steps_between(self.table, desired, self.ours))
        foreign = {key: service for key, service in self.table.items() if key not in self.ours}
        self.ours = frozenset(desired)
        self.table = {**foreign, **desired}
        return succeed(Applied(steps))

    def snapshot(self) -> Deferred[Table]:
        return succeed(self.table)

    def stop(self, *, keep: bool) -> Deferred[None]:
        """``stopped`` tells what was asked: with ``keep`` or without."""
        self.stopped = keep
        if not keep:
            self.table = {key: service for key, service in self.table.items() if key not in self.ours}
        return succeed(None)


_FAMILY = 31
_DEFAULT_SCHEDULERS = frozenset({"rr", "wrr", "lc", "wlc", "sh", "mh", "dh", "lblc"})


class FakeIpvsKernel:
    """The kernel's side of generic netlink, as far as IPVS goes.

    ``table`` is its services; ``timeouts``: of connections, in seconds; ``sync_daemons``:
    the sync id of each that runs, by its role's number (``IP_VS_STATE_*``).
    ``commands``: what was asked, in order.
    ``interfere`` is called before each IPVS command is carried out, to change
    the table behind somebody's back or to return an errno to refuse with.
    """

    def __init__(self, schedulers: Iterable[str] = _DEFAULT_SCHEDULERS, *, present: bool = True) -> None:
        self.table: dict[ServiceKey, Service] = {}
        self.timeouts = LvsTimeouts(900, 120, 300)
        self.sync_daemons: dict[int, int] = {}
        self.schedulers = frozenset(schedulers)
        self.present = present
        self.commands: list[Command] = []
        self.sockets: list[FakeNetlinkSocket] = []
        self.interfere: Callable[[Command, Message], int | None] = lambda command, asked: None

    def connect(self) -> FakeNetlinkSocket:
        """A socket to it, for ``Netlink``."""
        self.sockets.append(FakeNetlinkSocket(self._answer))
        return self.sockets[-1]

    def _answer(self, asked: Message) -> Iterable[bytes]:
        if asked.type != _FAMILY:
            return self._control(asked)
        command = Command(asked.data[16])
        self.commands.append(command)
        refused = self.interfere(command, asked)
        if refused:
            return [acknowledgement(asked, refused)]
        return self._carry_out(command, asked)

    def _control(self, asked: Message) -> Iterable[bytes]:
        if not self.present:
            return [acknowledgement(asked, errno.ENOENT)]
        family = attribute(1, _FAMILY.to_bytes(2, "little")) + attribute(2, b"IPVS\0")
        return [
            message(asked.type, asked.sequence, generic_header(1, 2) + family),
            acknowledgement(asked),
        ]

    def _carry_out(self, command: Command, asked: Message) -> Iterable[bytes]:
        if command is Command.GET_SERVICE and asked.flags & NLM_F_DUMP == NLM_F_DUMP:
            return listing(asked, [self._service_payload(each) for each in self.table.values()])
        if command is Command.FLUSH:
            self.table.clear()
            return [acknowledgement(asked)]
        if command is Command.SET_CONFIG:
            given = attrs.asdict(messages.parse_timeouts(asked.data))
            changed = {name: seconds for name, seconds in given.items() if seconds}
            self.timeouts = attrs.evolve(self.timeouts, **changed)
            return [acknowledgement(asked)]
        if command is Command.GET_CONFIG:
            answer = message(asked.type, asked.sequence, messages.set_timeouts(self.timeouts))
            return [answer, acknowledgement(asked)]
        if command in (Command.NEW_DAEMON, Command.DEL_DAEMON):
            return [acknowledgement(asked, self._switch_sync_daemon(command, asked))]
        key = messages.parse_key(asked.data)
        service = self.table.get(key)
        match command:
            case Command.GET_DEST:
                found = () if service is None else service.destinations.values()
                return listing(
                    asked, [messages.put_destination(Command.NEW_DEST, key, each) for each in found]
                )
            case Command.GET_SERVICE:
                if service is None:
                    return [acknowledgement(asked, errno.ESRCH)]
                answer = message(asked.type, asked.sequence, self._service_payload(service))
                return [answer, acknowledgement(asked)]
            case Command.NEW_SERVICE | Command.SET_SERVICE:
                return [acknowledgement(asked, self._put_service(command, service, asked))]
        if service is None:
            return [acknowledgement(asked, errno.ESRCH)]
        if command is Command.DEL_SERVICE:
            del self.table[key]
            return [acknowledgement(asked)]
        return [acknowledgement(asked, self._change_destination(command, service, asked))]

    def _switch_sync_daemon(self, command: Command, asked: Message) -> int:
        [given] = attributes(asked.data, GENERIC_HEADER_SIZE).values()
        found = attributes(given)
        role, sync_id = (int.from_bytes(found.get(each, b""), sys.byteorder) for each in (1, 3))
        if command is Command.DEL_DAEMON:
            return 0 if self.sync_daemons.pop(role, None) is not None else errno.ESRCH
        if role in self.sync_daemons:
            return errno.EEXIST
        self.sync_daemons[role] = sync_id
        return 0

    def _service_payload(self, service: Service) -> bytes:
        return messages.put_service(Command.NEW_SERVICE, service)

    def _put_service(self, command: Command, present: Service | None, asked: Message) -> int:
        service = messages.parse_service(asked.data)
        if command is Command.NEW_SERVICE and present is not None:
            return errno.EEXIST
        if command is Command.SET_SERVICE and present is None:
            return errno.ESRCH
        if service.scheduler not in self.schedulers:
            return errno.ENOENT
        destinations = {} if present is None else present.destinations
        self.table[service.key] = attrs.evolve(service, destinations=dict(destinations))
        return 0

    def _change_destination(self, command: Command, service: Service, asked: Message) -> int:
        destinations: dict[DestinationKey, Destination] = dict(service.destinations)
        key = messages.parse_destination_key(asked.data)
        if command is Command.NEW_DEST and key in destinations:
            return errno.EEXIST
        if command is not Command.NEW_DEST and key not in destinations:
            return errno.ENOENT
        if command is Command.DEL_DEST:
            del destinations[key]
        else:
            destination = messages.parse_destination(asked.data).destination
            if destination.weight < 0 or destination.lthreshold > destination.uthreshold:
                return errno.ERANGE
            destinations[key] = destination
        self.table[service.key] = attrs.evolve(service, destinations=destinations)
        return 0
