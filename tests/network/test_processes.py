"""The daemon's processes: killed, stopped, orphaned, asked by signals; nothing may be left over or lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.network.daemon import Daemon, WebServer, ask, daemon, free_port, wait_for, web_servers
from tests.network.vrrp_lan import Host, Router, lan, needs_lan

pytestmark = pytest.mark.network

POOL = """
virtual_server 127.0.0.1 {port} {{
    delay_loop 1
    lb_algo {algorithm}
    lb_kind NAT
    protocol TCP
    real_server 127.0.0.1 {server} {{
        TCP_CHECK {{
            connect_timeout 1
        }}
    }}
}}
"""
ROUTER = """
vrrp_instance VI {{
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 0.3
    version 3
    virtual_ipaddress {{
        10.77.0.100/24
    }}
}}
"""


def pid_of(running: Daemon, role: str) -> int:
    """The process of a role; waits for its pid file."""
    file = running.scratch / "run" / f"{role}.pid"
    wait_for(file.exists, f"{file}")
    return int(file.read_text())


def alive(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextlib.contextmanager
def balancer(scratch: Path, server: WebServer, *options: str, algorithm: str = "rr"):  # type: ignore[no-untyped-def]
    port = free_port("127.0.0.1")
    text = POOL.format(port=port, server=server.port, algorithm=algorithm)
    with daemon(text, scratch, "--data-plane=userspace", *options) as running:
        running.says("Startup complete")
        wait_for(lambda: _answers(port), "the service")
        yield running, port


def _answers(port: int) -> bool:
    try:
        return ask("127.0.0.1", port) != ""
    except OSError:
        return False


def test_a_role_that_is_killed_comes_back_and_serves(tmp_path: Path) -> None:
    with web_servers("one") as servers, balancer(tmp_path, servers["one"]) as (running, port):
        before = pid_of(running, "checkers")
        os.kill(before, signal.SIGKILL)
        running.says(f"Healthcheck child process({before}) died: Respawning")
        wait_for(lambda: pid_of(running, "checkers") != before, "another process")
        wait_for(lambda: _answers(port), "the service again")
        assert running.stop() == -signal.SIGTERM  # twistd's way
        assert not (tmp_path / "run" / "checkers.pid").exists()


def test_a_role_that_is_stuck_is_killed_and_comes_back(tmp_path: Path) -> None:
    with web_servers("one") as servers, balancer(tmp_path, servers["one"]) as (running, port):
        before = pid_of(running, "checkers")
        os.kill(before, signal.SIGSTOP)
        running.says(f"Healthcheck child process({before}) has not answered for 10 seconds: killing it")
        wait_for(lambda: pid_of(running, "checkers") != before, "another process")
        wait_for(lambda: _answers(port), "the service again")


def test_roles_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    with web_servers("one") as servers, balancer(tmp_path, servers["one"]) as (running, _):
        role = pid_of(running, "checkers")
        running.process.kill()
        running.process.wait()
        wait_for(lambda: not alive(role), "the role's end")
        assert "The supervisor is gone: ending" in running.log


def test_a_role_told_to_end_comes_back_and_terminals_are_not_meant_for_it(tmp_path: Path) -> None:
    with web_servers("one") as servers, balancer(tmp_path, servers["one"]) as (running, port):
        before = pid_of(running, "checkers")
        os.kill(before, signal.SIGINT)
        os.kill(before, signal.SIGTERM)
        running.says(f"pid {before} exited with status 0")
        wait_for(lambda: pid_of(running, "checkers") != before and _answers(port), "the service again")


def test_without_respawn_the_daemon_ends_with_its_role(tmp_path: Path) -> None:
    with web_servers("one") as servers, balancer(tmp_path, servers["one"], "-R") as (running, _):
        os.kill(pid_of(running, "checkers"), signal.SIGKILL)
        assert running.process.wait(30) == 1


def test_signals_sent_to_a_role_are_answered_by_the_daemon(tmp_path: Path) -> None:
    with web_servers("one") as servers, balancer(tmp_path, servers["one"]) as (running, _):
        role = pid_of(running, "checkers")
        os.kill(role, signal.SIGUSR1)
        wait_for((tmp_path / "keepalived_check.data").exists, "the data file")
        os.kill(role, signal.SIGHUP)
        running.says("Reload complete")
        os.kill(running.process.pid, signal.SIGRTMAX)
        running.says("delayed calls")
        assert alive(role)


def test_a_reload_in_the_first_moment_is_not_lost(tmp_path: Path) -> None:
    """HUP may come while Python still starts; from our first line on it waits until it can be answered."""
    with web_servers("one") as servers:
        text = POOL.format(port=free_port("127.0.0.1"), server=servers["one"].port, algorithm="rr")
        with daemon(text, tmp_path, "--data-plane=userspace", by="kaltwisted") as running:
            status = Path(f"/proc/{running.process.pid}/status")

            def held() -> bool:
                blocked = next(line for line in status.read_text().splitlines() if line.startswith("SigBlk"))
                return bool(int(blocked.split()[1], 16) & 1 << signal.SIGHUP - 1)

            while not held():  # not for long, so without a pause
                assert "Startup complete" not in running.log, "the first moment was missed"
            running.process.send_signal(signal.SIGHUP)
            running.says("Reload complete")


def test_a_role_of_another_version_says_so_and_is_not_tried_again() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kaltwisted.daemon.role", "checkers", "0.0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "kaltwisted was upgraded from 0.0 to" in done.stderr


def test_all_in_one_process(tmp_path: Path) -> None:
    with (
        web_servers("one") as servers,
        balancer(tmp_path, servers["one"], "--single-process") as (running, _),
    ):
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text()
        assert children == ""
        running.process.send_signal(signal.SIGUSR1)
        wait_for((tmp_path / "keepalived_check.data").exists, "the data file")
        assert running.stop() == -signal.SIGTERM


# -- beside a peer -------------------------------------------------------------------------


def role_of(host: Host, router: Router, name: str) -> int:
    """The process of a role of a daemon on a host."""
    file = router.configuration.with_suffix(".run") / f"{name}.pid"
    wait_for(file.exists, f"{file}")
    return int(file.read_text())


@needs_lan
def test_a_peer_takes_over_from_a_killed_role_which_then_takes_back() -> None:
    with lan(2) as (one, two):
        first = one.daemon(ROUTER.format(priority=150))
        wait_for(lambda: one.holds("10.77.0.100"), "director 1 to be master")
        second = two.daemon(ROUTER.format(priority=100))
        wait_for(lambda: second.says("master set to 10.77.0.1"), "director 2 to hear it")
        before = role_of(one, first, "vrrp")
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: two.holds("10.77.0.100"), "director 2 to take over")
        wait_for(lambda: one.holds("10.77.0.100") and not two.holds("10.77.0.100"), "director 1 to take back")
        assert one.addresses().count("10.77.0.100") == 1
        assert role_of(one, first, "vrrp") != before
        first.stop()
        assert not one.holds("10.77.0.100")


@needs_lan
def test_a_killed_supervisor_hands_over_at_once() -> None:
    with lan(2) as (one, two):
        first = one.daemon(ROUTER.format(priority=150))
        wait_for(lambda: one.holds("10.77.0.100"), "director 1 to be master")
        second = two.daemon(ROUTER.format(priority=100))
        wait_for(lambda: second.says("master set to 10.77.0.1"), "director 2 to hear it")
        role = role_of(one, first, "vrrp")
        os.kill(first.process.pid, signal.SIGKILL)
        wait_for(lambda: two.holds("10.77.0.100") and not one.holds("10.77.0.100"), "a hand-over")
        wait_for(lambda: not alive(role), "the role's end")
        assert "(VI) sent 0 priority" in first.lines
        again = one.daemon(ROUTER.format(priority=150))
        wait_for(lambda: one.holds("10.77.0.100") and not two.holds("10.77.0.100"), "the address back")
        assert again.says("Entering MASTER STATE")


@needs_lan
def test_addresses_of_an_instance_that_is_gone_do_not_outlive_a_killed_role() -> None:
    """Its successor has another configuration, and has never heard of them."""
    other = ROUTER.replace("VI ", "OTHER ").replace("51", "52").replace(".100/", ".101/")
    with lan(1) as (one,):
        router = one.daemon(ROUTER.format(priority=150) + other.format(priority=150))
        wait_for(lambda: one.holds("10.77.0.100") and one.holds("10.77.0.101"), "both addresses")
        os.kill(role_of(one, router, "vrrp"), signal.SIGKILL)
        router.reload(ROUTER.format(priority=150))
        wait_for(lambda: not one.holds("10.77.0.101"), "the other address is gone")
        wait_for(lambda: router.lines.count("Entering MASTER STATE") == 3, "the first one's next life")
        assert one.addresses() == ["10.77.0.1", "10.77.0.100"]
        router.stop()
        assert not list(router.configuration.with_suffix(".run").iterdir())


@needs_lan
def test_reports_of_vrrp_can_be_read_as_exporters_read_them() -> None:
    with lan(1) as (one,):
        router = one.daemon(ROUTER.format(priority=150), "env", f"TMPDIR={one.directory}")
        wait_for(lambda: one.holds("10.77.0.100"), "it to be master")
        place = one.directory
        for number, name in (
            (signal.SIGUSR1, "keepalived.data"),
            (signal.SIGUSR2, "keepalived.stats"),
            (signal.SIGRTMIN + 2, "keepalived.json"),
        ):
            (place / name).symlink_to("/etc/passwd")
            router.process.send_signal(number)
            wait_for(lambda name=name: not (place / name).is_symlink(), name)
        data = (place / "keepalived.data").read_text()
        assert " VRRP Instance = VI\n" in data
        assert "   State = MASTER\n" in data
        assert "VRRP Instance: VI\n" in (place / "keepalived.stats").read_text()
        [instance] = json.loads((place / "keepalived.json").read_text())
        assert (instance["data"]["iname"], instance["data"]["state"]) == ("VI", 2)
        assert instance["stats"]["become_master"] == 1
        router.process.send_signal(signal.SIGRTMAX - 1)
        time.sleep(0.2)
        router.process.send_signal(signal.SIGUSR2)
        wait_for(lambda: "Became master: 0" in (place / "keepalived.stats").read_text(), "counters at zero")
