"""A process with our VRRP role and nothing else, for the namespaces of ``vrrp_lan``; logs to its output."""

from __future__ import annotations

import sys

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
    role = VrrpRole(load_file(path).configuration, reactor)

    def stop() -> Deferred[None]:
        return role.stopService().addErrback(Failure.printTraceback)

    reactor.callWhenRunning(role.startService)  # type: ignore[attr-defined]
    reactor.addSystemEventTrigger("before", "shutdown", stop)  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(sys.argv[1])
