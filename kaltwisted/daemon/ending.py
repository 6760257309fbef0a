"""How a daemon that cannot go on ends: in good order, with keepalived's exit status."""

from __future__ import annotations

import atexit
import os
import sys
from typing import Any

from twisted.internet.error import ReactorNotRunning


def end_with(reactor: Any, status: int) -> None:
    """Stop in good order, and let the process end with ``status``.

    Where several reasons to end come together, the first one's status counts.
    twistd knows no other status than 0 for a daemon that has run, so the very
    last that runs in the process says it.
    """
    reactor.callWhenRunning(_stop, reactor, status)


def _stop(reactor: Any, status: int) -> None:
    try:
        reactor.stop()
    except ReactorNotRunning:
        return  # it is about to stop already
    atexit.register(_exit, status)


def _exit(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
