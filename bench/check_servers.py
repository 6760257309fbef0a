"""A thousand real servers in one process: every address of loopback, answered by an epoll loop.

It counts the connections that come to each address, and how far apart.  Questions over UDP it answers, too.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from array import array

import attrs

BODY = b"x" * 600
_IP_PKTINFO = 8
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: text/html\r\n\r\n" % len(BODY) + BODY


@attrs.frozen
class Arrivals:
    """What came since the count was last taken: ``gaps`` in seconds between two visits to one address."""

    seconds: float
    visits: int
    visited: int
    gaps: tuple[float, ...]
    """Median, 99th percentile and greatest distance of a gap from the period that was asked about."""


class _Counter:
    """When each address was visited."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._begin()

    def _begin(self) -> None:
        self._began = time.monotonic()
        self._visits = 0
        self._visited: set[str] = set()
        self._gaps = array("f")

    def visit(self, address: str) -> None:
        now = time.monotonic()
        last = self._last.get(address)
        if last is not None:
            self._gaps.append(now - last)
        self._last[address] = now
        self._visited.add(address)
        self._visits += 1

    def take(self, period: float) -> Arrivals:
        off = sorted(abs(gap - period) for gap in self._gaps) or [0.0]
        gaps = (off[len(off) // 2], off[int(len(off) * 0.99)], off[-1])
        taken = Arrivals(time.monotonic() - self._began, self._visits, len(self._visited), gaps)
        self._begin()
        return taken


class Servers:
    """The child process, from ``with`` to its end; ``port``: on every address of loopback."""

    def __init__(self, answers: bool) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", 0))
        listener.listen(4096)
        self.port: int = listener.getsockname()[1]
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        datagrams.bind(("0.0.0.0", self.port))
        self._questions, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._child = os.fork()
        if self._child == 0:
            try:
                _serve(listener, datagrams, answers, theirs)
            finally:
                os._exit(0)
        listener.close()
        datagrams.close()
        theirs.close()

    def take(self, period: float) -> Arrivals:
        """What came since the last time this was asked."""
        self._questions.send(json.dumps(period).encode())
        found = json.loads(self._questions.recv(65536))
        return Arrivals(**{**found, "gaps": tuple(found["gaps"])})

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)
        self._questions.close()


def _serve(
    listener: socket.socket, datagrams: socket.socket, answers: bool, questions: socket.socket
) -> None:
    """Answer each connection's first bytes with one page, or close at once, until nobody asks any more."""
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    poll.register(datagrams.fileno(), select.EPOLLIN)
    poll.register(questions.fileno(), select.EPOLLIN)
    waiting: dict[int, socket.socket] = {}
    counter = _Counter()
    while True:
        for fd, _event in poll.poll():
            if fd == questions.fileno():
                question = questions.recv(100)
                if not question:
                    return
                questions.send(json.dumps(attrs.asdict(counter.take(json.loads(question)))).encode())
            elif fd == datagrams.fileno():
                _answer(datagrams)
            elif fd != listener.fileno():
                connection = waiting.pop(fd)
                try:
                    if connection.recv(4096):
                        connection.send(_ANSWER)
                except OSError:
                    pass
                connection.close()
            else:
                _accept(listener, answers, poll, waiting, counter)


def _accept(
    listener: socket.socket,
    answers: bool,
    poll: select.epoll,
    waiting: dict[int, socket.socket],
    counter: _Counter,
) -> None:
    try:
        for _ in range(64):
            connection, _address = listener.accept()
            counter.visit(connection.getsockname()[0])
            if answers:
                waiting[connection.fileno()] = connection
                poll.register(connection.fileno(), select.EPOLLIN)
            else:
                connection.close()
    except BlockingIOError:
        pass


def _answer(datagrams: socket.socket) -> None:
    """A DNS query with the bit set that makes it an answer, from the address that was asked."""
    query, notes, _, asker = datagrams.recvmsg(512, 64)
    datagrams.sendmsg([query[:2], bytes((query[2] | 0x80,)), query[3:]], notes, 0, asker)


def address(number: int) -> str:
    """The address of one of the servers."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


def bare_connection_us(port: int, connections: int = 5000) -> float:
    """CPU of one connection in a bare epoll loop, flat out: tells how fast the machine is just now."""
    poll = select.epoll()
    targets = [(address(number), port) for number in range(250)]
    began = time.process_time()
    for number in range(connections):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as one:
            one.connect_ex(targets[number % 250])
            poll.register(one.fileno(), select.EPOLLOUT)
            poll.poll()
            one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            poll.unregister(one.fileno())
    return (time.process_time() - began) / connections * 1e6
