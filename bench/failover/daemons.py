"""The daemons that are compared, on the same configuration files, and what they take of the machine."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs
from network import Host

ROOT = Path(__file__).resolve().parents[2]


def kaltwisted(file: Path, scratch: Path) -> list[str]:
    """Ours, as it is started by its unit: VRRP only, in the foreground, lines to the console."""
    twistd = Path(sys.executable).parent / "twistd"
    words = [sys.executable, str(twistd), "-n", f"--pidfile={scratch}/pid"]
    return [*words, "keepalived", "-P", "-l", "-f", str(file)]


def keepalived(file: Path, scratch: Path) -> list[str]:
    """C keepalived, with the same flags."""
    pids = [f"--{name}={scratch}/{name}" for name in ("pid", "vrrp_pid")]
    return ["keepalived", "-n", "-P", "-l", "-f", str(file), *pids]


Command = Callable[[Path, Path], list[str]]
KINDS: dict[str, Command] = {"ours": kaltwisted, "C": keepalived}


@attrs.frozen
class Settings:
    """A virtual router as both directors have it."""

    version: int = 2
    interval_s: float = 1.0
    vips: int = 1
    excluded: int = 0
    instances: int = 1
    password: str | None = None

    def skew_s(self, priority: int) -> float:
        """RFC 3768 §6.1, RFC 5798 §6.1."""
        return (256 - priority) / 256 * (self.interval_s if self.version == 3 else 1.0)

    def master_down_s(self, priority: int) -> float:
        """How long a router of this priority waits."""
        return 3 * self.interval_s + self.skew_s(priority)

    def text(self, priority: int, lowered: Container[int] = ()) -> str:
        """The file; those ``lowered`` have ten less."""
        return f"global_defs {{\n    vrrp_version {self.version}\n}}\n" + "".join(
            self._instance(vrid, priority - 10 if vrid in lowered else priority)
            for vrid in range(1, self.instances + 1)
        )

    def _instance(self, vrid: int, priority: int) -> str:
        secret = ""
        if self.password:
            secret = f"    authentication {{\n auth_type PASS\n auth_pass {self.password}\n    }}\n"
        return (
            f"vrrp_instance VI_{vrid} {{\n    state BACKUP\n    interface eth0\n"
            f"    virtual_router_id {vrid}\n    priority {priority}\n    advert_int {self.interval_s:g}\n"
            f"{secret}    virtual_ipaddress {{\n{_addresses(10, vrid, self.vips)}    }}\n"
            f"    virtual_ipaddress_excluded {{\n{_addresses(20, vrid, self.excluded)}    }}\n}}\n"
        )


def _addresses(octet: int, vrid: int, count: int) -> str:
    numbers = range(count) if count > 1 else range(vrid, vrid + count)
    return "".join(f"        10.77.{octet + n // 250}.{n % 250 + 1}/32\n" for n in numbers)


class Daemon:
    """One daemon on one host."""

    def __init__(
        self,
        kind: str,
        host: Host,
        settings: Settings,
        priority: int,
        scratch: Path,
        *,
        prefix: Sequence[str] = (),
    ) -> None:
        self.host = host
        self._prefix = [*prefix, "ip", "netns", "exec", host.namespace]
        self.priority = priority
        self._command = KINDS[kind]
        self._scratch = scratch / f"{kind}-{host.number}"
        self._scratch.mkdir(exist_ok=True)
        self._file = self._scratch / "keepalived.conf"
        self._file.write_text(settings.text(priority))
        self._log = self._scratch / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; ``wait_for_line`` tells when it is ready."""
        for name in ("pid", "vrrp_pid"):  # C keepalived takes one that it left when killed for another's
            (self._scratch / name).unlink(missing_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*self._prefix, *self._command(self._file, self._scratch)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), "RUNTIME_DIRECTORY": str(self._scratch)},
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace")

    def wait_for_line(self, line: str, count: int = 1, seconds: float = 20.0) -> None:
        """Until the log holds ``line`` so many times."""
        ends = time.monotonic() + seconds
        while self.log.count(line) < count:
            if time.monotonic() > ends:
                raise TimeoutError(f"{line!r} not logged within {seconds} s:\n{self.log[-2000:]}")
            time.sleep(0.02)

    def reload(self, text: str) -> None:
        """Give it another file and HUP."""
        assert self._process is not None
        self._file.write_text(text)
        self._process.send_signal(signal.SIGHUP)

    def kill(self) -> int:
        """End it as a power failure does; when."""
        at = time.time_ns()
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        return at

    def terminate(self) -> tuple[int, float]:
        """Send TERM.  Tells when (ns since the epoch), and how many seconds later the process was gone."""
        assert self._process is not None
        watched = os.pidfd_open(self._process.pid)
        try:
            at = time.time_ns()
            signal.pidfd_send_signal(watched, signal.SIGTERM)
            if not select.select([watched], [], [], 20.0)[0]:
                raise TimeoutError("does not end")
            gone_s = (time.time_ns() - at) / 1e9
        finally:
            os.close(watched)
        self.kill()
        return at, gone_s

    def cpu_s(self) -> float:
        """CPU time of its processes so far, in user mode and in the kernel."""
        paths = [path for pid in self._pids() for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
        return sum(int(path.read_text().split()[0]) for path in paths) / 1e9

    def resident_kib(self) -> int:
        """Memory of its processes."""
        texts = [Path(f"/proc/{pid}/status").read_text() for pid in self._pids()]
        return sum(int(text.split("VmRSS:")[1].split()[0]) for text in texts)

    def _pids(self) -> list[int]:
        found = subprocess.run(
            ["ip", "netns", "pids", self.host.namespace], stdout=subprocess.PIPE, text=True, check=True
        )
        return [int(word) for word in found.stdout.split()]


@contextmanager
def ended(*daemons: Daemon) -> Iterator[None]:
    """The daemons are killed at the end, whatever happens; what they said is shown when it fails."""
    try:
        yield
    except (TimeoutError, RuntimeError):
        for each in daemons:
            sys.stderr.write(f"--- host {each.host.number}\n{each.log[-1500:]}\n")
        raise
    finally:
        for each in daemons:
            each.kill()
