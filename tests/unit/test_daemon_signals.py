"""Which signals the daemon answers."""

from __future__ import annotations

import signal

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.daemon.signals import Handlers


class HandlersTests(SynchronousTestCase):
    def test_what_was_ignored_from_the_start_is_answered_but_nothing_that_another_answers(self) -> None:
        """As HUP by nohup: a reload must not be ignored for that."""
        before = signal.getsignal(signal.SIGUSR2)
        self.addCleanup(signal.signal, signal.SIGUSR2, before)
        free = []
        for how in (signal.SIG_DFL, signal.SIG_IGN, lambda *_: None):
            signal.signal(signal.SIGUSR2, how)
            free.append(Handlers(Clock()).is_free(signal.SIGUSR2))
        self.assertEqual(free, [True, True, False])
