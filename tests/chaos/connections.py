"""Long connections through IPVS, each watched by a thread: only the death of its own server may end one."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from .plan import OWN
from .world import World

PAUSE_S = 0.1


class Connection:
    """One after the other through a director's own service; ``lost``: those that ended without cause."""

    def __init__(self, world: World, director: int) -> None:
        self._world = world
        self.director = director
        self.port = 0
        self.lost: list[tuple[float, str]] = []
        self.lived = 0
        self.progress = 0
        self._socket: socket.socket | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._ending.set()
        with contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            self.port = 0
            try:
                self._socket = self._world.connect(self.director, OWN.listens(self.director), OWN.port)
                self._socket.sendall(b"who\n")
                self.port = int(self._socket.recv(100))
            except (OSError, ValueError):
                self._ending.wait(PAUSE_S)
                continue
            self.lived += 1
            self._live(self._socket, time.monotonic())

    def _live(self, connection: socket.socket, since: float) -> None:
        connection.settimeout(None)  # it may stand still, for as long as it comes to move again
        with connection:
            try:
                while not self._ending.is_set():
                    connection.sendall(b"x" * 20)
                    if not connection.recv(4096):
                        raise ConnectionError("closed")
                    self.progress += 1
                    self._ending.wait(PAUSE_S)
            except OSError as error:
                if self._ending.is_set() or self._world.farm.went_down.get(self.port, 0.0) >= since:
                    return
                now = time.monotonic()
                text = f"a connection through director {self.director} to server {self.port}"
                self.lost.append((now, f"{text}, {now - since:.1f} s old, was lost: {error}"))
