"""How soon a cut is noticed by BFD at 10 ms x 3, and what sessions cost: ours beside C keepalived.

    python bench/bfd.py                          # 20 cuts, ours and keepalived on the same wire
    python bench/bfd.py --rounds 5 --sessions 20 # and the CPU of so many sessions, for ten seconds

Needs root, iproute2 and keepalived.  A cut takes the port off its bridge, so
that no interface notices; the time is from the middle of that command until
the line is in the log, which is looked at each half millisecond.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import time
from pathlib import Path

from tests.network.test_bfd import ipv4, session
from tests.network.vrrp_lan import Host, Router, lan, needs_lan, wait_for

CPU_S = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")


def _ends(one: Host, two: Host, sessions: int, more: str = "") -> dict[str, Router]:
    """Both daemons with so many sessions between them, all of them up."""
    for host in (one, two):
        for number in range(1, sessions):
            host.ip("address", "add", f"10.79.{number}.{host.number}/24", "dev", "eth0")
    texts = {}
    for host in (one, two):
        here, there = host.number, 3 - host.number
        texts[host.number] = more + session("s0", ipv4(there), ipv4(here))
        for number in range(1, sessions):
            addresses = (f"10.79.{number}.{there}", f"10.79.{number}.{here}")
            texts[host.number] += session(f"s{number}", *addresses)
    ends = {"kaltwisted": one.daemon(texts[1]), "keepalived": two.keepalived(texts[2])}
    for router in ends.values():
        wait_for(lambda router=router: router.lines.count("Entering Up state") >= sessions, router.lines)
    return ends


def _cuts(rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"kaltwisted": [], "keepalived": []}
    with lan(2) as (one, two):
        ends = _ends(one, two, 1)
        for _ in range(rounds):
            time.sleep(1)
            sizes = {name: router.log.stat().st_size for name, router in ends.items()}
            began = time.monotonic()
            two.unplug()
            cut = (began + time.monotonic()) / 2
            waiting = set(ends)
            while waiting:
                for name in tuple(waiting):
                    if b"Entering Down" in ends[name].log.read_bytes()[sizes[name] :]:
                        found[name].append((time.monotonic() - cut) * 1000)
                        waiting.remove(name)
                time.sleep(0.0005)
            sizes = {name: router.log.stat().st_size for name, router in ends.items()}
            two.plug()
            for name, router in ends.items():
                wait_for(lambda router=router, size=sizes[name]: _says_up(router, size), name)
    return found


def _says_up(router: Router, size: int) -> bool:
    return b"Entering Up state" in router.log.read_bytes()[size:]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _costs(sessions: int) -> dict[str, float]:
    """The CPU of the BFD processes, in per cent of a core."""
    with lan(2) as (one, two):
        ends = _ends(one, two, sessions)
        pids = {
            name: int(re.findall(r"Starting BFD child process, pid=(\d+)", router.lines)[-1])
            for name, router in ends.items()
        }
        before = {name: _cpu_s(pid) for name, pid in pids.items()}
        time.sleep(CPU_S)
        return {name: (_cpu_s(pid) - before[name]) / CPU_S * 100 for name, pid in pids.items()}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="cuts")
    parser.add_argument("--sessions", type=int, action="append", help="sessions whose CPU to measure")
    options = parser.parse_args()
    reason = needs_lan.kwargs["reason"]
    if needs_lan.args[0]:
        raise SystemExit(reason)
    found = _cuts(options.rounds)
    for name, times in found.items():
        print(f"{name:10}: cut noticed after {statistics.median(times):.1f} ms (worst {max(times):.1f})")
    ratio = statistics.median(found["kaltwisted"]) / statistics.median(found["keepalived"])
    print(f"ratio of the medians: {ratio:.2f}")
    for sessions in options.sessions or (1, 20):
        costs = _costs(sessions)
        text = ", ".join(f"{name} {cost:.1f} %" for name, cost in costs.items())
        print(f"{sessions} sessions, CPU of the BFD process: {text}")


if __name__ == "__main__":
    main()
