"""alerts.scripts with a reactor that runs nothing: what the real one does only now and then."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ProcessDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.alerts.scripts import ScriptService
from kaltwisted.config.model import GlobalDefs, Script
from kaltwisted.ports import ScriptResult


class Transport:
    """A process that is no more."""

    pid = 4_194_305  # above the kernel's highest

    def loseConnection(self) -> None:
        """Nothing to close."""


class QuickReactor(Clock):
    """Every process has ended before spawnProcess returns; the tenth cannot be started."""

    spawned = 0

    def spawnProcess(self, protocol: Any, *words: Any, **more: Any) -> None:
        self.spawned += 1
        if self.spawned == 10:
            raise OSError(11, "Resource temporarily unavailable")
        protocol.makeConnection(Transport())
        protocol.processExited(Failure(ProcessDone(0)))


class TestScriptService(SynchronousTestCase):
    def test_what_ends_while_it_is_started_is_not_waited_for(self) -> None:
        reactor = QuickReactor()
        scripts = ScriptService(reactor, GlobalDefs(), limit=2, share=2)
        scripts.startService()
        results = [self.successResultOf(scripts.run(Script(("/bin/true",)), 5_000_000)) for _ in range(20)]
        failed = ScriptResult(error="Resource temporarily unavailable")
        self.assertEqual(results, [ScriptResult(status=0)] * 9 + [failed] + [ScriptResult(status=0)] * 10)
        self.assertEqual(reactor.getDelayedCalls(), [])
        self.successResultOf(scripts.stopService())
        self.assertEqual(reactor.getDelayedCalls(), [])
