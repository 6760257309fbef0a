"""The notify FIFOs of the daemon: the supervisor has them, roles tell it what to write.

So there is one writer, lines stay in order, and roles that have given up their
rights need not be able to open a pipe that is another user's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, succeed

from kaltwisted.config.model import GlobalDefs

if TYPE_CHECKING:
    from kaltwisted.alerts.fifo import NotifyFifos
    from kaltwisted.alerts.scripts import ScriptService


class Pipes:
    """What is configured of them.  Nothing is loaded while there is nothing."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._fifos: NotifyFifos | None = None
        self._scripts: ScriptService | None = None

    def reconfigure(self, defs: GlobalDefs) -> None:
        """Have the FIFOs of this configuration from now on."""
        if self._fifos is not None and self._scripts is not None:
            self._scripts.reconfigure(defs)
            self._fifos.reconfigure(defs)
            return
        if defs.notify_fifo is None and defs.vrrp_notify_fifo is None and defs.lvs_notify_fifo is None:
            return
        from kaltwisted.alerts.fifo import NotifyFifos
        from kaltwisted.alerts.scripts import ScriptService

        self._scripts = ScriptService(self._reactor, defs)
        self._scripts.startService()
        self._fifos = NotifyFifos(self._reactor, self._scripts, defs)
        self._fifos.startService()

    def write(self, role: str, lines: str) -> None:
        """Lines of a role."""
        if self._fifos is not None:
            self._fifos.write(role, lines)

    def stop(self) -> Deferred[Any]:
        """Close them; fires when those that read them have ended."""
        fifos, scripts = self._fifos, self._scripts
        self._fifos = self._scripts = None
        if fifos is None or scripts is None:
            return succeed(None)
        stopped: Deferred[Any] = fifos.stopService()
        return stopped.addCallback(lambda _: scripts.stopService())
