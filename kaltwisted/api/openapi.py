"""``GET /openapi.json``: the API for programs that make clients of it.  Pure.

What is answered is taken from the routes; here is what they cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from kaltwisted.api.access import Role
from kaltwisted.api.exchange import JSON, Answer, encoded
from kaltwisted.api.override import GIVES_BACK, LONGEST_NAME, Action, Aspect
from kaltwisted.api.routes import Route, Routes

PATH: Final = "/openapi.json"


@attrs.frozen
class Described:
    """What a route does.

    ``parameters``: those of the query: name, whether it must be there, what it is, and its schema.
    ``body``: the schema of what is sent.  ``gives``: what is answered.  ``content_type``: as what.
    ``statuses``: other answers than 200, and why they come.
    """

    summary: str
    parameters: tuple[tuple[str, bool, str, Mapping[str, Any]], ...] = ()
    body: Mapping[str, Any] | None = None
    gives: str = "what is asked for"
    content_type: str = JSON
    statuses: Mapping[int, str] = attrs.field(factory=dict)


_TEXT: Final = {"type": "string", "maxLength": LONGEST_NAME}
_TARGET: Final = {
    **_TEXT,
    "description": "the id of a server, or the name of an instance or group; less will do where it is clear",
}
_WISH: Final = {
    "type": "object",
    "required": ["target", "action"],
    "properties": {
        "target": _TARGET,
        "action": {"enum": [*(each.value for each in Action), *GIVES_BACK]},
        "value": {"type": "integer", "description": "the weight, with action weight"},
        "reason": {**_TEXT, "description": "why, for whoever reads the status"},
        "force": {"type": "boolean", "description": "even if the pool is left without its quorum"},
    },
}
_UNCLEAR: Final = {404: "there is no such target", 409: "it is not clear which, or it costs a quorum"}
_PROBE: Final = {503: "it is not, and the answer says why"}

DESCRIBED: Final[Mapping[tuple[str, str], Described]] = {
    ("GET", "/api/v1/status"): Described(
        "All that the daemon knows of itself",
        (("part", False, "daemon, vrrp, checkers, bfd, or several with commas", {"type": "string"}),),
        gives="the document of docs/status.schema.json",
    ),
    ("GET", "/api/v1/explain"): Described(
        "In words why something is as it is",
        (("name", True, "of an instance, group, virtual or real server, or session", _TEXT),),
        gives="sentences",
        statuses={404: "there is nothing of that name"},
    ),
    ("GET", "/api/v1/events"): Described(
        "What has happened, and what happens",
        (("after", False, "the id of the last event that is known", {"type": "string"}),),
        gives="server-sent events; with Accept: application/json the list of the latest",
        content_type="text/event-stream",
    ),
    ("GET", "/api/v1/overrides"): Described("What operators override", gives="a list of overrides"),
    ("PUT", "/api/v1/overrides"): Described(
        "Override something", body=_WISH, gives="what is overridden now", statuses=_UNCLEAR
    ),
    ("DELETE", "/api/v1/overrides"): Described(
        "Override something no longer",
        (
            ("target", True, "whose override", _TARGET),
            ("aspect", False, "which of them; all if it is not there", {"enum": [e.value for e in Aspect]}),
        ),
        gives="what was overridden",
        statuses=_UNCLEAR,
    ),
    ("GET", "/api/v1/access"): Described(
        "What one may do", gives="the role (public, read or control), and by what name the log knows one"
    ),
    ("POST", "/api/v1/checks/run"): Described(
        "Have the checks of a server run now",
        body={"type": "object", "required": ["target"], "properties": {"target": _TARGET}},
        gives="what they found",
        statuses=_UNCLEAR,
    ),
    ("GET", "/health/live"): Described("Whether the daemon lives", gives="it does", statuses=_PROBE),
    ("GET", "/health/ready"): Described("Whether all of it does its work", gives="it does", statuses=_PROBE),
    ("GET", "/metrics"): Described(
        "The state as Prometheus' metrics", gives="metrics", content_type="text/plain"
    ),
    ("GET", PATH): Described("This document", gives="OpenAPI 3.1"),
}

_REFUSAL: Final = {
    "type": "object",
    "required": ["error", "remedy"],
    "properties": {"error": {"type": "string"}, "remedy": {"type": "string"}},
}


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The document for these routes; one that is not described here is left out: it is for browsers."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        described = DESCRIBED.get((route.method, route.path))
        if described is not None:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, described)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kaltwisted",
            "version": version,
            "description": "A director's state, and what steers it. Times are seconds since 1970.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Refusal": _REFUSAL},
        },
    }


def add(routes: Routes, version: str) -> None:
    """Serve it to anybody: it has nothing in it of this daemon but its version."""
    routes.add("GET", PATH, lambda _: Answer(encoded(document(routes, version))), Role.PUBLIC)


def _operation(route: Route, described: Described) -> dict[str, Any]:
    refusals = {**described.statuses, 400: "the request makes no sense"}
    if route.role > Role.PUBLIC:
        refusals |= {401: "whose token is that?"}
    if route.role > Role.READ:
        refusals |= {403: "the token is good for reading only"}
    operation: dict[str, Any] = {
        "summary": described.summary,
        "operationId": f"{route.method.lower()}{route.path.removeprefix('/api/v1').replace('/', '_')}",
        "responses": {
            "200": {"description": described.gives, "content": {described.content_type: {}}},
            **{
                str(status): {
                    "description": words,
                    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Refusal"}}},
                }
                for status, words in sorted(refusals.items())
            },
        },
    }
    if route.role > Role.PUBLIC:
        operation["security"] = [{"token": []}, *([{}] if route.public is not None else [])]
    if described.parameters:
        operation["parameters"] = [
            {"name": name, "in": "query", "required": required, "description": words, "schema": schema}
            for name, required, words, schema in described.parameters
        ]
    if described.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": described.body}}}
    return operation
