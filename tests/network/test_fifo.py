"""Notify FIFOs: byte for byte what keepalived writes of the same events; readers are kept running."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.network.test_vrrp_failover import instance, vip
from tests.network.vrrp_lan import Host, Router, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]

TRACKS = "track_script {\n fit\n }"
GROUP = "vrrp_sync_group G {\n group {\n VI_51\n VI_53\n }\n}\n"


def configuration(folder: Path, *, reader: str = "") -> str:
    """Two instances in a group and one with a tracked script; each kind of FIFO."""
    return f"""
global_defs {{
    notify_fifo {folder}/all
    vrrp_notify_fifo {folder}/vrrp
    script_user root
    vrrp_notify_priority_changes
    {reader}
}}
vrrp_script fit {{
    script "/usr/bin/test -e {folder}/fit"
    interval 1
    weight 20
}}
{GROUP}
{instance(51, 150)}
{instance(52, 150, more=TRACKS)}
{instance(53, 150)}
"""


def contents(path: Path) -> str:
    """What is in a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(descriptor, 1 << 16).decode()
    except BlockingIOError:
        return ""
    finally:
        os.close(descriptor)


def _events(start: Callable[[Host, str], Router], folder: Path) -> dict[str, list[str]]:
    """What each pipe has been told between a start and the moment before a stop."""
    folder.mkdir()
    with lan(1) as (one,):
        start(one, configuration(folder))
        wait_for(lambda: all(one.holds(vip(number)) for number in (51, 52, 53)))
        (folder / "fit").touch()
        told = dict.fromkeys(("all", "vrrp"), "")

        def gather() -> bool:
            for name in told:
                told[name] += contents(folder / name)
            return "MASTER_PRIORITY 170" in told["all"] and "MASTER_PRIORITY 170" in told["vrrp"]

        wait_for(gather)
        for name in told:
            status = (folder / name).stat()
            assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o600, 0)
    return {name: text.splitlines(keepends=True) for name, text in told.items()}


@needs_keepalived
def test_the_same_lines_as_keepalived(tmp_path: Path) -> None:
    """Whose timer ends first among the members is chance, so lines are compared object by object."""
    ours = _events(Host.daemon, tmp_path / "ours")
    theirs = _events(Host.keepalived, tmp_path / "theirs")
    for name in ours:
        for subject in ('GROUP "G"', 'INSTANCE "VI_51"', 'INSTANCE "VI_52"', 'INSTANCE "VI_53"'):
            assert [line for line in ours[name] if line.startswith(subject)] == [
                line for line in theirs[name] if line.startswith(subject)
            ]
        assert sorted(ours[name]) == sorted(theirs[name])
        # Once all members have moved, the group is told.
        assert ours[name].index('GROUP "G" MASTER 0\n') > ours[name].index('INSTANCE "VI_53" MASTER 150\n')


def test_a_reader_is_kept_running_and_hears_the_stop(tmp_path: Path) -> None:
    reader = tmp_path / "reader"
    reader.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/started\nexec cat "$1" >>{tmp_path}/heard\n')
    reader.chmod(0o755)
    heard, started = tmp_path / "heard", tmp_path / "started"
    text = configuration(tmp_path, reader=f"notify_fifo_script {reader} root")
    with lan(1) as (one,):
        router = one.daemon(text)
        wait_for(lambda: heard.exists() and 'INSTANCE "VI_51" MASTER 150' in heard.read_text())
        assert started.read_text() == f"{tmp_path}/all\n"
        router.reload(text.replace("weight 20", "weight 30"))
        wait_for(lambda: router.says("Reload complete") or router.says("reload complete"))
        assert started.read_text() == f"{tmp_path}/all\n"
        one.run("pkill", "-f", f"cat {tmp_path}/all").wait()
        wait_for(lambda: started.read_text().count("\n") == 2, "for another reader")
        assert router.says("notify fifo script terminated")
        router.stop()
        assert 'INSTANCE "VI_51" STOP 150\n' in heard.read_text()
        assert not (tmp_path / "all").exists()
