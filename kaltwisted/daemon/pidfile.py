"""Pid files: whose they are, and whether they are stale."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.logger import Logger

from kaltwisted.files import remove_unfinished, replace

# How processes of our kind name themselves, C keepalived among them: it would use the same IPVS table.
_OURS = ("keepalived", "kaltwisted")

_log = Logger()


def running(path: Path, proc: Path = Path("/proc")) -> int | None:
    """The pid in ``path`` when a living daemon of our kind has it, else None.

    The number alone proves nothing: after a crash or a reboot it may be any process's.
    """
    try:
        pid = int(path.read_text(encoding="ascii", errors="replace").strip() or "0")
    except (OSError, ValueError):
        return None
    if pid <= 0 or pid == os.getpid():
        return None
    try:
        words = (proc / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return None
    return pid if any(Path(word).name.startswith(_OURS) for word in words) else None


def claim(path: Path, proc: Path = Path("/proc")) -> None:
    """Make way for a new pid file at ``path``: a stale one is removed.

    :raises SystemExit: with the message, when the daemon it names is running (status 1).
    """
    if not path.exists():
        return
    pid = running(path, proc)
    if pid is not None:
        sys.exit(
            f"kaltwisted is already running with pid {pid} ({path}); stop it, or give another --pid FILE"
        )
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        sys.exit(f"stale pid file {path} cannot be removed: {error.strerror}")


def write(path: Path, pid: int) -> None:
    """Name a role's process in a file; trouble with that is no reason not to run."""
    try:
        remove_unfinished(path)
        replace(path, f"{pid}\n".encode("ascii"), 0o644)
    except OSError as error:
        _log.warn("pid file {path} cannot be written: {why}", path=str(path), why=error.strerror)


def remove(path: Path) -> None:
    """The process is gone."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warn("pid file {path} cannot be removed: {why}", path=str(path), why=error.strerror)
