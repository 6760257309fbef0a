"""Lines on their way from a role's process to the supervisor: for notify FIFOs, and of state changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.protocols import amp

from kaltwisted.daemon.role import commands


class Lines:
    """Those of one turn of the reactor go together, for a failover of many instances has many of them.

    :param call: sends a command.
    :param command: which one they go by.
    """

    def __init__(
        self,
        clock: IReactorTime,
        call: Callable[..., Deferred[Any]],
        command: type[amp.Command] = commands.Lines,
    ) -> None:
        self._clock = clock
        self._call = call
        self._command = command
        self._gathered: list[bytes] = []
        self._due: IDelayedCall | None = None

    def write(self, lines: str) -> None:
        """Take whole lines."""
        self._gathered.append(lines.encode(errors="surrogateescape"))
        if self._due is None:
            self._due = self._clock.callLater(0, self.flush)

    def flush(self) -> None:
        """Send what there is."""
        if self._due is not None and self._due.active():
            self._due.cancel()
        self._due = None
        gathered, self._gathered = self._gathered, []
        while gathered:
            text = b""
            while gathered and len(text) + len(gathered[0]) <= commands.Lines.MOST:
                text += gathered.pop(0)
            if not text:
                del gathered[0]  # longer than any configuration's names can make it
                continue
            # When the supervisor is gone, nobody is left who would want them.
            self._call(self._command, text=text).addErrback(lambda _: None)
