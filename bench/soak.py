"""A daemon at work for long: its memory, descriptors, threads and timers must stay where they are.

    python bench/soak.py [--minutes 10] [--servers 400] [--every 10]

In a network namespace of its own (so it needs root) a daemon does some hundred
checks a second of servers, four of which come and go, runs virtual routers, is
reloaded every four seconds with another configuration (weights, servers, an
instance) and asked for all reports.  Every process is sampled; the first half,
at most five minutes, is for warming up.

Fails when afterwards a process' own memory (anonymous: what others share does
not count, as it comes and goes with them) rises by more than SLOPE_KIB
a minute on a line through all samples, when descriptors, threads or timers at
the end are more than before, or when anything is left over or logged as broken.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from check_servers import Servers, address

from tests.chaos.director import Director
from tests.chaos.farm import Farm
from tests.chaos.plan import SERVERS
from tests.chaos.verdict import BAD_WORDS
from tests.kernel.inside.topology import entered
from tests.network.vrrp_lan import lan, why_not

SLOPE_KIB = 60.0
"""KiB a minute, what Python's allocator may wander by.  A leak of one small object a check is 1,000."""
COUNTS_MORE = 2
RELOAD_S, DUMP_S, FLAP_S = 4.0, 7.0, 3.0
WARM_UP_S = 300.0
DUMPS = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN + 2)


@attrs.frozen
class Sample:
    """One process at one time; ``calls``: the supervisor's delayed calls."""

    at: float
    rss: int
    pss: int
    own: int
    descriptors: int
    threads: int
    calls: int = 0


def configuration(port: int, servers: int, variant: int) -> str:
    """One of four: with other weights, some more servers, an instance more."""
    vrrp = "vrrp_instance VI_%d {\n interface eth0\n virtual_router_id %d\n version 3\n advert_int 0.3\n"
    vrrp += " virtual_ipaddress {\n 10.77.0.%d/24\n }\n}\n"
    blocks = ["global_defs {\n router_id soak\n script_user root\n}\n", vrrp % (1, 51, 101)]
    if variant & 1:
        blocks.append(vrrp % (2, 52, 102))
    tcp = "TCP_CHECK {\n connect_timeout 2\n }"
    http = "HTTP_GET {\n url {\n path /\n status_code 200\n }\n connect_timeout 2\n }"
    head = "virtual_server 127.0.0.1 %d {\n delay_loop 1\n lb_algo wrr\n lb_kind NAT\n protocol TCP\n"
    for pool in range(4):
        blocks.append(head % (8001 + pool))
        # The second half of the last pools comes and goes.
        there = servers // 4 - (servers // 16 if pool == variant else 0)
        for number in range(there):
            check, weight = (http if number % 2 else tcp), 1 + (number + variant) % 3
            place = address(pool * servers // 4 + number)
            blocks.append(f" real_server {place} {port} {{\n weight {weight}\n {check}\n }}\n")
        blocks.append("}\n")
    blocks.append(head % 8009)
    for number in SERVERS:
        blocks.append(f" real_server 127.0.0.1 {number} {{\n {tcp.replace('2', '1')}\n }}\n")
    misc = 'MISC_CHECK {\n misc_path "/bin/true"\n }'
    blocks.append(f" real_server 127.0.0.1 9009 {{\n {misc}\n }}\n}}\n")
    return "".join(blocks)


class Soak:
    """The daemon and what is done to it."""

    def __init__(self, director: Director, farm: Farm, texts: Sequence[str]) -> None:
        self._director = director
        self._farm = farm
        self._texts = texts
        self._number = 0
        self.samples: dict[str, list[Sample]] = {}

    def run(self, seconds: float, every: float, reload_s: float) -> None:
        """Keep it busy, and look."""
        began = time.monotonic()
        due = dict.fromkeys(("reload", "dump", "flap", "look"), began)
        every_s = {"reload": reload_s, "dump": DUMP_S, "flap": FLAP_S, "look": every}
        while time.monotonic() < began + seconds:
            name = min(due, key=lambda each: due[each])
            time.sleep(max(0.0, due[name] - time.monotonic()))
            due[name] += every_s[name]
            if name == "look":
                self._look(time.monotonic() - began)
            else:
                getattr(self, f"_{name}")()

    def _reload(self) -> None:
        self._number += 1
        self._director.file.write_text(self._texts[self._number % len(self._texts)])
        self._director.signal(signal.SIGHUP)

    def _dump(self) -> None:
        for number in DUMPS:
            self._director.signal(number)

    def _flap(self) -> None:
        """Another one of four is down, or none."""
        self._farm.only_down(frozenset(SERVERS[self._number % 5 : self._number % 5 + 1]))

    def _look(self, at: float) -> None:
        before = self._director.log.count(" delayed calls")
        self._director.signal(signal.SIGRTMAX)
        ends = time.monotonic() + 5.0
        while self._director.log.count(" delayed calls") == before and time.monotonic() < ends:
            time.sleep(0.05)
        found = re.findall(r"(\d+) delayed calls", self._director.log)
        for pid, kind in self._director.processes().items():
            if kind in ("supervisor", "vrrp", "checkers"):
                calls = int(found[-1]) if found and kind == "supervisor" else 0
                self.samples.setdefault(kind, []).append(sample(pid, at, calls))


def sample(pid: int, at: float, calls: int) -> Sample:
    """What /proc says of a process; memory in KiB."""
    place = Path("/proc", str(pid))
    fields = dict(re.findall(r"^(\w+):\s+(\d+)", (place / "smaps_rollup").read_text(), re.MULTILINE))
    threads, descriptors = len(list((place / "task").iterdir())), len(list((place / "fd").iterdir()))
    return Sample(
        at, int(fields["Rss"]), int(fields["Pss"]), int(fields["Anonymous"]), descriptors, threads, calls
    )


def slope(samples: Sequence[Sample]) -> float:
    """KiB of its own memory a minute, by least squares."""
    times = [each.at / 60 for each in samples]
    values = [each.own for each in samples]
    middle, mean = sum(times) / len(times), sum(values) / len(values)
    spread = sum((each - middle) ** 2 for each in times)
    return (
        sum((t - middle) * (v - mean) for t, v in zip(times, values, strict=True)) / spread if spread else 0.0
    )


def judge(kind: str, samples: Sequence[Sample], seconds: float) -> list[str]:
    """What is wrong with a process."""
    warm = min(WARM_UP_S, seconds / 2)
    kept = [each for each in samples if each.at >= warm]
    rises = slope(kept)
    wrong = [f"{kind}: memory rises by {rises:.0f} KiB a minute"] if rises > SLOPE_KIB else []
    half = len(kept) // 2
    for what in ("descriptors", "threads", "calls"):
        first, last = ([getattr(each, what) for each in part] for part in (kept[:half], kept[half:]))
        # Reloads and checks make them come and go: the fewest at a time are those that stay.
        if min(last) > min(first) + COUNTS_MORE:
            wrong.append(f"{kind}: {what} grow from {min(first)} to {min(last)}")
    return wrong


def show(kind: str, samples: Sequence[Sample], seconds: float) -> None:
    """A table of a dozen rows."""
    print(
        f"\n{kind}: {'min':>6} {'RSS KiB':>9} {'PSS KiB':>9} {'own KiB':>9}"
        f" {'fds':>5} {'threads':>8} {'timers':>7}"
    )
    for each in samples[:: max(1, len(samples) // 12)]:
        counts = f"{each.descriptors:5} {each.threads:8} {each.calls or '-':>7}"
        print(f"{'':{len(kind)}}  {each.at / 60:6.1f} {each.rss:9} {each.pss:9} {each.own:9} {counts}")
    kept = [each for each in samples if each.at >= min(WARM_UP_S, seconds / 2)]
    print(f"  its own rises by {slope(kept):.0f} KiB a minute after warming up (bound {SLOPE_KIB:g})")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--servers", type=int, default=400, help="each checked once a second")
    parser.add_argument("--every", type=float, default=10.0, metavar="S", help="sample so often")
    parser.add_argument("--reload", type=float, default=RELOAD_S, metavar="S", help="reload so often")
    arguments = parser.parse_args()
    missing = why_not()
    if missing is not None:
        print(f"soak: {missing}")
        return 0
    seconds = arguments.minutes * 60
    with lan(1) as (host,):
        flags = host.directory / "up"
        flags.mkdir()
        farm = Farm(host.namespace, flags)
        with entered(host.namespace):
            servers = Servers(answers=True)
        with servers:
            texts = [configuration(servers.port, arguments.servers, variant) for variant in range(4)]
            director = Director(host, "userspace", Path("/bin/true"))
            director.file.write_text(texts[0])
            director.start()
            soak = Soak(director, farm, texts)
            servers.take(1.0)
            soak.run(seconds, arguments.every, arguments.reload)
            arrived = servers.take(1.0)
            zombies, reloads = director.zombies(), director.log.count("Reload complete")
            lives = director.log.count("child process, pid=")
            director.stop()
            left = {pid: kind for pid, kind in director.processes().items() if kind.strip() == "vrrp"}
            broken = [line for line in director.log.splitlines() if any(word in line for word in BAD_WORDS)]
        farm.close()
    print(
        f"{arrived.visits / arrived.seconds:.0f} checks a second, {reloads} reloads, "
        f"{arguments.minutes:g} minutes"
    )
    wrong = [f"zombies {zombies}"] if zombies else []
    wrong += [] if reloads > seconds / arguments.reload / 2 else [f"only {reloads} reloads"]
    wrong += [f"left over: {left}"] if left else []
    wrong += [f"{lives} lives of two roles"] if lives != 2 else []
    wrong += broken
    for kind, samples in soak.samples.items():
        show(kind, samples, seconds)
        wrong += judge(kind, samples, seconds)
    print("", *wrong or ["flat"], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
