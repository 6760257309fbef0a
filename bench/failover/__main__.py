"""How fast a virtual router moves and how steady it stays, beside C keepalived on the same files.

    flock /tmp/bench.lock .venv/bin/python bench/failover [--only death ...] [--kind ours]

Makes its own network of namespaces (bridge, two directors, a stranger, an
observer) and removes it; needs root, iproute2 and Debian's keepalived.  What is
printed was seen by the observer, with the kernel's times.  Scenarios:

* death: the master is killed with -9, comes back and preempts;
* stop: it gets TERM;
* link: its interface goes down and up;
* addresses: 20 + 1,000 addresses move;
* many: 250 instances, watched for --seconds, then taken over;
* takeover: only the latter, several times;
* storm: 10,000 foreign, forged and bad adverts a second;
* steady: version 3 at 0.01 s for --seconds, with checkers at work on both directors: nobody may move.

The first three run with version 2 at 1 s and version 3 at 1, 0.1 and 0.01 s; the time
that a takeover takes is told, and by how much it is over 3 x interval + skew (after
priority 0: over skew).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from daemons import KINDS
from network import OBSERVER, network
from noise import on_each_processor
from observer import Observer
from report import Report
from scenarios import PACES, SCENARIOS, Bench


def _end(number: int, _: FrameType | None) -> None:
    """Ended from outside: leave by the same way as ever, which cleans up."""
    raise SystemExit(128 + number)


def main() -> int:
    """Run what was asked for; exit status 1 when a figure of ours is above its limit."""
    parser = argparse.ArgumentParser(
        prog="bench/failover", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="this scenario (may be repeated)")
    parser.add_argument("--kind", action="append", choices=KINDS, help="this daemon (default: both)")
    parser.add_argument("--pace", action="append", choices=PACES, help="version@interval (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="of each move; thrice as many below 1 s")
    parser.add_argument("--seconds", type=float, help="how long is watched (many: 60, steady: 600)")
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="all with SCHED_RR: for a machine with other work to do; steady: VRRP alone (vrrp_rt_priority)",
    )
    options = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("network namespaces need root")
    kinds = [kind for kind in KINDS if kind in (options.kind or KINDS)]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    paces = [PACES[name] for name in options.pace or PACES]
    prefix = ["chrt", "--rr", "10"] if options.realtime else []
    report, failed = Report(), 0
    try:
        with tempfile.TemporaryDirectory(prefix="bench-failover.") as scratch, network() as hosts:
            observer = Observer(hosts[OBSERVER])
            for name in options.only or SCENARIOS:
                for kind in kinds:
                    began, load = time.monotonic(), os.getloadavg()[0]
                    bench = Bench(
                        kind,
                        hosts,
                        observer,
                        report,
                        Path(scratch),
                        options.rounds,
                        options.seconds,
                        paces,
                        prefix,
                    )
                    with ExitStack() as stack:
                        noises = [stack.enter_context(each) for each in on_each_processor(prefix)]
                        try:
                            SCENARIOS[name](bench)
                        except (TimeoutError, RuntimeError):
                            failed += 1
                            traceback.print_exc()
                    print(
                        f"{name}, {kind}: {time.monotonic() - began:.0f} s; load before {load:.1f}; "
                        "a sleeper on each processor was late by, 99th percentile (worst): "
                        f"{', '.join(noise.words for noise in noises)} ms",
                        file=sys.stderr,
                        flush=True,
                    )
            observer.close()
    finally:  # also what was measured until somebody lost patience
        print("\n".join(report.lines(kinds)), flush=True)
    return 1 if failed or report.missed() else 0


if __name__ == "__main__":
    sys.exit(main())
