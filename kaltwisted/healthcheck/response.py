"""One HTTP answer as it arrives: status, header, and the body's raw bytes handed on as genhash hashes them.

Sans-IO: ``feed`` bytes in any pieces, ``close`` at the end of the connection.
Nothing but the header is kept.  This reads less than HTTP and on purpose
(RFC 9112 §6 is not followed): a digest in a configuration was made by
keepalived's ``genhash``, so the body is what that hashes:

- everything after the first empty line (CR LF CR LF), chunk framing included;
- at most as long as ``Content-Length:`` in that exact spelling says; the
  text counts wherever it stands in the header, other spellings are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum

MAX_HEADER = 64 * 1024
"""Bytes of status line and header together; more is an error of the server's."""

_END = b"\r\n\r\n"
_STATUS = re.compile(rb"HTTP/[0-9.]+ +([0-9]{3})(?![0-9])")
_CONTENT_LENGTH = re.compile(rb"Content-Length:[ \t]*\+?([0-9]{1,18})[ \t]*\r\n")
_BODYLESS = frozenset({204, 304})


class Flaw(Enum):
    """What is wrong with an answer, whatever it says."""

    NOTHING = "closed without an answer"
    NOT_HTTP = "answer is not HTTP"
    HEADER_TOO_LONG = f"header longer than {MAX_HEADER} bytes"
    HEADER_CUT = "closed within the header"
    BODY_CUT = "closed before the end of the body"


class Response:
    """One answer.  ``body``: takes each piece of the body as it comes, never more than the body.

    ``done``: nothing more is wanted, and later bytes are ignored.  ``flaw``:
    why it is no answer, None while there is no reason to say so.
    """

    __slots__ = ("_body", "_pending", "_remaining", "done", "flaw", "header", "status")

    def __init__(self, body: Callable[[bytes], object]) -> None:
        self._body = body
        self._pending = b""
        self._remaining: int | None = None
        self.status: int | None = None
        self.header = b""
        self.flaw: Flaw | None = None
        self.done = False

    def feed(self, data: bytes) -> bool:
        """Take bytes off the wire; True when the answer is complete or hopeless."""
        if self.done:
            return True
        if self.header:
            return self._feed_body(data)
        pending = self._pending + data
        end = pending.find(_END, max(0, len(self._pending) - 3))
        if end < 0 or end > MAX_HEADER:
            self._pending = pending
            if not _may_be_http(pending):
                return self._fail(Flaw.NOT_HTTP)
            return len(pending) > MAX_HEADER and self._fail(Flaw.HEADER_TOO_LONG)
        self._pending = b""
        status = _STATUS.match(pending)
        if status is None:
            return self._fail(Flaw.NOT_HTTP)
        self.status = int(status[1])
        self.header = pending[: end + len(_END)]
        length = _CONTENT_LENGTH.search(self.header)
        if length is not None:
            self._remaining = int(length[1])
            if not self._remaining:
                self.done = True
                return True
        return self._feed_body(pending[end + len(_END) :])

    def close(self) -> None:
        """The connection ended, which ends the answer, too: well, or cut short."""
        if self.done:
            return
        self.done = True
        if self.header:
            # A Content-Length in answers that have no body is legal (RFC 9110 §8.6).
            if self._remaining and self.status not in _BODYLESS:
                self.flaw = Flaw.BODY_CUT
        elif self._pending:
            self.flaw = Flaw.HEADER_CUT if self._pending[:5] == b"HTTP/" else Flaw.NOT_HTTP
        else:
            self.flaw = Flaw.NOTHING

    def _feed_body(self, data: bytes) -> bool:
        if self._remaining is not None:
            data = data[: self._remaining]
            self._remaining -= len(data)
            self.done = not self._remaining
        if data:
            self._body(data)
        return self.done

    def _fail(self, flaw: Flaw) -> bool:
        self.flaw = flaw
        self.done = True
        return True


def _may_be_http(start: bytes) -> bool:
    return start[:5] == b"HTTP/"[: len(start)]


class Window:
    """The first bytes of a body, up to a limit, for a ``regex`` to look at."""

    __slots__ = ("_limit", "_pieces", "_size")

    def __init__(self, limit: int = 1024 * 1024) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    def update(self, data: bytes) -> None:
        """Keep what still fits."""
        if self._size < self._limit:
            data = data[: self._limit - self._size]
            self._pieces.append(data)
            self._size += len(data)

    def __bytes__(self) -> bytes:
        return b"".join(self._pieces)
