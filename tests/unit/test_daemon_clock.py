"""Delayed calls must not follow the time of day."""

from __future__ import annotations

import time

from twisted.internet.base import ReactorBase
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.daemon.role.clock import use_monotonic_time


class BareReactor(ReactorBase):
    """A reactor that is never run."""

    def installWaker(self) -> None:
        """No threads here."""

    def _initThreads(self) -> None:
        """Nor a pool of them."""


class Monotonic(SynchronousTestCase):
    def test_a_reactor_is_switched_while_nothing_is_scheduled(self) -> None:
        reactor = BareReactor()
        self.assertTrue(use_monotonic_time(reactor))
        self.assertTrue(use_monotonic_time(reactor))
        self.assertIs(reactor.seconds, time.monotonic)
        call = reactor.callLater(10, lambda: None)
        self.assertLess(call.getTime() - time.monotonic(), 11)

    def test_not_under_calls_that_are_scheduled(self) -> None:
        reactor = BareReactor()
        reactor.callLater(10, lambda: None)
        self.assertFalse(use_monotonic_time(reactor))
        self.assertIs(reactor.seconds, time.time)

    def test_a_clock_of_the_tests_is_left_alone(self) -> None:
        clock = Clock()
        self.assertFalse(use_monotonic_time(clock))
        self.assertEqual(clock.seconds(), 0)
