"""State changes as lines of JSON, from a role's process to the supervisor."""

from __future__ import annotations

import json
from collections.abc import Iterator

from kaltwisted.ports import StateChange


def line(change: StateChange, at: float) -> str:
    """One change, with the time of day in seconds since 1970."""
    fields = (round(at, 3), change.kind, change.name, change.before, change.after, change.why)
    return json.dumps(fields) + "\n"


def changes(text: str) -> Iterator[tuple[float, StateChange]]:
    """What was written by ``line``."""
    for each in text.splitlines():
        at, *fields = json.loads(each)
        yield at, StateChange(*fields)
