"""A director: a host of the LAN with our daemon, ways to hurt it, and what can be seen of it from outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.kernel.inside.topology import entered
from tests.network.vrrp_lan import Host

from .plan import Plan

ROOT = Path(__file__).resolve().parents[2]
#: How long an orphaned role may take to end, ORPHAN_S and a bit.
ORPHANS_S = 25.0
#: Somebody else's service, to be left alone.  While there is one the kernel's hooks stay when ours go;
#: without, packets of a connection would reach the director's own ports, which reset it.
FOREIGN = "192.0.2.99:99"


class Director:
    """The daemon of ``host``, over all its lives.

    :param plane: ``userspace`` or ``ipvs``.
    """

    def __init__(self, host: Host, plane: str, script: Path) -> None:
        self.host = host
        self.number = host.number
        self.process: subprocess.Popen[bytes] | None = None
        self.plan: Plan | None = None
        self._plane = plane
        self._script = script
        self.folder = host.directory / f"director{host.number}"
        self.run = self.folder / "run"
        self.run.mkdir(mode=0o700, parents=True)
        self.file = self.folder / "keepalived.conf"
        self.log_file = self.folder / "log"
        if plane == "ipvs":
            self.ipvsadm("-A", "-t", FOREIGN, "-s", "rr")

    # -- its life -----------------------------------------------------------------------

    @property
    def runs(self) -> bool:
        """Whether its supervisor is there."""
        return self.process is not None and self.process.poll() is None

    @property
    def log(self) -> str:
        """All that its lives have logged."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def configure(self, plan: Plan) -> None:
        """Write its file."""
        self.plan = plan
        new = self.file.with_suffix(".new")
        new.write_text(plan.text(self.number, str(self._script)))
        new.replace(self.file)

    def start(self) -> None:
        """Begin a life."""
        words = [sys.executable, str(Path(sys.executable).parent / "twistd"), "-n"]
        words += [f"--pidfile={self.run}/twistd.pid", "keepalived", "-l", "-D", "-G", "-f", str(self.file)]
        words.append(f"--data-plane={self._plane}")
        environment = {**os.environ, "RUNTIME_DIRECTORY": str(self.run), "TMPDIR": str(self.folder)}
        environment["PYTHONPATH"] = str(ROOT)  # not what is installed: these sources
        with self.log_file.open("ab") as log, entered(self.host.namespace):
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=environment,
                start_new_session=True,
            )

    def signal(self, number: int) -> bool:
        """Send the supervisor a signal that it is ready to hold or answer; whether it was sent."""
        if not self.runs:
            return False
        assert self.process is not None
        if number != signal.SIGKILL and not _minds(self.process.pid, number):
            return False
        self.process.send_signal(number)
        return True

    def kill(self) -> None:
        """Kill the supervisor."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"director {self.number} does not end by TERM\n{self.log}") from None

    def bury(self, how: str) -> None:
        """After the supervisor's death deal with its roles, as those do who start daemons."""
        if how == "systemd":
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        # What is stopped cannot end: as systemd does, let it go on.
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        if how != "at once":
            ends = time.monotonic() + ORPHANS_S
            while self.processes():
                assert time.monotonic() < ends, (
                    f"director {self.number}: roles outlive it: {self.processes()}"
                )
                time.sleep(0.02)

    def lost_a_role_at_its_start(self) -> bool:
        """Whether a role was killed before it had begun: that ends the daemon, or has a reload refused."""
        return "does not run: its process exited due to signal 9" in self.log

    # -- its processes --------------------------------------------------------------------

    def processes(self) -> dict[int, str]:
        """Every process in its namespace by pid: ``supervisor``, a role's name, or its command."""
        found: dict[int, str] = {}
        try:
            inside = Path(f"/run/netns/{self.host.namespace}").stat().st_ino
        except OSError:
            return found
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if (entry / "ns/net").stat().st_ino == inside and int(entry.name) != os.getpid():
                        found[int(entry.name)] = _kind((entry / "cmdline").read_bytes())
        return found

    def role(self, name: str) -> int | None:
        """The pid of a role's process that is our present supervisor's child."""
        parent = self.process.pid if self.process is not None else None
        for pid, kind in self.processes().items():
            if kind == name and _status(pid, "PPid") == str(parent):
                return pid
        return None

    def zombies(self) -> list[int]:
        """Dead children that nobody has waited for."""
        ours = set(self.processes())
        return [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit()
            and (_status(int(entry.name), "State") or "").startswith("Z")
            and int(_status(int(entry.name), "PPid") or 0) in ours
        ]

    def descriptors(self) -> dict[str, int]:
        """How many each process has open."""
        counted = {}
        for pid, kind in self.processes().items():
            with contextlib.suppress(OSError):
                counted[kind] = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        return counted

    # -- its kernel -----------------------------------------------------------------------

    def addresses(self) -> list[tuple[str, str]]:
        """(interface, address/prefix) of every IPv4 address, sorted."""
        found = json.loads(self.host.ip("-j", "-4", "address") or "[]")
        return sorted(
            (link["ifname"], f"{each['local']}/{each['prefixlen']}")
            for link in found
            for each in link.get("addr_info", ())
        )

    def table(self) -> dict[str, dict[str, str]]:
        """The kernel's IPVS table: for each service its settings ("") and its destinations'."""
        with entered(self.host.namespace):
            done = subprocess.run(["ipvsadm", "-Sn"], check=True, capture_output=True, text=True)
        found: dict[str, dict[str, str]] = {}
        for line in done.stdout.splitlines():
            what, _, service, *rest = line.split()
            if what == "-A":
                found[service] = {"": " ".join(rest)}
            else:
                found[service][rest[1]] = " ".join(rest[2:])
        return found

    def ipvsadm(self, *words: str) -> None:
        """Change the table by hand; whether that worked does not matter."""
        with entered(self.host.namespace):
            subprocess.run(["ipvsadm", *words], check=False, capture_output=True)


def _kind(command: bytes) -> str:
    words = command.decode(errors="replace").split("\0")
    if "kaltwisted.daemon.role" in words:
        return words[words.index("kaltwisted.daemon.role") + 1]
    if any(word.endswith("/twistd") for word in words):
        return "supervisor"
    return " ".join(words).strip()


def _status(pid: int, field: str) -> str | None:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return value.strip()
    except OSError:
        pass
    return None


def _minds(pid: int, number: int) -> bool:
    """Whether it holds or handles a signal, so that it is not just its end."""
    bit = 1 << number - 1
    return any(int(_status(pid, field) or "0", 16) & bit for field in ("SigBlk", "SigCgt"))
