"""What a reload costs, and when it is effective, beside C keepalived on the same files.

    .venv/bin/python bench/reload.py [--servers 100 --servers 10000] [--rounds 3] [--only pools]

* ``pools``: many real servers, in a User-Mode Linux kernel with IPVS: HUP with
  nothing changed, one weight, half of the weights, a server more at the top of
  the file.  CPU is that of all processes until they are quiet again; effective
  is when the kernel's table has the last of it.  Connections that were open
  before all reloads must still answer afterwards.
* ``instances``: 250 virtual routers on an interface of a network namespace:
  nothing, one priority, half of them changed.  Largest gap between two adverts
  over their interval, with the kernel's time, in the five seconds after HUP.

Needs root and Debian's user-mode-linux, keepalived, kmod, iproute2.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from check_servers import Servers
from common import ipvs, pools
from common.daemons import DAEMONS, OURS, C, running
from common.daemons import Daemon as Processes
from common.guest import in_a_kernel_with_ipvs
from common.table import Table

sys.path.append(str(Path(__file__).with_name("failover")))

from daemons import Daemon, Settings, ended
from network import DIRECTORS, OBSERVER, network
from noise import Noise
from observer import Observer, late_ms

SIZES = (100, 1000, 10_000)
LARGEST = SIZES[-1]
CONNECTIONS = 40
INSTANCES = 250
WATCHED_S = 5.0
PARTS = ("pools", "instances")

# --- real servers ------------------------------------------------------------------------

Conditions = list[Callable[[], bool]]


class Pools:
    """A running daemon whose file is changed again and again."""

    def __init__(self, servers: int, port: int) -> None:
        self._servers = servers
        self._port = port
        self._kernel = ipvs.Table()
        self._one, self._half = 4, 2
        self._top = 0

    def text(self) -> str:
        """The present file."""
        return pools.configuration(self._servers, self._port, self._weight, top=self._top)

    def filled(self) -> Conditions:
        """Whether the table has all of it."""
        sizes = pools.sizes(self._servers).items()
        return [partial(lambda port, size: self._kernel.count(port) >= size, *each) for each in sizes]

    def nothing(self) -> Conditions:
        """Change nothing."""
        return []

    def one(self) -> Conditions:
        """Change the weight of one."""
        self._one = 9 - self._one
        return [partial(self._has, self._middle)]

    def half(self) -> Conditions:
        """Change every other weight."""
        self._half = 5 - self._half
        return [partial(self._has_all, port) for port in pools.ports(self._servers)]

    def top(self) -> Conditions:
        """Add one before all others."""
        self._top += 1
        port, size = next(iter(pools.sizes(self._servers).items()))
        return [lambda: self._kernel.count(port) >= size + self._top]

    def _has_all(self, port: int) -> bool:
        found = self._kernel.weights(port).values()
        return (
            sum(weight == self._half for weight in found) >= len(found) // 2 > 0
        )  # others have other weights

    @property
    def _middle(self) -> int:
        return self._servers // 2 | 1

    def _weight(self, number: int) -> int:
        if number == self._middle:
            return self._one
        return self._half if number % 2 == 0 else 1

    def _has(self, number: int) -> bool:
        key = pools.address(number), self._port
        return self._kernel.weights(pools.pool_of(number)).get(key) == self._weight(number)


CHANGES: dict[str, Callable[[Pools], Conditions]] = {
    "nothing changed": Pools.nothing,
    "one weight changed": Pools.one,
    "half of the weights changed": Pools.half,
    "one server more at the top": Pools.top,
}


def reload_pools(table: Table, name: str, servers: int, rounds: int) -> None:
    """All changes of one daemon, in the kernel that is running."""
    with Servers(True) as backends:
        bench = Pools(servers, backends.port)
        began = time.monotonic()
        with running(DAEMONS[name], bench.text()) as daemon:
            ipvs.seconds_until(bench.filled(), began, 180)
            daemon.settled_cpu_s(60)
            with connections(servers) as count_alive:
                for what, change in CHANGES.items():
                    for _ in range(rounds):
                        _reload(table, f"{servers:,}: {what}", name, daemon, bench, change)
                kept = count_alive()
            table.add(f"{servers:,}: connections kept of {CONNECTIONS}", name, kept)


def _reload(
    table: Table, row: str, name: str, daemon: Processes, bench: Pools, change: Callable[[Pools], Conditions]
) -> None:
    conditions = change(bench)
    text = bench.text()
    before = daemon.settled_cpu_s(60)
    began = daemon.reload(text)
    if conditions:
        table.add(f"{row}: effective after, s", name, ipvs.seconds_until(conditions, began, 120))
    time.sleep(1)
    table.add(f"{row}: CPU, s", name, daemon.settled_cpu_s(120) - before)


@contextmanager
def connections(servers: int) -> Iterator[Callable[[], int]]:
    """Connections through the table; the result tells how many still answer."""
    ports = pools.ports(servers)
    opened = [
        socket.create_connection((ipvs.VIP, ports[number % len(ports)]), 5) for number in range(CONNECTIONS)
    ]

    def count_alive() -> int:
        alive = 0
        for each in opened:
            try:
                each.sendall(b"GET / HTTP/1.0\r\n\r\n")
                alive += each.recv(100).startswith(b"HTTP/1.1 200")
            except OSError:
                pass
        return alive

    try:
        if ipvs.established() < CONNECTIONS:
            raise RuntimeError(f"only {ipvs.established()} connections go through the table")
        yield count_alive
    finally:
        for each in opened:
            each.close()


def inside(sizes: list[int], rounds: int) -> None:
    """In the guest."""
    subprocess.run(["ip", "address", "add", f"{ipvs.VIP}/32", "dev", "lo"], check=True)
    table = Table("reload of real servers, in one kernel with IPVS")
    for servers in sizes:
        for name in DAEMONS:
            reload_pools(table, name, servers, rounds)
        if servers == LARGEST:
            table.limit(f"{servers:,}: nothing changed: CPU, s", 0.2)
            table.limit(f"{servers:,}: one weight changed: effective after, s", 0.2)
    table.print()


# --- virtual routers ---------------------------------------------------------------------

#: Whose priority is another one, alternately.
LOWERED: dict[str, tuple[range, range]] = {
    "nothing changed": (range(0), range(0)),
    "one priority changed": (range(7, 8), range(0)),
    "half of the priorities changed": (range(1, INSTANCES, 2), range(0)),
}


def reload_instances(rounds: int, prefix: Sequence[str]) -> None:
    """250 virtual routers, both daemons in turn."""
    settings = Settings(2, 1.0, instances=INSTANCES)
    table = Table(f"reload of {INSTANCES} instances, on this machine")
    with tempfile.TemporaryDirectory(prefix="bench-reload.") as scratch, network() as hosts:
        observer = Observer(hosts[OBSERVER])
        for kind, name in (("C", C), ("ours", OURS)):
            with Noise(prefix) as noise:
                master = Daemon(kind, hosts[DIRECTORS[0]], settings, 200, Path(scratch), prefix=prefix)
                _instances(table, name, master, observer, settings, rounds)
            print(f"beside {name} a sleeper was late by, 99 % (worst): {noise.words} ms", file=sys.stderr)
        observer.close()
    table.print()


def _instances(
    table: Table, name: str, master: Daemon, observer: Observer, settings: Settings, rounds: int
) -> None:
    with ended(master):
        master.start()
        master.wait_for_line("Entering MASTER STATE", settings.instances)
        time.sleep(7)  # second announcements are over

        def watch(what: str, change: Callable[[], None]) -> float:
            before = master.cpu_s()
            time.sleep(1.5)  # looking for its processes has disturbed it
            observer.begin()
            change()
            time.sleep(WATCHED_S)
            observer.read()
            used = master.cpu_s() - before
            adverts = observer.adverts(master.host.number)
            if len({each.vrid for each in adverts}) < settings.instances:
                raise RuntimeError("not every instance spoke")
            table.add(f"{what}: largest gap over the interval, ms", name, max(late_ms(adverts, 1.0)))
            return used

        for _ in range(rounds):
            idle = watch("no reload", lambda: None)
            for what, alternatives in LOWERED.items():
                for lowered in alternatives:
                    text = settings.text(200, lowered)
                    used = watch(what, partial(master.reload, text))
                    table.add(f"{what}: CPU beyond that of {WATCHED_S:g} s, s", name, max(0.0, used - idle))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--servers", type=int, action="append", help=f"default: {SIZES}")
    parser.add_argument("--rounds", type=int, default=2, help="of each reload")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--realtime", action="store_true", help="the instances with SCHED_RR")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sizes = options.servers or list(SIZES)
    if options.inside:
        inside(sizes, options.rounds)
        return 0
    parts = options.only or PARTS
    if "instances" in parts:
        reload_instances(options.rounds, ["chrt", "--rr", "10"] if options.realtime else [])
    if "pools" in parts:
        words = [f"--rounds={options.rounds}", *(f"--servers={servers}" for servers in sizes)]
        return in_a_kernel_with_ipvs(__file__, words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
