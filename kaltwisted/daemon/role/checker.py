"""The checker role: health checks, pools and the data plane, wired together.

It starts from the data plane (what is there is adopted), then the checks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, DeferredLock, maybeDeferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import CooperativeTask, TaskStopped
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.alerts.mailer import Mailer
from kaltwisted.alerts.notify import TIMEOUT_US, NotifyQueue, nobody
from kaltwisted.alerts.scripts import ScriptService
from kaltwisted.config.diff import Changes
from kaltwisted.config.identity import ServerId
from kaltwisted.config.model import Address, Configuration, TrackFile
from kaltwisted.daemon.role import checker_reports
from kaltwisted.daemon.role.checks import Checks
from kaltwisted.daemon.role.planes import choose
from kaltwisted.daemon.role.presence import Presence
from kaltwisted.daemon.role.seam import IRole
from kaltwisted.healthcheck.file import file_checks
from kaltwisted.healthcheck.known import Known
from kaltwisted.kernel.links import Links
from kaltwisted.kernel.watched_files import WatchedFiles
from kaltwisted.lvs.service import Alerts, LvsService
from kaltwisted.lvs.steering import STEER, keys_of
from kaltwisted.ports import CHECKS_PAUSED, TRACKED_FILE, Fact, Note, unnoted
from kaltwisted.slices import in_slices
from kaltwisted.tracked_files import TrackedFiles

BEGIN_AGAIN_S = 5.0


@implementer(IRole)
class CheckerRole(Service):
    """Runs one configuration's health checks and keeps its pools in the data plane.

    :param reactor: the running reactor; everything below gets it from here.
    :param data_plane: ``auto``, ``ipvs`` or ``userspace``.
    :param state_directory: private to this daemon; what must survive a ``kill -9`` lies there.
    :param keep_ipvs: leave the table in place at stop (keepalived: ``-I``).
    :param fifo: takes lines for the notify FIFOs.
    :param note: hears of state changes.
    :param publish: takes a fact for each virtual server that has quorum, or has none.
    :raises DataPlaneError: ``ipvs`` was asked for by name and cannot be used.
    """

    _log = Logger()
    #: Each check counts for itself (``CheckService.statistics``).
    lateness = None

    def __init__(
        self,
        configuration: Configuration,
        reactor: Any,
        *,
        data_plane: str,
        state_directory: Path,
        keep_ipvs: bool = False,
        fifo: Callable[[str], object] = nobody,
        note: Note = unnoted,
        publish: Callable[[Fact], object] = lambda fact: None,
    ) -> None:
        self._configuration = configuration
        self._reactor = reactor
        defs = configuration.global_defs
        choice = choose(data_plane, reactor, state_directory, lvs_flush=defs.lvs_flush)
        self._log.info("Data plane: {name} ({why})", name=choice.plane.name, why=choice.why)
        self._configure_plane = choice.configure
        choice.configure(defs)
        self.scripts = ScriptService(reactor, defs)
        self.mail = Mailer(reactor, defs)
        self.lvs = LvsService(
            configuration.virtual_servers,
            choice.plane,
            Alerts(NotifyQueue(self.scripts, timeout_us=TIMEOUT_US), self.mail, fifo, note),
            reactor,
            keep_at_stop=keep_ipvs,
            mail_every_checker=not defs.no_checker_emails,
            flush_on_stop=defs.lvs_flush_on_stop is not None,
            publish=publish,
        )
        self._known = Known()
        self._files = TrackedFiles(followed_files(configuration), WatchedFiles(reactor), self._numbered)
        self.presence = Presence(Links(reactor), self._address_changed)
        self.checks = Checks(reactor, self.scripts, self.lvs, self._known, self.presence.wants_checks)
        self._begun = False
        self._again: IDelayedCall | None = None
        # Starting, and one reload after the other.
        self._turn = DeferredLock()
        self._working: CooperativeTask[Any] | None = None

    # -- IService -----------------------------------------------------------------------

    def startService(self) -> None:
        """Adopt what the data plane holds; once the table stands, start the checks."""
        super().startService()
        for service in (self.scripts, self.mail, self.lvs):
            service.startService()
        self._begin()

    def stopService(self) -> Deferred[None]:
        """The table first: clients should not wait for our tidying; then all else.  Fires when it is done."""
        super().stopService()
        if self._again is not None and self._again.active():
            self._again.cancel()
        if self._working is not None:
            self._working.stop()
        self._files.stop()
        self.presence.stop()
        stopping: Deferred[Any] = self.lvs.stopService()
        stopping.addCallback(lambda _: self.checks.stopService())
        stopping.addCallback(lambda _: _all(self.scripts.stopService, self.mail.stopService))
        return stopping

    # -- IRole --------------------------------------------------------------------------

    def apply(self, changes: Changes) -> Deferred[None]:
        """Run another configuration from now on; what did not change is not touched.

        Fires when the data plane has it.  Takes its turn after what is under way.
        """
        return self._turn.run(self._apply, changes).addErrback(_stopped)

    def let_go(self) -> None:
        """The table stays, and connections with it: who starts next adopts it."""
        self.lvs.abandon()

    def learn(self, fact: Fact) -> None:
        """What checks go by, or an operator overrides."""
        if fact.kind == CHECKS_PAUSED:
            self.checks.pause(*keys_of(ServerId.parse(fact.name)), bool(fact.value))
        elif fact.kind in STEER:
            self.lvs.steer(fact)
        else:
            self._known.learn(fact)

    def _follow_files(self) -> None:
        """Read those that checks go by now; one that is elsewhere now may have another number."""
        self._files.reconfigure(followed_files(self._configuration))
        for name, number in self._files.values.items():
            self._numbered(name, number)

    def _numbered(self, name: str, number: int) -> None:
        self._known.learn(Fact(TRACKED_FILE, name, number))

    def foresee(self, fact: Fact) -> str:
        """A pool may lose its quorum by it."""
        return self.lvs.quorum_lost_by(fact) if fact.kind in STEER else ""

    def run_checks(self, target: str) -> Deferred[str]:
        """One attempt now of each check of a server."""
        name = ServerId.parse(target)
        ran = self.checks.run(*keys_of(name))
        return ran.addCallback(lambda all: json.dumps([each.told(name) for each in all]))

    def _apply(self, changes: Changes) -> Deferred[None]:
        if not self.running:
            return succeed(None)
        self._configuration = changes.configuration
        global_defs = self._configuration.global_defs
        if changes.global_defs:
            self.scripts.reconfigure(global_defs)
            self.mail.reconfigure(global_defs)
        self.lvs.expect(
            None if self._begun else self._configuration.virtual_servers,
            mail_every_checker=not global_defs.no_checker_emails,
            flush_on_stop=global_defs.lvs_flush_on_stop is not None,
        )
        configuring = self._configure_plane(global_defs)
        if not self._begun:
            return configuring
        self._follow_files()
        if not changes.virtual_servers:
            return configuring
        applying = configuring.addCallback(lambda _: self._know_addresses())
        applying.addCallback(lambda _: self._reload_checks(changes))
        return applying.addCallback(lambda _: self.lvs.flush())

    # -- wiring -------------------------------------------------------------------------

    def _begin(self) -> None:
        self._turn.run(self._start_up).addErrback(_stopped).addErrback(self._not_begun)

    def _start_up(self) -> Deferred[Any]:
        beginning = self.lvs.begin().addCallback(lambda _: self._know_addresses())
        return beginning.addCallback(lambda _: self._start_checks())

    def _know_addresses(self) -> Deferred[None]:
        """Before the first checks that stand still without their virtual server's address."""
        if any(server.ha_suspend for server in self._configuration.virtual_servers):
            return self.presence.begin()
        return succeed(None)

    def _reload_checks(self, changes: Changes) -> Deferred[Any] | None:
        return self._work(self.checks.reload(changes.virtual_servers)) if self.running else None

    def _address_changed(self, address: Address, here: bool) -> None:
        self.checks.address_changed(address, here)

    def _not_begun(self, failure: Failure) -> None:
        self._log.failure("The data plane does not start; it is tried again", failure=failure)
        if self.running:
            self._again = self._reactor.callLater(BEGIN_AGAIN_S, self._begin)

    def _start_checks(self) -> Deferred[Any] | None:
        if not self.running:
            return None
        self._begun = True
        self._follow_files()
        self._files.start()
        self.checks.startService()
        return self._work(self.checks.begin())

    def _work(self, steps: Iterator[None]) -> Deferred[Any]:
        """Go through ``steps``, a little per reactor turn."""
        self._working = in_slices(steps, self._reactor)
        return self._working.whenDone().addBoth(self._worked)

    def _worked(self, result: Any) -> Any:
        self._working = None
        return result

    # -- what it tells of itself --------------------------------------------------------

    def data(self) -> Iterator[str]:
        """The lines of ``keepalived_check.data``, made as they are asked for."""
        return checker_reports.data(self._configuration, self.lvs, self.checks, self._reactor)

    def statistics(self) -> Iterator[str]:
        """keepalived's checkers write none."""
        return iter(())

    def json(self, version: int) -> Iterator[str]:
        """Nor any of this."""
        return iter(())

    def status(self) -> Iterator[str]:
        """``checkers`` of the status document in pieces."""
        return checker_reports.status(self.lvs, self.checks, self._reactor)

    def clear_statistics(self) -> None:
        """Nothing is counted for a report."""


def followed_files(configuration: Configuration) -> list[TrackFile]:
    """The ``track_file``s that checks go by."""
    names = {
        each.track_file
        for service in configuration.virtual_servers
        for server in service.real_servers
        for each in file_checks(server)
    }
    return [each for each in configuration.track_files if each.name in names]


def _stopped(failure: Failure) -> None:
    """The role stops in the middle of its work: nothing is left to be done."""
    failure.trap(TaskStopped)


def _all(*stops: Callable[[], object]) -> Deferred[Any]:
    return DeferredList([maybeDeferred(stop) for stop in stops])
