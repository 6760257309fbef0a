"""The checker role: health checks, pools and the data plane, wired together.

It starts from the data plane (what is there is adopted), then the checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import CooperativeTask, Cooperator
from twisted.logger import Logger
from twisted.python.failure import Failure

from kaltwisted.alerts.mailer import mailer_for
from kaltwisted.alerts.notify import NotifyQueue
from kaltwisted.alerts.scripts import ScriptService
from kaltwisted.config.model import Configuration, RealServer
from kaltwisted.daemon.planes import choose
from kaltwisted.daemon.process import tame_garbage_collection
from kaltwisted.healthcheck.build import build_check
from kaltwisted.healthcheck.outcome import Verdict
from kaltwisted.healthcheck.service import CheckService
from kaltwisted.lvs.pool import Pool
from kaltwisted.lvs.service import Alerts, LvsService
from kaltwisted.lvs.table import DestinationKey

# A notify script that hangs may not hold back the ones after it for ever.
NOTIFY_TIMEOUT_US = 300_000_000
BEGIN_AGAIN_S = 5.0
# Thousands of checks are made in slices no longer than this.
SLICE_S = 0.003


class CheckerRole(Service):
    """Runs one configuration's health checks and keeps its pools in the data plane.

    :param reactor: the running reactor; everything below gets it from here.
    :param data_plane: ``auto``, ``ipvs`` or ``userspace``.
    :param state_directory: private to this daemon; what must survive a ``kill -9`` lies there.
    :param keep_ipvs: leave the table in place at stop (keepalived: ``-I``).
    :raises DataPlaneError: ``ipvs`` was asked for by name and cannot be used.
    """

    _log = Logger()

    def __init__(
        self,
        configuration: Configuration,
        reactor: Any,
        *,
        data_plane: str,
        state_directory: Path,
        keep_ipvs: bool = False,
    ) -> None:
        self._configuration = configuration
        self._reactor = reactor
        defs = configuration.global_defs
        choice = choose(data_plane, reactor, state_directory, lvs_flush=defs.lvs_flush)
        self._log.info("Data plane: {name} ({why})", name=choice.plane.name, why=choice.why)
        self.scripts = ScriptService(reactor, configuration.global_defs)
        self.mail = mailer_for(reactor, configuration.global_defs)
        self.lvs = LvsService(
            configuration.virtual_servers,
            choice.plane,
            Alerts(NotifyQueue(self.scripts, timeout_us=NOTIFY_TIMEOUT_US), self.mail),
            reactor,
            keep_at_stop=keep_ipvs,
            mail_every_checker=not configuration.global_defs.no_checker_emails,
        )
        self.checks = MultiService()
        self._again: IDelayedCall | None = None
        self._making: CooperativeTask[Any] | None = None

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
        if self._making is not None:
            self._making.pause()
        stopping: Deferred[Any] = self.lvs.stopService()
        stopping.addCallback(lambda _: self.checks.stopService())
        stopping.addCallback(lambda _: _all(self.scripts.stopService, self.mail.stopService))
        return stopping

    # -- wiring -------------------------------------------------------------------------

    def _begin(self) -> None:
        self.lvs.begin().addCallback(lambda _: self._start_checks()).addErrback(self._not_begun)

    def _not_begun(self, failure: Failure) -> None:
        self._log.failure("The data plane does not start; it is tried again", failure=failure)
        if self.running:
            self._again = self._reactor.callLater(BEGIN_AGAIN_S, self._begin)

    def _start_checks(self) -> None:
        if not self.running:
            return
        self.checks.startService()
        cooperator = Cooperator(self._slice, partial(self._reactor.callLater, 0))
        self._making = cooperator.cooperate(self._make_checks())

    def _slice(self) -> Callable[[], bool]:
        ends = self._reactor.seconds() + SLICE_S
        return lambda: self._reactor.seconds() > ends

    def _make_checks(self) -> Iterator[None]:
        for pool in self.lvs.pools.values():
            for server in pool.virtual_server.real_servers:
                for index in range(len(server.checks)):
                    self._make_check(pool, server, index)
                    yield
        tame_garbage_collection()
        self._making = None

    def _make_check(self, pool: Pool, server: RealServer, index: int) -> None:
        key = DestinationKey(server.address, server.port)

        def report(verdict: Verdict) -> None:
            self.lvs.report(
                pool.key, key, index, up=verdict.up, summary=verdict.summary, weight=verdict.weight
            )

        configured = server.checks[index]
        CheckService(
            build_check(configured, server, pool.virtual_server, self._reactor, self.scripts),
            configured,
            service=server.format(pool.virtual_server.protocol),
            virtual_server=pool.name,
            report=report,
            clock=self._reactor,
            initially_up=pool.is_up(key, index),
        ).setServiceParent(self.checks)


def _all(*stops: Callable[[], object]) -> Deferred[Any]:
    return DeferredList([maybeDeferred(stop) for stop in stops])
