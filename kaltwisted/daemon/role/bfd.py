"""The BFD role: sessions with neighbours, and word of them to the roles that act on it.

A process of its own, as its timers are the shortest of all: nothing that
checkers or virtual routers do may hold up a packet that is due every 10 ms.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from random import SystemRandom
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.bfd import report
from kaltwisted.bfd import status as bfd_status
from kaltwisted.bfd.service import BfdService
from kaltwisted.bfd.wire import UdpWire
from kaltwisted.config.diff import Changes
from kaltwisted.config.model import Configuration
from kaltwisted.config.report import global_definitions
from kaltwisted.daemon.role.alarm import use_exact_timers
from kaltwisted.daemon.role.clock import use_monotonic_time
from kaltwisted.daemon.role.reports import TIME_OF_DAY, owners
from kaltwisted.daemon.role.seam import IRole
from kaltwisted.ports import Fact, Note, unnoted


@implementer(IRole)
class BfdRole(Service):
    """Runs one configuration's BFD sessions.

    :param reactor: the running reactor; everything below gets it from here.
    :param publish: takes a fact for each session that is up or down now.
    :param note: hears of state changes.
    :param log_detail: log also what there is much of (keepalived: ``-D``).
    """

    _log = Logger()
    lateness = None

    def __init__(
        self,
        configuration: Configuration,
        reactor: Any,
        publish: Callable[[Fact], object],
        *,
        note: Note = unnoted,
        log_detail: bool = False,
    ) -> None:
        if not use_monotonic_time(reactor):
            self._log.debug("The reactor follows the time of day")
        if not use_exact_timers(reactor):
            self._log.debug("The reactor rounds delays up to milliseconds")
        self._configuration = configuration
        self._reactor = reactor
        random = SystemRandom()
        self.bfd = BfdService(
            configuration.bfd_instances,
            reactor,
            UdpWire(reactor, random),
            publish,
            random,
            note=note,
            log_detail=log_detail,
        )

    def startService(self) -> None:
        """Begin the sessions."""
        super().startService()
        self.bfd.startService()

    def stopService(self) -> None:
        """Say goodbye to the neighbours."""
        super().stopService()
        self.bfd.stopService()

    # -- IRole --------------------------------------------------------------------------

    def let_go(self) -> None:
        """Nothing is left to a successor: its sessions have other numbers."""

    def apply(self, changes: Changes) -> Deferred[None]:
        """Run another configuration from now on; sessions that did not change go on."""
        self._configuration = changes.configuration
        if self.running and changes.bfd_instances:
            self.bfd.reconfigure(self._configuration.bfd_instances)
        return succeed(None)

    def learn(self, fact: Fact) -> None:
        """It acts on none."""

    def foresee(self, fact: Fact) -> str:
        """Nor does it look ahead."""
        return ""

    def run_checks(self, target: str) -> Deferred[str]:
        """It has none."""
        return succeed("[]")

    # -- what it tells of itself --------------------------------------------------------

    def data(self) -> Iterator[str]:
        """The lines of ``keepalived_bfd.data``, made as they are asked for."""
        defs = self._configuration.global_defs
        yield from global_definitions(defs, socket.gethostname(), owners(defs))
        sessions = [running.session for running in self.bfd.sessions.values()]
        yield from report.data(sessions, self.bfd.discarded, TIME_OF_DAY.epoch_us(self._reactor.seconds()))

    def statistics(self) -> Iterator[str]:
        """keepalived's BFD process writes none."""
        return iter(())

    def json(self, version: int) -> Iterator[str]:
        """Nor any of this."""
        return iter(())

    def status(self) -> Iterator[str]:
        """``bfd`` of the status document in pieces."""
        sessions = [running.session for running in self.bfd.sessions.values()]
        return bfd_status.status(sessions, TIME_OF_DAY.epoch_us(self._reactor.seconds()))

    def clear_statistics(self) -> None:
        """Count packets from 0 again."""
        self.bfd.clear_statistics()
