"""The daemon as the demo sees it: a child process, and what it logged when."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater

from demo.processes import Child, tool

# Time-outs, for slow machines; what is really taken is measured and shown.
PATIENCE = 30.0
STAMP = re.compile(r"^\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}: ")
POLL = 0.02


class StoryError(Exception):
    """The story cannot go on."""


class Daemon:
    """A running ``twistd keepalived``, for as long as nobody ends it.

    ``prefix``: what puts a command on the daemon's host.  ``folder``: its own, for pid
    file and state.  ``on_line`` gets each line of its log as it comes, without the date.
    """

    def __init__(
        self,
        reactor: Any,
        prefix: Sequence[str],
        conf: Path,
        plane: str,
        folder: Path,
        on_line: Callable[[str], None],
    ) -> None:
        self._reactor = reactor
        self._log: list[tuple[float, str]] = []
        self._on_line = on_line
        flags = ["-l", "-D", "-f", str(conf), "--no-syslog", "--data-plane", plane]
        command = ["-n", f"--pidfile={folder / 'twistd.pid'}", "keepalived", *flags]
        places = {"RUNTIME_DIRECTORY": str(folder), "TMPDIR": str(folder)}
        self.command = " ".join(["twistd", *command]).replace(f"{folder}/", "")
        self.child = Child(reactor, [*prefix, tool("twistd"), *command], places)
        self.child.on_line = self._heard

    @property
    def output(self) -> list[str]:
        """All that it wrote."""
        return self.child.output

    async def end(self) -> int:
        """Stop it (TERM); its status."""
        return await self.child.end()

    def hush(self) -> None:
        """Tell nobody of its lines any more."""
        self.child.on_line = lambda line: None

    async def times(self, since: float, lines: list[str]) -> list[float | None]:
        """When it logged each of these, from ``since`` on; None for one that does not come."""
        deadline = self._reactor.seconds() + PATIENCE
        while True:
            times = [self._time_of(line, since) for line in lines]
            if None not in times or self._reactor.seconds() > deadline:
                return times
            self.must_live()
            await deferLater(self._reactor, POLL)

    async def time(self, since: float, line: str) -> float:
        """When it logged this, from ``since`` on; a StoryError if it does not."""
        (time,) = await self.times(since, [line])
        if time is None:
            raise StoryError(f"no line {line!r} in the log")
        return time

    def must_live(self) -> None:
        """A StoryError if it has ended."""
        if self.child.status is not None:
            raise StoryError(f"the daemon has ended, status {self.child.status}")

    def _heard(self, line: str) -> None:
        self._log.append((self._reactor.seconds(), line))
        self._on_line(STAMP.sub("", line))

    def _time_of(self, line: str, since: float) -> float | None:
        return next((time for time, logged in self._log if time >= since and line in logged), None)
