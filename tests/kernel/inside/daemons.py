"""Keepalived in the site's director: ours, and Debian's to compare with."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.network.daemon import PATIENCE_S, Daemon, daemon

from .topology import entered

_STAMP = re.compile(r"^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}: ")


@contextlib.contextmanager
def ours(configuration: str, scratch: Path, *options: str) -> Iterator[Daemon]:
    """The daemon, driving the director's IPVS.

    Another one on the same ``scratch`` is its next life: it finds what the
    earlier one left there, but for the log.
    """
    (scratch / "log").unlink(missing_ok=True)
    with contextlib.ExitStack() as stack:
        with entered("director"):  # a process is in the namespace of the thread that starts it
            running = stack.enter_context(daemon(configuration, scratch, "--data-plane=ipvs", *options))
        yield running


@contextlib.contextmanager
def debians(configuration: str, scratch: Path) -> Iterator[Daemon]:
    """Debian's keepalived, its checkers alone."""
    file = scratch / "keepalived.conf"
    file.write_text(configuration)
    words = ["keepalived", "--dont-fork", "--log-console", "--log-detail", "--check", f"--use-file={file}"]
    words += [f"--pid={scratch}/keepalived.pid", f"--checkers_pid={scratch}/checkers.pid"]
    with (scratch / "log").open("wb") as log, entered("director"):
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        yield Daemon(process, scratch)
    finally:
        if process.poll() is None:
            process.terminate()  # its child would outlive a kill
            process.wait(PATIENCE_S)


def lines(running: Daemon) -> list[str]:
    """What it has logged, without the dates."""
    return [_STAMP.sub("", line) for line in running.log.splitlines()]
