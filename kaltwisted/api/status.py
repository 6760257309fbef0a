"""``GET /api/v1/status`` and the health of the daemon."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from kaltwisted.api.exchange import Answer, Asked, RefusalError, encoded
from kaltwisted.api.routes import Routes
from kaltwisted.config.model import Public
from kaltwisted.ports import IOperations, Part

ALL = frozenset(Part)


def add(routes: Routes, operations: IOperations) -> None:
    """Serve the status document and the probes."""

    def status(asked: Asked) -> Deferred[Answer]:
        text: Deferred[bytes] = operations.status(_parts(asked))
        return text.addCallback(Answer)

    def live(_: Asked) -> Answer:
        return _probe(operations.health().why_not_live)

    def ready(_: Asked) -> Answer:
        return _probe(operations.health().why_not_ready)

    routes.add("GET", "/api/v1/status", status, public=Public.STATUS)
    routes.add("GET", "/health/live", live, public=Public.HEALTH)
    routes.add("GET", "/health/ready", ready, public=Public.HEALTH)


def _parts(asked: Asked) -> frozenset[Part]:
    """``part=vrrp,bfd``; all when it is not given."""
    given = asked.query.get("part")
    if given is None:
        return ALL
    try:
        return frozenset(Part(word) for word in given.split(","))
    except ValueError:
        names = ", ".join(part.value for part in Part)
        raise RefusalError(400, "part names no part of the status", f"one or more of {names}") from None


def _probe(why_not: tuple[str, ...]) -> Answer:
    return Answer(encoded({"ok": not why_not, "why_not": why_not}), 503 if why_not else 200)
