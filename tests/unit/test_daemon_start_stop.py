"""daemon.start_stop: the scripts of the whole daemon, what is said of each end, and a stop in the middle."""

from __future__ import annotations

import os
import signal
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import GlobalDefs, Script
from kaltwisted.daemon.start_stop import StartAndStop

TRUE = Script(("/bin/true", "a word"))


class Transport:
    """A process that the system does not know."""

    pid = 4_194_305  # above the kernel's highest

    def loseConnection(self) -> None:
        """Nothing to close."""


class Reactor(Clock):
    """Starts processes that end when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[list[str]] = []
        self.last: Any = None

    def spawnProcess(self, protocol: Any, program: str, words: list[str], **more: Any) -> None:
        self.words.append(words)
        self.last = protocol
        protocol.makeConnection(Transport())

    def end(self, status: int = 0, number: int | None = None) -> None:
        """The last one has ended."""
        how = ProcessTerminated(status or None, number) if status or number else ProcessDone(0)
        self.last.processExited(Failure(how))


class StartAndStopTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(os, "geteuid", lambda: 12345)
        self.patch(os, "killpg", self.signalled)
        self.patch(os, "kill", lambda pid, number: None)
        self.signals: list[int] = []
        self.lines: list[str] = []

        def observe(event: LogEvent) -> None:
            if event["log_namespace"].startswith("kaltwisted.daemon"):
                self.lines.append(formatEvent(event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.reactor = Reactor()
        self.scripts = StartAndStop(self.reactor)

    def signalled(self, group: int, number: int) -> None:
        self.signals.append(number)
        raise ProcessLookupError

    def startup(self, defs: GlobalDefs) -> Deferred[None]:
        return Deferred.fromCoroutine(self.scripts.startup(defs))

    def shutdown(self, defs: GlobalDefs) -> Deferred[None]:
        return Deferred.fromCoroutine(self.scripts.shutdown(defs))

    def test_without_scripts_nothing_is_run(self) -> None:
        self.successResultOf(self.startup(GlobalDefs()))
        self.successResultOf(self.shutdown(GlobalDefs()))
        self.assertEqual((self.reactor.words, self.lines), ([], []))

    def test_each_is_waited_for_and_told_of_in_keepalived_s_words(self) -> None:
        defs = GlobalDefs(startup_script=TRUE, shutdown_script=Script(("/bin/false",)))
        started = self.startup(defs)
        self.assertNoResult(started)
        self.assertEqual(self.reactor.words[0][-2:], ["/bin/true", "a word"])
        self.reactor.end()
        self.successResultOf(started)
        stopped = self.shutdown(defs)
        self.assertNoResult(stopped)
        self.reactor.end(7)
        self.successResultOf(stopped)
        self.assertEqual(
            self.lines,
            [
                "Running startup script /bin/true",
                "startup script script succeeded",
                "Running shutdown script /bin/false",
                "shutdown script script failed, status 7",
            ],
        )
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_one_that_takes_too_long_is_ended_and_the_daemon_goes_on(self) -> None:
        started = self.startup(GlobalDefs(startup_script=TRUE, startup_script_timeout_us=3_000_000))
        self.reactor.advance(2.9)
        self.assertEqual(self.signals, [])
        self.reactor.advance(0.2)
        self.assertEqual(self.signals[0], signal.SIGTERM)
        self.reactor.end(number=signal.SIGTERM)
        self.successResultOf(started)
        self.assertEqual(self.lines[-1], "startup script timed out")

    def test_a_signal_or_no_file_is_no_reason_not_to_go_on(self) -> None:
        started = self.startup(GlobalDefs(startup_script=TRUE))
        self.reactor.end(number=signal.SIGKILL)
        self.successResultOf(started)
        self.assertEqual(self.lines[-1], "startup script ended by signal 9 (Killed)")
        self.successResultOf(self.shutdown(GlobalDefs(shutdown_script=Script(("/no/such",)))))
        self.assertEqual(self.lines[-1], "shutdown script /no/such cannot run: /no/such does not exist")

    def test_a_stop_ends_the_startup_script_before_the_shutdown_script_runs(self) -> None:
        defs = GlobalDefs(startup_script=TRUE, shutdown_script=TRUE)
        started = self.startup(defs)
        stopped = self.shutdown(defs)
        self.failureResultOf(started, CancelledError)
        self.assertEqual(self.signals[0], signal.SIGTERM)
        self.assertEqual(len(self.reactor.words), 1)
        self.reactor.end(number=signal.SIGTERM)
        self.assertEqual(len(self.reactor.words), 2)
        self.assertNoResult(stopped)
        self.reactor.end()
        self.successResultOf(stopped)
        self.assertEqual(self.lines[-1], "shutdown script script succeeded")
        self.assertEqual(self.reactor.getDelayedCalls(), [])
