"""Tracked processes on real hosts: a process that is killed hands the addresses over, as keepalived does it.

The kernel tells of processes in the host's own network namespace only, so there
our role and keepalived run one after the other on an interface of this host; on
a LAN of namespaces ours looks at /proc.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.network.vrrp_lan import lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]

ROLE = Path(__file__).with_name("vrrp_host.py")


@contextmanager
def program(name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program of its own name that does nothing until it is killed."""
    with subprocess.Popen(["/bin/bash", "-c", f'exec -a {name} sleep "$@"', "-", *arguments]) as running:
        try:
            yield running
        finally:
            running.kill()


def configuration(priority: int, *, interface: str = "eth0", more: str = "", tracks: str = "") -> str:
    """An instance, and what it tracks."""
    return f"""
{more}
vrrp_instance VI_1 {{
    interface {interface}
    virtual_router_id 51
    priority {priority}
    virtual_ipaddress {{
        10.77.0.100
    }}
    {tracks}
}}
"""


@needs_keepalived
def test_the_addresses_go_to_keepalived_and_come_back() -> None:
    name = f"kt{os.getpid()}-served"
    more = f"vrrp_track_process served {{\n process {name} 300\n}}"
    tracks = "track_process {\n served\n }"
    with lan(2) as (one, two):
        with program(name, "300") as running:
            ours = one.daemon(configuration(150, more=more, tracks=tracks))
            wait_for(lambda: one.holds("10.77.0.100"), "for ours to be master")
            two.keepalived(configuration(100))
            running.kill()
            running.wait()
            wait_for(lambda: two.holds("10.77.0.100") and not one.holds("10.77.0.100"), "for keepalived")
        assert ours.says("Quorum lost for tracked process served")
        with program(name, "300"):
            wait_for(lambda: one.holds("10.77.0.100") and not two.holds("10.77.0.100"), "for the return")
            ours.reload(configuration(150, more=more.replace("300", "300\n quorum 2"), tracks=tracks))
            wait_for(lambda: two.holds("10.77.0.100"), "for keepalived, as two must run from now on")
        assert ours.lines.count("The kernel does not tell of processes") == 1


@needs_keepalived
def test_both_programs_say_the_same_of_the_same_processes(tmp_path: Path) -> None:
    """Which ones match, at the start and as they come and go; with the kernel's own events."""
    name = f"kt{os.getpid()}"
    served = tmp_path / f"{name}served"  # 15 characters at most: the kernel's name of it is whole
    shutil.copy("/bin/sleep", served)
    tracked = {
        "plain": f"process {served.name}",
        "path": f"process {served}",
        "full": f"process {served}\n full_command",
        "arguments": f"process {served} 300",
        "others": f"process {served} 301",
        "initial": f"process {served} 30\n param_match initial",
        "partial": f"process {served} 30\n param_match partial",
        "two": f"process {served.name}\n quorum 2\n weight 20",
        "most": f"process {served.name}\n quorum_max 1\n weight -30",
        "none": f"process {served.name}\n quorum_max 0\n weight 40",
    }
    more = "".join(f"vrrp_track_process {key} {{\n {text}\n}}\n" for key, text in tracked.items())
    tracks = "track_process {\n" + "\n".join(tracked) + "\n}"
    text = configuration(100, interface=name, more=more, tracks=tracks)
    text += (
        configuration(90, interface=name, tracks="track_process {\n plain\n two\n most\n none\n}")
        .replace("VI_1", "VI_2")
        .replace("_id 51", "_id 52")
        .replace("0.100", "0.101")
    )
    path = tmp_path / "both.conf"
    path.write_text(text)
    pids = [f"--pid={path}.pid", f"--vrrp_pid={path}.vrrp.pid"]
    with _interface(name):
        ours = _story([sys.executable, str(ROLE), str(path)], served, tmp_path / "ours.log")
        theirs = _story(
            ["keepalived", "-n", "-l", "-D", "-P", "-f", str(path), *pids], served, tmp_path / "theirs.log"
        )
    assert ours == theirs
    assert "Quorum gained for tracked process two" in ours[2]


@contextmanager
def _interface(name: str) -> Iterator[None]:
    subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p"], check=True)
    try:
        for each in (name, f"{name}p"):
            subprocess.run(["ip", "link", "set", each, "up"], check=True)
        subprocess.run(["ip", "address", "add", "10.77.0.1/24", "dev", name], check=True)
        yield
    finally:
        subprocess.run(["ip", "link", "del", name], check=True)


def _story(command: list[str], served: Path, log: Path) -> list[list[str]]:
    """What a program says of tracked processes as two of them come and go, and its priorities."""
    chapters: list[list[str]] = []
    told = 0

    def chapter(priority: int) -> None:
        """Until VI_2 has this priority, which is the last that follows."""
        nonlocal told
        end = re.compile(rf"\(VI_2\) Changing effective priority from \d+ to {priority}\n")
        wait_for(lambda: end.search(log.read_text(), told), f"for {priority}")
        text = log.read_text()[told:]
        told += len(text)
        lines = re.findall(r"Quorum \w+ for .*|\(\w+\) entering FAULT state \(.*\)", text)
        # keepalived adds up what it knows at the start; we tell of each.
        priorities = dict(re.findall(r"\((\w+)\) Changing effective priority from \d+ to (\d+)", text))
        chapters.append([*sorted(lines), *map(" ".join, sorted(priorities.items()))])

    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as running:
        try:
            wait_for(log.exists)
            chapter(100)
            with subprocess.Popen([served, "300"]) as first:
                chapter(90)
                with subprocess.Popen([served, "300"]) as second:
                    chapter(80)
                    second.kill()
                chapter(90)
                first.kill()
            chapter(100)
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(30)
    return chapters
