"""Puts addresses on interfaces and takes them off, a slice per reactor turn.

The kernel works on a batch while it is being sent, some 40 us an address with
everything that listens.  A thousand in one go would hold adverts up for 40 ms,
so a slice stays well below 5 ms and the next waits for the reactor's next turn.
"""

from __future__ import annotations

import errno
import socket
from collections import deque
from collections.abc import Callable, Sequence

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.kernel.messages import (
    NLM_F_ACK,
    NLM_F_REQUEST,
    NetlinkError,
    Request,
    error_of,
    pack,
    split,
)
from kaltwisted.kernel.netlink import Netlink, Reactor
from kaltwisted.kernel.netlink_socket import NetlinkSocket, open_socket
from kaltwisted.kernel.rtnetlink import AF_INET, NETLINK_ROUTE, RTM_DELADDR, add_address, remove_address
from kaltwisted.ports import IAddresses, PlacedAddress, Refused

#: Addresses per reactor turn.
SLICE = 32

# What only says that there was nothing to do.
_ADDED_BEFORE = frozenset((errno.EEXIST,))
_NOT_THERE = frozenset((errno.EADDRNOTAVAIL, errno.ENODEV))


def open_requests() -> NetlinkSocket:
    """A socket to ask by."""
    return open_socket(NETLINK_ROUTE)


def why_not() -> str | None:
    """Why this process cannot set addresses, in words with what helps; None when it can.

    A master that cannot would take the traffic from one that can, and drop it.
    """
    # To remove an address that is not told is wrong in itself; whether we may is looked at first.
    nothing = Request(RTM_DELADDR, bytes((AF_INET, 0, 0, 0)))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_ROUTE) as asking:
        asking.send(pack(nothing, NLM_F_REQUEST | NLM_F_ACK, 1))
        for message in split(asking.recv(4096)):
            refusal = error_of(message)
            if refusal is not None and refusal.errno == errno.EPERM:
                return (
                    "VRRP cannot set addresses: Operation not permitted; run as root, or give the "
                    "process CAP_NET_ADMIN too (systemd: AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN)"
                )
    return None


def _add(placed: PlacedAddress) -> Request:
    return add_address(placed.index, placed.address)


def _remove(placed: PlacedAddress) -> Request:
    return remove_address(placed.index, placed.address)


@attrs.define(eq=False)
class _Job:
    """One call of ``add`` or ``remove``, until its last address is settled."""

    addresses: Sequence[PlacedAddress]
    request: Callable[[PlacedAddress], Request]
    fine: frozenset[int]
    settled: Callable[[Sequence[PlacedAddress]], object] | None
    done: Deferred[tuple[Refused, ...]]
    asked: int = 0
    waiting: int = 0
    refused: list[Refused] = attrs.field(factory=list)

    def finish_if_settled(self) -> None:
        if self.waiting == 0 and self.asked == len(self.addresses) and not self.done.called:
            self.done.callback(tuple(self.refused))

    def cancel(self) -> None:
        self.asked = len(self.addresses)
        self.done.callback(tuple(self.refused))


@implementer(IAddresses)
class Addresses:
    """Adds and removes addresses in the order asked for.

    Opens its socket at once; the OSError of that passes.
    """

    def __init__(self, reactor: Reactor, connect: Callable[[], NetlinkSocket] = open_requests) -> None:
        self._reactor = reactor
        self._netlink = Netlink(reactor, connect)
        self._jobs: deque[_Job] = deque()
        self._next: IDelayedCall | None = None
        self._asking = False

    # --- IAddresses ----------------------------------------------------------------------

    def add(
        self,
        addresses: Sequence[PlacedAddress],
        placed: Callable[[Sequence[PlacedAddress]], object] | None = None,
    ) -> Deferred[tuple[Refused, ...]]:
        """Put them there; ``placed`` hears of every few that stand."""
        return self._enqueue(addresses, _add, _ADDED_BEFORE, placed)

    def remove(self, addresses: Sequence[PlacedAddress]) -> Deferred[tuple[Refused, ...]]:
        """Take them away."""
        return self._enqueue(addresses, _remove, _NOT_THERE, None)

    def stop(self) -> None:
        """Ask the kernel for no more; what waits is told that it was not done."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        self._netlink.close()
        while self._jobs:
            job = self._jobs.popleft()
            if not job.done.called:
                job.cancel()

    # --- A slice at a time ---------------------------------------------------------------

    def _enqueue(
        self,
        addresses: Sequence[PlacedAddress],
        request: Callable[[PlacedAddress], Request],
        fine: frozenset[int],
        settled: Callable[[Sequence[PlacedAddress]], object] | None,
    ) -> Deferred[tuple[Refused, ...]]:
        job = _Job(addresses, request, fine, settled, Deferred(lambda _: job.cancel()))
        self._jobs.append(job)
        job.finish_if_settled()
        # Not in this turn: whoever asks has adverts of others to send first.
        if not self._asking and self._next is None:
            self._next = self._reactor.callLater(0, self._ask)
        return job.done

    def _ask(self) -> None:
        """Send the next slice, from as many jobs as it takes."""
        self._next = None
        requests: list[Request] = []
        parts: list[tuple[_Job, list[PlacedAddress]]] = []
        while self._jobs and len(requests) < SLICE:
            job = self._jobs[0]
            part: list[PlacedAddress] = []
            for placed in job.addresses[job.asked : job.asked + SLICE - len(requests)]:
                job.asked += 1
                try:
                    requests.append(job.request(placed))
                except ValueError as error:
                    job.refused.append(Refused(placed, str(error)))
                else:
                    part.append(placed)
            if part:
                job.waiting += len(part)
                parts.append((job, part))
            if job.asked >= len(job.addresses):
                self._jobs.popleft()
                job.finish_if_settled()
        if requests:
            self._asking = True
            self._netlink.batch(requests).addCallbacks(
                self._answered, self._closed, callbackArgs=(parts,), errbackArgs=(parts,)
            )

    def _answered(
        self, errors: list[NetlinkError | None], parts: list[tuple[_Job, list[PlacedAddress]]]
    ) -> None:
        self._asking = False
        # Not in this turn: the answers are read where the sockets of others wait as well.
        if self._jobs:
            self._next = self._reactor.callLater(0, self._ask)
        answers = iter(errors)
        for job, part in parts:
            standing = []
            for placed, error in zip(part, answers, strict=False):
                if error is None or error.errno in job.fine:
                    standing.append(placed)
                else:
                    job.refused.append(Refused(placed, str(error)))
            job.waiting -= len(part)
            if job.settled is not None and standing and not job.done.called:
                job.settled(standing)
            job.finish_if_settled()

    def _closed(self, failure: Failure, parts: list[tuple[_Job, list[PlacedAddress]]]) -> None:
        failure.trap(CancelledError)
        self._asking = False
        for job, _ in parts:
            if not job.done.called:
                job.cancel()
