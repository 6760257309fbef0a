"""How many checks a second, at what cost, how late: 1,000 real servers at delay_loop 1 by default.

    flock /tmp/bench.lock python bench/checks.py --kind http --servers 1000 --seconds 30

The servers are addresses of loopback (127.1.0.0/16), answered by a small epoll
server in a process of its own; this process runs the CheckServices, as the
daemon's checker does, garbage collector settings included.  Printed: checks
made of those due, lateness of the runs (how long after its time on the absolute
schedule a run began), CPU per check (user and system, of this process alone,
so without the servers'), and resident memory at the start and the end.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import select
import signal
import socket
import sys
import time
from ipaddress import ip_address
from pathlib import Path

from kaltwisted.config import model
from kaltwisted.healthcheck.build import build_check
from kaltwisted.healthcheck.outcome import Verdict
from kaltwisted.healthcheck.service import CheckService
from kaltwisted.testing.healthcheck import FakeScripts

BODY = b"x" * 600
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: text/html\r\n\r\n" % len(BODY) + BODY
WARM_UP_S = 3.0


def serve(listener: socket.socket, answers: bool) -> None:
    """Accept for ever; answer each connection's first bytes with one page, or close at once."""
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    waiting: dict[int, socket.socket] = {}
    while True:
        for fd, _event in poll.poll():
            if fd != listener.fileno():
                connection = waiting.pop(fd)
                try:
                    if connection.recv(4096):
                        connection.send(ANSWER)
                except OSError:
                    pass
                connection.close()
                continue
            try:
                for _ in range(64):
                    connection, _address = listener.accept()
                    if answers:
                        waiting[connection.fileno()] = connection
                        poll.register(connection.fileno(), select.EPOLLIN)
                    else:
                        connection.close()
            except BlockingIOError:
                pass


def start_servers(answers: bool) -> tuple[int, int]:
    """A child that serves every address of loopback: its process id and its port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", 0))
    listener.listen(4096)
    port = listener.getsockname()[1]
    child = os.fork()
    if child == 0:
        try:
            serve(listener, answers)
        except KeyboardInterrupt:
            os._exit(0)
    listener.close()
    return child, port


def resident_kb() -> int:
    """This process's resident memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def configured(kind: str, number: int, port: int, period_us: int) -> tuple[model.RealServer, model.Check]:
    """One real server, and its check."""
    address = ip_address(f"127.1.{number // 250}.{number % 250 + 1}")
    timing = model.CheckTiming(delay_loop_us=period_us, warmup_us=period_us)
    connection = model.Connection(address, port)
    check: model.Check
    if kind == "tcp":
        check = model.TcpCheck(timing, connection)
    else:
        import hashlib

        url = model.Url("/index.html", digest=hashlib.md5(BODY).hexdigest())
        check = model.HttpCheck(timing, connection, (url,))
    return model.RealServer(address, port, checks=(check,)), check


class Bench:
    """The services, and what is measured while they run."""

    def __init__(self, options: argparse.Namespace, port: int) -> None:
        from twisted.internet import reactor

        self.reactor = reactor
        self.options = options
        virtual_server = model.VirtualServer(model.VirtualAddress(ip_address("127.0.0.9"), 80))
        self.down: list[Verdict] = []
        self.services = []
        for number in range(options.servers):
            server, check = configured(options.kind, number, port, int(options.period * 1e6))
            self.services.append(
                CheckService(
                    build_check(check, server, virtual_server, reactor, FakeScripts()),
                    check,
                    service=server.format(virtual_server.protocol),
                    virtual_server=str(virtual_server),
                    report=self.down.append,
                    clock=reactor,
                )
            )

    def run(self) -> None:
        for service in self.services:
            service.startService()
        self.reactor.callLater(WARM_UP_S + self.options.period, self.begin)
        self.reactor.run()

    def begin(self) -> None:
        gc.collect()
        gc.freeze()
        gc.set_threshold(700, 10, 1_000_000)
        # The collection itself makes some runs late; a daemon does it before the checks start.
        self.reactor.callLater(0.5, self.measure)

    def measure(self) -> None:
        for service in self.services:
            service.statistics.max_lateness = 0.0
        self.runs = self.total()
        self.rss = resident_kb()
        self.cpu = os.times()
        self.began = time.monotonic()
        self.reactor.callLater(self.options.seconds, self.end)

    def total(self) -> int:
        return sum(service.statistics.runs for service in self.services)

    def end(self) -> None:
        now, seconds = os.times(), time.monotonic() - self.began
        runs = self.total() - self.runs
        user, system = (now.user - self.cpu.user) / runs, (now.system - self.cpu.system) / runs
        cpu = user + system
        expected = len(self.services) * seconds / self.options.period
        late = sorted(service.statistics.max_lateness * 1000 for service in self.services)
        print(
            f"{self.options.kind}: {runs} checks of {len(self.services)} servers in {seconds:.1f} s"
            f" = {runs / seconds:.0f}/s, achieved/expected {runs / expected:.4f},"
            f" verdicts {len(self.down)}\n"
            f"  latest run of each server: median {late[len(late) // 2]:.2f} ms,"
            f" p99 {late[int(len(late) * 0.99)]:.2f} ms, max {late[-1]:.2f} ms\n"
            f"  CPU {cpu * 1e6:.1f} µs a check (user {user * 1e6:.1f}, system {system * 1e6:.1f}),"
            f" {cpu * runs / seconds:.1%} of a core,"
            f" resident {self.rss / 1024:.1f} -> {resident_kb() / 1024:.1f} MB"
        )
        for service in self.services:
            service.stopService()
        self.reactor.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", choices=("tcp", "http"), default="tcp")
    parser.add_argument("--servers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--period", type=float, default=1.0, help="delay_loop, in seconds")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    child, port = start_servers(options.kind == "http")
    try:
        Bench(options, port).run()
    finally:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)


if __name__ == "__main__":
    sys.exit(main())
