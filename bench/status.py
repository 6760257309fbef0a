"""What it costs to ask a daemon for its state.

    .venv/bin/python bench/status.py [--servers 100 --servers 10000] [--rounds 20] [--delay 600]

``GET /api/v1/status`` over the unix socket, again and again: how long the whole
document takes to come, what the checkers' process and the supervisor spend on
it, and whether a turn of the checkers' reactor took more than 5 ms meanwhile
(beside as long a time in which nobody asked: a machine that has other work to
do makes turns long, too).  Then the supervisor's memory before it was ever
asked, after the first answer, and with 1,000 idle connections.

``--delay``: seconds between two checks of a server; 10 for servers that are
checked a thousand times a second.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from check_servers import Servers
from common import pools
from common.daemons import Daemon, Process, ours, running
from common.hammer import Connection

SIZES = (100, 1000, 10_000)
GOAL_MS = 100.0
IDLE = 1000


class Asked:
    """A daemon that is asked over one connection."""

    def __init__(self, daemon: Daemon) -> None:
        self.path = daemon.file.parent / "run" / "api.sock"
        self._connection = Connection(self.path)

    def get(self, path: str = "/api/v1/status") -> bytes:
        """The body of an answer."""
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        body = response.read()
        assert response.status == 200, (response.status, body)
        return body

    def turns(self) -> tuple[int, float]:
        """Turns over 5 ms of the checkers, and the longest in ms."""
        (role,) = json.loads(self.get("/api/v1/status?part=daemon"))["daemon"]["roles"]
        return role["turns"]["over_5_ms"], role["turns"]["worst_ms"]


def measure(servers: int, rounds: int, delay: float) -> bool:
    """One size; whether the goals are met."""
    print(f"\n{servers:,} servers, checked every {delay:g} s")
    with Servers(True) as backends:
        text = pools.configuration(servers, backends.port, delay=lambda group: delay)
        with running(ours("userspace", "-C"), text) as daemon:
            _wait(daemon)
            before = _supervisor(daemon).resident_mb
            asked = Asked(daemon)
            first = _timed(asked.get)
            after = _supervisor(daemon).resident_mb
            quiet = _clear(daemon, asked)
            time.sleep(max(2.0, rounds * 0.15))
            quiet = _since(asked, quiet)
            busy = _clear(daemon, asked)
            cpu = _cpu(daemon)
            times = []
            for _ in range(rounds):
                times.append(_timed(asked.get))
                time.sleep(0.05)
            spent = {name: (now - cpu[name]) / rounds * 1000 for name, now in _cpu(daemon).items()}
            busy = _since(asked, busy)
            size = len(asked.get())
            with ExitStack() as idle:
                crowd, connected = _crowd(asked.path, idle), _timed(Asked(daemon).get)
                crowded = _supervisor(daemon).resident_mb
    median = statistics.median(times)
    print(f"  the document: {size / 1e6:.2f} MB; the first answer: {first:.1f} ms")
    print(f"  an answer: median {median:.1f} ms, best {min(times):.1f} ms, worst {max(times):.1f} ms")
    print("  CPU for an answer: " + ", ".join(f"{name} {ms:.1f} ms" for name, ms in spent.items()))
    print(f"  checkers' turns over 5 ms: {busy[0]} while asked {rounds} times, the longest {busy[1]:.1f} ms")
    print(f"                             {quiet[0]} in as long without,  the longest {quiet[1]:.1f} ms")
    print(f"  supervisor's memory: {before:.1f} MB, after the first answer {after:.1f} MB,", end=" ")
    print(f"with {crowd} idle connections {crowded:.1f} MB; an answer then: {connected:.1f} ms")
    return min(times) < GOAL_MS


def _timed(call: Any) -> float:
    began = time.monotonic()
    call()
    return (time.monotonic() - began) * 1000


def _wait(daemon: Daemon) -> None:
    """Until it has started, and every check has run once where that is not too long."""
    deadline = time.monotonic() + 120
    while "Startup complete" not in daemon.said():
        if time.monotonic() > deadline or daemon.ended():
            raise TimeoutError("it does not start")
        time.sleep(0.1)
    time.sleep(3)


def _clear(daemon: Daemon, asked: Asked) -> tuple[int, float]:
    """Count anew, so that the longest turn is one of what follows."""
    os.kill(daemon.pid, signal.SIGRTMAX - 1)
    time.sleep(0.3)
    return asked.turns()


def _since(asked: Asked, before: tuple[int, float]) -> tuple[int, float]:
    count, longest = asked.turns()
    return count - before[0], longest


def _supervisor(daemon: Daemon) -> Process:
    return next(process for process in daemon.processes() if process.pid == daemon.pid)


def _cpu(daemon: Daemon) -> dict[str, float]:
    return {
        "supervisor" if process.pid == daemon.pid else "checkers": process.cpu_s
        for process in daemon.processes()
    }


def _crowd(path: Path, idle: ExitStack) -> int:
    """Connections that say nothing; more than the daemon has room for."""
    for _ in range(IDLE):
        each = idle.enter_context(socket.socket(socket.AF_UNIX))
        each.connect(str(path))
    time.sleep(0.5)
    return IDLE


def main() -> int:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--servers", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--delay", type=float, default=600.0)
    options = parser.parse_args()
    met = [measure(each, options.rounds, options.delay) for each in options.servers or SIZES]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
