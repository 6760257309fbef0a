"""The signals of a daemon: kept waiting until they can be answered, then answered on the reactor."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

RELOAD: Final = signal.SIGHUP
DATA: Final = signal.SIGUSR1
STATISTICS: Final = signal.SIGUSR2
JSON: Final = signal.SIGRTMIN + 2
CLEAR_STATISTICS: Final = signal.SIGRTMAX - 1
THREADS: Final = signal.SIGRTMAX
OPERATORS: Final = (RELOAD, DATA, STATISTICS, JSON, CLEAR_STATISTICS, THREADS)
"""What operators and exporters send; unanswered, each would end the process."""


def hold() -> None:
    """Keep them waiting from the first moment on: whoever is early is answered when we are ready."""
    signal.pthread_sigmask(signal.SIG_BLOCK, OPERATORS)


def release() -> None:
    """Let those come that waited, and the others."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, OPERATORS)


class Handlers:
    """Handlers of signals, which run as calls on a reactor."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._before: dict[int, Any] = {}

    def answer(self, number: int, how: Callable[[], object]) -> None:
        """Answer the signal of that number from now on."""

        def answer(_: int, __: FrameType | None) -> None:
            self._reactor.callFromThread(how)

        before = signal.signal(number, answer)
        self._before.setdefault(number, before)

    def is_free(self, number: int) -> bool:
        """Whether nobody answers it: twistd may, as USR1 for its log file.

        Who was started by nohup ignores HUP; keepalived answers it then, too.
        """
        return signal.getsignal(number) in (signal.SIG_DFL, signal.SIG_IGN)

    def restore(self) -> None:
        """As it was before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
