"""Which request is answered by whom: a table of whole paths, and nothing that could climb out of it.  Pure.

A part of the API adds its lines with ``add``; there are no patterns and no
folders, for all names that a request is about go in its query or body.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import TypeAlias

import attrs
from twisted.internet.defer import Deferred

from kaltwisted.api.access import Role
from kaltwisted.api.exchange import Answer, Asked, RefusalError
from kaltwisted.config.model import Public

Handler: TypeAlias = Callable[[Asked], "Answer | Deferred[Answer]"]
"""Answers, at once or later; raises ``RefusalError``, or has its Deferred fail with one."""


@attrs.frozen
class Route:
    """One line: who answers, and what one has to be to ask; ``public``: anybody where that is configured."""

    method: str
    path: str
    handler: Handler
    role: Role = Role.READ
    public: Public | None = None


class Routes:
    """The table."""

    def __init__(self) -> None:
        self._routes: dict[str, dict[str, Route]] = {}

    def add(
        self,
        method: str,
        path: str,
        handler: Handler,
        role: Role = Role.READ,
        public: Public | None = None,
    ) -> None:
        """A line more; HEAD comes with GET."""
        methods = self._routes.setdefault(path, {})
        assert method not in methods, f"two answers to {method} {path}"
        methods[method] = Route(method, path, handler, role, public)

    def __iter__(self) -> Iterator[Route]:
        """All lines, in the order in which they were added."""
        for methods in self._routes.values():
            yield from methods.values()

    def find(self, asked: Asked) -> Route:
        """Whose a request is.

        :raises RefusalError: nobody's, or the asker may not.
        """
        methods = self._routes.get(asked.path)
        if methods is None:
            near = difflib.get_close_matches(asked.path[:200], self._routes, 1, 0.4)
            remedy = f"did you mean {near[0]}?" if near else f"there are: {' '.join(self._routes)}"
            raise RefusalError(404, "there is nothing at this path", remedy)
        route = methods.get("GET" if asked.method == "HEAD" else asked.method)
        if route is None:
            allowed = ", ".join(methods)
            raise RefusalError(
                405, f"{asked.path} does not take this method", f"use {allowed}", {"Allow": allowed}
            )
        if asked.access.role < route.role and route.public not in asked.access.public:
            # Whoever is not known might be somebody with a token; whoever is, may not.
            if asked.access.role is Role.PUBLIC:
                raise RefusalError(
                    401,
                    f"{asked.path} is not for everybody",
                    "send Authorization: Bearer TOKEN",
                    {"WWW-Authenticate": "Bearer"},
                )
            raise RefusalError(
                403, f"{asked.access.by} may not {asked.method} {asked.path}", "it takes the role control"
            )
        return route
