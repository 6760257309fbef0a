"""Reload (HUP): read the file again, and give the roles what differs, or nothing at all.

A file that has any error changes nothing: the daemon that runs is worth more
than the half of a file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from kaltwisted.config.diff import Changes, compare
from kaltwisted.config.findings import Finding, Severity, render
from kaltwisted.daemon import systemd
from kaltwisted.daemon.role.collector import beside_the_reactor
from kaltwisted.daemon.role.seam import RoleError
from kaltwisted.daemon.roles import Roles
from kaltwisted.ports import InThread, Note, StateChange, unnoted
from kaltwisted.slices import in_slices

if TYPE_CHECKING:
    from kaltwisted.config.load import Reading


@attrs.frozen
class Outcome:
    """What became of the last reload.

    ``at``: the time of day in seconds since 1970.  ``result``: ``applied``, ``unchanged`` or ``refused``.
    ``why``: it was refused.
    """

    at: float
    result: str
    why: str | None = None


class Reload:
    """Answers HUP: one reload at a time, and one more when it was asked for again meanwhile.

    :param read: reads the file, whatever it takes; called in a thread.
    :param file: the file's name, for the log.
    :param in_thread: calls a function in a thread, for with thousands of
        servers reading takes longer than an advert can wait.
    :param note: hears what became of it.
    """

    _log = Logger()

    def __init__(
        self,
        read: Callable[[], Reading],
        roles: Roles,
        file: str,
        clock: Any,
        in_thread: InThread,
        note: Note = unnoted,
    ) -> None:
        self._note = note
        self._read = read
        self._roles = roles
        self._file = file
        self._clock = clock
        self._in_thread = in_thread
        self._begun = False
        self._again = False
        self._stopped = False
        self._under_way: Deferred[None] | None = None
        self._afterwards: list[Callable[[], object]] = []
        self.last: Outcome | None = None
        """What became of the last one; None: there was none."""
        self.findings: tuple[Finding, ...] | None = None
        """What is to be said of the configuration that runs; None: it is the one of the start."""

    def then(self, call: Callable[[], object]) -> None:
        """Call this after every reload that was not refused."""
        self._afterwards.append(call)

    def begin(self) -> None:
        """The roles run: reload if that was asked for meanwhile."""
        self._begun = True
        if self._again:
            self.request()

    def request(self) -> None:
        """Reload now, or once more when the present one, or the start, is through."""
        if self._under_way is not None or not self._begun:
            self._again = True
            return
        self._again = False
        self._under_way = Deferred.fromCoroutine(self._reload())
        self._under_way.addErrback(self._broken).addCallback(lambda _: self._ended())

    def stop(self) -> None:
        """Reload no more; one that is under way changes nothing further."""
        self._stopped = True
        if self._under_way is not None:
            self._again = False
            self._under_way.cancel()

    def _ended(self) -> None:
        self._under_way = None
        if self._again:
            # From a turn of its own: a thousand requests are not a thousand frames deep.
            self._clock.callLater(0, self.request)

    def _broken(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("Reload", failure)

    async def _reload(self) -> None:
        self._log.info("Reloading ...")
        systemd.notify(f"RELOADING=1\nMONOTONIC_USEC={systemd.monotonic_us()}")
        try:
            with beside_the_reactor():
                findings, changes = await self._in_thread(self._look)
            for finding in findings:
                tell(self._log, finding)
            if changes is not None and changes.refusal is not None:
                self._log.error("{why}", why=changes.refusal)
                self._refused(changes.refusal)
            elif changes is None:
                errors = [finding for finding in findings if finding.severity is Severity.ERROR]
                words = errors[0].log_line() if errors else "the file cannot be read"
                more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
                self._refused(words + more)
            else:
                await self._carry_out(changes, findings)
        finally:
            systemd.notify("READY=1")

    def _look(self) -> tuple[tuple[Finding, ...], Changes | None]:
        """Read and compare: the findings, and unless one is an error the changes.  Runs in a thread."""
        reading = self._read()
        if reading.errors or reading.fatal is not None:
            return reading.findings, None
        return reading.findings, compare(self._roles.configuration, reading.configuration)

    async def _carry_out(self, changes: Changes, findings: tuple[Finding, ...]) -> None:
        try:
            change = await self._roles.prepare(changes)
        except RoleError as error:
            self._log.error("{why}", why=error)
            self._refused(str(error))
            return
        await in_slices(self._tell(changes), self._clock).whenDone()
        await change()
        self.findings = findings
        self._ended_as("applied" if changes else "unchanged")
        if not self._stopped:
            self._log.info("Reload complete")
            for call in self._afterwards:
                call()

    def _tell(self, changes: Changes) -> Iterator[None]:
        for line in changes.words() if changes else ["Nothing has changed"]:
            self._log.info("{line}", line=line)
            yield

    def _ended_as(self, result: str, why: str | None = None) -> None:
        self.last = Outcome(time.time(), result, why)
        self._note(StateChange("reload", self._file, None, result, why))

    def _refused(self, why: str) -> None:
        self._ended_as("refused", why)
        self._log.error("New config failed validation, see {file} for details", file=self._file)


def tell(log: Logger, finding: Finding) -> None:
    """Log a finding: keepalived's line for syslog, all there is to it for the console."""
    level = LogLevel.info if finding.severity is Severity.ADVICE else LogLevel.warn
    # Where keepalived has a wording of its own, monitoring looks for it on the console too.
    keepalived_s = f"{finding.log_line()}\n" if finding.log else ""
    log.emit(level, "{line}", line=finding.log_line(), rendered=keepalived_s + render(finding))
