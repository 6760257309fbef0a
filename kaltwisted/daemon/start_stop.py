"""``startup_script`` and ``shutdown_script``: commands of the daemon, before all roles and after them.

Whatever becomes of one the daemon goes on, as keepalived does: a director that
does not start for a script's sake helps nobody.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from kaltwisted.config.model import SECOND_US, GlobalDefs, Script
from kaltwisted.daemon import systemd
from kaltwisted.ports import ScriptResult

if TYPE_CHECKING:
    from kaltwisted.alerts.scripts import ScriptService

MORE_US: Final = 20 * SECOND_US
"""What the service manager has to allow for besides a script's limit: its end by force, and our own steps."""


class StartAndStop:
    """Runs them, each once in the life of a daemon.  Nothing is loaded while there is nothing to run."""

    _log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._scripts: ScriptService | None = None
        self._startup: Deferred[ScriptResult] | None = None

    async def startup(self, defs: GlobalDefs) -> None:
        """Run ``startup_script``, if there is one, to its end or its limit.

        :raises twisted.internet.defer.CancelledError: the daemon is stopped meanwhile.
        """
        script, limit_us = defs.startup_script, defs.startup_script_timeout_us
        if script is not None:
            self._startup = self._run("startup", script, limit_us, defs)
            self._tell("startup", script, await self._startup)

    async def shutdown(self, defs: GlobalDefs) -> None:
        """Likewise ``shutdown_script``, once a ``startup_script`` that still ran has ended."""
        if self._startup is not None:
            self._startup.cancel()
        await self._gone()
        script, limit_us = defs.shutdown_script, defs.shutdown_script_timeout_us
        if script is not None:
            result = await self._run("shutdown", script, limit_us, defs)
            self._tell("shutdown", script, result)
            await self._gone()

    def _run(self, when: str, script: Script, limit_us: int, defs: GlobalDefs) -> Deferred[ScriptResult]:
        from kaltwisted.alerts.scripts import ScriptService

        self._log.info("Running {when} script {program}", when=when, program=script.argv[0])
        systemd.notify(f"EXTEND_TIMEOUT_USEC={limit_us + MORE_US}")
        self._scripts = ScriptService(self._reactor, defs)
        self._scripts.startService()
        return self._scripts.run(script, limit_us)

    async def _gone(self) -> None:
        if self._scripts is not None:
            await self._scripts.stopService()

    def _tell(self, when: str, script: Script, result: ScriptResult) -> None:
        """keepalived's lines, of which it has none for a signal."""
        if result.timed_out:
            self._log.warn("{when} script timed out", when=when)
        elif result.error is not None:
            self._log.warn(
                "{when} script {program} cannot run: {why}",
                when=when,
                program=script.argv[0],
                why=result.error,
            )
        elif result.signal is not None:
            self._log.warn(
                "{when} script ended by signal {number} ({name})",
                when=when,
                number=result.signal,
                name=signal.strsignal(result.signal),
            )
        elif result.status:
            self._log.warn("{when} script script failed, status {status}", when=when, status=result.status)
        else:
            self._log.info("{when} script script succeeded", when=when)
