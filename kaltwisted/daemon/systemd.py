"""Tell the service manager how we are (sd_notify's protocol), for units of ``Type=notify``."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from typing import Any

from twisted.internet.task import LoopingCall


def notify(state: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send ``state`` (such as ``READY=1``) to ``$NOTIFY_SOCKET``, if there is one; whether it was taken."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with socket.socket(
        socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    ) as sock:
        try:
            sock.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
        except OSError:
            return False
    return True


def monotonic_us() -> int:
    """The time that ``RELOADING=1`` has to come with (``MONOTONIC_USEC``)."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def watchdog_s(environ: Mapping[str, str] = os.environ, pid: int | None = None) -> float | None:
    """How often to say that we live, half of the unit's ``WatchdogSec``; None: nobody asked."""
    try:
        period_us = int(environ.get("WATCHDOG_USEC", "0"))
        for_whom = int(environ.get("WATCHDOG_PID", "0"))
    except ValueError:
        return None
    if period_us <= 0 or for_whom not in (0, os.getpid() if pid is None else pid):
        return None
    return period_us / 2_000_000


class Watchdog:
    """Tells the service manager that we live, for as long as our reactor turns."""

    def __init__(self, clock: Any, environ: Mapping[str, str] = os.environ) -> None:
        self._period_s = watchdog_s(environ)
        self._call = LoopingCall(notify, "WATCHDOG=1", environ)
        self._call.clock = clock

    def start(self) -> None:
        """From now on."""
        if self._period_s is not None:
            self._call.start(self._period_s)

    def stop(self) -> None:
        """Not any more."""
        if self._call.running:
            self._call.stop()
