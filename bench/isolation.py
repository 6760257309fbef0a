"""How late adverts are while the checkers of the same daemon work as hard as they can, beside C keepalived.

    .venv/bin/python bench/isolation.py [--seconds 60] [--way ours ...] [--api-clients 20]

In a namespace of the bench's own: a virtual router that sends every 10 ms
(version 3), and one every second.  Beside it 10,000 real servers in the
userspace plane: 2,000 of them are checked by TCP_CHECK every second, five send
10 MB a second to HTTP_GET, and every few seconds half of all weights are
changed by a reload.  C keepalived cannot check without IPVS: it runs VRRP only,
and a checker daemon of ours beside it makes the same load.  With
``--api-clients`` so many clients ask ours meanwhile, as fast as it answers, for
the status and the metrics of all that.

Printed: 99th percentile, and the most, by which adverts came later than their
interval after the one before, by the kernel's time at an observer; what our
daemon counted itself; and how late processes that only sleep were meanwhile,
one on each processor: the machine's part.  Needs root, iproute2 and Debian's keepalived.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
from check_servers import Servers
from common import pools
from common.daemons import Daemon, ours, running
from common.hammer import Hammer

sys.path.append(str(Path(__file__).with_name("failover")))

from network import DIRECTORS, OBSERVER, Host, inside, network
from noise import on_each_processor
from observer import Observer, late_ms

SERVERS = 10_000
BUSY_POOLS = 20
PAGES = 5
PAGE = bytes(10 << 20)
RELOAD_EVERY_S = 6.0
VIP = "127.2.0.1"
PAGES_PORT = 9000
FAST, SLOW = 1, 2
INTERVALS_S = {FAST: 0.01, SLOW: 1.0}
REALTIME = "    vrrp_rt_priority 50\n    vrrp_no_swap\n"


@attrs.frozen
class Way:
    """One way to run: which daemon, how, and the most that is asked for."""

    name: str
    ours: bool
    realtime: bool
    limit_ms: float | None = None


WAYS = {
    "ours-realtime": Way("kaltwisted, real-time", True, True, 2.0),
    "ours": Way("kaltwisted", True, False, 10.0),
    "c-realtime": Way("C keepalived, real-time", False, True),
    "c": Way("C keepalived", False, False),
}


def keepalived(file: Path, scratch: Path) -> list[str]:
    """C keepalived, VRRP only."""
    pids = [f"--{name}={scratch}/{name}" for name in ("pid", "vrrp_pid")]
    return ["/usr/sbin/keepalived", "-n", "-P", "-l", "-f", str(file), *pids]


def routers(realtime: bool) -> str:
    """The two virtual routers."""
    return f"global_defs {{\n    vrrp_version 3\n{REALTIME if realtime else ''}}}\n" + "".join(
        f"vrrp_instance VI_{vrid} {{\n    state BACKUP\n    interface eth0\n    virtual_router_id {vrid}\n"
        f"    priority 200\n    advert_int {interval_s:g}\n"
        f"    virtual_ipaddress {{\n        10.77.10.{vrid}/32\n    }}\n}}\n"
        for vrid, interval_s in INTERVALS_S.items()
    )


# --- the load --------------------------------------------------------------------------------


class Pages:
    """Sends everybody 10 MB; ``count``: how often."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", PAGES_PORT), backlog=64)
        self.count = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._send, args=(connection,), daemon=True).start()

    def _send(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(PAGE))
            connection.sendall(PAGE)
            self.count += 1

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # which ends the accept() that waits
        self._listener.close()


def servers(port: int, reload: int, part: int = 1) -> str:
    """All real servers, or a ``part`` of them; the weight of every other is by the number of the reload."""
    digest = hashlib.md5(PAGE).hexdigest()
    page = (
        f"    real_server 127.0.0.1 {PAGES_PORT} {{\n        HTTP_GET {{\n            url {{\n"
        f"                path /\n                digest {digest}\n            }}\n"
        "            connect_timeout 5\n        }\n    }\n"
    )
    return pools.configuration(
        SERVERS // part,
        port,
        lambda number: 2 + reload % 2 if number % 2 == 0 else 1,
        vip=VIP,
        delay=lambda group: 1 if group < BUSY_POOLS // part else 600,
    ) + "".join(
        f"virtual_server {VIP} {PAGES_PORT + group} {{\n    delay_loop 1\n    lb_algo rr\n    lb_kind NAT\n"
        f"    protocol TCP\n{page}}}\n"
        for group in range(-(-PAGES // part))
    )


@attrs.frozen
class Director:
    """Daemons at work; ``head``: what stands in front of the servers in the file of ``loaded``.

    Ours is both daemons in one; C keepalived (``vrrp``) has a checker daemon of ours beside it.
    """

    vrrp: Daemon
    loaded: Daemon
    backends: Servers
    pages: Pages
    head: str
    part: int

    def wait_until_busy(self) -> None:
        """Until the checks run at their full rate."""
        deadline = time.monotonic() + 60
        wanted = 0.9 * BUSY_POOLS // self.part * pools.POOL
        while (arrivals := self.backends.take(1)).visits < wanted * arrivals.seconds:
            if time.monotonic() > deadline:
                raise TimeoutError(f"only {arrivals.visits / arrivals.seconds:.0f} checks a second")
            time.sleep(2)

    def begin(self) -> None:
        """Count checks and pages from zero."""
        self.backends.take(1)
        self.pages.count = 0

    def reload(self, number: int) -> None:
        """Other weights."""
        self.loaded.reload(self.head + servers(self.backends.port, number, self.part))


@contextlib.contextmanager
def director(host: Host, head: str, by_ours: bool, part: int = 1) -> Iterator[Director]:
    """Virtual routers (``head``) on a host, and all of the load or a ``part`` of it."""
    prefix = ["ip", "netns", "exec", host.namespace]
    with contextlib.ExitStack() as stack:
        backends = stack.enter_context(inside(host.namespace, lambda: Servers(False)))
        pages = inside(host.namespace, Pages)
        stack.callback(pages.close)
        load = servers(backends.port, 0, part)
        if by_ours:
            daemon = stack.enter_context(running(ours("userspace", "-D"), head + load, prefix))
            yield Director(daemon, daemon, backends, pages, head, part)
        else:
            vrrp = stack.enter_context(running(keepalived, head, prefix))
            loaded = stack.enter_context(running(ours("userspace", "-D", "-C"), load, prefix))
            yield Director(vrrp, loaded, backends, pages, "", part)


# --- what is measured --------------------------------------------------------------------------


@attrs.frozen
class Seen:
    """What one way gave."""

    way: Way
    late_ms: dict[int, list[float]]
    checks: float
    pages: float
    reloads: int
    noise: str
    told: Sequence[str]

    def lines(self) -> Iterator[str]:
        """For people."""
        for vrid, late in self.late_ms.items():
            late = sorted(late)
            verdict = ""
            if self.way.limit_ms is not None:
                verdict = f"{self.way.limit_ms:g} {'ok' if late[-1] <= self.way.limit_ms else 'MISSED'}"
            yield (
                f"{self.way.name:26}{INTERVALS_S[vrid]:>8g} s{len(late):>8}"
                f"{late[int(len(late) * 0.99)]:>12.2f}{late[-1]:>9.2f}   {verdict}"
            )

    def beside(self) -> Iterator[str]:
        """What else was seen."""
        yield (
            f"{self.way.name}: {self.checks:.0f} TCP checks and {self.pages:.1f} pages a second,"
            f" {self.reloads} reloads; a sleeper on each processor was late by,"
            f" 99 % (worst): {self.noise} ms"
        )
        yield from (f"    {line}" for line in self.told)


def measure(way: Way, host: Host, observer: Observer, seconds: float, api_clients: int) -> Seen:
    """Run the daemon and the load for so long."""
    with director(host, routers(way.realtime), way.ours) as watched:
        return _watch(way, watched, observer, host, seconds, api_clients)


def _watch(
    way: Way, watched: Director, observer: Observer, host: Host, seconds: float, api_clients: int
) -> Seen:
    vrrp, loaded = watched.vrrp, watched.loaded
    watched.wait_until_busy()
    if way.ours:
        os.kill(vrrp.pid, signal.SIGRTMAX - 1)  # count from zero
    watched.begin()
    before = loaded.said().count("Reload complete")
    observer.begin()
    policy = ["chrt", "--rr", "50"] if way.realtime else []
    with contextlib.ExitStack() as stack:
        noises = [stack.enter_context(each) for each in on_each_processor(policy)]
        hammer = None
        if way.ours and api_clients:
            hammer = stack.enter_context(Hammer(vrrp.file.parent / "run" / "api.sock", api_clients))
        began, number = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            number += 1
            watched.reload(number)
            time.sleep(max(0.0, min(number * RELOAD_EVERY_S, seconds) + began - time.monotonic()))
    observer.read()
    arrivals = watched.backends.take(1)
    late = {
        vrid: late_ms(observer.adverts(host.number, vrid), interval_s)
        for vrid, interval_s in INTERVALS_S.items()
    }
    told = list(counted_by(vrrp)) if way.ours else []
    if hammer is not None:
        told.append(hammer.words)
    reloads = loaded.said().count("Reload complete") - before
    return Seen(
        way,
        late,
        arrivals.visits / arrivals.seconds,
        watched.pages.count / arrivals.seconds,
        reloads,
        ", ".join(noise.words for noise in noises),
        told,
    )


def counted_by(daemon: Daemon) -> Iterator[str]:
    """What our daemon counted of its turns and timers."""
    os.kill(daemon.pid, signal.SIGUSR1)
    time.sleep(3)
    for path in sorted(daemon.file.parent.glob("*.data")):
        _, heading, counted = path.read_text().partition("------< Timers >------\n")
        if heading:
            told = [
                line.strip() for line in counted.splitlines() if not line.startswith((" Since", " Late "))
            ]
            yield f"{path.name}: {'; '.join(told)}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="of each way")
    parser.add_argument("--api-clients", type=int, default=0, help="so many ask for status and metrics")
    parser.add_argument("--way", choices=WAYS, action="append", help="default: all")
    options = parser.parse_args()
    found = []
    with network() as hosts:
        observer = Observer(hosts[OBSERVER])
        for name in options.way or WAYS:
            found.append(
                measure(WAYS[name], hosts[DIRECTORS[0]], observer, options.seconds, options.api_clients)
            )
            print("\n".join(found[-1].beside()), flush=True)
        observer.close()
    print(
        f"\n{'gap between adverts over':26}{'interval':>10}{'adverts':>8}{'99 %, ms':>12}{'worst':>9}   goal"
    )
    for seen in found:
        print("\n".join(seen.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
