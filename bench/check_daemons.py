"""The checks of whole daemons, seen from the servers: ours on this machine, or beside C keepalived's.

Used by bench/checks.py.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
from check_servers import BODY, Arrivals, Servers, address, bare_connection_us

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
GROUPS = 10
START_S = 60.0
SETTLE_S = 4.0

Command = Callable[[Path, Path], list[str]]


def keepalived(file: Path, scratch: Path) -> list[str]:
    """The command of C keepalived, checkers only, in the foreground."""
    pids = [f"--{name}={scratch}/{name}" for name in ("pid", "checkers_pid", "vrrp_pid")]
    return ["/usr/sbin/keepalived", "-n", "-C", "-l", "-f", str(file), *pids]


def ours(plane: str) -> Command:
    """Our command with that data plane; the interpreter itself, as a launcher costs seconds under UML."""

    def command(file: Path, scratch: Path) -> list[str]:
        words = [sys.executable, str(Path(sys.executable).parent / "twistd"), "-n"]
        words += [f"--pidfile={scratch}/twistd.pid", "keepalived", "-l", f"--data-plane={plane}"]
        return [*words, "-f", str(file)]

    return command


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


# --- a running daemon ----------------------------------------------------------------


class Daemon:
    """A daemon's processes, as /proc tells about them."""

    def __init__(self, pid: int, log: Path) -> None:
        self._pid = pid
        self.log = log

    def _processes(self) -> list[list[str]]:
        """What /proc/PID/stat says after the name, of the process and its descendants."""
        family, found = {str(self._pid)}, []
        for folder in sorted((p for p in Path("/proc").glob("[0-9]*")), key=lambda p: int(p.name)):
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if folder.name in family or fields[1] in family:
                    family.add(folder.name)
                    found.append(fields)
        return found

    def cpu_s(self) -> float:
        """User and system time so far."""
        return sum(int(fields[11]) + int(fields[12]) for fields in self._processes()) / TICKS

    def resident_mb(self) -> float:
        """Resident memory; of several processes the largest one's, as they share much of it."""
        return max(int(fields[21]) for fields in self._processes()) * os.sysconf("SC_PAGESIZE") / 2**20


@contextlib.contextmanager
def running(command: Command, text: str) -> Iterator[Daemon]:
    """The daemon on this configuration, ended with the block."""
    scratch = Path(tempfile.mkdtemp(prefix="bench-checks."))
    file, log = scratch / "keepalived.conf", scratch / "log"
    file.write_text(text)
    (scratch / "run").mkdir(mode=0o700)
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(scratch / "run"), "TMPDIR": str(scratch)}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command(file, scratch), stdout=sink, stderr=sink, env=environment, cwd=ROOT
        )
    try:
        yield Daemon(process.pid, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(scratch, ignore_errors=True)


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
            sys.stderr.write(daemon.log.read_text(errors="replace")[-3000:])
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


def in_a_kernel_with_ipvs(arguments: list[str]) -> int:
    """Run bench/checks.py with ``arguments`` in User-Mode Linux."""
    runner = [sys.executable, str(ROOT / "tests/kernel/uml.py"), "--timeout", "600", "--"]
    return subprocess.run(
        [*runner, sys.executable, str(ROOT / "bench/checks.py"), *arguments], cwd=ROOT
    ).returncode
