"""How many clients there may be at once, by whichever of the addresses that share the bound.

Descriptors and memory are the process's, so a bound for each address would be
none: all TCP addresses have one together, and the unix socket has its own, so
that whoever floods the network keeps no operator out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kaltwisted.api.exchange import RefusalError

MOST_CONNECTIONS: Final = 256
"""When one more comes, the one goes that has been without a whole request for longest."""

MOST_REFUSED: Final = 32
"""Those that are told so and have not gone yet: over TLS that takes a handshake, which may never end."""
MOST_UNREAD: Final = 67_108_864
"""Bytes of long answers that wait to be read; when there are more, who has read for longest goes."""


class Crowd:
    """Those who are connected."""

    def __init__(self) -> None:
        self.streams = 0
        self._unread: dict[Any, bytes] = {}
        self._busy: set[Any] = set()
        # Also those of which half a request has come; in the order in which they were answered, or came.
        self._idle: dict[Any, None] = {}
        self._refused: dict[Any, None] = {}

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._busy) + len(self._idle)

    def begun(self, channel: Any) -> None:
        """A connection is there."""
        if self.connections >= MOST_CONNECTIONS:
            oldest = next(iter(self._idle), None)
            if oldest is None:
                channel.refuse(RefusalError(503, "too many connections", "try again, or close some"))
                self._refused[channel] = None
                if len(self._refused) > MOST_REFUSED:
                    self._cut(next(iter(self._refused)))
                return
            self._cut(oldest)
        self._idle[channel] = None

    def is_busy(self, channel: Any) -> None:
        """A request is there and to be answered."""
        if channel in self._idle:
            del self._idle[channel]
            self._busy.add(channel)

    def is_idle(self, channel: Any) -> None:
        """It is answered."""
        if channel in self._busy:
            self._busy.discard(channel)
            self._unread.pop(channel, None)
            self._idle[channel] = None

    def ended(self, channel: Any) -> None:
        """A connection is gone."""
        self._busy.discard(channel)
        self._idle.pop(channel, None)
        self._unread.pop(channel, None)
        self._refused.pop(channel, None)

    def answers(self, channel: Any, body: bytes) -> None:
        """A long answer is there to be read; many clients may have the same text."""
        self._unread[channel] = body
        while sum({id(each): len(each) for each in self._unread.values()}.values()) > MOST_UNREAD:
            oldest = next(iter(self._unread))
            if oldest is channel:
                break
            self._cut(oldest)

    def _cut(self, channel: Any) -> None:
        self.ended(channel)
        channel.cut()

    def __iter__(self) -> Iterator[Any]:
        """All, as they are now."""
        return iter((*self._busy, *self._idle, *self._refused))
