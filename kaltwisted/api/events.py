"""What has happened: kept for those who ask later, told at once to those who listen (server-sent events)."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.api.exchange import Answer, Asked, RefusalError, Send
from kaltwisted.api.routes import Routes
from kaltwisted.config.model import Public
from kaltwisted.ports import Event, IEvents, IOperations, StateChange

KEPT: Final = 4096
LONGEST_WHY: Final = 500
HEARTBEAT: Final = b": still here\n\n"


@implementer(IEvents)
class EventLog:
    """The last ``KEPT`` events of all roles.

    An id says when its daemon began, too: one of an earlier daemon is lower
    than all of this one's.
    """

    _log = Logger()

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._listeners: list[Callable[[Event], object]] = []
        self._first = self.last = int(now()) * 1000

    def note(self, role: str, change: StateChange, at: float | None = None) -> None:
        """Something has changed.  ``role``: whose; ``at``: seconds since 1970, None: now."""
        self.last += 1
        document = {
            "id": self.last,
            "at": round(self._now() if at is None else at, 3),
            "role": role,
            "kind": change.kind,
            "name": change.name,
            "from": change.before,
            "to": change.after,
            "why": None if change.why is None else change.why[:LONGEST_WHY],
        }
        event = Event(self.last, change.kind, json.dumps(document))
        self._kept.append(event)
        for heard in tuple(self._listeners):
            try:
                heard(event)
            except Exception:  # one listener's defect is no reason to keep it from the others
                self._log.failure("Event {id}", id=event.id)

    def after(self, id: int) -> tuple[list[Event], bool]:
        """As the seam says."""
        oldest = self._kept[0].id if self._kept else self.last + 1
        missed = self._first < id + 1 < oldest or (id <= self._first and oldest > self._first + 1)
        return [event for event in self._kept if event.id > id], missed

    def listen(self, heard: Callable[[Event], object]) -> Callable[[], None]:
        """As the seam says."""
        self._listeners.append(heard)

        def leave() -> None:
            if heard in self._listeners:
                self._listeners.remove(heard)

        return leave


def add(routes: Routes, operations: IOperations) -> None:
    """Serve events: a stream, or with ``Accept: application/json`` the list."""
    events = operations.events

    def answer(asked: Asked) -> Answer:
        given = asked.query.get("after", asked.headers.get("last-event-id"))
        if given is not None and not (given.isascii() and given.isdigit() and len(given) < 20):
            raise RefusalError(400, "after is no event's id", "give the id of the last event that you have")
        if asked.headers.get("accept", "").startswith("application/json"):
            found, missed = events.after(0 if given is None else int(given))
            return Answer(_list(found, events.last, missed))
        return _stream(events, None if given is None else int(given))

    routes.add("GET", "/api/v1/events", answer, public=Public.STATUS)


def _list(found: list[Event], last: int, missed: bool) -> bytes:
    texts = ",\n".join(event.text for event in found)
    return f'{{"events":[{texts}],"last":{last},"missed":{json.dumps(missed)}}}\n'.encode()


def _stream(events: IEvents, after: int | None) -> Answer:
    """From now on, or from behind the event ``after``."""
    found, missed = ([], False) if after is None else events.after(after)
    before = b"retry: 2000\n\n"
    if missed:
        before += b"event: missed\ndata: {}\n\n"
    before += b"".join(map(_sent, found))

    def stream(send: Send) -> Callable[[], None]:
        return events.listen(lambda event: send(_sent(event)))

    return Answer(before, content_type="text/event-stream", stream=stream, heartbeat=HEARTBEAT)


def _sent(event: Event) -> bytes:
    return f"id: {event.id}\nevent: {event.kind}\ndata: {event.text}\n\n".encode()
