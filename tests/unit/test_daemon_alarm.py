"""The alarm ends the reactor's wait when a delayed call is due, and at nothing else."""

from __future__ import annotations

import select

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.daemon.role.alarm import Alarm, use_exact_timers

LONG_MS = 30_000


def rings(alarm: Alarm, within_ms: int = LONG_MS) -> bool:
    poll = select.poll()
    poll.register(alarm.fileno(), select.POLLIN)
    return bool(poll.poll(within_ms))


class AlarmRings(SynchronousTestCase):
    def setUp(self) -> None:
        self.alarm = Alarm()
        self.addCleanup(self.alarm.close)

    def test_when_its_time_has_come_and_once(self) -> None:
        verifyObject(IReadDescriptor, self.alarm)
        self.alarm.ring_in(0.000_000_000_1)
        self.assertTrue(rings(self.alarm))
        self.alarm.doRead()
        self.assertFalse(rings(self.alarm, 0))

    def test_not_at_a_time_that_was_replaced(self) -> None:
        self.alarm.ring_in(0.001)
        self.alarm.ring_in(1000.5)
        self.assertFalse(rings(self.alarm, 20))
        self.alarm.doRead()
        self.alarm.ring_in(0.001)
        self.assertTrue(rings(self.alarm))

    def test_no_more_once_closed(self) -> None:
        self.alarm.close()
        self.alarm.close()
        self.alarm.ring_in(1)
        self.assertEqual(self.alarm.fileno(), -1)


class ExactTimers(SynchronousTestCase):
    def test_a_reactor_waits_no_longer_than_for_its_next_call(self) -> None:
        reactor = EPollReactor()
        self.addCleanup(lambda: [reader.connectionLost(None) for reader in reactor.removeAll()])
        self.assertTrue(use_exact_timers(reactor))
        self.assertTrue(use_exact_timers(reactor))
        (alarm,) = [each for each in reactor.getReaders() if isinstance(each, Alarm)]
        called: list[bool] = []
        reactor.callLater(0.01, called.append, True)
        reactor.timeout()
        reactor.doIteration(LONG_MS / 1000)  # only the alarm can end this
        reactor.runUntilCurrent()
        self.assertEqual(called, [True])
        self.assertFalse(rings(alarm, 0))
        self.assertIsNone(reactor.timeout())

    def test_a_clock_of_the_tests_is_left_alone(self) -> None:
        self.assertFalse(use_exact_timers(Clock()))
