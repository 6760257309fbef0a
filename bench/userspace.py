#!/usr/bin/env python3
"""The userspace data plane beside HAProxy in TCP mode: connections a second, and throughput.

Both balance (one thread, round robin) over the same two nginx in the same run,
by turns.  The balancer measured has core 0 to itself; nginx and the load
client share core 1.  CPU per connection and per gigabyte is the balancer's
own, so it counts also where the client is what limits the rate.

    python bench/userspace.py [--seconds 3] [--rounds 2]

Needs Debian's nginx and haproxy.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import attrs

BALANCER_CORE, OTHERS_CORE = 0, 1
REQUEST = b"GET /small HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
LARGE_REQUEST = b"GET /large HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
LARGE_SIZE = 256 * 1024 * 1024
IN_FLIGHT = 64
STREAMS = 8

NGINX = """
worker_processes 1;
error_log stderr crit;
pid {directory}/nginx.pid;
daemon off;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
    uwsgi_temp_path {directory}; scgi_temp_path {directory};
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {root};
        location /small {{ return 200 "ok"; }}
    }}
}}
"""

HAPROXY = """
global
    nbthread 1
    maxconn 4000
defaults
    mode tcp
    timeout connect 3s
    timeout client 60s
    timeout server 60s
listen bench
    bind 127.0.0.1:{port} backlog 4096
    balance roundrobin
{servers}
"""


@attrs.frozen
class Result:
    """One measurement: work done a second, and the balancer's CPU seconds for one unit of it."""

    rate: float
    cpu: float


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pin(core: int, pid: int = 0) -> None:
    """Pin a process where there are cores to choose from."""
    if core in os.sched_getaffinity(pid):
        os.sched_setaffinity(pid, {core})


@contextlib.contextmanager
def running(command: list[str], core: int, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server process, ready when its port takes connections."""
    process = subprocess.Popen(command, preexec_fn=lambda: pin(core))
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended with status {process.returncode}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(10)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(port: int, seconds: float) -> tuple[int, int, int]:
    """Short connections, many in flight: how many were answered, and how many failed."""
    poll = select.epoll()
    clients: dict[int, socket.socket] = {}
    answered = failed = 0
    buffer = bytearray(4096)

    def begin() -> None:
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        client.connect_ex(("127.0.0.1", port))
        clients[client.fileno()] = client
        poll.register(client.fileno(), select.EPOLLOUT)

    for _ in range(IN_FLIGHT):
        begin()
    deadline = time.monotonic() + seconds
    while clients:
        again = time.monotonic() < deadline
        for number, event in poll.poll(2):
            client = clients[number]
            over = good = False
            try:
                if event & select.EPOLLOUT:
                    client.send(REQUEST)
                    poll.modify(number, select.EPOLLIN)
                    continue
                size = client.recv_into(buffer)
                good = over = size > 0 and buffer.startswith(b"HTTP/1.1 200")
                over = over or not size
            except OSError:
                over = True
            if over:
                answered += good
                failed += not good
                del clients[number]
                client.close()
                if again:
                    begin()
    return answered, failed, 0


def download(port: int, seconds: float) -> int:
    """Large bodies, a few at once, thrown away in the kernel: bytes received."""
    poll = select.epoll()
    clients: dict[int, socket.socket] = {}
    received = 0
    buffer = bytearray(1024 * 1024)

    def begin() -> None:
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(LARGE_REQUEST)
        client.setblocking(False)
        clients[client.fileno()] = client
        poll.register(client.fileno(), select.EPOLLIN)

    for _ in range(STREAMS):
        begin()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for number, _ in poll.poll(1):
            size = clients[number].recv_into(buffer, len(buffer), socket.MSG_TRUNC)
            received += size
            if not size:
                clients.pop(number).close()
                begin()
    for client in clients.values():
        client.close()
    return received


def measure_connections(port: int, process: subprocess.Popen[bytes], seconds: float) -> Result:
    before, began = cpu_seconds(process.pid), time.monotonic()
    answered, failed, _ = load(port, seconds)
    if failed:
        print(f"  {failed} connections failed")
    return Result(answered / (time.monotonic() - began), (cpu_seconds(process.pid) - before) / answered)


def measure_throughput(port: int, process: subprocess.Popen[bytes], seconds: float) -> Result:
    before, began = cpu_seconds(process.pid), time.monotonic()
    received = download(port, seconds)
    return Result(received / (time.monotonic() - began), (cpu_seconds(process.pid) - before) / received)


def balance(port: int, backends: list[int]) -> None:
    """Be the balancer measured."""
    from twisted.internet import reactor

    from kaltwisted.config.model import ForwardingMethod, Protocol
    from kaltwisted.lvs.table import Destination, DestinationKey, Service, ServiceKey
    from kaltwisted.lvs.userspace import UserspaceDataPlane

    here = ip_address("127.0.0.1")
    key = ServiceKey(False, Protocol.TCP, here, port)
    destinations = [Destination(DestinationKey(here, backend), 1, ForwardingMethod()) for backend in backends]
    service = Service(key, "rr", destinations={each.key: each for each in destinations})
    UserspaceDataPlane(reactor).apply({key: service})
    reactor.run()  # type: ignore[attr-defined]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each measurement")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--balance", nargs="+", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.balance:
        balance(options.balance[0], options.balance[1:])
        return 0

    subjects: dict[str, tuple[int, subprocess.Popen[bytes]]] = {}
    results: dict[tuple[str, str], list[Result]] = {}
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        directory.chmod(0o755)
        with (directory / "large").open("wb") as large:
            large.truncate(LARGE_SIZE)
        backends = [free_port(), free_port()]
        nginx: list[subprocess.Popen[bytes]] = []
        for port in backends:
            own = directory / str(port)
            own.mkdir(mode=0o777)
            configuration = own / "nginx.conf"
            configuration.write_text(NGINX.format(directory=own, root=directory, port=port))
            command = ["nginx", "-c", str(configuration), "-p", str(own), "-e", "stderr"]
            nginx.append(stack.enter_context(running(command, OTHERS_CORE, port)))
        pin(OTHERS_CORE)

        port = free_port()
        servers = "\n".join(f"    server s{each} 127.0.0.1:{each}" for each in backends)
        configuration = directory / "haproxy.cfg"
        configuration.write_text(HAPROXY.format(port=port, servers=servers))
        command = ["haproxy", "-db", "-f", str(configuration)]
        subjects["haproxy"] = port, stack.enter_context(running(command, BALANCER_CORE, port))
        port = free_port()
        command = [sys.executable, __file__, "--balance", str(port), *map(str, backends)]
        subjects["kaltwisted"] = port, stack.enter_context(running(command, BALANCER_CORE, port))
        subjects["(direct)"] = backends[0], nginx[0]

        for _ in range(options.rounds):
            for subject, (port, process) in subjects.items():
                seconds = 1.0 if subject == "(direct)" else options.seconds
                for kind, measure in (
                    ("connections", measure_connections),
                    ("throughput", measure_throughput),
                ):
                    results.setdefault((subject, kind), []).append(measure(port, process, seconds))

    def median(subject: str, kind: str) -> Result:
        several = results[subject, kind]
        return Result(
            statistics.median(each.rate for each in several), statistics.median(each.cpu for each in several)
        )

    print(f"{'':12}{'connections/s':>15}{'CPU µs each':>14}{'MB/s':>10}{'CPU ms per GB':>16}")
    for subject in subjects:
        short, long = median(subject, "connections"), median(subject, "throughput")
        cpu = ("", "") if subject == "(direct)" else (f"{short.cpu * 1e6:.0f}", f"{long.cpu * 1e12:.0f}")
        print(f"{subject:12}{short.rate:15,.0f}{cpu[0]:>14}{long.rate / 1e6:10,.0f}{cpu[1]:>16}")
    ours, theirs = ("kaltwisted", "haproxy")
    for kind, what in (("connections", "connections"), ("throughput", "throughput")):
        rate = median(ours, kind).rate / median(theirs, kind).rate
        cpu_ratio = median(ours, kind).cpu / median(theirs, kind).cpu
        print(f"{what}: {rate:.2f} of HAProxy's, at {cpu_ratio:.1f} times its CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
