"""Notify scripts in order: one at a time for each object, so that the last to run tells the last state.

C keepalived starts them side by side, and an old state may be told after a new
one; here each object (a real server, a virtual server) has a queue of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from kaltwisted.config.model import Script
from kaltwisted.ports import IScripts, ScriptResult
from kaltwisted.waiting import Waiting

# A notify script that hangs may not hold back the ones after it for ever.
TIMEOUT_US = 300_000_000


PIPES: Final[Mapping[str, tuple[str, ...]]] = {
    "vrrp": ("vrrp_notify_fifo", "notify_fifo"),
    "checkers": ("lvs_notify_fifo", "notify_fifo"),
}
"""Who tells which notify FIFOs, fields of ``global_defs``, by the names of roles; in keepalived's order."""


def nobody(lines: str) -> None:
    """Who takes lines for notify FIFOs where there are none."""


class NotifyQueue:
    """Runs notify scripts serially per object, beside one another across objects.

    At most ``limit`` wait for one object; where a script is slower than the
    changes it is told of, the oldest waiting ones are dropped and logged: what
    counts is that the last state is told last.
    """

    _log = Logger()

    def __init__(self, scripts: IScripts, *, timeout_us: int | None = None, limit: int = 64) -> None:
        self._scripts = scripts
        self._timeout_us = timeout_us
        self._limit = limit
        self._waiting: dict[Hashable, deque[tuple[Script, tuple[str, ...]]]] = {}
        self._drained = Waiting()

    def run(self, about: Hashable, script: Script, arguments: tuple[str, ...] = ()) -> None:
        """Run ``script`` once all that came before it for ``about`` have ended."""
        queue = self._waiting.get(about)
        if queue is None:
            self._waiting[about] = deque()
            self._start(about, script, arguments)
            return
        if len(queue) >= self._limit:
            dropped, _ = queue.popleft()
            self._log.warn("Notify script {script} is too slow: an older run is dropped", script=str(dropped))
        queue.append((script, arguments))

    def drained(self) -> Deferred[None]:
        """Fires when nothing runs or waits any more."""
        return self._drained.until(not self._waiting)

    def _start(self, about: Hashable, script: Script, arguments: tuple[str, ...]) -> None:
        running = self._scripts.run(script, self._timeout_us, arguments)
        running.addCallback(self._tell, script)
        running.addErrback(
            lambda failure: self._log.failure("Notify script {s}", failure=failure, s=str(script))
        )
        running.addCallback(lambda _: self._next(about))

    def _next(self, about: Hashable) -> None:
        if self._waiting[about]:
            self._start(about, *self._waiting[about].popleft())
            return
        del self._waiting[about]
        if not self._waiting:
            self._drained.tell()

    def _tell(self, result: ScriptResult, script: Script) -> None:
        if result.error is not None:
            how = result.error
        elif result.timed_out:
            how = "timed out and was ended"
        elif result.signal:
            how = f"ended by signal {result.signal}"
        elif result.status:
            how = f"exited with status {result.status}"
        else:
            return
        self._log.warn("Notify script {script}: {how}", script=str(script), how=how)
