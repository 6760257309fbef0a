"""What the machine itself does to punctuality: how late a process is that only sleeps.

As a script: sleeps 10 ms at a time until its input ends, then prints how late it was, in ms: the
99th percentile and the most.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType

_PERIOD_S = 0.01


class Noise:
    """A sleeper that runs as long as the block."""

    def __init__(self, prefix: Sequence[str] = ()) -> None:
        self._prefix = prefix

    def __enter__(self) -> Noise:
        self._sleeper = subprocess.Popen(
            [*self._prefix, sys.executable, "-S", "-E", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            output, _ = self._sleeper.communicate(timeout=5)
        finally:
            self._sleeper.kill()
        self.words = output.strip() or "unknown"


def on_each_processor(prefix: Sequence[str] = ()) -> list[Noise]:
    """A sleeper for each processor, which is late when that one is busy or stands still."""
    processors = sorted(os.sched_getaffinity(0))
    return [Noise([*prefix, "taskset", "--cpu-list", str(processor)]) for processor in processors]


def main() -> None:
    """Sleep and reckon."""
    late: list[float] = []
    due = time.monotonic()
    while True:
        due += _PERIOD_S
        if select.select([sys.stdin], [], [], 0)[0]:
            break
        time.sleep(max(0.0, due - time.monotonic()))
        late.append(time.monotonic() - due)
        due = max(due, time.monotonic() - _PERIOD_S)
    late.sort()
    if late:
        print(f"{late[len(late) * 99 // 100] * 1e3:.2f} ({late[-1] * 1e3:.2f})")


if __name__ == "__main__":
    main()
