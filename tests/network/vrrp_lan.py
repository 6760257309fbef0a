"""Hosts on bridges, each a network namespace, for tests of real VRRP on real interfaces.

    with lan(2) as (one, two):
        one.ours(CONFIGURATION)
        wait_for(lambda: one.holds("10.77.0.100"))

Every host has ``eth0`` on the first bridge and ``eth1`` on the second, with the
addresses ``10.77.0.N/24`` and ``10.78.0.N/24``, N from 1, ``fd77::N/64`` and
``fe80::77:N``, ``fd78::N/64`` and ``fe80::78:N``.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

#: How long anything may take before a test gives up; no test asserts that something is faster.
DEADLINE_S = 30.0
BRIDGES = 2

_numbers = itertools.count(1)
_HOST = Path(__file__).with_name("vrrp_host.py")


def why_not() -> str | None:
    """Why there can be no such LAN here."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "iproute2 is not installed"
    probe = f"kt{os.getpid()}probe"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False).returncode:
        return "network namespaces cannot be made here"
    subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=False)
    return None


needs_lan = pytest.mark.skipif((_reason := why_not()) is not None, reason=_reason or "")
NO_KEEPALIVED = "Debian's keepalived is not installed"
keepalived_is_there = shutil.which("keepalived") is not None
needs_keepalived = pytest.mark.skipif(not keepalived_is_there, reason=NO_KEEPALIVED)


def wait_for(condition: Callable[[], object], what: str = "", seconds: float = DEADLINE_S) -> None:
    """Return once ``condition`` holds; fail when it does not in time."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"waited {seconds} s in vain {what}"
        time.sleep(0.02)


class Router:
    """A VRRP daemon running on a host; its output goes to a file."""

    def __init__(self, host: Host, command: list[str], log: Path) -> None:
        self.log = log
        self.configuration = log.with_suffix(".conf")
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", host.namespace, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def lines(self) -> str:
        """What it has logged so far."""
        return self.log.read_text(errors="replace")

    def says(self, text: str) -> bool:
        """Whether it has logged that."""
        return text in self.lines

    def reload(self, configuration: str) -> None:
        """Give it another configuration."""
        self.configuration.write_text(configuration)
        self.process.send_signal(signal.SIGHUP)

    def reload_and_wait(self, configuration: str) -> None:
        """The same, and wait for the end of it: for our whole daemon."""
        done = self.lines.count("Reload complete")
        self.reload(configuration)
        wait_for(lambda: self.lines.count("Reload complete") > done, self.lines)

    def kill(self) -> None:
        """End it without a chance to hand over, as a machine that loses power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self.process.terminate()
        self.process.wait(DEADLINE_S)


class Host:
    """One host of a LAN."""

    def __init__(self, number: int, namespace: str, switch: str, directory: Path) -> None:
        self.number = number
        self.namespace = namespace
        self.switch = switch
        self.directory = directory
        self.routers: list[Router] = []

    def ip(self, *words: str) -> str:
        """Run ``ip`` on this host."""
        return _run("ip", "-n", self.namespace, *words)

    def add_interface(self, bridge: int = 0) -> None:
        """Make ``ethN`` on bridge N, with its address."""
        name, port = f"eth{bridge}", self._port(bridge)
        self.ip("link", "add", name, "type", "veth", "peer", "name", port, "netns", self.switch)
        _run("ip", "-n", self.switch, "link", "set", port, "up")
        self.plug(bridge)
        self.ip("address", "add", f"10.{77 + bridge}.0.{self.number}/24", "dev", name)
        self.ip("address", "add", f"fd{77 + bridge}::{self.number}/64", "dev", name, "nodad")
        # Known beforehand, in place of one of the MAC's: who wins a tie must be no matter of chance.
        self.ip("link", "set", name, "addrgenmode", "none")
        self.ip("address", "add", f"fe80::{77 + bridge}:{self.number}/64", "dev", name, "nodad")
        self.ip("link", "set", name, "up")

    def plug(self, bridge: int = 0) -> None:
        """Put it on the bridge."""
        _run("ip", "-n", self.switch, "link", "set", self._port(bridge), "master", f"br{bridge}")

    def unplug(self, bridge: int = 0) -> None:
        """Part it from the others; its interface does not notice."""
        _run("ip", "-n", self.switch, "link", "set", self._port(bridge), "nomaster")

    def set_carrier(self, bridge: int = 0, *, up: bool) -> None:
        """Pull the cable of ``ethN``, or put it back; its interface notices."""
        _run("ip", "-n", self.switch, "link", "set", self._port(bridge), "up" if up else "down")

    def _port(self, bridge: int) -> str:
        return f"port{self.number}-{bridge}"

    def addresses(self, interface: str = "eth0") -> list[str]:
        """The IPv4 addresses of an interface."""
        return [each for each in self.every_address(interface) if ":" not in each]

    def every_address(self, interface: str = "eth0") -> list[str]:
        """The addresses of an interface, of both families."""
        try:
            found = json.loads(self.ip("-j", "address", "show", "dev", interface) or "[]")
        except subprocess.CalledProcessError:
            return []
        return [entry["local"] for each in found for entry in each.get("addr_info", ())]

    def holds(self, address: str, interface: str = "eth0") -> bool:
        """Whether it has the address."""
        return address in self.every_address(interface)

    def ours(self, configuration: str) -> Router:
        """Start our VRRP role with a configuration."""
        path = self._write("ours", configuration)
        return self._start([sys.executable, str(_HOST), str(path)], path)

    def daemon(self, configuration: str, *before: str, options: tuple[str, ...] = ()) -> Router:
        """Start the whole daemon; ``before``: what to run its command by, ``options``: more of its own."""
        path = self._write("daemon", configuration)
        runtime = path.with_suffix(".run")
        runtime.mkdir(mode=0o700)
        twistd = [sys.executable, str(Path(sys.executable).parent / "twistd"), "-n"]
        twistd += [
            f"--pidfile={runtime}/twistd.pid",
            "keepalived",
            "-l",
            "-D",
            "-G",
            "-f",
            str(path),
            *options,
        ]
        return self._start([*before, "env", f"RUNTIME_DIRECTORY={runtime}", *twistd], path)

    def keepalived(self, configuration: str, *, checks: bool = False) -> Router:
        """Start C keepalived with a configuration; what signals have it write goes beside that.

        ``checks``: with its health checks, which need the kernel's IPVS.
        """
        path = self._write("keepalived", configuration)
        dumps = path.with_suffix(".dumps")
        dumps.mkdir()
        pids = [f"--pid={path}.pid", f"--vrrp_pid={path}.vrrp.pid", f"--bfd_pid={path}.bfd.pid"]
        pids.append(f"--checkers_pid={path}.checkers.pid")
        start = ["env", f"TMPDIR={dumps}", "keepalived", "-n", "-l", "-D", *([] if checks else ["-P"])]
        return self._start([*start, "-f", str(path), *pids], path)

    def run(self, *command: str) -> subprocess.Popen[bytes]:
        """Start any command on this host."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.namespace, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _write(self, kind: str, configuration: str) -> Path:
        path = self.directory / f"{self.number}-{kind}-{len(self.routers)}.conf"
        path.write_text(configuration)
        return path

    def _start(self, command: list[str], path: Path) -> Router:
        router = Router(self, command, path.with_suffix(".log"))
        self.routers.append(router)
        return router


@contextmanager
def lan(hosts: int) -> Iterator[tuple[Host, ...]]:
    """Make a LAN; at the end every process on it is killed and nothing of it is left."""
    mark = f"kt{os.getpid()}-{next(_numbers)}"
    switch = f"{mark}-switch"
    made: list[str] = []
    members: list[Host] = []
    with tempfile.TemporaryDirectory(prefix="vrrp-lan-") as directory:
        Path(directory).chmod(0o755)
        try:
            _run("ip", "netns", "add", switch)
            made.append(switch)
            for bridge in range(BRIDGES):
                name = f"br{bridge}"
                _run("ip", "-n", switch, "link", "add", name, "type", "bridge", "forward_delay", "0")
                _run("ip", "-n", switch, "link", "set", name, "type", "bridge", "mcast_snooping", "0")
                _run("ip", "-n", switch, "link", "set", name, "up")
            for number in range(1, hosts + 1):
                namespace = f"{mark}-{number}"
                _run("ip", "netns", "add", namespace)
                made.append(namespace)
                members.append(Host(number, namespace, switch, Path(directory)))
                _connect(members[-1])
            yield tuple(members)
        finally:
            for member in members:
                for router in member.routers:
                    if router.process.poll() is None:
                        router.kill()
            for namespace in made:
                for pid in _run("ip", "netns", "pids", namespace).split():
                    os.kill(int(pid), signal.SIGKILL)
                _run("ip", "netns", "del", namespace)


def _connect(host: Host) -> None:
    host.ip("link", "set", "lo", "up")
    for bridge in range(BRIDGES):
        host.add_interface(bridge)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout
