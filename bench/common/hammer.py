"""Clients that ask a daemon's API all the time, in a process of their own.

    python bench/common/hammer.py api.sock 20

Half of them ask for the status, half for the metrics; when its input ends it
prints how many answers there were, how many were none, and how long the longest took.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType

PATHS = ("/api/v1/status", "/metrics")


class Hammer:
    """The process, as a context; ``words``: what it says at the end."""

    def __init__(self, path: Path, clients: int) -> None:
        self.words = ""
        command = [sys.executable, __file__, str(path), str(clients)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Hammer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.words = self._process.communicate(timeout=90)[0].strip()


class Connection(HTTPConnection):
    """To a unix socket."""

    def __init__(self, path: Path, timeout: float | None = None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Open it."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Client(threading.Thread):
    """One client, on one connection as long as it lasts."""

    def __init__(self, path: Path, asks: str) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._asks = asks
        self.answers = self.failures = 0
        self.longest_s = 0.0
        self.ends = False

    def run(self) -> None:
        connection: Connection | None = None
        while not self.ends:
            began = time.monotonic()
            try:
                if connection is None:
                    connection = Connection(self._path, timeout=60)
                connection.request("GET", self._asks)
                response = connection.getresponse()
                response.read()
                self.answers += response.status == 200
                self.failures += response.status != 200
                self.longest_s = max(self.longest_s, time.monotonic() - began)
            except (OSError, HTTPException):
                self.failures += 1
                connection = None
                time.sleep(0.1)


def main() -> None:
    """Ask until the input ends."""
    clients = [_Client(Path(sys.argv[1]), PATHS[number % 2]) for number in range(int(sys.argv[2]))]
    began = time.monotonic()
    for client in clients:
        client.start()
    sys.stdin.read()
    for client in clients:
        client.ends = True
    for client in clients:
        client.join(60)
    seconds = time.monotonic() - began
    answers = sum(client.answers for client in clients)
    print(
        f"{len(clients)} clients of the API: {answers / seconds:.1f} answers a second,"
        f" the longest took {max(client.longest_s for client in clients):.1f} s,"
        f" {sum(client.failures for client in clients)} failed"
    )


if __name__ == "__main__":
    main()
