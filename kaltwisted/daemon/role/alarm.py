"""Delayed calls to the tenth of a millisecond.

epoll counts in milliseconds and rounds up, so that every delayed call comes
half a millisecond late on average: much, where an advert is due every ten.  A
timerfd (timerfd_create(2)) among the reactor's readers ends the wait on time.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.base import ReactorBase
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

_CLOCK_MONOTONIC = 1
# Two alarms that lie closer together than this are one.
_SAME_S = 0.00001


class _Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Itimerspec(ctypes.Structure):
    _fields_ = [("interval", _Timespec), ("value", _Timespec)]


@implementer(IReadDescriptor)
class Alarm:
    """A timer that the reactor waits for; when it rings it does nothing but end the wait.

    :raises OSError: this kernel or C library has none.
    """

    def __init__(self) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        try:
            self._set_time = library.timerfd_settime
            self._descriptor: int = library.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        except AttributeError as error:
            raise OSError("the C library has no timerfd") from error
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        self._spec = _Itimerspec()
        self._value = self._spec.value
        self._pointer = ctypes.byref(self._spec)
        self._rings_at = 0.0

    def ring_in(self, seconds: float) -> None:
        """Ring so much later, and not at what was asked for before.  ``seconds`` is above 0."""
        at = time.monotonic() + seconds
        if abs(at - self._rings_at) < _SAME_S or self._descriptor < 0:
            return
        self._rings_at = at
        whole = int(seconds)
        self._value.seconds = whole
        # All zero would switch it off.
        self._value.nanoseconds = int((seconds - whole) * 1_000_000_000) or 1
        self._set_time(self._descriptor, 0, self._pointer, None)

    def close(self) -> None:
        """Ring no more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    # --- IReadDescriptor -------------------------------------------------------------

    def fileno(self) -> int:
        return self._descriptor

    def doRead(self) -> None:
        self._rings_at = 0.0
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:
            pass  # set anew since it rang

    def connectionLost(self, reason: Failure) -> None:
        self.close()

    def logPrefix(self) -> str:
        return "alarm"


class _ExactTimeout:
    """In place of a reactor's ``timeout``: sets the alarm before every wait."""

    def __init__(self, timeout: Callable[[], float | None], alarm: Alarm) -> None:
        self._timeout = timeout
        self._alarm = alarm

    def __call__(self) -> float | None:
        delay = self._timeout()
        if delay:
            self._alarm.ring_in(delay)
        return delay


def use_exact_timers(reactor: Any) -> bool:
    """Let a reactor's delayed calls come on time, until it ends; tells whether they will.

    Done once is enough.  Reactors with another way of waiting are left alone.
    """
    if isinstance(getattr(reactor, "timeout", None), _ExactTimeout):
        return True
    if not isinstance(reactor, ReactorBase) or not IReactorFDSet.providedBy(reactor):
        return False
    try:
        alarm = Alarm()
    except OSError:
        return False
    reactor.addReader(alarm)
    reactor.timeout = _ExactTimeout(reactor.timeout, alarm)  # type: ignore[method-assign]
    return True
