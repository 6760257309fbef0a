"""A connection to a daemon's API over its unix socket."""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

TIMEOUT_S: Final = 15.0
"""Longer than a daemon waits for a role that does not answer."""


class NoAnswerError(Exception):
    """The daemon cannot be asked, in one line of words; ``status``: what a command ends with for it."""

    def __init__(self, words: str, status: int = 3) -> None:
        super().__init__(words)
        self.status = status


class RefusedError(Exception):
    """The daemon's answer to what it does not do; ``code``: HTTP's."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class Daemon:
    """A daemon that can be asked.

    :param sockets: where it may listen; the first that is there counts.
    """

    def __init__(self, sockets: Sequence[Path]) -> None:
        self._path = next((path for path in sockets if os.path.lexists(path)), sockets[0])
        self._others = sockets if not os.path.lexists(self._path) else (self._path,)

    def ask(self, path: str, query: dict[str, str] | None = None, accept: str = "*/*") -> bytes:
        """The body of the answer.

        :raises NoAnswerError: there is none.
        :raises RefusedError: it is a refusal.
        """
        return self._read(self.begin(path, query, accept=accept))

    def change(self, method: str, path: str, body: object, timeout: float | None = TIMEOUT_S) -> Any:
        """The answer to a request that changes something; both are JSON.

        :raises NoAnswerError: there is none.
        :raises RefusedError: it is a refusal.
        """
        return json.loads(self._read(self._send(method, path, json.dumps(body).encode(), timeout)))

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        try:
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._no_answer(error) from None
        if response.status != 200:
            raise RefusedError(response.status, _words(body))
        return body

    def begin(
        self,
        path: str,
        query: dict[str, str] | None = None,
        *,
        accept: str = "*/*",
        timeout: float = TIMEOUT_S,
    ) -> http.client.HTTPResponse:
        """An answer whose body is still to be read.

        :raises NoAnswerError: there is none.
        """
        return self._send("GET", f"{path}?{urlencode(query)}" if query else path, None, timeout, accept)

    def _send(
        self, method: str, path: str, body: bytes | None, timeout: float | None, accept: str = "*/*"
    ) -> http.client.HTTPResponse:
        connection = _UnixConnection(self._path, timeout)
        try:
            connection.request(method, path, body, {"Accept": accept})
            return connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise self._no_answer(error) from None

    def _no_answer(self, error: Exception) -> NoAnswerError:
        path = self._path
        if isinstance(error, FileNotFoundError):
            where = " or ".join(str(each) for each in self._others)
            return NoAnswerError(
                f"no daemon is running here: there is no socket {where}; --socket PATH names another"
            )
        if isinstance(error, ConnectionRefusedError):
            return NoAnswerError(f"no daemon is running: nobody listens at {path}")
        if isinstance(error, PermissionError):
            return NoAnswerError(f"{path} may not be opened by you: be root, or of the socket's group", 4)
        if isinstance(error, TimeoutError | BlockingIOError):
            return NoAnswerError(f"the daemon at {path} does not answer within {TIMEOUT_S:g} seconds")
        return NoAnswerError(f"the daemon at {path} does not answer: {error}")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # A crowd may be waiting to be let in: wait as well, and not for ever.  (With a timeout of
        # Python's own, a socket is not blocking, and is turned away instead.)
        limit = struct.pack("ll", int(TIMEOUT_S), 0)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self.sock.connect(str(self._path))
        self.sock.settimeout(self.timeout)


def _words(body: bytes) -> str:
    try:
        answer: Any = json.loads(body)
        return f"{answer['error']}: {answer['remedy']}"
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")
