"""Reload (HUP): read the file again, and give the roles what differs, or nothing at all.

A file that has any error changes nothing: the daemon that runs is worth more
than the half of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.application.service import MultiService
from twisted.internet.defer import CancelledError, Deferred, gatherResults, maybeDeferred
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from kaltwisted.config.diff import Changes, compare
from kaltwisted.config.findings import Finding, Severity, render
from kaltwisted.daemon import systemd
from kaltwisted.daemon.role.collector import beside_the_reactor, postpone_collections, resume_collections
from kaltwisted.daemon.role.seam import FATAL, IRole, RoleError, RoleKind
from kaltwisted.daemon.role.slices import in_slices

if TYPE_CHECKING:
    from kaltwisted.config.load import Reading
    from kaltwisted.config.model import Configuration

InThread = Callable[[Callable[[], Any]], "Deferred[Any]"]


class Roles:
    """The roles that run, as services of ``parent``, and the configuration they run."""

    _log = Logger()

    def __init__(self, parent: MultiService, kinds: list[RoleKind], configuration: Configuration) -> None:
        self._parent = parent
        self._kinds = kinds
        self.configuration = configuration
        self.running: dict[str, IRole] = {}

    def begin(self) -> None:
        """Make the roles that the configuration needs.

        :raises RoleError: none of those that it needs can run here.
        """
        why_not: list[str] = []
        status = FATAL
        for kind in self._kinds:
            if kind.needed(self.configuration):
                try:
                    self._add(kind, kind.make(self.configuration))
                except RoleError as error:
                    why_not.append(f"{kind.name} does not run: {error}")
                    status = max(status, error.status)
        if why_not and not self.running:
            raise RoleError("; ".join(why_not), status)
        for why in why_not:
            # Half of the work serves clients better than nothing.
            self._log.critical("{why}", why=why)

    def prepare(self, configuration: Configuration) -> Callable[[], Deferred[Any]]:
        """Get ready for another configuration.  Calling the result applies it; it fires when that is done.

        :raises RoleError: it cannot be; nothing has changed.
        """
        if any(kind.needed(self.configuration) for kind in self._kinds) and not any(
            kind.needed(configuration) for kind in self._kinds
        ):
            # An editor's half-written file must not end the service.
            raise RoleError("The new configuration has nothing to run; stop the daemon to end everything")
        for role in self.running.values():
            obstacle = role.obstacle(configuration)
            if obstacle is not None:
                raise RoleError(obstacle)
        new = [
            (kind, kind.make(configuration))
            for kind in self._kinds
            if kind.needed(configuration) and not kind.needed(self.configuration)
        ]
        return partial(self._change, configuration, new)

    def _change(self, configuration: Configuration, new: list[tuple[RoleKind, IRole]]) -> Deferred[Any]:
        self.configuration = configuration
        applied = [self._apply(name, role) for name, role in tuple(self.running.items())]
        for kind, role in new:
            self._add(kind, role)
        return gatherResults(applied)

    def _add(self, kind: RoleKind, role: IRole) -> None:
        self.running[kind.name] = role
        role.setServiceParent(self._parent)

    def _apply(self, name: str, role: IRole) -> Deferred[Any]:
        applied: Deferred[Any] = role.apply(self.configuration)
        return applied.addCallback(lambda _: self._retire(name, role))

    def _retire(self, name: str, role: IRole) -> Deferred[Any] | None:
        """A role without work ends."""
        if any(kind.needed(self.configuration) for kind in self._kinds if kind.name == name):
            return None
        del self.running[name]
        return maybeDeferred(role.disownServiceParent)


class Reload:
    """Answers HUP: one reload at a time, and one more when it was asked for again meanwhile.

    :param read: reads the file, whatever it takes; called in a thread.
    :param file: the file's name, for the log.
    :param in_thread: calls a function in a thread, for with thousands of
        servers reading takes longer than an advert can wait.
    """

    _log = Logger()

    def __init__(
        self, read: Callable[[], Reading], roles: Roles, file: str, clock: Any, in_thread: InThread
    ) -> None:
        self._read = read
        self._roles = roles
        self._file = file
        self._clock = clock
        self._in_thread = in_thread
        self._again = False
        self._under_way: Deferred[None] | None = None

    def request(self) -> None:
        """Reload now, or once more when the present one is through."""
        if self._under_way is not None:
            self._again = True
            return
        self._again = False
        self._under_way = Deferred.fromCoroutine(self._reload())
        self._under_way.addErrback(self._broken).addCallback(lambda _: self._ended())

    def stop(self) -> None:
        """Reload no more; one that is under way changes nothing further."""
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
        postpone_collections()
        try:
            with beside_the_reactor():
                findings, changes = await self._in_thread(self._look)
            for finding in findings:
                tell(self._log, finding)
            if changes is None:
                self._refused()
            else:
                await self._carry_out(changes)
        finally:
            resume_collections()
            systemd.notify("READY=1")

    def _look(self) -> tuple[tuple[Finding, ...], Changes | None]:
        """Read and compare: the findings, and unless one is an error the changes.  Runs in a thread."""
        reading = self._read()
        if reading.errors or reading.fatal is not None:
            return reading.findings, None
        return reading.findings, compare(self._roles.configuration, reading.configuration)

    async def _carry_out(self, changes: Changes) -> None:
        try:
            change = self._roles.prepare(changes.configuration)
        except RoleError as error:
            self._log.error("{why}", why=error)
            self._refused()
            return
        await in_slices(self._tell(changes), self._clock).whenDone()
        await change()
        self._log.info("Reload complete")

    def _tell(self, changes: Changes) -> Iterator[None]:
        for line in changes.words() if changes else ["Nothing has changed"]:
            self._log.info("{line}", line=line)
            yield

    def _refused(self) -> None:
        self._log.error("New config failed validation, see {file} for details", file=self._file)


def tell(log: Logger, finding: Finding) -> None:
    """Log a finding: keepalived's line for syslog, all there is to it for the console."""
    level = LogLevel.info if finding.severity is Severity.ADVICE else LogLevel.warn
    # Where keepalived has a wording of its own, monitoring looks for it on the console too.
    keepalived_s = f"{finding.log_line()}\n" if finding.log else ""
    log.emit(level, "{line}", line=finding.log_line(), rendered=keepalived_s + render(finding))
