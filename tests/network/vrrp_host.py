"""A process with our VRRP role and nothing else, for the namespaces of ``vrrp_lan``; logs to its output.

USR1 makes it write its reports beside its configuration file: ``.data``,
``.stats``, ``.json`` and ``.json2``.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)
from twisted.python.failure import Failure

from kaltwisted.config.load import load_file
from kaltwisted.daemon.role.vrrp import VrrpRole


def main(path: str) -> None:
    """Run it until TERM."""
    debug = LogLevelFilterPredicate(LogLevel.debug)
    observer = FilteringLogObserver(textFileLogObserver(sys.stdout), [debug])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    # Of one host all lives share what survives them, as those of a daemon do.
    state = Path(path).with_name(f"{Path(path).name.partition('-')[0]}-state")
    role = VrrpRole(load_file(path).configuration, reactor, state_directory=state)

    def stop() -> Deferred[None]:
        return role.stopService().addErrback(Failure.printTraceback)

    def report(*_: object) -> None:
        reactor.callFromThread(write_reports, role, Path(path))  # type: ignore[attr-defined]

    signal.signal(signal.SIGUSR1, report)
    reactor.callWhenRunning(role.startService)  # type: ignore[attr-defined]
    reactor.addSystemEventTrigger("before", "shutdown", stop)  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]


def write_reports(role: VrrpRole, path: Path) -> None:
    """Write all of them, each complete when its file is there."""
    lines = {".data": role.data(), ".stats": role.statistics(), ".json": role.json(1), ".json2": role.json(2)}
    for suffix, each in lines.items():
        file = path.with_suffix(".new")
        file.write_text("".join(f"{line}\n" for line in each))
        file.rename(path.with_suffix(suffix))


if __name__ == "__main__":
    main(sys.argv[1])
