"""Start, stop and memory with many real servers, beside C keepalived on the same files.

    .venv/bin/python bench/start.py [--servers 100 --servers 10000] [--rounds 3] [--only test]

* ``test``: ``-t`` of the file as a whole process, on this machine;
* ``import``: what the modules of each of our processes cost, on this machine;
* ``daemon``: in a User-Mode Linux kernel with IPVS: from the start of the process
  until the last server is in the table, from TERM until none is and until all
  processes have gone; memory of all processes ten seconds after the start.

Real servers have a TCP_CHECK each and are 100 to a virtual server.  CPU is user and
system time, memory PSS.  Needs root and Debian's user-mode-linux, keepalived, kmod.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from check_servers import Servers
from common import ipvs, pools
from common.daemons import BIN, DAEMONS, OURS, ROOT, C, Daemon, running
from common.guest import in_a_kernel_with_ipvs
from common.table import Table

SIZES = (100, 1000, 10_000)
LARGEST = SIZES[-1]
REST_S = 10.0
PARTS = ("test", "import", "daemon")
MODULES = {
    "bare interpreter": "",
    "supervisor": "kaltwisted.daemon.service, twisted.scripts._twistd_unix",
    "checkers": "kaltwisted.daemon.role.main, kaltwisted.daemon.role.checker",
    "checkers that speak TLS": "kaltwisted.daemon.role.main, kaltwisted.daemon.role.checker,"
    " kaltwisted.healthcheck.tls",
    "VRRP": "kaltwisted.daemon.role.main, kaltwisted.daemon.role.vrrp",
}
_IMPORT = """
import sys, time
began = time.process_time()
{statement}
used = time.process_time()
pss = next(line.split()[1] for line in open("/proc/self/smaps_rollup") if line.startswith("Pss:"))
print(used, int(pss) / 1024)
"""


def test(table: Table, servers: int, rounds: int) -> None:
    """``-t``, in turn."""
    with tempfile.TemporaryDirectory(prefix="bench-start.") as folder:
        file = Path(folder, "keepalived.conf")
        file.write_text(pools.configuration(servers, 80))
        commands = {
            C: ["/usr/sbin/keepalived", "-t", "-f", str(file)],
            OURS: [sys.executable, str(BIN / "kaltwisted"), "-t", "-f", str(file)],
        }
        for _ in range(rounds):
            for name, words in commands.items():
                wall_s, cpu_s = _took(words)
                table.add(f"-t of {servers:,} servers: CPU, s", name, cpu_s)
                table.add(f"-t of {servers:,} servers: wall, s", name, wall_s)
        if servers == LARGEST:
            table.limit(f"-t of {servers:,} servers: wall, s", 0.8)


def _took(words: list[str]) -> tuple[float, float]:
    """Wall and CPU time of a command that finds nothing wrong."""
    began = time.monotonic()
    process = subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"status {process.returncode} of {words}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime


def imports(table: Table, rounds: int) -> None:
    """What each process of ours costs before it has anything to do."""
    for name, modules in MODULES.items():
        sockets = "from kaltwisted.daemon.lean import import_sockets; import_sockets()"
        statement = f"{sockets}; import {modules}, twisted.internet.reactor" if modules else ""
        code = _IMPORT.format(statement=statement)
        for _ in range(rounds):
            found = subprocess.run(
                [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True
            )
            cpu_s, pss_mb = map(float, found.stdout.split())
            table.add(f"imports, {name}: CPU since the process began, ms", OURS, cpu_s * 1000)
            table.add(f"imports, {name}: memory, MB", OURS, pss_mb)


def daemon(table: Table, name: str, servers: int, rounds: int) -> None:
    """From start to stop, in the kernel that is running."""
    kernel = ipvs.Table()
    sizes = pools.sizes(servers)
    filled = [partial(lambda port, size: kernel.count(port) >= size, *each) for each in sizes.items()]

    def enter(what: str, value: float, most: float = float("inf"), ratio: float = float("inf")) -> None:
        row = f"{servers:,} servers: {what}"
        table.add(row, name, value)
        if servers == LARGEST and (most, ratio) != (float("inf"),) * 2:
            table.limit(row, most, ratio)

    with Servers(False) as backends:
        for number in range(rounds):
            began = time.monotonic()
            with running(DAEMONS[name], pools.configuration(servers, backends.port)) as process:
                enter("start until in the table, s", ipvs.seconds_until(filled, began, 180), ratio=4)
                enter("CPU until then, s", process.cpu_s())
                if not number:
                    time.sleep(max(0.0, began + REST_S - time.monotonic()))
                    memory = [each.pss_mb for each in process.processes()]
                    words = " + ".join(f"{mb:.1f}" for mb in memory)
                    print(f"{name}, {servers:,} servers: {words} MB", file=sys.stderr, flush=True)
                    enter("memory of all processes, MB", sum(memory), most=160)
                _stop(kernel, list(sizes), process, enter)


def _stop(kernel: ipvs.Table, ports: list[int], process: Daemon, enter: Callable[..., None]) -> None:
    began = time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    out = ipvs.seconds_until(
        [partial(lambda port: kernel.count(port) < 0 or process.ended(), port) for port in ports], began, 120
    )
    gone = ipvs.seconds_until([process.ended], began, 120)
    left = sum(max(0, kernel.count(port)) for port in ports)
    if left:  # C keepalived's parent may lose patience and kill its checker half-way
        print(f"left {left} servers behind", file=sys.stderr)
        subprocess.run(["ipvsadm", "-C"], check=True)
        out = float("inf")
    enter("TERM until the table is empty, s", out)
    enter("TERM until all processes are gone, s", gone, ratio=0.25)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--servers", type=int, action="append", help=f"default: {SIZES}")
    parser.add_argument("--rounds", type=int, default=3, help="of starting; thrice as many of -t")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sizes = options.servers or SIZES
    if options.inside:
        table = Table("in one kernel with IPVS")
        for servers in sizes:
            for name in DAEMONS:
                daemon(table, name, servers, options.rounds)
        table.print()
        return 0
    parts = options.only or PARTS
    table = Table("on this machine")
    if "test" in parts:
        for servers in sizes:
            test(table, servers, 3 * options.rounds)
    if "import" in parts:
        imports(table, 3 * options.rounds)
    if set(parts) & {"test", "import"}:
        table.print()
    if "daemon" in parts:
        words = [f"--rounds={options.rounds}", *(f"--servers={servers}" for servers in sizes)]
        return in_a_kernel_with_ipvs(__file__, words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
