"""How many checks a second, at what cost, how late: 1,000 real servers at delay_loop 1 by default.

    python bench/checks.py --kind http --seconds 30      our CheckServices in this process
    python bench/checks.py --daemon [--minutes 10]       the whole daemon, userspace data plane
    python bench/checks.py --beside-keepalived           C keepalived and ours in a kernel with IPVS (root)

The servers are addresses of loopback (127.1.0.0/16), answered by a small epoll
server in a process of its own.  Printed: checks made of those due; lateness
(in this process: how long after its time on the absolute schedule a run began;
of a daemon: how far from delay_loop two checks of one server lay apart, seen at
the server); CPU per check (user and system, without the servers'), beside
that of a bare connection in the same minute, since that tells how
fast the machine is just then; resident memory at the start and the end, and
each minute between.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import sys
import time
from ipaddress import ip_address
from pathlib import Path

import check_daemons
from check_servers import BODY, Servers, address, bare_connection_us
from common.daemons import ours
from common.guest import in_a_kernel_with_ipvs

from kaltwisted.config import model
from kaltwisted.daemon.role.collector import resume_collections
from kaltwisted.healthcheck.build import build_check
from kaltwisted.healthcheck.known import Known
from kaltwisted.healthcheck.outcome import Verdict
from kaltwisted.healthcheck.service import CheckService
from kaltwisted.testing.healthcheck import FakeScripts

WARM_UP_S = 3.0


def resident_kb() -> int:
    """This process's resident memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def configured(kind: str, number: int, port: int, period_us: int) -> tuple[model.RealServer, model.Check]:
    """One real server, and its check."""
    ip = ip_address(address(number))
    timing = model.CheckTiming(delay_loop_us=period_us, warmup_us=period_us)
    connection = model.Connection(ip, port)
    check: model.Check
    if kind == "tcp":
        check = model.TcpCheck(timing, connection)
    elif kind == "ping":
        check = model.PingCheck(timing, connection)
    elif kind == "dns":
        check = model.DnsCheck(timing, connection, model.DnsType.A, "www.example.org")
    else:
        url = model.Url("/index.html", digest=hashlib.md5(BODY).hexdigest())
        check = model.HttpCheck(timing, connection, (url,))
    return model.RealServer(ip, port, checks=(check,)), check


class Bench:
    """The services, and what is measured while they run."""

    def __init__(self, options: argparse.Namespace, port: int) -> None:
        from twisted.internet import reactor

        self.reactor = reactor
        self.port = port
        self.options = options
        virtual_server = model.VirtualServer(model.VirtualAddress(ip_address("127.0.0.9"), 80))
        self.down: list[Verdict] = []
        self.services = []
        for number in range(options.servers):
            server, check = configured(options.kind, number, port, int(options.period * 1e6))
            self.services.append(
                CheckService(
                    build_check(check, server, virtual_server, reactor, FakeScripts(), Known()),
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
        resume_collections()
        self.bare_us = bare_connection_us(self.port)
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
        cpu = (now.user + now.system - self.cpu.user - self.cpu.system) / runs
        expected = len(self.services) * seconds / self.options.period
        late = sorted(service.statistics.max_lateness * 1000 for service in self.services)
        print(
            f"{self.options.kind}: {runs} checks of {len(self.services)} servers in {seconds:.1f} s"
            f" = {runs / seconds:.0f}/s, achieved/expected {runs / expected:.4f},"
            f" verdicts {len(self.down)}\n"
            f"  latest run of each server: median {late[len(late) // 2]:.2f} ms,"
            f" p99 {late[int(len(late) * 0.99)]:.2f} ms, max {late[-1]:.2f} ms\n"
            f"  CPU {cpu * 1e6:.1f} µs a check,"
            f" {cpu * runs / seconds:.1%} of a core, a bare connection {self.bare_us:.1f} µs,"
            f" resident {self.rss / 1024:.1f} -> {resident_kb() / 1024:.1f} MB"
        )
        for service in self.services:
            service.stopService()
        self.reactor.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", choices=("tcp", "http", "dns", "ping"), default="tcp")
    parser.add_argument("--servers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--period", type=float, default=1.0, help="delay_loop, in seconds")
    parser.add_argument("--minutes", type=float, help="instead of --seconds")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--daemon", action="store_true", help="the whole daemon, on this machine")
    ways.add_argument("--beside-keepalived", action="store_true", help="both, in User-Mode Linux")
    ways.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.minutes:
        options.seconds = options.minutes * 60
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    load = (options.kind, options.servers, options.seconds, options.period)
    if options.kind in ("dns", "ping") and (options.beside_keepalived or options.inside or options.daemon):
        parser.error(f"{options.kind} is measured in this process only")
    if options.beside_keepalived:
        words = ["--kind", options.kind, "--servers", str(options.servers)]
        words += ["--seconds", str(options.seconds), "--period", str(options.period)]
        return in_a_kernel_with_ipvs(__file__, words, 600)
    if options.inside:
        check_daemons.beside_keepalived(*load)
    elif options.daemon:
        print(f"{options.kind}, the daemon:", check_daemons.measure(ours("userspace"), *load))
    else:
        with Servers(options.kind == "http") as servers:
            Bench(options, servers.port).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
