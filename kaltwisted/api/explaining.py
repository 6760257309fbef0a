"""``GET /api/v1/explain?name=…``: ``explain`` for those who have no status document at hand.

In a thread: ten thousand servers are a text of megabytes.  It is read one
virtual server at a time, for the interpreter holds up the reactor as long as
one call of the JSON reader takes.
"""

from __future__ import annotations

import json
from typing import Any, Final

from twisted.internet.defer import Deferred

from kaltwisted.api.exchange import Answer, Asked, RefusalError, encoded
from kaltwisted.api.explain import UnknownNameError, explain
from kaltwisted.api.routes import Routes
from kaltwisted.config.model import Public
from kaltwisted.ports import InThread, IOperations, Part

_LIST: Final = '"virtual_servers":['


def add(routes: Routes, operations: IOperations, in_thread: InThread) -> None:
    """Serve explanations."""

    async def answer(name: str) -> Answer:
        text = await operations.status(frozenset(Part))
        return Answer(await in_thread(lambda: _explained(text.decode(), name)))

    def ask(asked: Asked) -> Deferred[Answer]:
        name = asked.query.get("name")
        if not name:
            raise RefusalError(400, "name is missing", "name an instance, a group, a server: ?name=…")
        return Deferred.fromCoroutine(answer(name))

    routes.add("GET", "/api/v1/explain", ask, public=Public.STATUS)


def _explained(text: str, name: str) -> bytes:
    try:
        found = explain(read(text), name)
    except UnknownNameError as error:
        near = " or ".join(error.near) or "GET /api/v1/status names all there is"
        raise RefusalError(404, str(error), f"did you mean {near}?" if error.near else near) from None
    return encoded([{"name": each.name, "kind": each.kind, "sentences": each.sentences} for each in found])


def read(text: str) -> Any:
    """A status document, with one call of the JSON reader for each virtual server."""
    begin = text.find(_LIST)
    if begin < 0:
        return json.loads(text)
    decoder, at = json.JSONDecoder(), begin + len(_LIST)
    services = []
    while text[at] != "]":
        service, at = decoder.raw_decode(text, at)
        services.append(service)
        if text[at] == ",":
            at += 1
    document = json.loads(text[: begin + len(_LIST)] + text[at:])
    document["checkers"]["virtual_servers"] = services
    return document
