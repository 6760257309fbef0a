"""Clients of the API over TCP that are slow, many, or do not read: it stays small and answers the others."""

from __future__ import annotations

import contextlib
import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kaltwisted.api.crowd import MOST_CONNECTIONS
from kaltwisted.api.http import MOST_BODY, REQUEST_S
from tests.network.api_client import PORT, Director, connect, request
from tests.network.vrrp_lan import Host, lan, needs_lan, wait_for

pytestmark = needs_lan
HOST = "10.77.0.1"
HEAD = f"Host: {HOST}\r\n".encode()
IDLE = 1000
GROWTH_MB = 24.0
"""Once twisted.web is there; of it 1,000 connections' and some full buffers."""
SERVERS = 200
POOL = "".join(
    f"virtual_server 10.77.0.{200 + group} 80 {{\n    delay_loop 600\n    lb_algo rr\n"
    "    lb_kind NAT\n    protocol TCP\n"
    + "".join(f"    real_server 10.77.{group}.{number} 81 {{\n    }}\n" for number in range(1, 51))
    + "}\n"
    for group in range(SERVERS // 50)
)


@pytest.fixture(scope="module")
def attacked() -> Iterator[tuple[Director, Host]]:
    """A director whose API is reached from another host in plain and over TLS, and that host."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    with ExitStack() as stack:
        (one, two) = stack.enter_context(lan(2))
        director = Director(one, one.directory, POOL)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))  # the daemon has what init systems give
        daemon = director.start(
            director.configuration(f"{HOST} {PORT} 127.0.0.1 {PORT}", public="health metrics status")
        )
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        wait_for(
            lambda: daemon.says("Startup complete") and daemon.says("API: listening on http://127.0.0.1")
        )
        assert director.ask(two, "/metrics", address=HOST).status == 200  # it is loaded
        yield director, two
        daemon.stop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def resident_mb(director: Director) -> float:
    """The supervisor's memory."""
    assert director.daemon is not None
    status = Path(f"/proc/{director.daemon.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def descriptors(director: Director) -> int:
    assert director.daemon is not None
    return len(list(Path(f"/proc/{director.daemon.process.pid}/fd").iterdir()))


def answers(director: Director, client: Host) -> float:
    """Whether somebody else is answered, and within how many seconds."""
    began = time.monotonic()
    assert director.ask(client, "/api/v1/status", address=HOST).status == 200
    assert director.ask(director.host, "/api/v1/status", token="control").status == 200
    return time.monotonic() - began


def ended(connection: socket.socket) -> bool:
    """Whether the other end has closed it; what it sent before is read."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        connection.settimeout(10)
        return False
    except ConnectionError:
        pass
    return True


def crowd(stack: ExitStack, client: Host, count: int) -> list[socket.socket]:
    return [stack.enter_context(connect(client, HOST)) for _ in range(count)]


def test_requests_that_never_end_are_cut_off_in_time(attacked: tuple[Director, Host]) -> None:
    director, client = attacked
    before = resident_mb(director)
    with ExitStack() as stack:
        heads = crowd(stack, client, 60)
        bodies = crowd(stack, client, 60)
        chunked = crowd(stack, client, 60)
        began = time.monotonic()
        for each in heads:
            each.sendall(b"GET /api/v1/status HTTP/1.1\r\n" + HEAD)
        for each in bodies:
            each.sendall(b"PUT /api/v1/overrides HTTP/1.1\r\n" + HEAD + b"Content-Length: 60000\r\n\r\n")
        for each in chunked:
            each.sendall(b"PUT /api/v1/overrides HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        open_ = [*((each, b"X-A: b\r\n") for each in heads), *((each, b"x") for each in bodies)]
        open_ += [(each, b"1\r\nx\r\n") for each in chunked]
        while open_ and time.monotonic() < began + REQUEST_S + 8:
            assert answers(director, client) < 5
            for each, drop in open_:
                with contextlib.suppress(OSError):
                    each.sendall(drop)
            time.sleep(0.5)
            open_ = [(each, drop) for each, drop in open_ if not ended(each)]
        assert not open_
        assert time.monotonic() - began > REQUEST_S - 1  # and none of them before its time
    assert resident_mb(director) - before < GROWTH_MB


def test_a_thousand_idle_connections_keep_nobody_out(attacked: tuple[Director, Host]) -> None:
    director, client = attacked
    before, open_before = resident_mb(director), descriptors(director)
    with ExitStack() as stack:
        idle = crowd(stack, client, IDLE)
        assert answers(director, client) < 5
        wait_for(lambda: sum(map(ended, idle)) >= IDLE - MOST_CONNECTIONS)
        assert descriptors(director) <= open_before + MOST_CONNECTIONS
        assert not ended(idle[-1])
        assert resident_mb(director) - before < GROWTH_MB
        assert answers(director, client) < 5
    wait_for(lambda: descriptors(director) <= open_before + 2)


def test_big_bodies_are_refused_as_they_come(attacked: tuple[Director, Host]) -> None:
    director, client = attacked
    before = resident_mb(director)
    for begin, piece in (
        (b"Content-Length: 1000000000\r\n\r\n", bytes(65536)),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + bytes(65536) + b"\r\n"),
    ):
        with connect(client, HOST) as sender:
            sender.sendall(b"PUT /api/v1/overrides HTTP/1.1\r\n" + HEAD + begin)
            sent = 0
            with contextlib.suppress(OSError):
                while sent < 64 * MOST_BODY and not select.select([sender], [], [], 0)[0]:
                    sender.sendall(piece)
                    sent += len(piece)
            answered = b""
            with contextlib.suppress(OSError):
                answered = sender.recv(4096)
            assert answered.startswith(b"HTTP/1.1 413 ") or not answered
            assert sent < 64 * MOST_BODY
    for junk in (b"\x16\x03\x01" + bytes(4096), b"GET\r\n\r\n", bytes(100_000), b"A" * 1_000_000):
        with connect(client, HOST) as sender, contextlib.suppress(OSError):
            sender.sendall(junk)
            sender.shutdown(socket.SHUT_WR)
            while sender.recv(4096):
                pass
    with director.connected(client, HOST) as connection:
        assert request(connection, "GET", "/health/live", **{"X-Long": "a" * 8000}).status == 200
    assert resident_mb(director) - before < GROWTH_MB
    assert answers(director, client) < 5


def test_floods_and_readers_that_never_read(attacked: tuple[Director, Host]) -> None:
    """A hundred that ask ten thousand times, in one go, for more than any buffer holds, and read nothing."""
    director, client = attacked
    before = resident_mb(director)
    with ExitStack() as stack:
        for path in (b"/metrics", b"/api/v1/status", b"/health/live", b"/nowhere"):
            flood = (b"GET " + path + b" HTTP/1.1\r\n" + HEAD + b"\r\n") * 10_000
            for each in crowd(stack, client, 25):
                each.setblocking(False)
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    each.sendall(flood)
        for _ in range(6):
            assert answers(director, client) < 10
            time.sleep(0.5)
            assert resident_mb(director) - before < 2 * GROWTH_MB
    assert answers(director, client) < 10


def test_streams_that_nobody_reads(attacked: tuple[Director, Host]) -> None:
    director, client = attacked
    before = resident_mb(director)
    token = director.tokens["control"]
    with ExitStack() as stack:
        ask = f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        stalled = [stack.enter_context(connect(director.host, "127.0.0.1")) for _ in range(100)]
        for each in stalled:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            each.sendall(ask.encode() + b"Accept: text/event-stream\r\n\r\n")
        with director.connected(director.host) as connection:
            target = "tcp/10.77.0.200:80/10.77.0.1:81"
            wish = {"target": target, "action": "weight", "reason": "x" * 200}
            for number in range(60):
                answer = request(
                    connection, "PUT", "/api/v1/overrides", token, {**wish, "value": 1 + number % 2}
                )
                assert answer.status == 200, answer
            assert request(connection, "DELETE", f"/api/v1/overrides?target={target}", token).status == 200
        assert answers(director, client) < 5
        assert resident_mb(director) - before < 2 * GROWTH_MB
    assert answers(director, client) < 5
