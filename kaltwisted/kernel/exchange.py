"""One request of a netlink conversation, from the line it waits in to the end of its answers."""

from __future__ import annotations

from collections.abc import Callable

from kaltwisted.kernel.messages import Message, Request


class Exchange:
    """A request, and what becomes of its answers.

    ``ended`` is called once, with the error or None; never when ``abandoned``:
    its answers may still come, and are dropped.
    """

    __slots__ = ("abandoned", "dump", "ended", "heard", "interrupted", "request", "since")

    def __init__(
        self,
        request: Request,
        heard: Callable[[Message], object],
        ended: Callable[[Exception | None], object],
        *,
        dump: bool = False,
    ) -> None:
        self.request = request
        self.heard = heard
        self.ended = ended
        self.dump = dump
        self.interrupted = False
        self.abandoned = False
        self.since = 0.0

    def abandon(self) -> None:
        self.abandoned = True

    def end(self, error: Exception | None) -> None:
        if not self.abandoned:
            self.abandoned = True
            self.ended(error)
