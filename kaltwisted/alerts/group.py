"""A script's process group: told to end as a whole, and told of once its leader has ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from kaltwisted.alerts.family import family, working
from kaltwisted.config.model import Script
from kaltwisted.ports import ScriptResult

GRACE_S = 2.0
# How soon and how often a group that was told to end is looked at.
FIRST_SWEEP_S, SWEEP_S = 0.01, 0.1
OUTPUT_KEPT = 2048


class ProcessGroup(ProcessProtocol):
    """A process group: its leader is the script, of which it tells the end once.

    ``gone`` is called when nothing of it is left that we would still wait for.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        script: Script,
        ended: Callable[[ScriptResult], None],
        gone: Callable[[ProcessGroup], None],
    ) -> None:
        self.script = script
        self._reactor = reactor
        self._ended = ended
        self._gone = gone
        self._pid = 0
        self._output = bytearray()
        self._limit: IDelayedCall | None = None
        self._kill_at: float | None = None
        self._killed = False
        self._members: tuple[int, ...] = ()
        self._sweep: IDelayedCall | None = None
        self._result: ScriptResult | None = None

    def connectionMade(self) -> None:
        """The process exists."""
        assert self.transport is not None
        assert self.transport.pid is not None
        self._pid = self.transport.pid

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Keep the beginning for the log; the rest is read only so that the script is not held up."""
        room = OUTPUT_KEPT - len(self._output)
        if room > 0:
            self._output += data[:room]

    def limit(self, seconds: float) -> None:
        """End the group when ``seconds`` have passed."""
        self._limit = self._reactor.callLater(seconds, self._time_is_up)

    def _time_is_up(self) -> None:
        self._limit = None
        self.end()

    def end(self) -> None:
        """TERM to the whole group now, KILL after the grace time to what is left of it."""
        if self._kill_at is not None or self._result is not None:
            return
        self._kill_at = self._reactor.seconds() + GRACE_S
        self._members = family(self._pid)
        self._signal(signal.SIGTERM)
        self._sweep = self._reactor.callLater(FIRST_SWEEP_S, self._look, FIRST_SWEEP_S)

    def processExited(self, reason: Failure) -> None:
        """The leader was reaped: what it left in the background may live on, but we hear it no longer."""
        assert self.transport is not None
        self.transport.loseConnection()
        status: Any = reason.value
        self._result = ScriptResult(
            status=None if status.signal else status.exitCode,
            signal=status.signal,
            timed_out=self._kill_at is not None,
        )
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        self._log_output()
        if self._kill_at is None or self._killed or not self._alive():
            self._over()

    def _look(self, pause: float) -> None:
        """See what is left of a group that was told to end.

        Looked at often, since the number of an empty group may be given to somebody else.
        """
        self._sweep = None
        assert self._kill_at is not None
        if self._result is not None and not self._alive():
            self._over()
        elif self._reactor.seconds() >= self._kill_at:
            self._killed = True
            self._signal(signal.SIGKILL)
            if self._result is not None:
                self._over()  # else the leader's end is still to come
        else:
            pause = min(2 * pause, SWEEP_S)
            self._sweep = self._reactor.callLater(pause, self._look, pause)

    def _over(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        assert self._result is not None
        self._gone(self)
        self._ended(self._result)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._pid, number)
        except ProcessLookupError:
            # The very first moment: setsid has not run yet, and the group does not exist.
            if self._result is None:
                os.kill(self._pid, number)
        except PermissionError:
            self.log.warn("Script {script} cannot be ended: no permission", script=str(self.script))

    def _alive(self) -> bool:
        """Whether any member is left to wait for.

        Zombies are none: where process 1 does not reap (many containers) they
        keep the group in being.  A member born since we looked is killed here.
        """
        if any(working(pid, self._pid) for pid in self._members):
            return True
        self._signal(signal.SIGKILL)
        return False

    def _log_output(self) -> None:
        for line in self._output.decode(errors="replace").splitlines()[:10]:
            self.log.debug("{script}: {line}", script=str(self.script), line=line)
