"""Keeps routes and rules standing: what is wanted is a value, and the kernel is brought to it.

To set what is there already changes nothing (EEXIST), so all that is wanted is
simply asked for once more when something of it was removed, when an interface
or address changed, and when events were lost.  No table is ever read: a router
may hold a million routes.
"""

from __future__ import annotations

import errno
from collections import Counter, deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.config.model import RoutingItem
from kaltwisted.config.model_routes import PROTOCOL_KEEPALIVED
from kaltwisted.kernel import routes
from kaltwisted.kernel.messages import MalformedError, Message, NetlinkError, Request
from kaltwisted.kernel.netlink import Netlink, Reactor
from kaltwisted.kernel.netlink_socket import NetlinkSocket, OpenSocket, open_socket
from kaltwisted.kernel.remembered_routing import RoutingRecord
from kaltwisted.kernel.rtnetlink import NETLINK_ROUTE
from kaltwisted.kernel.socket_filter import attach, type_filter
from kaltwisted.ports import IRouting

GROUPS = (
    routes.RTNLGRP_IPV4_ROUTE,
    routes.RTNLGRP_IPV4_RULE,
    routes.RTNLGRP_IPV6_ROUTE,
    routes.RTNLGRP_IPV6_RULE,
)
#: Requests per reactor turn.
SLICE = 32
#: How soon after a change all is asked for again, and how long between two times: somebody may remove
#: things as fast as we set them.
SOON_S = 0.1
PAUSE_S = 1.0

_GONE = frozenset((errno.ESRCH, errno.ENOENT, errno.ENODEV))
# Of what is not ours for certain: a kernel without IPv6 has none of it, and what it cannot have it has not.
_NOT_THERE = _GONE | {errno.EOPNOTSUPP, errno.EAFNOSUPPORT, errno.EINVAL}


def open_requests() -> NetlinkSocket:
    """A socket to ask by."""
    return open_socket(NETLINK_ROUTE)


def open_events(open_socket: OpenSocket = open_socket) -> NetlinkSocket:
    """A socket that hears what of ours is removed, and changes of rules."""
    opened = open_socket(NETLINK_ROUTE, GROUPS)
    program = type_filter(
        routes.RTM_DELROUTE, routes.PROTOCOL_OFFSET, PROTOCOL_KEEPALIVED, unwanted=routes.RTM_NEWROUTE
    )
    try:
        attach(opened, program)
    except OSError:
        pass  # we hear more than we need
    return opened


class _Job:
    """One ``want``: fires when ``left`` of its steps is 0."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.done: Deferred[None] = Deferred()
        self.settle(0)

    def settle(self, steps: int = 1) -> None:
        self.left -= steps
        if not self.left and not self.done.called:
            self.done.callback(None)


_Step = tuple[RoutingItem, _Job | None]
_Asked = tuple[_Step, bool] | None
"""A step and whether its item is wanted; None: nobody waits for the answer."""


@implementer(IRouting)
class Routing:
    """Routes and rules of all owners.

    :param link_of: finds an interface by its name.
    :param record: keeps what is put for the next life.

    Opens its sockets when something is wanted for the first time.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Reactor,
        link_of: routes.LinkOf,
        record: RoutingRecord | None = None,
        connect: Callable[[], NetlinkSocket] = open_requests,
        listen: Callable[[], NetlinkSocket] = open_events,
    ) -> None:
        self._reactor = reactor
        self._link_of = link_of
        self._record = RoutingRecord() if record is None else record
        self._connect = connect
        self._listen = listen
        self._netlink: Netlink | None = None
        self._events: Netlink | None = None
        self._wanted: dict[str, tuple[RoutingItem, ...]] = {}
        self._owners: dict[RoutingItem, str] = {}
        self._count: Counter[RoutingItem] = Counter()
        self._keys: Counter[Hashable] = Counter()
        self._standing: set[RoutingItem] = set()
        self._refused: dict[RoutingItem, str] = {}
        self._steps: deque[_Step] = deque()
        self._asking = False
        self._next: IDelayedCall | None = None
        self._again: IDelayedCall | None = None
        self._looked_at = -PAUSE_S
        self._stopped = False

    # --- IRouting ------------------------------------------------------------------------

    def start(self, kept: Sequence[RoutingItem], unwanted: Sequence[RoutingItem]) -> Deferred[None]:
        """Remove what an earlier life left."""
        return Deferred.fromCoroutine(self._remove_leftovers(kept, unwanted))

    def want(self, owner: str, items: Sequence[RoutingItem]) -> Deferred[None]:
        """Bring the kernel to what is wanted now; what is new first: nothing is missing in between."""
        before = self._wanted.get(owner, ())
        now = tuple(items)
        if before == now or self._stopped:
            return _Job(0).done
        if now:
            self._wanted[owner] = now
        else:
            del self._wanted[owner]
        added = [item for item in now if item not in before]
        gone = [item for item in reversed(before) if item not in now]
        for item in added:
            self._count[item] += 1
            self._keys[routes.key_of(item)] += 1
            self._owners[item] = owner
        for item in gone:
            self._count[item] -= 1
            self._keys[routes.key_of(item)] -= 1
            self._refused.pop(item, None)
            if not self._count[item]:
                del self._count[item], self._owners[item]
        job = _Job(len(added) + len(gone))
        self._enqueue([(item, job) for item in (*added, *gone)])
        return job.done

    def look_again(self) -> None:
        """See soon that all stands."""
        if self._count and self._again is None and not self._stopped:
            wait = max(SOON_S, self._looked_at + PAUSE_S - self._reactor.seconds())
            self._again = self._reactor.callLater(wait, self._ask_for_all)

    def stop(self) -> None:
        """Ask the kernel for no more; who waits is told."""
        self._stopped = True
        for call in (self._next, self._again):
            if call is not None:
                call.cancel()
        self._next = self._again = None
        for netlink in (self._netlink, self._events):
            if netlink is not None:
                netlink.close()
        steps, self._steps = self._steps, deque()
        for _, job in steps:
            if job is not None:
                job.settle()

    # --- a slice at a time ---------------------------------------------------------------

    def _enqueue(self, steps: Sequence[_Step]) -> None:
        self._steps.extend(steps)
        self._schedule()

    def _schedule(self) -> None:
        # Not in this turn: whoever asks has adverts to send first.
        if self._steps and not self._asking and self._next is None and not self._stopped:
            self._next = self._reactor.callLater(0, self._ask)

    def _requests(self) -> Netlink:
        if self._events is None:
            self._events = Netlink(self._reactor, self._listen, heard=self._heard, lost=self.look_again)
        if self._netlink is None:
            self._netlink = Netlink(self._reactor, self._connect)
        return self._netlink

    def _ask(self) -> None:
        """Send the next slice: each thing as it is wanted now, whatever was asked for."""
        self._next = None
        asked: list[_Asked] = []
        requests: list[Request] = []
        while self._steps and len(requests) < SLICE:
            step = self._steps.popleft()
            item = step[0]
            wanted = item in self._count
            try:
                request = routes.add_item(item, self._link_of) if wanted else self._removal(item)
            except routes.NoInterfaceError as error:
                self._settled(step, wanted, str(error) if wanted else None)
            else:
                before = self._record.put(item, request) if wanted else None
                if before is not None:
                    # Its VRF has another table now: what is in the old one nobody else would remove.
                    requests.append(routes.undo(before))
                    asked.append(None)
                requests.append(request)
                asked.append((step, wanted))
        if not requests:
            self._schedule()
            return
        self._record.save()
        try:
            batch = self._requests().batch(requests)
        except OSError as error:
            for step, wanted in filter(None, asked):
                self._settled(step, wanted, str(error))
            self._schedule()
            return
        self._asking = True
        batch.addCallbacks(self._answered, self._closed, callbackArgs=(asked,), errbackArgs=(asked,))

    def _removal(self, item: RoutingItem) -> Request:
        """As it was put: its VRF may be gone by now."""
        put = self._record.what_put(item)
        return routes.remove_item(item, self._link_of) if put is None else routes.undo(put)

    def _answered(self, errors: list[NetlinkError | None], asked: list[_Asked]) -> None:
        self._asking = False
        for each, error in zip(asked, errors, strict=True):
            if each is None:
                continue
            step, wanted = each
            fine = error is None or (error.errno == errno.EEXIST if wanted else error.errno in _GONE)
            if wanted and error is None:
                self._tell_return(step[0])
            self._settled(step, wanted, None if fine else _in_words(error))
        if not self._steps:
            self._record.save()
        self._schedule()

    def _closed(self, failure: Failure, asked: list[_Asked]) -> None:
        failure.trap(CancelledError)
        self._asking = False
        for (_, job), _ in filter(None, asked):
            if job is not None:
                job.settle()

    # --- what became of it ---------------------------------------------------------------

    def _settled(self, step: _Step, wanted: bool, why: str | None) -> None:
        item, job = step
        owner = self._owners.get(item, "")
        if wanted and why is None:
            self._standing.add(item)
            self._refused.pop(item, None)
        else:
            self._standing.discard(item)
        if not wanted and why is None:
            self._record.gone(item)
        if why is not None and self._refused.get(item) != why:
            what = "set" if wanted else "remove"
            self._log.warn(
                "({owner}) cannot {what} {item}: {why}", owner=owner, what=what, item=item, why=why
            )
            if wanted and item in self._count:
                self._refused[item] = why
        if job is not None:
            job.settle()

    def _tell_return(self, item: RoutingItem) -> None:
        owner = self._owners.get(item, "")
        if item in self._standing:
            self._log.warn("({owner}) {item} was gone, and is set again", owner=owner, item=item)
        elif item in self._refused:
            self._log.info("({owner}) {item} is set now", owner=owner, item=item)

    # --- what others do ------------------------------------------------------------------

    def _heard(self, message: Message) -> None:
        if message.type not in (routes.RTM_DELROUTE, routes.RTM_DELRULE):
            return
        try:
            if self._keys[routes.key_told(message)] > 0:
                self.look_again()
        except MalformedError as error:
            self._log.warn("Netlink: {error}", error=str(error))

    def _ask_for_all(self) -> None:
        self._again = None
        self._looked_at = self._reactor.seconds()
        self._enqueue(
            [(item, None) for item in self._count if not item.no_track or item not in self._standing]
        )

    # --- what an earlier life left -------------------------------------------------------

    async def _remove_leftovers(self, kept: Sequence[RoutingItem], unwanted: Sequence[RoutingItem]) -> None:
        # Of what a life without a record left, or a keepalived, we know what is configured still.
        requests = self._record.leftovers(self._put_by(kept), self._put_by(unwanted).values())
        if not requests:
            return
        try:
            netlink = Netlink(self._reactor, self._connect)
        except OSError as error:
            self._log.warn("Cannot look for routes of an earlier life: {error}", error=str(error))
            return
        removed = 0
        try:
            for first in range(0, len(requests), SLICE):
                for refusal in await netlink.batch(requests[first : first + SLICE]):
                    removed += refusal is None
                    if refusal is not None and refusal.errno not in _NOT_THERE:
                        self._log.warn("{error}", error=str(refusal))
        finally:
            netlink.close()
        self._record.save()
        if removed:
            self._log.info("Removed {count} routes and rules, left by an earlier life", count=removed)

    def _put_by(self, items: Sequence[RoutingItem]) -> dict[RoutingItem, Request]:
        """What would put these."""
        found = {}
        for item in items:
            with suppress(routes.NoInterfaceError):
                found[item] = routes.add_item(item, self._link_of)
        return found


def _in_words(error: NetlinkError | None) -> str:
    """Without the item, which the line names already."""
    assert error is not None
    return str(NetlinkError(error.errno, message=error.message))
