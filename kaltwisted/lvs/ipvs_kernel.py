"""What can be asked of the kernel's IPVS, in values of ours."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar, cast

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorProcess
from twisted.internet.utils import getProcessValue
from twisted.logger import Logger

from kaltwisted.config.model import LvsTimeouts
from kaltwisted.kernel.generic import find_family
from kaltwisted.kernel.messages import Message, NetlinkError, Request
from kaltwisted.kernel.netlink import Netlink, Reactor
from kaltwisted.kernel.netlink_socket import NetlinkSocket
from kaltwisted.lvs import ipvs_messages as messages
from kaltwisted.lvs.ipvs_messages import Command
from kaltwisted.lvs.ipvs_reasons import is_surprise
from kaltwisted.lvs.ipvs_usable import MISSING
from kaltwisted.lvs.table import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Destination,
    DestinationKey,
    Service,
    ServiceKey,
    SetDestination,
    SetService,
    Step,
    Table,
)

T = TypeVar("T")

#: How often a listing is asked for again, when its answers got lost.
_TRIES = 4
_MODPROBE = "/sbin/modprobe"


class IpvsUnavailableError(Exception):
    """This kernel's IPVS cannot be used; the text says why and what would help."""


class IpvsKernel:
    """A conversation with the IPVS of one network namespace; IpvsUnavailableError while it is not open."""

    _log = Logger()

    def __init__(self, reactor: Reactor, connect: Callable[[], NetlinkSocket]) -> None:
        self._reactor = reactor
        self._connect = connect
        self._netlink: Netlink | None = None
        self._family = 0

    async def open(self) -> None:
        """Find IPVS, asking for its module where it is not loaded."""
        try:
            self._netlink = Netlink(self._reactor, self._connect)
        except OSError as error:
            raise IpvsUnavailableError(f"no netlink socket: {error.strerror}") from error
        try:
            family = await find_family(self._netlink, messages.FAMILY_NAME)
            if family is None:
                await self._load_module()
                family = await find_family(self._netlink, messages.FAMILY_NAME)
            if family is None:
                raise IpvsUnavailableError(MISSING)
        except BaseException:
            self.close()
            raise
        self._family = family

    def close(self) -> None:
        """End the conversation; what was not answered is cancelled."""
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None

    @property
    def is_open(self) -> bool:
        return self._netlink is not None

    def send(self, steps: Iterable[Step]) -> Deferred[list[NetlinkError | None]]:
        """Take the steps, in this order; fires with the error of each, or None."""
        return self._conversation.batch([self._request(_payload(step), step) for step in steps])

    async def flush(self) -> None:
        """Delete every service there is; fails with NetlinkError."""
        await self._conversation.request(self._request(messages.flush(), "empty the IPVS table"))

    async def read_timeouts(self) -> LvsTimeouts:
        """How long connections are kept; fails with NetlinkError."""
        request = self._request(messages.get_timeouts(), "read IPVS timeouts")
        [answer] = await self._conversation.request(request)
        return messages.parse_timeouts(answer.data)

    async def set_timeouts(self, timeouts: LvsTimeouts) -> None:
        """Keep connections so long; fails with NetlinkError."""
        request = self._request(messages.set_timeouts(timeouts), f"set IPVS timeouts {timeouts}")
        await self._conversation.request(request)

    async def read_table(self, expected: Table) -> dict[ServiceKey, Service]:
        """All there is; equal parts of ``expected`` are those very objects.

        So the comparing of a table with thousands of destinations is paid for
        as they arrive, and ``steps_between`` finds sameness by identity.
        """
        request = self._request(messages.get_service(None), "list IPVS services")
        found = await self._listing(request, _parse_service)
        return {each.key: await self._with_destinations(each, expected.get(each.key)) for each in found}

    async def read_service(self, key: ServiceKey, expected: Service | None) -> Service | None:
        """One service, or None where it is not there; equal parts of ``expected`` are those very objects."""
        request = self._request(messages.get_service(key), f"read service {key}")
        try:
            answers = await self._conversation.request(request)
        except NetlinkError as error:
            if not is_surprise(DeleteService(key), error):
                raise
            answers = []
        return await self._with_destinations(_parse_service(answers[0]), expected) if answers else None

    async def _with_destinations(self, service: Service, expected: Service | None) -> Service:
        asked: Mapping[DestinationKey, Destination] = {} if expected is None else expected.destinations

        def parse(message: Message) -> Destination:
            found = messages.parse_destination(message.data)
            destination = found.destination
            known = asked.get(destination.key)
            if known is None:
                return destination
            if found.local_node:
                # The kernel's own choice of method for an address of its own.
                destination = attrs.evolve(destination, forwarding=known.forwarding)
            return known if known == destination else destination

        request = self._request(messages.get_destinations(service.key), f"list destinations of {service.key}")
        found = await self._listing(request, parse)
        if (
            expected is not None
            and len(found) == len(asked)
            and all(asked.get(each.key) is each for each in found)
            and service.same_settings(expected)
        ):
            return expected
        return attrs.evolve(service, destinations={each.key: each for each in found})

    async def _load_module(self) -> None:
        reactor = cast(IReactorProcess, self._reactor)
        try:
            await getProcessValue(_MODPROBE, ["-q", "ip_vs"], os.environ, reactor=reactor)
        except OSError as error:
            self._log.debug("modprobe ip_vs: {error}", error=error)

    @property
    def _conversation(self) -> Netlink:
        if self._netlink is None:
            raise IpvsUnavailableError("the data plane is not started")
        return self._netlink

    async def _listing(self, request: Request, parse: Callable[[Message], T]) -> list[T]:
        for _ in range(_TRIES - 1):
            try:
                return await self._conversation.dump(request, parse)
            except NetlinkError as error:
                if not error.answer_lost:
                    raise
        return await self._conversation.dump(request, parse)

    def _request(self, payload: bytes, attempted: object) -> Request:
        return Request(self._family, payload, attempted=attempted)


def _parse_service(message: Message) -> Service:
    return messages.parse_service(message.data)


def _payload(step: Step) -> bytes:
    match step:
        case AddDestination(service=key, destination=destination):
            return messages.put_destination(Command.NEW_DEST, key, destination)
        case SetDestination(service=key, destination=destination):
            return messages.put_destination(Command.SET_DEST, key, destination)
        case DeleteDestination(service=key, key=destination_key):
            return messages.delete_destination(key, destination_key)
        case AddService(service):
            return messages.put_service(Command.NEW_SERVICE, service)
        case SetService(service):
            return messages.put_service(Command.SET_SERVICE, service)
        case DeleteService(key):
            return messages.delete_service(key)
