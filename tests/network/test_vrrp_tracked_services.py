"""VRRP follows the health of a pool, with real checks, beside keepalived in the other role."""

from __future__ import annotations

import os
import re
import signal

import pytest

from tests.network.vrrp_lan import Host, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan, needs_keepalived]

VIP = "10.77.0.101"


def instance(priority: int, tracks: str = "") -> str:
    """A virtual router, fast."""
    return f"""
vrrp_instance V1 {{
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 0.1
    version 3
    virtual_ipaddress {{
        {VIP}
    }}
    {tracks}
}}
"""


def pool(port: int = 8080, *, delay: float = 0.2, more: str = "") -> str:
    """A virtual server with one real server, on the director itself."""
    return f"""
virtual_server {VIP} {port} {{
    protocol TCP
    lb_algo rr
    lb_kind NAT
    delay_loop {delay}
    {more}
    real_server 10.77.0.1 9001 {{
        TCP_CHECK {{
            connect_timeout 1
            retry 0
        }}
    }}
}}
"""


def serve(host: Host) -> int:
    """Something listens there; its pid."""
    code = "import socket,time; s=socket.create_server(('10.77.0.1', 9001)); time.sleep(999)"
    return host.run("python3", "-c", code).pid


@pytest.mark.parametrize("tracks", [f"{VIP} 8080", f"{VIP} 8080 tcp weight -100", f"{VIP} 8080 weight 60"])
def test_the_addresses_go_to_keepalived_while_nothing_is_alive(tracks: str) -> None:
    priority = 60 if "weight 60" in tracks else 150
    text = pool() + instance(priority, f"track_virtual_server {{\n{tracks}\n}}")
    with lan(2) as (one, two):
        two.keepalived(instance(100))
        wait_for(lambda: two.holds(VIP), "for keepalived to be master alone")
        pid = serve(one)
        ours = one.daemon(text, options=("--data-plane", "userspace"))
        wait_for(lambda: one.holds(VIP) and not two.holds(VIP), "for ours")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: two.holds(VIP) and not one.holds(VIP), "for keepalived")
        assert ours.says(f"Tracked virtual server [{VIP}]:tcp:8080 is DOWN")
        assert ours.says("Entering FAULT STATE") == ("weight" not in tracks)
        # A reload that changes nothing about it, and checkers that die, are no news of the pool.
        checkers = re.findall(r"Starting Healthcheck child process, pid=(\d+)", ours.lines)
        os.kill(int(checkers[-1]), signal.SIGKILL)
        wait_for(lambda: ours.lines.count("Starting Healthcheck child process") == 2, "for new checkers")
        ours.reload_and_wait(text + pool(8081))
        serve(one)
        wait_for(lambda: one.holds(VIP) and not two.holds(VIP), "for the return")
        assert ours.lines.count("is DOWN") == 1
        assert ours.lines.count("is UP") == 1


def test_checkers_that_die_disturb_no_master() -> None:
    """Nothing is known of the pool until its checks have run again: it is as it was."""
    text = pool() + instance(150, f"track_virtual_server {{\n{VIP} 8080\n}}")
    with lan(2) as (one, two):
        serve(one)
        ours = one.daemon(text, options=("--data-plane", "userspace"))
        wait_for(lambda: one.holds(VIP), "for ours")
        keepalived = two.keepalived(instance(100))
        wait_for(lambda: ours.says("TCP connection to"), "for the first check")
        for count in (1, 2):
            checkers = re.findall(r"Starting Healthcheck child process, pid=(\d+)", ours.lines)
            os.kill(int(checkers[-1]), signal.SIGKILL)
            started = f"for checkers number {count + 1}"
            wait_for(lambda count=count: ours.lines.count("TCP connection to") == count + 1, started)  # type: ignore[misc]
        assert one.holds(VIP)
        assert not keepalived.says("Entering MASTER STATE")
        assert not ours.says("is DOWN")


def test_nothing_is_decided_before_the_checks_have_run() -> None:
    """alpha: servers count as dead until checked, and yet the virtual router waits for none of it."""
    text = pool(delay=60, more="alpha\nwarmup 60") + instance(150, f"track_virtual_server {{\n{VIP} 8080\n}}")
    with lan(1) as (one,):
        ours = one.daemon(text, options=("--data-plane", "userspace"))
        wait_for(lambda: one.holds(VIP), "for ours")
        assert not ours.says("FAULT")
