"""Named pipes that are told of every event, and the programs that read them (keepalived: ``notify_fifo``).

Scripts are started for each event and may overtake one another; a pipe has its
lines in order.  Nothing waits for who reads it: a pipe that is full loses the
line, which is logged once and counted.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

import attrs
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kaltwisted.alerts.notify import PIPES
from kaltwisted.alerts.security import Users
from kaltwisted.config.model import GlobalDefs, NotifyFifo, Script
from kaltwisted.ports import IScripts, ScriptResult
from kaltwisted.respawn import Respawn

STOP_S: Final = 2.0
"""How long a reader may take to end once its pipe is closed."""


class PipeError(Exception):
    """A pipe cannot be used; why, in words."""


class NamedPipe:
    """The writing end of a named pipe, which is made where it is missing.

    It is opened for reading too, so that a line waits for a reader that comes
    later, and one that goes away does no harm.
    """

    def __init__(self, path: str, uid: int | None = None, gid: int | None = None) -> None:
        """Make and open it; a pipe that is made is its user's alone (keepalived: mode 0600).

        :raises PipeError: it cannot be, or something else is there.
        """
        self.path = path
        self.dropped = 0
        self._made = False
        try:
            with contextlib.suppress(FileExistsError):
                os.mkfifo(path, 0o600)
                self._made = True
            self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                if not stat.S_ISFIFO(os.fstat(self._descriptor).st_mode):
                    raise PipeError("there is something else that is no named pipe")
                if self._made and uid is not None and gid is not None:
                    os.fchown(self._descriptor, uid, gid)
            except BaseException:
                self.close()
                raise
        except OSError as error:
            raise PipeError(error.strerror or str(error)) from error

    def write(self, line: bytes) -> bool:
        """Put a line in; False when there is no room and it is lost."""
        try:
            os.write(self._descriptor, line)
        except BlockingIOError:
            self.dropped += 1
            return False
        return True

    def close(self) -> None:
        """Close it: readers come to its end.  One that we made goes away."""
        os.close(self._descriptor)
        if self._made:
            with contextlib.suppress(OSError):
                Path(self.path).unlink()


@attrs.frozen
class _Wanted:
    """A pipe as it is configured: what is equal stays open over a reload."""

    fifo: NotifyFifo
    script: Script | None
    owner: tuple[int, int] | None


class NotifyFifos(Service):
    """The pipes of a configuration.  A reader that ends is started again.

    :param scripts: runs the readers.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime, scripts: IScripts, defs: GlobalDefs) -> None:
        self._clock = clock
        self._scripts = scripts
        self._defs = defs
        self._open: dict[str, tuple[_Wanted, NamedPipe, _Reader | None]] = {}
        self._failing: set[str] = set()
        self._full: set[str] = set()

    def startService(self) -> None:
        """Open them, and start who reads them."""
        super().startService()
        self.reconfigure(self._defs)

    def stopService(self) -> Deferred[None]:
        """Close them; fires when the readers have ended."""
        super().stopService()
        return DeferredList([self._close(name) for name in tuple(self._open)]).addCallback(lambda _: None)

    def reconfigure(self, defs: GlobalDefs) -> None:
        """Have the pipes of this configuration from now on."""
        self._defs = defs
        for name in dict.fromkeys(name for names in PIPES.values() for name in names):
            wanted = self._wanted(defs, name)
            there = self._open.get(name)
            if there is not None and there[0] == wanted:
                continue
            if there is not None:
                self._close(name)
            if wanted is not None:
                self._begin(name, wanted)

    def write(self, role: str, lines: str) -> None:
        """Events of a role, one a line, each with its line end."""
        for name in PIPES.get(role, ()):
            there = self._open.get(name)
            if there is not None:
                self._write(name, there[1], lines.encode(errors="surrogateescape"))

    def _write(self, name: str, pipe: NamedPipe, lines: bytes) -> None:
        for line in lines.splitlines(keepends=True):
            if pipe.write(line):
                self._full.discard(name)
            elif name not in self._full:
                self._full.add(name)
                self._log.warn(
                    "{name} {path} is full: nobody reads it; events are lost", name=name, path=pipe.path
                )

    def _wanted(self, defs: GlobalDefs, name: str) -> _Wanted | None:
        fifo: NotifyFifo | None = getattr(defs, name)
        if fifo is None:
            return None
        try:
            who = Users(defs).of(Script((fifo.path,), fifo.user, fifo.group))
        except LookupError as error:
            self._complain(name, fifo, str(error))
            return None
        return _Wanted(fifo, getattr(defs, f"{name}_script"), None if who is None else (who.uid, who.gid))

    def _begin(self, name: str, wanted: _Wanted) -> None:
        try:
            pipe = NamedPipe(wanted.fifo.path, *(wanted.owner or ()))
        except PipeError as error:
            self._complain(name, wanted.fifo, str(error))
            return
        self._failing.discard(name)
        reader = None
        if wanted.script is not None:
            word = name.removesuffix("_notify_fifo").removesuffix("notify_fifo")
            reader = _Reader(
                f"{word} notify fifo".strip(), wanted.script, pipe.path, self._scripts, self._clock
            )
            reader.start()
        self._open[name] = wanted, pipe, reader

    def _complain(self, name: str, fifo: NotifyFifo, why: str) -> None:
        if name not in self._failing:
            self._failing.add(name)
            self._log.error("{name} {path} cannot be used: {why}", name=name, path=fifo.path, why=why)

    def _close(self, name: str) -> Deferred[None]:
        _, pipe, reader = self._open.pop(name)
        pipe.close()
        return succeed(None) if reader is None else reader.stop()


class _Reader:
    """The program that reads a pipe, started again when it ends.  ``name``: as keepalived logs it."""

    _log = Logger()

    def __init__(self, name: str, script: Script, path: str, scripts: IScripts, clock: IReactorTime) -> None:
        self._name = name
        self._script = script
        self._path = path
        self._scripts = scripts
        self._clock = clock
        self._running: Deferred[None] | None = None
        self._again: IDelayedCall | None = None
        self._respawn = Respawn()
        self._since = 0.0
        self._ended: Deferred[None] | None = None

    def start(self) -> None:
        """Run it, with the path as its last argument."""
        self._again = None
        self._since = self._clock.seconds()
        run = self._scripts.run(self._script, None, (self._path,))
        self._running = run.addCallbacks(self._over, self._cancelled)

    def stop(self) -> Deferred[None]:
        """It is to end, as its pipe is closed; if it does not, it is ended."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._running is None:
            return succeed(None)
        self._ended = Deferred()
        return self._ended.addTimeout(STOP_S, self._clock).addErrback(self._end)

    def _end(self, failure: Failure) -> None:
        failure.trap(DeferredTimeoutError)
        if self._running is not None:
            self._running.cancel()

    def _over(self, result: ScriptResult) -> None:
        self._running = None
        if self._ended is not None:
            self._ended.callback(None)
            return
        how = " abnormally" if result.signal else ""
        why = f": {result.error}" if result.error is not None else ""
        self._log.warn("{name} script terminated{how}{why}", name=self._name, how=how, why=why)
        lived_s = self._clock.seconds() - self._since
        self._again = self._clock.callLater(self._respawn.delay_s(lived_s), self.start)

    def _cancelled(self, failure: Failure) -> None:
        self._running = None
        failure.trap(CancelledError)
