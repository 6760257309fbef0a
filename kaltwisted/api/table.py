"""The whole API: each part of it adds its lines here."""

from __future__ import annotations

from kaltwisted.api import control, events, status
from kaltwisted.api.overrides import Overrides
from kaltwisted.api.routes import Routes
from kaltwisted.ports import IOperations


def routes(operations: IOperations, overrides: Overrides) -> Routes:
    """All that the API answers."""
    table = Routes()
    status.add(table, operations)
    events.add(table, operations)
    control.add(table, overrides)
    return table
