"""BFD's part of the status document (``GET /api/v1/status``): pieces of one JSON text.  Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from kaltwisted.bfd.session import Session
from kaltwisted.config.model import SECOND_US


def status(sessions: Iterable[Session], epoch_us: int) -> Iterator[str]:
    """The object ``bfd``, in pieces that make one text.

    :param epoch_us: the time of day when the sessions' clock was 0.
    """
    yield '{"sessions":['
    before = ""
    for session in sessions:
        yield before + json.dumps(_session(session, epoch_us))
        before = ","
    yield "]}"


def _session(session: Session, epoch_us: int) -> dict[str, Any]:
    config, variables = session.config, session.variables
    since, seen = variables.since, variables.last_seen
    return {
        "name": config.name,
        "neighbor": str(config.neighbor),
        "local": None if config.source is None else str(config.source),
        "state": str(session.state),
        "remote_state": str(variables.remote_state),
        "since": None if since is None else (since + epoch_us) / SECOND_US,
        "diagnostic": str(variables.diagnostic),
        "remote_diagnostic": str(variables.remote_diagnostic),
        "interval_ms": variables.interval_us / 1000,
        "multiplier": config.multiplier,
        "detection_ms": variables.detection_us / 1000,
        "last_seen": None if seen is None else (seen + epoch_us) / SECOND_US,
        "sent": variables.sent,
        "received": variables.received,
    }
