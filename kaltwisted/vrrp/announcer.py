"""Sends announcements from the queues, a slice per reactor turn, so that adverts are never kept waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.config.model import Address
from kaltwisted.ports import IAnnouncer, IFrames, Link
from kaltwisted.vrrp.announce import Announcement, AnnounceQueue, Lane, Paces, frame

#: Frames from one look at the clock to the next, and what a turn may take before others have theirs.
_BETWEEN_LOOKS = 8
_TURN_S = 0.0015


@implementer(IAnnouncer)
class Announcer:
    """One queue a lane and family; ``link`` finds an interface by its name.

    :param paces: how fast they may go.
    :param forwards: whether the host forwards IPv6 packets of an interface.
    :param log_each: log every announcement (keepalived: ``-D``); a thousand addresses make six
        thousand lines, which take a third of the time even where nobody reads them.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        frames: IFrames,
        link: Callable[[str], Link | None],
        *,
        paces: Paces | None = None,
        forwards: Callable[[str], bool] = lambda interface: False,
        log_each: bool = False,
    ) -> None:
        self._reactor = reactor
        self._frames = frames
        self._link = link
        self._forwards = forwards
        self._log_each = log_each
        self._paces = Paces() if paces is None else paces
        self._queues: dict[tuple[Lane, int], AnnounceQueue] = {}
        self._next: IDelayedCall | None = None
        self._failing: set[str] = set()

    def announce(self, owner: str, addresses: Sequence[tuple[str, Address]], repeat: int) -> None:
        """Queue ``repeat`` rounds."""
        by_queue: dict[tuple[Lane, int], list[Announcement]] = {}
        for interface, address in addresses:
            version = address.version
            lane = self._paces.lanes(interface)[version == 6]
            by_queue.setdefault((lane, version), []).append(Announcement(owner, interface, address))
            if self._log_each:
                self._log.debug(
                    "({owner}) Sending/queueing {kind}s on {interface} for {address}",
                    owner=owner,
                    kind="gratuitous ARP" if address.version == 4 else "Unsolicited Neighbour Advert",
                    interface=interface,
                    address=address,
                )
        for place, announcements in by_queue.items():
            queue = self._queues.get(place)
            if queue is None:
                queue = self._queues[place] = AnnounceQueue(place[0].interval_us)
            queue.add(announcements, repeat)
        self._schedule()

    def reconfigure(self, paces: Paces) -> None:
        """Go at these from now on; what waits already goes as it would have."""
        self._paces = paces
        self._queues = {place: queue for place, queue in self._queues.items() if queue}

    def cancel(self, owner: str) -> None:
        """Announce nothing more for ``owner``."""
        for queue in self._queues.values():
            queue.drop(owner)

    def stop(self) -> None:
        """Announce nothing more."""
        self._queues.clear()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _schedule(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        due = [at for queue in self._queues.values() if (at := queue.due()) is not None]
        if due:
            wait = min(due) / 1e6 - self._reactor.seconds()
            self._next = self._reactor.callLater(max(0.0, wait), self._turn)

    def _turn(self) -> None:
        self._next = None
        started = now = self._reactor.seconds()
        first_rounds = True
        while first_rounds and now - started < _TURN_S:
            for queue in self._queues.values():
                for announcement in queue.take(int(now * 1e6), _BETWEEN_LOOKS):
                    self._send(announcement)
            now = self._reactor.seconds()
            # Repeats can wait: a few per turn, so that addresses still being set are not kept from theirs.
            first_rounds = any(queue.is_first_due(int(now * 1e6)) for queue in self._queues.values())
        self._schedule()

    def _send(self, announcement: Announcement) -> None:
        interface = announcement.interface
        link = self._link(interface)
        if link is None or link.loopback or len(link.mac) != 6:
            return  # nobody to tell: no Ethernet, or no interface any more
        address = announcement.address
        router = address.version == 6 and self._forwards(interface)
        why = self._frames.send(link, frame(address, link.mac, router=router))
        if why is None:
            self._failing.discard(interface)
            if self._log_each:
                self._log.debug(
                    "Sending {kind} on {interface} for {address}",
                    kind="gratuitous ARP" if address.version == 4 else "unsolicited Neighbour Advert",
                    interface=interface,
                    address=address,
                )
        elif interface not in self._failing:
            self._failing.add(interface)
            self._log.warn(
                "Cannot announce {address} on {interface}: {why}",
                address=address,
                interface=interface,
                why=why,
            )
