"""A process with our checker role and nothing else; USR1 makes it write its data file into a directory."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.python.failure import Failure

from kaltwisted.config.load import load_file
from kaltwisted.daemon.role.checker import CheckerRole


def main(file: str, directory: Path) -> None:
    """Run it until TERM."""
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout)], redirectStandardIO=False)
    configuration = load_file(file).configuration
    role = CheckerRole(configuration, reactor, data_plane="ipvs", state_directory=directory)

    def stop() -> Deferred[None]:
        return role.stopService().addErrback(Failure.printTraceback)

    def write() -> None:
        new = directory / "new"
        new.write_text("".join(f"{line}\n" for line in role.data()))
        new.rename(directory / "keepalived_check.data")

    def report(*_: object) -> None:
        reactor.callFromThread(write)  # type: ignore[attr-defined]

    signal.signal(signal.SIGUSR1, report)
    reactor.callWhenRunning(role.startService)  # type: ignore[attr-defined]
    reactor.addSystemEventTrigger("before", "shutdown", stop)  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
