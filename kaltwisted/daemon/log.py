"""Where log events go: the console and syslog, in keepalived's form.

Both observers are bounded and never block: a line that the other side does
not take now is dropped and counted, and the count is told once it listens
again.  Which lines are shown is ``wanted``'s decision, how they look is
``lines``'; both are pure.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TextIO

from twisted.logger import ILogObserver, LogEvent, LogLevel, eventAsText, formatEvent
from zope.interface import implementer

from kaltwisted.daemon.settings import DAEMON, Settings

_FACILITIES = {"user": 1, "daemon": DAEMON} | {f"local{n}": 16 + n for n in range(8)}

_SEVERITY = {
    LogLevel.debug: 7,
    LogLevel.info: 6,
    LogLevel.warn: 4,
    LogLevel.error: 3,
    LogLevel.critical: 2,
}

# The process of C keepalived that would say it: monitoring filters by these names.
_IDENTS = (
    ("kaltwisted.vrrp", "Keepalived_vrrp"),
    ("kaltwisted.bfd", "Keepalived_bfd"),
    ("kaltwisted.checkers", "Keepalived_healthcheckers"),
    ("kaltwisted.healthcheck", "Keepalived_healthcheckers"),
    ("kaltwisted.lvs", "Keepalived_healthcheckers"),
    ("kaltwisted.alerts", "Keepalived_healthcheckers"),
    ("kaltwisted.kernel", "Keepalived_healthcheckers"),
    ("kaltwisted.daemon.role.checker", "Keepalived_healthcheckers"),
)

# PIPE_BUF: a pipe that polls as writable takes this much without blocking.
_LINE_BYTES = 4096
_TRACEBACKS_KEPT = 64
LOOK_AGAIN_S = 0.1
"""How long no line is offered to a syslogd that was not there."""


def facility(name: str) -> int:
    """The syslog facility of ``-S``: ``0``-``7``, ``local0``-``local7``, ``user`` or ``daemon``.

    :raises ValueError: for any other name.
    """
    word = f"local{name}" if name in set("01234567") else name
    if word not in _FACILITIES:
        raise ValueError(f"{name!r} is none of 0-7, local0-local7, user, daemon")
    return _FACILITIES[word]


def ident(namespace: str) -> str:
    """keepalived's syslog ident for what the module ``namespace`` logs."""
    for room, name in _IDENTS:
        if namespace == room or namespace.startswith(room + "."):
            return name
    return "Keepalived"


def wanted(event: LogEvent, detail: int) -> bool:
    """Whether ``event`` is shown.

    :param detail: how often ``-D`` was given.  0: our messages and everybody's
        warnings; 1: also our debug messages and Twisted's information; 2: also
        the coming and going of every single connection.
    """
    level = event.get("log_level", LogLevel.info)
    if level >= LogLevel.warn:
        return True
    if detail >= 2:
        return True
    if event.get("log_namespace") == "twisted.protocols.amp" and level <= LogLevel.info:
        return False
    # Twisted logs these under the name of the factory's own class, which may be ours.
    if "factory" in event and str(event.get("log_format", "")).startswith(
        ("Starting factory", "Stopping factory")
    ):
        return False
    # A raw socket is none of UDP, and 112 no port, whatever Twisted takes them for.
    if str(event.get("log_text", "")).startswith(("(UDP Port ", "VRRP starting on ")):
        return False
    ours = str(event.get("log_namespace", "")).startswith("kaltwisted")
    if detail:
        return bool(ours or level >= LogLevel.info)
    return bool(ours and level >= LogLevel.info)


class Formatter:
    """Turns events to lines; a traceback that was shown before is only referred to."""

    def __init__(self) -> None:
        self._shown: dict[str, None] = {}

    def lines(self, event: LogEvent) -> Iterator[str]:
        """The event's lines, without time or name.

        What a peer sent cannot forge a line: control characters in a message are escaped.
        """
        message = formatEvent(event)
        if not event.get("log_failure"):
            if message:
                yield _plain(message)
            return
        traceback = eventAsText(event, includeTimestamp=False, includeSystem=False)
        if message and traceback.startswith(message):
            traceback = traceback[len(message) :]
        yield _plain(message or "Unhandled error")
        traceback = traceback.strip("\n")
        if traceback in self._shown:
            yield "  (with the same traceback as before)"
            return
        if len(self._shown) >= _TRACEBACKS_KEPT:
            del self._shown[next(iter(self._shown))]
        self._shown[traceback] = None
        yield from (f"  {_plain(line)}" for line in traceback.split("\n"))

    def rendered(self, event: LogEvent) -> Iterator[str]:
        """The lines of an event that brings a layout for people: ``rendered``, several lines of text."""
        yield from (_plain(line) for line in str(event["rendered"]).split("\n"))


@lru_cache(maxsize=2)
def _ctime(second: int) -> str:
    """Kept for the lines of one second: each look at the clock on the wall is one at its file, too."""
    return time.ctime(second)


@lru_cache(maxsize=2)
def _stamp(second: int) -> str:
    """Likewise, as RFC 3164 has it."""
    return time.strftime("%b %e %H:%M:%S", time.localtime(second))


def _plain(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in text)


@implementer(ILogObserver)
class ConsoleObserver:
    """``-l``: lines as ``keepalived -n -l`` writes them, ``Mon Nov 23 06:00:00 2026: message``.

    ``bare``: without the time, for who puts his own in front.
    """

    def __init__(self, stream: TextIO, detail: int = 0, *, bare: bool = False) -> None:
        self._stream = stream
        self._detail = detail
        self._bare = bare
        self._formatter = Formatter()
        self._dropped = 0
        self._poll: select.poll | None = None
        try:
            self._descriptor: int | None = stream.fileno()
            # A file takes all at once, and thousands of lines are written in a row.
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                self._poll = select.poll()
                self._poll.register(self._descriptor, select.POLLOUT)
        except (OSError, ValueError):
            self._descriptor = None

    def __call__(self, event: LogEvent) -> None:
        """Write the event's lines."""
        if wanted(event, self._detail):
            when = "" if self._bare else f"{_ctime(int(event.get('log_time') or time.time()))}: "
            lines = self._formatter.rendered(event) if "rendered" in event else self._formatter.lines(event)
            for line in lines:
                self._write(f"{when}{line}")

    def _write(self, line: str) -> None:
        if self._dropped and self._put(
            f"{time.ctime()}: {self._dropped} log messages lost: the console was stuck"
        ):
            self._dropped = 0
        if self._dropped or not self._put(line):
            self._dropped += 1

    def _put(self, line: str) -> bool:
        if self._descriptor is None:
            self._stream.write(line + "\n")
            return True
        data = line.encode(errors="backslashreplace")[: _LINE_BYTES - 1] + b"\n"
        try:
            if self._poll and not any(bits & select.POLLOUT for _, bits in self._poll.poll(0)):
                return False
            os.write(self._descriptor, data)
        except OSError:
            return False
        return True


@implementer(ILogObserver)
class SyslogObserver:
    """Datagrams to ``/dev/log`` (RFC 3164 form), under keepalived's idents.

    ``name``: the ident of a process that has one; None: by who logs.  ``instance``: the daemon's
    own name, which all idents end with.

    The standard library's syslog() waits for a stuck syslogd, and every check with it.
    Where there is no syslogd at all, as in most containers, it is looked for
    now and then only: for every line that would be half of a reload's work.
    """

    def __init__(
        self,
        facility: int = DAEMON,
        detail: int = 0,
        path: str = "/dev/log",
        name: str | None = None,
        instance: str | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._look_again_at = float("-inf")
        self._facility = facility
        self._name = name
        self._whose = "" if instance is None else f"_{instance}"
        self._detail = detail
        self._path = path
        self._formatter = Formatter()
        self._socket: socket.socket | None = None
        self.dropped = 0

    def __call__(self, event: LogEvent) -> None:
        """Send the event's lines."""
        if not wanted(event, self._detail):
            return
        name = self._name or ident(str(event.get("log_namespace", "")))
        level = event.get("log_level", LogLevel.info)
        for line in self._formatter.lines(event):
            self._write(self._datagram(name, _SEVERITY[level], event.get("log_time") or time.time(), line))

    def _datagram(self, name: str, severity: int, when: float, line: str) -> bytes:
        stamp = _stamp(int(when))
        text = f"<{self._facility * 8 + severity}>{stamp} {name}{self._whose}[{os.getpid()}]: {line}"
        return text.encode(errors="backslashreplace")[:_LINE_BYTES]

    def _write(self, datagram: bytes) -> None:
        if self.dropped:
            lost = f"{self.dropped} log messages lost: syslog did not take them"
            if self._put(self._datagram("Keepalived", 4, time.time(), lost)):
                self.dropped = 0
        if self.dropped or not self._put(datagram):
            self.dropped += 1

    def _put(self, datagram: bytes) -> bool:
        if self._socket is None and self._now() < self._look_again_at:
            return False
        for _ in range(2):  # a restarted syslogd has a new socket: connect afresh once
            try:
                if self._socket is None:
                    self._socket = self._connect()
                self._socket.send(datagram)
            except BlockingIOError:
                return False
            except OSError:
                self.close()
                continue
            return True
        self._look_again_at = self._now() + LOOK_AGAIN_S
        return False

    def _connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            sock.connect(self._path)
        except OSError:
            sock.close()
            raise
        return sock

    def close(self) -> None:
        """Let go of the socket; the next event connects again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@implementer(ILogObserver)
class Observers:
    """Several observers as one."""

    def __init__(self, observers: Iterable[ILogObserver]) -> None:
        self._observers = tuple(observers)

    def __call__(self, event: LogEvent) -> None:
        """Pass it on to each."""
        for observer in self._observers:
            observer(event)


def observer(settings: Settings, name: str | None = None) -> Observers:
    """Where the log of this process goes by ``settings``; ``name``: its ident, None: by who logs."""
    observers: list[ILogObserver] = []
    if settings.console or settings.twistd_logs:
        observers.append(ConsoleObserver(sys.stdout, settings.detail, bare=settings.twistd_logs))
    if settings.syslog and not settings.twistd_logs:
        observers.append(
            SyslogObserver(settings.facility, settings.detail, name=name, instance=settings.instance)
        )
    return Observers(observers)
