"""The whole API: each part of it adds its lines here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from kaltwisted.api import events, explaining, status
from kaltwisted.api.routes import Routes
from kaltwisted.ports import IOperations


def routes(operations: IOperations, in_thread: Callable[[Callable[[], Any]], Deferred[Any]]) -> Routes:
    """All that the API answers.  ``in_thread``: calls a function in a thread."""
    table = Routes()
    status.add(table, operations)
    events.add(table, operations)
    explaining.add(table, operations, in_thread)
    return table
