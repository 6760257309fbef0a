"""Accept mode with the kernel's nf_tables: packets to virtual addresses are dropped, NS are not."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.network.test_vrrp_ipv6 import instance, vip
from tests.network.test_vrrp_vmac import needs_macvlan
from tests.network.vrrp_lan import Host, lan, needs_keepalived, needs_lan, wait_for


def why_not() -> str | None:
    """Why there are no rules to look at here."""
    if shutil.which("nft") is None:
        return "nftables is not installed"
    if subprocess.run(["nft", "list", "tables"], capture_output=True, check=False).returncode:
        return "this kernel has no nf_tables"
    return None


pytestmark = [
    pytest.mark.network,
    needs_lan,
    pytest.mark.skipif((_reason := why_not()) is not None, reason=_reason or ""),
]

FOUR = instance(51, 150, addresses="10.77.0.51/24", more="no_accept").replace("V6_51", "V4_51")
SIX = instance(51, 150, more="no_accept")


def rules(host: Host) -> str:
    """The host's rules as nft lists them."""
    process = host.run("nft", "list", "ruleset")
    text, _ = process.communicate(timeout=10)
    return text.decode()


CONNECT = """
import socket, sys
target = socket.getaddrinfo(sys.argv[1], 9, type=socket.SOCK_STREAM)[0]
with socket.socket(target[0]) as client:
    client.settimeout(1.5)
    try:
        client.connect(target[4])
    except ConnectionRefusedError:
        sys.exit(0)
    except OSError:
        sys.exit(1)
"""


def answers(host: Host, address: str) -> bool:
    """Whether the address answers this host: nobody listens there, and it says so."""
    target = f"{address}%eth0" if address.startswith("fe80") else address
    return host.run(sys.executable, "-c", CONNECT, target).wait(timeout=10) == 0


def neighbour(host: Host, address: str) -> str:
    """What the host's neighbour table has of an address."""
    return host.ip("neighbour", "show", "to", address, "dev", "eth0")


@pytest.mark.parametrize("start", [Host.ours, pytest.param(Host.keepalived, marks=needs_keepalived)])
def test_packets_to_the_addresses_are_dropped_and_neighbours_find_them(start: object) -> None:
    """As with keepalived: not to its own addresses, not what looks for neighbours."""
    with lan(2) as (one, two):
        nft = "global_defs {\nnftables\n}\n" if start is Host.keepalived else ""
        router = start(one, nft + FOUR + SIX)  # type: ignore[operator]
        wait_for(lambda: one.holds("10.77.0.51") and one.holds(vip(51)))
        wait_for(lambda: all(address in rules(one) for address in ("10.77.0.51", vip(51), "fe80::51")))
        for address in ("10.77.0.51", vip(51), "fe80::51"):
            assert not answers(two, address), address
            assert "lladdr" in neighbour(two, address), address
        for address in ("10.77.0.1", "fd77::1", "fe80::77:1"):
            assert answers(two, address), address
        router.stop()
        assert rules(one) == ""


@needs_macvlan
def test_packets_to_a_virtual_mac_are_dropped_too() -> None:
    with lan(2) as (one, two):
        router = one.ours(FOUR.replace("no_accept", "no_accept\nuse_vmac"))
        wait_for(lambda: one.holds("10.77.0.51", "vrrp.51") and "10.77.0.51" in rules(one))
        assert not answers(two, "10.77.0.51")
        assert "00:00:5e:00:01:33" in neighbour(two, "10.77.0.51")
        assert answers(two, "10.77.0.1")
        router.stop()
        assert rules(one) == ""


def test_an_owner_and_an_accepting_instance_answer() -> None:
    with lan(2) as (one, two):
        owner = FOUR.replace("priority 150", "priority 255\nstate MASTER")
        one.ours(owner + SIX.replace("no_accept", "accept"))
        wait_for(lambda: one.holds("10.77.0.51") and one.holds(vip(51)))
        assert answers(two, "10.77.0.51")
        assert answers(two, vip(51))
        assert rules(one) == ""


def test_a_reload_to_accept_lets_packets_in_and_back() -> None:
    with lan(2) as (one, two):
        router = one.daemon(FOUR)
        wait_for(lambda: one.holds("10.77.0.51"))
        assert not answers(two, "10.77.0.51")
        router.reload(FOUR.replace("no_accept", ""))
        wait_for(lambda: answers(two, "10.77.0.51"))
        router.reload(FOUR)
        wait_for(lambda: not answers(two, "10.77.0.51"))


def test_a_killed_vrrp_process_leaves_no_rule_behind_its_successor() -> None:
    """The one that is started again has another table's worth to close, and the old one's is gone."""
    with lan(1) as (one,):
        other = instance(61, 150, more="no_accept")
        router = one.daemon(FOUR + other)
        wait_for(lambda: "10.77.0.51" in rules(one) and vip(61) in rules(one))
        # The file changes, and the process that would have taken it over is killed before it does.
        router.configuration.write_text(FOUR.replace("no_accept", ""))
        for pid in one.ip("netns", "pids", one.namespace).split():
            with contextlib.suppress(FileNotFoundError):  # a script of its, and over
                if b"role\0vrrp" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(int(pid), signal.SIGKILL)
        router.process.send_signal(signal.SIGHUP)
        wait_for(lambda: one.holds("10.77.0.51") and rules(one) == "", "for the rules to go")
