"""How fast the pool follows the servers, beside C keepalived on the same file in the same kernel.

    .venv/bin/python bench/pool.py [--rounds 7]

Boots a User-Mode Linux kernel with IPVS and measures in it, for C keepalived
and for us in turn, reading /proc/net/ip_vs every few milliseconds:

* a killed server leaves the table, and comes back (TCP_CHECK, HTTP_GET);
* all are dead: the sorry server comes in; one lives again: it leaves.

(Many servers, and what their start takes: bench/start.py.)

Checks: delay_loop 1, connect_timeout 1, retry 1, delay_before_retry 1.
Needs root and Debian's user-mode-linux, keepalived, kmod, iproute2.
"""

from __future__ import annotations

import argparse
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from common.daemons import DAEMONS, running
from common.guest import in_a_kernel_with_ipvs

TABLE = Path("/proc/net/ip_vs")
POLL_S = 0.004
BODY = b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
GLOBALS = "global_defs {\n    router_id bench\n}\n"


# --- the table ---------------------------------------------------------------------


def destinations() -> str:
    """The table as the kernel prints it: ports in hex."""
    return TABLE.read_text() if TABLE.exists() else ""


def seconds_until(condition: Callable[[], bool], limit: float = 30.0) -> float:
    """How long until the condition holds."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit:
            raise TimeoutError(f"not within {limit} s")
        time.sleep(POLL_S)
    return time.monotonic() - began


def in_table(port: int) -> bool:
    return f":{port:04X} " in destinations()


# --- real servers --------------------------------------------------------------------


class Server:
    """A listening socket of 127.0.0.1 served by a thread of this process; ``down`` closes it."""

    def __init__(self) -> None:
        self.port = 0
        self._child: subprocess.Popen[bytes] | None = None
        self.up()

    def up(self) -> None:
        child = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", _SERVE, str(self.port)], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        self.port = int(child.stdout.readline())
        self._child = child

    def down(self) -> None:
        assert self._child is not None
        self._child.kill()
        self._child.wait()


_SERVE = f"""
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(128)
print(s.getsockname()[1], flush=True)
while True:
    c, _ = s.accept()
    c.settimeout(1)
    try:
        if c.recv(4096):
            c.sendall({BODY!r})
    except OSError:
        pass
    c.close()
"""

CHECKS = {
    "TCP_CHECK": "TCP_CHECK {\n            connect_timeout 1\n            retry 1\n"
    "            delay_before_retry 1\n        }",
    "HTTP_GET": "HTTP_GET {\n            url {\n                path /\n                status_code 200\n"
    "            }\n            connect_timeout 1\n            retry 1\n"
    "            delay_before_retry 1\n        }",
}


def small(check: str, ports: list[int], sorry: int) -> str:
    servers = "".join(
        f"    real_server 127.0.0.1 {port} {{\n        {CHECKS[check]}\n    }}\n" for port in ports
    )
    return (
        f"{GLOBALS}virtual_server 10.9.9.9 80 {{\n    delay_loop 1\n    lb_algo rr\n    lb_kind NAT\n"
        f"    protocol TCP\n    sorry_server 127.0.0.1 {sorry}\n{servers}}}\n"
    )


# --- what is measured ------------------------------------------------------------------


def follow(name: str, check: str, rounds: int) -> dict[str, list[float]]:
    """Seconds from each change of a server to the table's."""
    servers = [Server() for _ in range(3)]
    sorry = Server()
    times: dict[str, list[float]] = {}

    def took(what: str, condition: Callable[[], bool]) -> None:
        times.setdefault(f"{check}: {what}", []).append(seconds_until(condition))

    first = servers[0]
    try:
        with running(DAEMONS[name], small(check, [server.port for server in servers], sorry.port)):
            seconds_until(lambda: all(in_table(server.port) for server in servers))
            time.sleep(3)  # every check has run once: a first failure would not be retried
            chance = random.Random(1)
            for _ in range(rounds):
                time.sleep(1 + chance.random())
                first.down()
                took("killed server out", lambda: not in_table(first.port))
                time.sleep(1 + chance.random())
                first.up()
                took("server back in", lambda: in_table(first.port))
            for _ in range(max(2, rounds // 2)):
                time.sleep(1 + chance.random())
                for server in servers:
                    server.down()
                took("all dead, sorry server in", lambda: in_table(sorry.port))
                time.sleep(1 + chance.random())
                for server in servers:
                    server.up()
                took("back, sorry server out", lambda: not in_table(sorry.port))
                seconds_until(lambda: all(in_table(server.port) for server in servers))
    finally:
        for server in [*servers, sorry]:
            server.down()
    return times


def measure(rounds: int) -> None:
    socket.setdefaulttimeout(5)
    results: dict[str, dict[str, list[float]]] = {}
    for name in DAEMONS:
        for check in CHECKS:
            for what, seconds in follow(name, check, rounds).items():
                results.setdefault(what, {})[name] = seconds
    c, we = DAEMONS
    print(f"{'seconds, median (worst)':46}{c:>16}{we:>16}   ratio")
    for what, by in results.items():
        mid = {name: statistics.median(by[name]) for name in DAEMONS}
        cells = "".join(f"{mid[name]:7.2f} ({max(by[name]):5.2f})" for name in DAEMONS)
        print(f"{what:46}{cells}   {mid[we] / mid[c]:5.2f}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="of killing and reviving")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        measure(options.rounds)
        return 0
    return in_a_kernel_with_ipvs(__file__, [f"--rounds={options.rounds}"])


if __name__ == "__main__":
    sys.exit(main())
