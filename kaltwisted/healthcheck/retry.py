"""The retry rule: what one attempt's result means for a checker, and when the next attempt is due.

Pure and without a clock: it answers each result with a step, and the service
turns steps into log lines, timers and verdicts.  keepalived's rule
(``retry``, ``delay_before_retry``, ``delay_loop``, ``alpha``):

- the first result after start decides at once, without retries;
- a failure of a good checker is tried ``retry`` more times,
  ``delay_before_retry`` apart, before the checker counts as failed;
- one success makes it good again;
- good or failed, it otherwise runs every ``delay_loop``.
"""

from __future__ import annotations

from enum import Enum

from kaltwisted.config.model import CheckTiming
from kaltwisted.healthcheck.outcome import Outcome


class Step(Enum):
    """What a result changed.  All but ``RETRY`` leave the next run to the regular schedule."""

    STEADY = "no change"
    CONFIRMED = "the first result is as was assumed at start"
    RETRY = "failed, and a retry is left: run again after delay_before_retry"
    WENT_UP = "was failed, is good"
    WENT_DOWN = "was good, has failed"
    REWEIGHTED = "still good, and asks for another weight"


class Retry:
    """One checker's state: good or failed, and the retries used up.

    ``up``: as what the checker counts until its first result; by default as
    ``alpha`` says, or else a state adopted from an earlier life.
    """

    __slots__ = ("has_run", "retries_used", "timing", "up", "weight")

    def __init__(self, timing: CheckTiming, up: bool | None = None) -> None:
        self.timing = timing
        self.up = (not timing.alpha) if up is None else up
        self.has_run = False
        self.retries_used = 0
        self.weight: int | None = None

    def handle(self, outcome: Outcome) -> Step:
        """Take one attempt's result into account."""
        first, self.has_run = not self.has_run, True
        if outcome.good:
            return self._good(outcome.weight, first)
        if not self.up:
            return Step.CONFIRMED if first else Step.STEADY
        if not first and self.retries_used < self.timing.retry:
            self.retries_used += 1
            return Step.RETRY
        self.up = False
        self.weight = None
        return Step.WENT_DOWN

    def _good(self, weight: int | None, first: bool) -> Step:
        reweighted = weight is not None and weight != self.weight
        self.weight = weight
        self.retries_used = 0
        if not self.up:
            self.up = True
            return Step.WENT_UP
        if first:
            return Step.CONFIRMED
        return Step.REWEIGHTED if reweighted else Step.STEADY
