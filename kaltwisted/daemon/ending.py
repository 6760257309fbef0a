"""How a daemon that cannot go on ends: in good order, with keepalived's exit status."""

from __future__ import annotations

import atexit
import os
import sys
from typing import Any


def end_with(reactor: Any, status: int) -> None:
    """Stop in good order, and let the process end with ``status``.

    twistd knows no other status than 0 for a daemon that has run, so the very
    last that runs in the process says it.
    """
    atexit.register(_exit, status)
    reactor.callWhenRunning(reactor.stop)


def _exit(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
