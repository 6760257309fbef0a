"""A role's process as its supervisor sees it: the socket to it, what it prints, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.logger import Logger, LogLevel
from twisted.protocols import amp
from twisted.python.failure import Failure
from zope.interface import Attribute, Interface, implementer

import kaltwisted
from kaltwisted.daemon.role import commands
from kaltwisted.daemon.role.seam import RoleKind
from kaltwisted.ports import Fact

LONGEST_LINE = 4096


@attrs.frozen
class Ended:
    """How a process ended: by itself with ``status``, or by a ``signal``."""

    status: int | None = None
    signal: int | None = None

    def __str__(self) -> str:
        if self.signal is None:
            return f"exited with status {self.status}"
        return f"exited due to signal {self.signal} ({signal.strsignal(self.signal)})"


class IChild(Interface):
    """One life of a role's process."""

    pid: int = Attribute("its number")

    def call(command: type[amp.Command], **arguments: object) -> Deferred[dict[str, Any]]:
        """Have it do something; fails when it ends before it has answered."""

    def listen(
        heard: Callable[[Fact], object], lines: Callable[[str], object], notes: Callable[[str], object]
    ) -> None:
        """Give ``heard`` the facts that it publishes, ``lines`` what it has for notify FIFOs.

        ``notes``: its state changes, a line of JSON for each.
        """

    def when_ended() -> Deferred[Ended]:
        """Fires when it has ended and is reaped; for every caller."""

    def kill() -> None:
        """End it at once, whatever it does."""


class _Control(amp.AMP):  # type: ignore[misc,unused-ignore]
    """The supervisor's end of the socket."""

    heard: Callable[[Fact], object] = staticmethod(lambda _: None)
    lines: Callable[[str], object] = staticmethod(lambda _: None)
    notes: Callable[[str], object] = staticmethod(lambda _: None)

    @commands.Tell.responder
    def hear(self, **words: Any) -> dict[str, object]:
        """A fact that the role has published."""
        self.heard(commands.Tell.fact(**words))
        return {}

    @commands.Lines.responder
    def take(self, text: bytes) -> dict[str, object]:
        """Lines for notify FIFOs."""
        self.lines(text.decode(errors="surrogateescape"))
        return {}

    @commands.Noted.responder
    def note(self, text: bytes) -> dict[str, object]:
        """State changes."""
        self.notes(text.decode())
        return {}


@implementer(IChild)
class Child(ProcessProtocol):
    """A process of ``python -m kaltwisted.daemon.role``.

    What it prints on stderr is a defect that its own log could not take, and
    comes into ours.  Its stdout is ours where that is the log's place.

    :param own_stdout: take what it prints on stdout into our log, too.
    """

    def __init__(self, kind: RoleKind, reactor: Any, *, own_stdout: bool) -> None:
        self._log = Logger(namespace=f"kaltwisted.{kind.name}")
        self._control = _Control()
        self._printed = {1: bytearray(), 2: bytearray()}
        self._ended: Ended | None = None
        self._waiting: list[Deferred[Ended]] = []
        ours, theirs = socket.socketpair()
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            factory = Factory.forProtocol(lambda: self._control)
            reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, factory)
            # -P: not from the folder we happen to be in, which may be anybody's.
            words = [sys.executable, "-P", "-m", "kaltwisted.daemon.role", kind.name, kaltwisted.__version__]
            stdout: int | str = "r" if own_stdout else 1
            reactor.spawnProcess(
                self,
                words[0],
                words,
                env=_environment(),
                childFDs={0: nothing, 1: stdout, 2: "r", commands.CONTROL: theirs.fileno()},
            )
        finally:
            os.close(nothing)
            theirs.close()
            ours.close()
        assert self.transport is not None
        assert self.transport.pid is not None
        self.pid = self.transport.pid

    # -- IChild -------------------------------------------------------------------------

    def call(self, command: type[amp.Command], **arguments: object) -> Deferred[dict[str, Any]]:
        if self._control.transport is None:
            # AMP would stumble over it where descriptors are to be sent.
            return fail(ConnectionDone("the process is gone"))
        called: Deferred[dict[str, Any]] = self._control.callRemote(command, **arguments)
        return called

    def listen(
        self,
        heard: Callable[[Fact], object],
        lines: Callable[[str], object],
        notes: Callable[[str], object],
    ) -> None:
        self._control.heard = heard
        self._control.lines = lines
        self._control.notes = notes

    def when_ended(self) -> Deferred[Ended]:
        if self._ended is not None:
            return succeed(self._ended)
        self._waiting.append(Deferred())
        return self._waiting[-1]

    def kill(self) -> None:
        if self._ended is None:
            os.kill(self.pid, signal.SIGKILL)

    # -- IProcessProtocol -----------------------------------------------------------------

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        lines = (self._printed[childFD] + data).split(b"\n")
        rest = lines.pop()
        # A line without end must not fill our memory.
        self._printed[childFD] = rest[:LONGEST_LINE]
        for line in lines:
            self._tell(childFD, line)

    def _tell(self, descriptor: int, line: bytes | bytearray) -> None:
        level = LogLevel.info if descriptor == 1 else LogLevel.error
        self._log.emit(level, "{line}", line=line[:LONGEST_LINE].decode(errors="replace"))

    def processExited(self, reason: Failure) -> None:
        """It is reaped; what it has started may hold its output open for longer."""
        end: Any = reason.value
        self._ended = Ended(None if end.signal else end.exitCode, end.signal)
        for descriptor, rest in self._printed.items():
            if rest:
                self._tell(descriptor, rest)
        if self._control.transport is not None:
            self._control.transport.loseConnection()
        if self.transport is not None:
            self.transport.loseConnection()
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(self._ended)


def _environment() -> dict[str, str]:
    """Ours, and the place that we were imported from."""
    place = str(Path(kaltwisted.__file__).parents[1])
    more = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([place, more] if more else [place])}
