"""Health checks in the status document: JSON text of one check, and why it fails.  Pure.

Ten thousand of them are to be told within a tenth of a second, so the text is
put together here; only words go through an encoder.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Final

from kaltwisted.config.identity import EndPoint
from kaltwisted.config.model import (
    BfdCheck,
    Check,
    DnsCheck,
    FileCheck,
    HttpCheck,
    MiscCheck,
    PingCheck,
)
from kaltwisted.config.model_checks import kind
from kaltwisted.healthcheck.retry import Retry

if TYPE_CHECKING:
    from kaltwisted.healthcheck.service import Statistics

NOT_RUN: Final = "has not run yet"
_JSON = {True: "true", False: "false"}


def head(check: Check) -> str:
    """The beginning of the object in ``checks``: what is the same for as long as a check is configured so."""
    return f'{{"kind":"{kind(check)}","target":{quoted(target(check))},"up":'


def text(
    begun: str, standing: Retry, statistics: Statistics, now: float, epoch: float, *, is_paused: bool = False
) -> str:
    """The object in ``checks``.

    :param begun: its ``head``.
    :param now: what the check's clock says, in seconds.
    :param epoch: the time of day in seconds since 1970 at which that was 0.
    """
    ran, due, outcome = statistics.last_run, statistics.next_run, statistics.last_outcome
    left = standing.timing.retry - standing.retries_used
    if ran is None or outcome is None:
        last = f'"{NOT_RUN}","last_run":null,"latency_ms":null'
    else:
        took_ms = statistics.last_latency * 1000
        last = f'{quoted(outcome.words)},"last_run":{ran + epoch:.3f},"latency_ms":{took_ms:.3f}'
    return (
        f'{begun}{_JSON[standing.up]},"has_run":{_JSON[standing.has_run]},"last_result":{last},'
        f'"next_in_s":{"null" if due is None else f"{due - now:.3f}"},'
        f'"retries_left":{left if left > 0 else 0},"paused":{_JSON[is_paused]}}}'
    )


def why(check: Check, standing: Retry, statistics: Statistics) -> str:
    """Why it keeps its server out of the pool."""
    name = f"{kind(check)} {target(check)}"
    outcome = statistics.last_outcome
    if not standing.has_run or outcome is None:
        return f"{name} {NOT_RUN}, and until it succeeds the server counts as down"
    return f"{name}: {outcome.words}"


def target(check: Check) -> str:
    """What a check asks, as short as can be."""
    if isinstance(check, MiscCheck):
        return str(check.script)
    if isinstance(check, BfdCheck):
        return check.name
    if isinstance(check, FileCheck):
        return check.track_file
    if isinstance(check, PingCheck):
        return str(check.connection.ip)
    where = str(EndPoint(check.connection.ip, check.connection.port))
    if isinstance(check, HttpCheck):
        return " ".join((where, *(url.path for url in check.urls)))
    if isinstance(check, DnsCheck):
        return f"{where} {check.name or '.'} {check.type}"
    return where
