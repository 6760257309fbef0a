"""The whole API: each part of it adds its lines here."""

from __future__ import annotations

from kaltwisted import __version__
from kaltwisted.api import control, events, explaining, metrics, openapi, status
from kaltwisted.api.overrides import Overrides
from kaltwisted.api.page import serve
from kaltwisted.api.routes import Routes
from kaltwisted.ports import InThread, IOperations


def routes(operations: IOperations, overrides: Overrides, in_thread: InThread) -> Routes:
    """All that the API answers; ``in_thread`` calls a function in a thread."""
    table = Routes()
    status.add(table, operations)
    explaining.add(table, operations, in_thread)
    events.add(table, operations)
    control.add(table, overrides)
    metrics.add(table, operations, in_thread)
    openapi.add(table, __version__)
    serve.add(table)
    return table
