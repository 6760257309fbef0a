"""The daemons that are compared: how each is started, and what /proc tells of all its processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
C, OURS = "C keepalived", "kaltwisted"
_TICKS = os.sysconf("SC_CLK_TCK")
_QUIET_S = 0.5
_QUIET_CPU_S = 0.02

Command = Callable[[Path, Path], list[str]]


def keepalived(file: Path, scratch: Path) -> list[str]:
    """The command of C keepalived, checkers only, in the foreground."""
    pids = [f"--{name}={scratch}/{name}" for name in ("pid", "checkers_pid", "vrrp_pid")]
    return ["/usr/sbin/keepalived", "-n", "-C", "-l", "-f", str(file), *pids]


def ours(plane: str, *flags: str) -> Command:
    """Our command with that data plane; the interpreter itself, as a launcher costs seconds under UML."""

    def command(file: Path, scratch: Path) -> list[str]:
        words = [sys.executable, str(BIN / "twistd"), "-n", f"--pidfile={scratch}/twistd.pid"]
        return [*words, "keepalived", "-l", f"--data-plane={plane}", *flags, "-f", str(file)]

    return command


#: Both, as they check servers and fill the kernel's table.
DAEMONS: Mapping[str, Command] = {C: keepalived, OURS: ours("ipvs", "-C")}


@attrs.frozen
class Process:
    """One process, by its /proc/PID."""

    pid: int
    name: str
    cpu_s: float
    """User and system time of all its threads."""
    resident_mb: float

    @property
    def pss_mb(self) -> float:
        """Its memory, of what it shares only its part."""
        return _pss_kb(self.pid) / 1024


class Daemon:
    """A daemon's process and its descendants."""

    def __init__(
        self, pid: int, file: Path, log: Path, process: subprocess.Popen[bytes] | None = None
    ) -> None:
        self.pid = pid
        self.file = file
        self.log = log
        self._process = process

    def processes(self) -> list[Process]:
        """All that live."""
        family, found = {str(self.pid)}, []
        for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda p: int(p.name)):
            with contextlib.suppress(OSError):
                head, _, tail = (folder / "stat").read_text().rpartition(")")
                fields = tail.split()
                if (folder.name in family or fields[1] in family) and fields[0] != "Z":
                    family.add(folder.name)
                    cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS
                    mb = int(fields[21]) * os.sysconf("SC_PAGESIZE") / 2**20
                    found.append(Process(int(folder.name), head.partition("(")[2], cpu_s, mb))
        return found

    def cpu_s(self) -> float:
        """User and system time of all processes so far."""
        return sum(process.cpu_s for process in self.processes())

    def settled_cpu_s(self, limit_s: float) -> float:
        """The same, once they have nothing more to do."""
        deadline, before = time.monotonic() + limit_s, self.cpu_s()
        while True:
            time.sleep(_QUIET_S)
            now = self.cpu_s()
            if now - before < _QUIET_CPU_S:
                return now
            if time.monotonic() > deadline:
                raise TimeoutError(f"still busy after {limit_s:g} s")
            before = now

    def resident_mb(self) -> float:
        """Resident memory of the largest process."""
        return max(process.resident_mb for process in self.processes())

    def reload(self, text: str) -> float:
        """Give it another file and HUP; when that was."""
        self.file.write_text(text)
        began = time.monotonic()
        os.kill(self.pid, signal.SIGHUP)
        return began

    def ended(self) -> bool:
        """Whether the first process has ended."""
        return self._process is not None and self._process.poll() is not None

    def said(self) -> str:
        """Its log."""
        return self.log.read_text(errors="replace")


@contextlib.contextmanager
def running(command: Command, text: str, prefix: Sequence[str] = ()) -> Iterator[Daemon]:
    """The daemon on this configuration, ended with the block."""
    scratch = Path(tempfile.mkdtemp(prefix="bench."))
    file, log = scratch / "keepalived.conf", scratch / "log"
    file.write_text(text)
    (scratch / "run").mkdir(mode=0o700)
    more = {"RUNTIME_DIRECTORY": str(scratch / "run"), "TMPDIR": str(scratch), "PYTHONPATH": str(ROOT)}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*prefix, *command(file, scratch)],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env={**os.environ, **more},
            cwd=ROOT,
        )
    daemon = Daemon(process.pid, file, log, process)
    try:
        yield daemon
    except TimeoutError:
        sys.stderr.write(daemon.said()[-3000:])
        raise
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(scratch, ignore_errors=True)


def _pss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
