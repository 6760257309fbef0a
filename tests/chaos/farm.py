"""The real servers of the LAN: threads of this process with sockets in a host's namespace."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

from tests.kernel.inside.topology import entered

from .plan import SERVERS, SORRY


class Farm:
    """Servers on ports.  To HTTP they answer their port; to others they say it, and echo.

    :param flags: a folder with a file for each server that is up, for scripts to look at.
    """

    def __init__(self, namespace: str, flags: Path) -> None:
        self._namespace = namespace
        self._flags = flags
        self._listening: dict[int, socket.socket] = {}
        self._connections: dict[int, set[socket.socket]] = {port: set() for port in (*SERVERS, SORRY)}
        #: When each went down last, by time.monotonic().
        self.went_down: dict[int, float] = {}
        for port in (*SERVERS, SORRY):
            self.start(port)

    @property
    def up(self) -> frozenset[int]:
        """Who listens."""
        return frozenset(self._listening)

    def start(self, port: int) -> None:
        """Listen (again)."""
        with entered(self._namespace):
            self._listening[port] = socket.create_server(("", port), backlog=64)
        (self._flags / str(port)).touch()
        threading.Thread(target=self._accept, args=(port, self._listening[port]), daemon=True).start()

    def stop(self, port: int) -> None:
        """Go, and take all connections along."""
        self.went_down[port] = time.monotonic()
        (self._flags / str(port)).unlink()
        for each in (self._listening.pop(port), *list(self._connections[port])):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def only_down(self, ports: frozenset[int]) -> None:
        """These are down, all others up."""
        for port in SERVERS:
            if port in ports and port in self._listening:
                self.stop(port)
            elif port not in ports and port not in self._listening:
                self.start(port)

    def close(self) -> None:
        """End all."""
        for port in list(self._listening):
            self.stop(port)

    def _accept(self, port: int, listening: socket.socket) -> None:
        while self._listening.get(port) is listening:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            self._connections[port].add(connection)
            threading.Thread(target=self._serve, args=(port, connection), daemon=True).start()

    def _serve(self, port: int, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(4096):
                if data.startswith(b"GET"):
                    head = b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n"
                    connection.sendall(head + b"%d" % port)
                    break
                if data.startswith(b"who"):
                    data = b"%d\n" % port
                connection.sendall(data)
        self._connections[port].discard(connection)
