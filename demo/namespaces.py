"""Hosts of our own: network namespaces, which vanish with the processes that hold them."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

CLONE_NEWNET = 0x4000_0000
CLONE_NEWUSER = 0x1000_0000
NEEDED = (("ip", "iproute2"), ("unshare", "util-linux"), ("nsenter", "util-linux"))


def why_not() -> str | None:
    """Why there can be no namespaces for this process; None if there can."""
    for command, package in NEEDED:
        if shutil.which(command) is None:
            return f"the command {command} is missing: apt-get install {package}"
    if not Path("/proc/self/ns/net").exists():
        return "this kernel has no network namespaces"
    user = ["--user", "--map-root-user"] if os.geteuid() else []
    # Tried on a child: some systems let a process into a user namespace in which it may do nothing.
    probe = ["unshare", *user, "--net", "ip", "link", "set", "lo", "up"]
    if subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True).returncode:
        return "neither root nor allowed to make user namespaces" if user else "namespaces are not allowed"
    return None


def become_root() -> None:
    """As an ordinary user: become root of a user namespace of our own.

    Only while this process has a single thread, and only where ``why_not`` has nothing to say.
    """
    user, group = os.geteuid(), os.getegid()
    if not user:
        return
    _check(_libc.unshare(CLONE_NEWUSER), "user namespace")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


class Home:
    """This process on a new host of its own, until ``close`` brings it back where it was."""

    def __init__(self) -> None:
        self._before = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            _check(_libc.unshare(CLONE_NEWNET), "network namespace")
        except OSError:
            os.close(self._before)
            raise

    def run(self, script: str) -> None:
        """Run a shell script; an OSError with its words when a command in it fails."""
        _run(script, [])

    def close(self) -> None:
        """Go back; the host vanishes with the last process on it."""
        try:
            # From a user namespace there is no way back to the machine; its host goes when we do.
            with suppress(PermissionError):
                _check(_libc.setns(self._before, CLONE_NEWNET), "network namespace")
        finally:
            os.close(self._before)


class Host:
    """Another host, there for as long as a process holds it."""

    def __init__(self) -> None:
        # It ends when its standard input does, which is when we end, however we do.
        self._holder = subprocess.Popen(
            ["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._holder.stdin and self._holder.stdout
        self._holder.stdin.write(b"\n")
        if not self._holder.stdout.read(1):
            raise OSError("network namespaces are not allowed here")

    @property
    def pid(self) -> int:
        """The process to name where ``ip link`` asks for a namespace."""
        return self._holder.pid

    @property
    def prefix(self) -> list[str]:
        """What to put in front of a command so that it runs here."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--"]

    def run(self, script: str) -> None:
        """Run a shell script here; an OSError with its words when a command in it fails."""
        _run(script, self.prefix)

    def close(self) -> None:
        """Give it up."""
        assert self._holder.stdin and self._holder.stdout
        self._holder.stdin.close()
        self._holder.stdout.close()
        self._holder.wait()


_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _run(script: str, prefix: list[str]) -> None:
    done = subprocess.run(
        [*prefix, "sh", "-ec", script], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        raise OSError(done.stderr.strip() or f"status {done.returncode}: {script}")
