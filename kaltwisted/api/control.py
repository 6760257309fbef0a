"""Overrides over HTTP: list, put, take back; and checks that run now."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from kaltwisted.api.access import Role
from kaltwisted.api.exchange import Answer, Asked, RefusalError, encoded
from kaltwisted.api.override import LONGEST_NAME, Aspect, Wish
from kaltwisted.api.overrides import Overrides
from kaltwisted.api.routes import Routes
from kaltwisted.config.model import Public


def add(routes: Routes, overrides: Overrides) -> None:
    """Serve them; who may only read may see what is overridden."""

    def listed(_: Asked) -> Deferred[Answer]:
        return overrides.listed().addCallback(lambda all: Answer(encoded({"overrides": all})))

    async def put(asked: Asked) -> Answer:
        wish = Wish.read(asked.json())
        done = await overrides.put(wish, asked.access.by)
        member = "removed" if wish.action is None else "overrides"
        return Answer(encoded({member: [each.told() for each in done]}))

    async def delete(asked: Asked) -> Answer:
        target, word = asked.query.get("target"), asked.query.get("aspect")
        if not target:
            raise RefusalError(400, "target is missing", "say ?target=NAME")
        try:
            aspect = None if word is None else Aspect(word)
        except ValueError:
            names = ", ".join(each.value for each in Aspect)
            raise RefusalError(
                400, "aspect is none that there is", f"one of {names}, or none for all"
            ) from None
        gone = await overrides.take_back(target[:LONGEST_NAME], aspect, asked.access.by)
        return Answer(encoded({"removed": [each.told() for each in gone]}))

    async def run(asked: Asked) -> Answer:
        found = await overrides.run_checks(_target(asked.json()), asked.access.by)
        return Answer(b'{"checks": ' + found + b"}\n")

    path = "/api/v1/overrides"
    routes.add("GET", path, listed, public=Public.STATUS)
    routes.add("PUT", path, lambda asked: Deferred.fromCoroutine(put(asked)), Role.CONTROL)
    routes.add("DELETE", path, lambda asked: Deferred.fromCoroutine(delete(asked)), Role.CONTROL)
    routes.add("POST", "/api/v1/checks/run", lambda asked: Deferred.fromCoroutine(run(asked)), Role.CONTROL)


def _target(body: Any) -> str:
    target = body.get("target") if isinstance(body, dict) else None
    if not isinstance(target, str) or not 0 < len(target) <= LONGEST_NAME:
        raise RefusalError(400, "target is missing", 'send {"target": NAME}')
    return target
