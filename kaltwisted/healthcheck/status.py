"""Health checks in the status document: JSON text of one check, and why it fails.  Pure.

Ten thousand of them are to be told within a tenth of a second, so the text is
put together here; only words go through an encoder.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as quoted
from typing import Final

import attrs

from kaltwisted.config.model import Address, Check, HttpCheck, MiscCheck
from kaltwisted.config.model_checks import kind
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.retry import Retry

NOT_RUN: Final = "has not run yet"
_JSON = {True: "true", False: "false"}


@attrs.frozen(slots=True)
class CheckStatus:
    """One check as it stands.

    Times are seconds of the check's clock, None: never; ``now`` is its reading.
    ``epoch``: the time of day in seconds since 1970 at which it was 0.
    """

    check: Check
    standing: Retry
    outcome: Outcome | None
    last_run: float | None
    latency_s: float
    next_run: float | None
    now: float
    epoch: float
    is_paused: bool = False

    def text(self) -> str:
        """The object in ``checks``."""
        standing, ran, due = self.standing, self.last_run, self.next_run
        when = "null" if ran is None else f"{ran + self.epoch:.3f}"
        took = "null" if ran is None else f"{self.latency_s * 1000:.3f}"
        waits = "null" if due is None else f"{due - self.now:.3f}"
        return (
            f'{{"kind":"{kind(self.check)}","target":{quoted(target(self.check))},'
            f'"up":{_JSON[standing.up]},"has_run":{_JSON[standing.has_run]},'
            f'"last_result":{quoted(words(self.outcome))},"last_run":{when},"latency_ms":{took},'
            f'"next_in_s":{waits},"retries_left":{max(0, standing.timing.retry - standing.retries_used)},'
            f'"paused":{_JSON[self.is_paused]}}}'
        )

    def why(self) -> str:
        """Why it keeps its server out of the pool."""
        name = f"{kind(self.check)} {target(self.check)}"
        if not self.standing.has_run:
            return f"{name} {NOT_RUN}, and until it succeeds the server counts as down"
        return f"{name} fails: {words(self.outcome)}"


def target(check: Check) -> str:
    """What a check asks, as short as can be."""
    if isinstance(check, MiscCheck):
        return str(check.script)
    where = endpoint(check.connection.ip, check.connection.port)
    if isinstance(check, HttpCheck):
        return " ".join((where, *(url.path for url in check.urls)))
    return where


def endpoint(address: Address, port: int) -> str:
    """``10.0.0.1:80``, ``[2001:db8::1]:80``."""
    return f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"


def words(outcome: Outcome | None) -> str:
    """What it found the last time."""
    return NOT_RUN if outcome is None else outcome.words
