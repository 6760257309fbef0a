"""A door from a TCP port on loopback to a daemon's unix socket, as ``ssh -L PORT:SOCKET`` makes one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64
    path: str

    def handle_error(self, *_: Any) -> None:
        """Nobody at the other end is what a test wants, now and then."""


class _Handler(BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as inner:
            inner.connect(self.server.path)
            back = threading.Thread(target=_pipe, args=(inner, self.request), daemon=True)
            back.start()
            _pipe(self.request, inner)
            back.join()


@contextmanager
def gate(path: Path) -> Iterator[str]:
    """Open it; gives the address of the page behind it."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.path = str(path)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()
