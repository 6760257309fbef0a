"""The chaos test at length: ``python bench/chaos.py [--seed N] [--seconds 120] [--runs 1] [--log FILE]``.

Needs root, for network namespaces.  Prints each run's seed, and for one that
failed its history and what is wrong; ``--log`` takes histories and daemons' logs.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.chaos.chaos import run
from tests.chaos.script import write_script
from tests.network.vrrp_lan import why_not


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="the first run's; the next ones count on")
    parser.add_argument("--seconds", type=float, default=120.0, help="of chaos per run")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--plane", choices=("userspace", "ipvs"), default="userspace")
    parser.add_argument("--log", type=Path, help="append histories and logs to this file")
    arguments = parser.parse_args()
    missing = why_not()
    if missing is not None:
        print(f"chaos: {missing}")
        return 0
    failed = 0
    for seed in range(arguments.seed, arguments.seed + arguments.runs):
        began = time.monotonic()
        script = write_script(seed, arguments.seconds)
        outcome = run(script, arguments.plane)
        took = time.monotonic() - began
        word = "FAILED" if outcome.troubles else "held"
        print(
            f"seed {seed}: {len(script.actions)} events, {word} after {outcome.settled_s:.1f} s of quiet, "
            f"{took:.0f} s in all",
            flush=True,
        )
        if arguments.log is not None:
            with arguments.log.open("a") as log:
                log.write(f"{outcome.history}\n{outcome.logs}\n")
        if outcome.troubles:
            failed += 1
            print(outcome.history, *outcome.troubles, sep="\n", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
