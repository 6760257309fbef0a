"""Checks whose time is driven: what they log and report, and those that are told and ask nobody."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import Check, RealServer, VirtualServer
from kaltwisted.healthcheck.build import build_check
from kaltwisted.healthcheck.heard import HeardCheckService, check_service
from kaltwisted.healthcheck.known import Known
from kaltwisted.healthcheck.outcome import Verdict
from kaltwisted.ports import IHeardCheck
from kaltwisted.testing.healthcheck import FakeScripts


class CheckCase(SynchronousTestCase):
    """Keeps what is logged in ``lines`` and what is reported in ``reports``."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.lines: list[str] = []
        self.reports: list[Verdict] = []
        globalLogPublisher.addObserver(self._observe)
        self.addCleanup(globalLogPublisher.removeObserver, self._observe)

    def _observe(self, event: LogEvent) -> None:
        if event["log_namespace"].startswith("kaltwisted"):
            self.lines.append(formatEvent(event))


class HeardCheckCase(CheckCase):
    """For checks that go by what other roles and files tell: all of it is in ``known``."""

    def setUp(self) -> None:
        super().setUp()
        self.known = Known()

    def make_heard(self, configured: Check, server: RealServer, service: VirtualServer) -> HeardCheckService:
        """A check of a server, not started; the end of the test stops it."""
        check = build_check(configured, server, service, self.clock, FakeScripts(), self.known)
        verifyObject(IHeardCheck, check)
        made = check_service(
            check,
            configured,
            service="[10.0.0.1]:tcp:80",
            virtual_server="[10.9.9.9]:tcp:80",
            report=self.reports.append,
            clock=self.clock,
        )
        assert isinstance(made, HeardCheckService)
        self.addCleanup(lambda: made.running and made.stopService())
        return made
