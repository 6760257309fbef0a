"""Replies of a mail server as they come in (RFC 5321 §4.2): their codes, as nobody here reads more.  Pure."""

from __future__ import annotations

import re
from typing import Final

MOST_BYTES: Final = 8192
"""Of one reply: sixteen lines of the longest that RFC 5321 §4.5.3.1.5 allows."""
NO_REPLY: Final = 0
"""Stands for a code where something came that is no reply."""
_LINE = re.compile(rb"([2-5][0-9]{2})(?:[ -].*)?", re.DOTALL)


class Reply:
    """One reply in the making; it keeps the line that has not ended, and the code."""

    def __init__(self) -> None:
        self._rest = b""
        self._code: bytes | None = None
        self._bytes = 0

    def feed(self, data: bytes) -> int | None:
        """More of it has come: its code, or ``NO_REPLY``; None: there is more to come."""
        self._bytes += len(data)
        *lines, self._rest = (self._rest + data[:MOST_BYTES]).split(b"\n")
        for line in lines:
            found = _LINE.fullmatch(line.rstrip(b"\r"))
            if found is None or self._code not in (None, found[1]):
                return NO_REPLY
            self._code = found[1]
            if found[0][3:4] != b"-":
                return int(found[1])
        return NO_REPLY if self._bytes > MOST_BYTES else None
