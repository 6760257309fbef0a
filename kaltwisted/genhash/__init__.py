"""genhash: fetches one page and tells its digest, the one that a ``url``'s ``digest`` has to be.

The command of the 2002 user guide (8.2): its options, its letters, its output.
Options that keepalived's genhash has learned since are there by their long
names, and by their letters where the guide's have not taken them.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from typing import IO, Any, NoReturn

from twisted.application.service import Service
from twisted.python import usage
from twisted.python.failure import Failure

from kaltwisted.genhash.client import FetchError, fetch
from kaltwisted.genhash.options import Options

__all__ = ["Options", "main", "makeService"]


class _Genhash(Service):
    """Runs once, then ends the reactor; ``status`` is the exit status."""

    def __init__(self, options: Options, reactor: Any, output: IO[str], errors: IO[str]) -> None:
        self._options = options
        self._reactor = reactor
        self._output = output
        self._errors = errors
        self.status = 0

    def startService(self) -> None:
        """Begin when the reactor runs."""
        super().startService()
        self._reactor.callWhenRunning(self._go)

    def _go(self) -> None:
        def failed(failure: Failure) -> None:
            self.status = 1
            self._output.flush()
            if failure.check(BrokenPipeError):
                return
            text = str(failure.value) if failure.check(FetchError) else failure.getTraceback()
            print(f"genhash: {text}", file=self._errors)

        try:
            going = fetch(self._options, self._output, self._reactor)
        except FetchError:
            failed(Failure())
            self._reactor.stop()
            return
        going.addErrback(failed)
        going.addBoth(lambda _: self._reactor.callLater(0, self._reactor.stop))


def makeService(options: Options) -> Service:
    """The plugin's service, for twistd and twist: prints to the real stdout, whatever becomes of the log."""
    from twisted.internet import reactor

    service = _Genhash(options, reactor, sys.__stdout__ or sys.stdout, sys.__stderr__ or sys.stderr)

    def leave() -> None:
        # twistd knows no exit status; this is the last thing the process does.
        if service.status:
            sys.stdout.flush()
            os._exit(service.status)

    atexit.register(leave)
    return service


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """The console command; ends the process with status 0, or 1 after a message on stderr."""
    options = Options()
    try:
        options.parseOptions(list(sys.argv[1:] if argv is None else argv))
    except usage.UsageError as mistake:
        print(f"genhash: {mistake}\nTry genhash --help.", file=sys.stderr)
        sys.exit(1)
    from twisted.internet import reactor

    service = _Genhash(options, reactor, sys.stdout, sys.stderr)
    service.startService()
    reactor.run()
    sys.exit(service.status)
