"""The checks of whole daemons, seen from the servers: ours on this machine, or beside C keepalived's.

Used by bench/checks.py.
"""

from __future__ import annotations

import hashlib
import time

import attrs
from check_servers import BODY, Arrivals, Servers, address, bare_connection_us
from common.daemons import Command, Daemon, keepalived, ours, running

GROUPS = 10
START_S = 60.0
SETTLE_S = 4.0


def configuration(kind: str, servers: int, port: int, period: float) -> str:
    """``servers`` real servers in ten virtual ones."""
    check = "        TCP_CHECK {\n            connect_timeout 3\n        }\n"
    if kind == "http":
        check = (
            "        HTTP_GET {\n            url {\n                path /index.html\n"
            f"                digest {hashlib.md5(BODY).hexdigest()}\n            }}\n"
            "            connect_timeout 3\n        }\n"
        )
    blocks = ["global_defs {\n    router_id bench\n}\n"]
    for group in range(GROUPS):
        blocks.append(
            f"virtual_server 127.2.0.1 {8001 + group} {{\n    delay_loop {period:g}\n    lb_algo rr\n"
            "    lb_kind NAT\n    protocol TCP\n"
        )
        for number in range(group, servers, GROUPS):
            blocks.append(f"    real_server {address(number)} {port} {{\n{check}    }}\n")
        blocks.append("}\n")
    return "".join(blocks)


# --- what is measured -------------------------------------------------------------------


@attrs.frozen
class Result:
    """One daemon's figures."""

    arrivals: Arrivals
    expected: float
    cpu_us: float
    bare_us: float
    resident_mb: tuple[float, ...]

    def __str__(self) -> str:
        a, share = self.arrivals, self.arrivals.visits / self.expected
        middle, p99, most = (gap * 1000 for gap in a.gaps)
        memory = " -> ".join(f"{mb:.1f}" for mb in self.resident_mb)
        return (
            f"{a.visits} checks of {a.visited} servers in {a.seconds:.1f} s = {a.visits / a.seconds:.0f}/s,"
            f" achieved/expected {share:.4f}\n"
            f"  off delay_loop at the server: median {middle:.2f} ms, p99 {p99:.2f} ms, max {most:.2f} ms\n"
            f"  CPU {self.cpu_us:.1f} µs a check, a bare connection {self.bare_us:.1f} µs,"
            f" resident {memory} MB"
        )


def measure(command: Command, kind: str, servers: int, seconds: float, period: float) -> Result:
    """Run a daemon until every server is checked, then count."""
    with (
        Servers(kind == "http") as backends,
        running(command, configuration(kind, servers, backends.port, period)) as daemon,
    ):
        _wait_for_all(daemon, backends, servers, period)
        time.sleep(SETTLE_S)
        bare = bare_connection_us(backends.port)
        time.sleep(period)
        backends.take(period)
        cpu, resident = daemon.cpu_s(), [daemon.resident_mb()]
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(60.0, left))
            resident.append(daemon.resident_mb())
        cpu, arrivals = daemon.cpu_s() - cpu, backends.take(period)
        expected = servers * arrivals.seconds / period
        return Result(arrivals, expected, cpu / arrivals.visits * 1e6, bare, tuple(resident))


def _wait_for_all(daemon: Daemon, backends: Servers, servers: int, period: float) -> None:
    deadline = time.monotonic() + START_S
    while backends.take(period).visited < servers:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not every server checked within {START_S:g} s of the start")
        time.sleep(1.5 * period)


def beside_keepalived(kind: str, servers: int, seconds: float, period: float) -> None:
    """C keepalived and ours, one after the other, on the same file; in the kernel that is running."""
    c = measure(keepalived, kind, servers, seconds, period)
    print(f"{kind}, C keepalived: {c}", flush=True)
    we = measure(ours("ipvs"), kind, servers, seconds, period)
    print(
        f"{kind}, kaltwisted: {we}\n  CPU a check, ours to C keepalived's: {we.cpu_us / c.cpu_us:.2f}",
        flush=True,
    )
