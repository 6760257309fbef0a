"""The service around one check: it paces the runs, applies the retry rule, logs and reports."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kaltwisted.config.model import SECOND_US, Check, CheckTiming, MiscCheck
from kaltwisted.healthcheck.outcome import Outcome, Verdict
from kaltwisted.healthcheck.retry import Retry, Step
from kaltwisted.healthcheck.schedule import first_run, next_slot
from kaltwisted.healthcheck.wording import wording_of
from kaltwisted.ports import ICheck


@attrs.define
class Statistics:
    """What a check has done so far, for status pages.

    Seconds; ``next_run`` and ``last_run`` on the reactor's clock, None: none.
    ``max_lateness``: the longest that a run began after its time.
    ``skipped``: slots that passed while an attempt was still running.
    """

    runs: int = 0
    failures: int = 0
    skipped: int = 0
    last_outcome: Outcome | None = None
    last_run: float | None = None
    last_latency: float = 0.0
    next_run: float | None = None
    max_lateness: float = 0.0


class CheckService(Service):
    """Runs one check for as long as the service runs; never two attempts at once.

    The runs keep to an absolute schedule, one ``delay_loop`` apart, that
    begins at this check's own share of ``warmup``: an attempt that takes long
    skips slots, and delays none.  A retry comes ``delay_before_retry`` after
    its failure.  While it is paused it makes no attempt by itself, and its
    state stays, whatever one finds that was asked for.

    :param check: what to run.
    :param configured: the check's block in the configuration: timing and kind.
    :param service: the real server, as log lines name it.
    :param virtual_server: likewise the virtual server.
    :param report: told of every change, after it was logged.
    :param clock: the reactor.
    :param initially_up: a state adopted from an earlier life; None: as ``alpha`` says.
    :param ran: called when the first result since a start has been told.
    """

    _log = Logger()

    def __init__(
        self,
        check: ICheck,
        configured: Check,
        *,
        service: str,
        virtual_server: str,
        report: Callable[[Verdict], object],
        clock: IReactorTime,
        initially_up: bool | None = None,
        ran: Callable[[], object] = lambda: None,
    ) -> None:
        self.check = check
        self.statistics = Statistics()
        self.is_paused = False
        self._asking: list[Deferred[Outcome | None]] = []
        self._retry = Retry(configured.timing, initially_up)
        self._period = _period(configured.timing)
        self._wording = wording_of(configured)
        self._service = service
        self._virtual_server = virtual_server
        self._script = str(configured.script) if isinstance(configured, MiscCheck) else ""
        self._report = report
        self._ran = ran
        self._has_ran = False
        self._clock = clock
        self._origin = 0.0
        self._due = 0.0
        self._began = 0.0
        self._timer: IDelayedCall | None = None
        self._attempt: Deferred[Outcome] | None = None

    @property
    def _names(self) -> dict[str, str]:
        """What log lines are filled in with."""
        return {
            "service": self._service,
            "virtual_server": self._virtual_server,
            "script": self._script,
        }

    @property
    def up(self) -> bool:
        """Whether the checker counts as good."""
        return self._retry.up

    @property
    def standing(self) -> Retry:
        """What the retry rule knows, to be read."""
        return self._retry

    # -- IService -------------------------------------------------------------------

    def startService(self) -> None:
        """Begin the schedule."""
        super().startService()
        self._has_ran = False
        self._begin()

    def _begin(self) -> None:
        self._log.info(
            "Activating healthchecker for service {service} for VS {virtual_server}", **self._names
        )
        now = self._clock.seconds()
        name = f"{self._service} {self._virtual_server} {self.check.describe()}"
        self._origin = first_run(self._retry.timing, name, now)
        if not self.is_paused:
            self._arm(self._origin, now)

    def stopService(self) -> None:
        """End the schedule and a running attempt with it."""
        super().stopService()
        self._disarm()
        if self._attempt is not None:
            self._attempt.cancel()
        self._answer(None)

    def reconfigure(self, timing: CheckTiming) -> None:
        """Take over a changed timing; state, counters and retries used stay as they are."""
        self._retry.timing = timing
        self._period = _period(timing)
        now = self._clock.seconds()
        if self._timer is not None and self._due > now + self._period:
            self._timer.cancel()
            self._arm(next_slot(self._origin, self._period, now), now)

    # -- what operators ask for ------------------------------------------------------------

    def pause(self) -> None:
        """Stand still: whatever an attempt that is under way finds, it changes nothing."""
        self.is_paused = True
        self._disarm()

    def resume(self) -> None:
        """Go on by the schedule."""
        self.is_paused = False
        if self.running and self._timer is None and self._attempt is None:
            now = self._clock.seconds()
            self._arm(next_slot(self._origin, self._period, now), now)

    def run_now(self) -> Deferred[Outcome | None]:
        """One attempt at once, or the one under way; None: it came to no end, by a defect or a stop.

        It counts as any other, unless the check is paused.
        """
        asked: Deferred[Outcome | None] = Deferred()
        if not self.running:
            asked.callback(None)
            return asked
        self._asking.append(asked)
        if self._attempt is None:
            self._disarm()
            self._due = self._clock.seconds()
            self._run()
        return asked

    def _answer(self, outcome: Outcome | None) -> None:
        asking, self._asking = self._asking, []
        for asked in asking:
            asked.callback(outcome)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.statistics.next_run = None

    # -- one run: a thousand a second, so nothing here that is not needed -------------------

    def _arm(self, due: float, now: float) -> None:
        self._due = self.statistics.next_run = due
        self._timer = self._clock.callLater(max(0.0, due - now), self._run)

    def _run(self) -> None:
        self._timer = None
        self._began = now = self._clock.seconds()
        statistics = self.statistics
        statistics.runs += 1
        if now - self._due > statistics.max_lateness:
            statistics.max_lateness = now - self._due
        # Held only while it has no result: most attempts outlive this line, some do not.
        attempt = self._attempt = self.check.run()
        attempt.addCallbacks(self._finished, self._broken)

    def _finished(self, outcome: Outcome) -> None:
        self._attempt = None
        now = self._clock.seconds()
        statistics = self.statistics
        statistics.last_outcome = outcome
        statistics.last_run = self._began
        statistics.last_latency = now - self._began
        if not outcome.good:
            statistics.failures += 1
        if not self.running:
            return
        if not self.is_paused:
            self._count(outcome, now)
        if self._asking:
            self._answer(outcome)

    def _count(self, outcome: Outcome, now: float) -> None:
        statistics, retry = self.statistics, self._retry
        step = retry.handle(outcome)
        if step is Step.RETRY:
            self._arm(now + retry.timing.delay_before_retry_us / SECOND_US, now)
        else:
            due = next_slot(self._origin, self._period, now)
            if now - self._began > self._period:
                statistics.skipped += int((due - self._due) / self._period) - 1
            self._arm(due, now)
        if step is not Step.STEADY or not outcome.good:
            self._tell(step, outcome)
        if not self._has_ran and step is not Step.RETRY:
            self._has_ran = True
            self._ran()

    def _broken(self, failure: Failure) -> None:
        """The check itself failed, by a defect: no news about the server, so nothing changes."""
        self._attempt = None
        if not self.running:
            failure.trap(CancelledError)
            return
        self._log.failure("Health check of {service} broke", failure, service=self._service)
        if not self.is_paused:
            now = self._clock.seconds()
            self._arm(next_slot(self._origin, self._period, now), now)
        self._answer(None)

    # -- changes and failures ------------------------------------------------------------

    def _tell(self, step: Step, outcome: Outcome) -> None:
        wording, timing, retries = self._wording, self._retry.timing, self._retry.retries_used
        is_told = step is not Step.WENT_DOWN or wording.attempt_failed != wording.failed
        if step is Step.STEADY and not wording.attempts_while_down:
            is_told = False
        if (not outcome.good and is_told) and (
            timing.log_all_failures or (step is Step.RETRY and wording.always_log_attempts)
        ):
            line = wording.attempt_failed_by.get(outcome.reason, wording.attempt_failed)
            self._line(line, outcome, progress=_progress(step, retries, timing.retry))
        match step:
            case Step.WENT_UP:
                self._line(wording.succeeded, outcome)
                self._report(Verdict(True, wording.mail_succeeded, outcome.weight, outcome.words))
            case Step.WENT_DOWN:
                self._failed(outcome, retries)
                summary = wording.mail_failed.replace("{reason}", outcome.reason)
                self._report(Verdict(False, summary, why=outcome.words))
            case Step.REWEIGHTED:
                self._report(Verdict(True, wording.mail_succeeded, outcome.weight, outcome.words))
            case Step.CONFIRMED if outcome.good:
                if wording.confirms:
                    self._line(wording.succeeded, outcome)
                if outcome.weight is not None:
                    self._report(Verdict(True, wording.mail_succeeded, outcome.weight, outcome.words))
            case Step.CONFIRMED:
                self._failed(outcome, 0)

    def _failed(self, outcome: Outcome, retries: int) -> None:
        wording = self._wording
        if outcome.detail and not wording.always_log_attempts:
            self._log.info("{service}: {detail}", detail=outcome.detail, **self._names)
        self._line(
            wording.failed_after if retries else wording.failed,
            outcome,
            retries=retries,
            retry_word="retry" if retries == 1 else "retries",
            disabled="" if self._retry.timing.retry else " with retry disabled",
        )

    def _line(self, line: str, outcome: Outcome, **fields: object) -> None:
        if not line:
            return
        ending = f" ({outcome.detail})" if outcome.detail else ""
        self._log.info(line, reason=outcome.reason, ending=ending, **fields, **self._names)


def _period(timing: CheckTiming) -> float:
    """``delay_loop`` in seconds; never so short that it would be all there is to do."""
    return max(0.01, timing.delay_loop_us / SECOND_US)


def _progress(step: Step, used: int, retries: int) -> str:
    """Where in its retries a failing MISC_CHECK stands, in keepalived's words."""
    if step is not Step.RETRY:
        return ""
    if used > 1:
        return f" on retry {used - 1}/{retries}"
    return f", will do {retries} {'retry' if retries == 1 else 'retries'}"
