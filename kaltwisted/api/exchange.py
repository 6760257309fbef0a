"""A request and its answer as values, whatever carries them.  Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import attrs

from kaltwisted.api.access import Access

JSON: Final = "application/json"

Send: TypeAlias = Callable[[bytes], object]
Stream: TypeAlias = Callable[[Send], Callable[[], object]]
"""An answer without an end: begins to send, and gives what ends it."""


@attrs.frozen
class Asked:
    """A request.

    ``path``: as it came, percent signs and all.  ``query``: of a name that comes more than once the last
    value.  ``headers``: names in lower case.
    """

    method: str
    path: str
    access: Access
    query: Mapping[str, str] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON.

        :raises RefusalError: it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise RefusalError(400, "the body is no JSON", "send one JSON object") from None


@attrs.frozen
class Answer:
    """A response.

    With ``stream`` the ``body`` is only its beginning, and ``heartbeat`` is sent from time to time.
    """

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = attrs.field(factory=dict)
    stream: Stream | None = None
    heartbeat: bytes = b""


class RefusalError(Exception):
    """A request that is not carried out: an HTTP status, what is wrong, and what would help."""

    def __init__(
        self, status: int, error: str, remedy: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.status = status
        self.remedy = remedy
        self.headers = headers or {}

    @property
    def answer(self) -> Answer:
        """What it is answered with."""
        words = {"error": str(self), "remedy": self.remedy}
        return Answer(encoded(words), self.status, headers=self.headers)


def encoded(value: Any) -> bytes:
    """JSON and a line end, for those who read it in a terminal."""
    return (json.dumps(value) + "\n").encode()
