"""The demo's child processes: the real servers, genhash, and the daemon itself."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

TERM_PATIENCE = 5.0


class Child(ProcessProtocol):
    """A child process: its output as lines, its status when it has ended (negative: a signal)."""

    def __init__(
        self, reactor: Any, command: Sequence[str], environ: Mapping[str, str] | None = None
    ) -> None:
        self._reactor = reactor
        self._ended: list[Deferred[int]] = []
        self.status: int | None = None
        self.output: list[str] = []
        self.on_line: Callable[[str], None] = lambda line: None
        self._waiting: list[Deferred[str]] = []
        self._rest = b""
        # Should the demo be killed, nothing it started stays behind.
        if guard := shutil.which("setpriv"):
            command = [guard, "--pdeathsig", "TERM", "--", *command]
        environ = {**os.environ, **(environ or {})}
        program = shutil.which(command[0]) or command[0]
        self._process = reactor.spawnProcess(self, program, command, environ)

    @property
    def pid(self) -> int:
        """Its process id."""
        return int(self._process.pid)

    def say(self, line: str) -> None:
        """Write a line to its standard input."""
        self._process.write(f"{line}\n".encode())

    async def hear(self, seconds: float) -> str:
        """Its next line; a TimeoutError after so many seconds, a ConnectionError if it ends before."""
        line: Deferred[str] = Deferred()
        self._waiting.append(line)
        return await line.addTimeout(seconds, self._reactor)

    def signal(self, name: str) -> None:
        """Send it a signal (``TERM``, ``KILL``) if it is there."""
        if self.status is None:
            self._process.signalProcess(name)

    async def end(self) -> int:
        """Make it end: TERM, then KILL.  Returns its status."""
        self.signal("TERM")
        killer = self._reactor.callLater(TERM_PATIENCE, self.signal, "KILL")
        try:
            return await self.wait()
        finally:
            if killer.active():
                killer.cancel()

    async def wait(self) -> int:
        """Its status, once it has ended."""
        if self.status is None:
            ended: Deferred[int] = Deferred()
            self._ended.append(ended)
            return await ended
        return self.status

    # --- ProcessProtocol --------------------------------------------------------------

    def outReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._heard(line.decode(errors="replace"))

    errReceived = outReceived

    def _heard(self, line: str) -> None:
        self.output.append(line)
        self.on_line(line)
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            if not deferred.called:
                deferred.callback(line)

    def processEnded(self, reason: Failure) -> None:
        if self._rest:
            self._heard(self._rest.decode(errors="replace"))
        ended: Any = reason.value
        self.status = -ended.signal if ended.signal else (ended.exitCode or 0)
        for deferred in self._waiting:
            if not deferred.called:
                deferred.errback(ConnectionError("\n".join(["it ended", *self.output[-5:]])))
        for waiting in self._ended:
            waiting.callback(self.status)


async def shell(reactor: Any, prefix: Sequence[str], script: str) -> None:
    """Run a shell script; an OSError with its words when a command in it fails."""
    child = Child(reactor, [*prefix, "sh", "-ec", script])
    if await child.wait():
        raise OSError("\n".join(child.output) or f"failed: {script}")


def tool(name: str) -> str:
    """A command installed beside the Python that runs us."""
    return str(Path(sys.executable).parent / name)
