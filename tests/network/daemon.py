"""A real daemon and real servers on loopback, for tests that want the whole thing."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 30.0


def wait_for(condition: Callable[[], object], what: str, limit: float = PATIENCE_S) -> None:
    """Wait until the condition holds; the limit only ends a broken test."""
    ends = time.monotonic() + limit
    while not condition():
        if time.monotonic() > ends:
            raise AssertionError(f"not within {limit} s: {what}")
        time.sleep(0.02)


class WebServer:
    """An HTTP server on loopback that says its name at ``/`` and ``page`` at ``/check``."""

    def __init__(
        self, name: str, address: str = "127.0.0.1", port: int = 0, *, keeps_alive: bool = False
    ) -> None:
        self.name, self.address, self.port = name, address, port
        self._protocol = "HTTP/1.1" if keeps_alive else "HTTP/1.0"
        self.page = b"all is well\n"
        self._server: ThreadingHTTPServer | None = None
        self.start()

    def start(self) -> None:
        """Listen (again), on the same port."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = self._protocol

            def do_GET(self) -> None:
                body = outer.page if self.path == "/check" else outer.name.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer((self.address, self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Close the listening socket: connections are refused from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextlib.contextmanager
def web_servers(*names: str, keeps_alive: bool = False) -> Iterator[dict[str, WebServer]]:
    """Web servers by name, stopped with the block; ``keeps_alive``: with connections that last."""
    made = {name: WebServer(name, keeps_alive=keeps_alive) for name in names}
    try:
        yield made
    finally:
        for server in made.values():
            server.stop()


def free_port(address: str) -> int:
    """A port of ``address`` that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def ask(address: str, port: int, path: str = "/") -> str:
    """What a client of ``address:port`` gets."""
    connection = http.client.HTTPConnection(address, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


class Daemon:
    """A running ``twistd keepalived``; ``log`` is what it wrote so far."""

    def __init__(self, process: subprocess.Popen[bytes], scratch: Path) -> None:
        self.process = process
        self.scratch = scratch

    @property
    def log(self) -> str:
        return (self.scratch / "log").read_text(errors="replace")

    def says(self, line: str) -> None:
        """Wait for a line of its log."""

        def said() -> bool:
            if self.process.poll() is not None and line not in self.log:
                raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log}")
            return line in self.log

        try:
            wait_for(said, line)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log}") from None

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it and return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@contextlib.contextmanager
def daemon(configuration: str, scratch: Path, *options: str, by: str = "twistd") -> Iterator[Daemon]:
    """Run the daemon on a configuration for as long as the block lasts; ``by``: twistd or kaltwisted."""
    file = scratch / "keepalived.conf"
    file.write_text(configuration)
    runtime = scratch / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(runtime), "TMPDIR": str(scratch)}
    words = [sys.executable, str(Path(sys.executable).parent / by), "-n"]
    if by == "twistd":
        words += [f"--pidfile={scratch}/twistd.pid", "keepalived"]
    words += ["-l", "-D", "-G", "-f", str(file), *options]
    with (scratch / "log").open("ab") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=ROOT, env=environment)
    try:
        yield Daemon(process, scratch)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
