"""BFD on real interfaces at 10 ms x 3, with C keepalived and FRR: up, cut, up again; and what follows it."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable

import pytest

from tests.network.frr import Bfdd, needs_frr, peer
from tests.network.vrrp_lan import Host, Router, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]

Address = Callable[[int], str]


def ipv4(number: int) -> str:
    return f"10.77.0.{number}"


def ipv6(number: int) -> str:
    return f"fd77::{number}"


BOTH = pytest.mark.parametrize("address", [ipv4, ipv6], ids=["IPv4", "IPv6"])


def session(name: str, neighbor: str, source: str, more: str = "") -> str:
    """Ten milliseconds, three of them."""
    return f"""
bfd_instance {name} {{
    neighbor_ip {neighbor}
    source_ip {source}
    min_rx 10
    min_tx 10
    multiplier 3
    {more}
}}
"""


class Told:
    """What the log of a router says from now on."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._from = len(router.lines)

    def says(self, text: str) -> bool:
        return text in self._router.lines[self._from :]

    def wait(self, text: str) -> None:
        wait_for(lambda: self.says(text), f"for {text!r} in:\n{self._router.lines}")


def pid_of(router: Router, title: str) -> int:
    """The newest process of a role."""
    return int(re.findall(rf"Starting {title} child process, pid=(\d+)", router.lines)[-1])


def cut(host: Host, *watched: Router) -> None:
    """Part a host from the LAN; its interface does not notice.  Prints when each of the others did."""
    logs = [(router, Told(router)) for router in watched]
    began = time.monotonic()
    host.unplug()
    done = time.monotonic()
    waiting = dict(enumerate(logs))
    while waiting:
        assert time.monotonic() < done + 10, "nobody noticed"
        for number, (router, log) in tuple(waiting.items()):
            if log.says("Entering Down state"):
                noticed = time.monotonic()
                kind = "C keepalived" if "keepalived" in router.log.name else "kaltwisted"
                least, most = ((noticed - since) * 1000 for since in (done, began))
                print(f"{kind} noticed the cut after {least:.0f} to {most:.0f} ms")
                del waiting[number]
        time.sleep(0.001)


# -- with C keepalived ------------------------------------------------------------------------


@needs_keepalived
@BOTH
def test_with_keepalived_up_cut_and_up_again(address: Address) -> None:
    with lan(2) as (one, two):
        ours = one.daemon(session("far", address(2), address(1)))
        theirs = two.keepalived(session("near", address(1), address(2)))
        for router in (ours, theirs):
            wait_for(lambda router=router: router.says("Entering Up state"), router.lines)
        cut(two, ours, theirs)
        ups = [Told(ours), Told(theirs)]
        two.plug()
        for told in ups:
            told.wait("Entering Up state")


@needs_keepalived
def test_each_hears_that_the_other_stops() -> None:
    with lan(2) as (one, two):
        ours = one.daemon(session("far", ipv4(2), ipv4(1)))
        theirs = two.keepalived(session("near", ipv4(1), ipv4(2)))
        for router in (ours, theirs):
            wait_for(lambda router=router: router.says("Entering Up state"), "to come up")
        ours.stop()
        wait_for(lambda: theirs.says("Local diagnostic - Neighbor Signaled Session Down"))
        again = one.daemon(session("far", ipv4(2), ipv4(1)))
        wait_for(lambda: again.says("Entering Up state"), "to come up again")
        theirs.stop()
        wait_for(lambda: again.says("Entering Down state"))


# -- with FRR -----------------------------------------------------------------------------------


@needs_frr
@BOTH
def test_with_frr_up_cut_and_up_again(address: Address) -> None:
    with lan(2) as (one, two):
        # keepalived's IPv6 default of 64 hops is not what FRR takes.
        ours = one.daemon(session("far", address(2), address(1), "hoplimit 255"))
        frr = Bfdd(two, peer(address(1), address(2)))
        wait_for(lambda: ours.says("Entering Up state"), ours.lines)
        wait_for(lambda: frr.status(address(1)) == "up")
        cut(two, ours)
        wait_for(lambda: frr.status(address(1)) == "down")
        up = Told(ours)
        two.plug()
        up.wait("Entering Up state")
        wait_for(lambda: frr.status(address(1)) == "up")


@needs_frr
def test_multihop_with_frr() -> None:
    with lan(2) as (one, two):
        ours = one.daemon(session("far", ipv4(2), ipv4(1), "multihop"))
        frr = Bfdd(two, peer(ipv4(1), ipv4(2), multihop=True))
        wait_for(lambda: ours.says("Entering Up state"), ours.lines)
        wait_for(lambda: frr.status(ipv4(1)) == "up")


# -- who is not next door ----------------------------------------------------------------------

_SEND = """
import socket, sys
family, level, option = (socket.AF_INET6, 41, 16) if ":" in sys.argv[1] else (socket.AF_INET, 0, 2)
opened = socket.socket(family, socket.SOCK_DGRAM)
opened.setsockopt(level, option, int(sys.argv[2]))
opened.sendto(bytes.fromhex("204003180000000500000000000027100000271000000000"), (sys.argv[1], 3784))
"""


@BOTH
def test_a_packet_from_behind_a_router_is_dropped_and_one_from_next_door_is_heard(address: Address) -> None:
    with lan(2) as (one, two):
        ours = one.daemon(session("far", address(2), address(1), "hoplimit 255"))
        wait_for(lambda: ours.says("Startup complete"), ours.lines)
        two.run(sys.executable, "-c", _SEND, address(1), "254").communicate()
        wait_for(
            lambda: ours.says(f"Discarding packet from {address(2)} (its TTL or hop limit is too low)"),
            ours.lines,
        )
        assert not ours.says("Session parameters")
        two.run(sys.executable, "-c", _SEND, address(1), "255").communicate()
        wait_for(lambda: ours.says("Session parameters"), ours.lines)


# -- what follows a session ------------------------------------------------------------------------


def router(priority: int, number: int) -> str:
    """A virtual router that is worth nothing when it does not reach host 3 by the other bridge."""
    return (
        session("upstream", "10.78.0.3", f"10.78.0.{number}")
        + f"""
vrrp_instance VI {{
    interface eth0
    virtual_router_id 70
    priority {priority}
    track_bfd {{
        upstream
    }}
    virtual_ipaddress {{
        10.77.0.70
    }}
}}
"""
    )


@needs_keepalived
def test_a_master_that_loses_its_upstream_hands_over_to_keepalived_and_back() -> None:
    with lan(3) as (one, two, three):
        three.daemon(session("a", "10.78.0.1", "10.78.0.3") + session("b", "10.78.0.2", "10.78.0.3"))
        ours, theirs = one.daemon(router(150, 1)), two.keepalived(router(100, 2))
        for each in (ours, theirs):
            wait_for(lambda each=each: each.says("Tracked BFD instance upstream is UP"), each.lines)
        wait_for(lambda: one.holds("10.77.0.70") and not two.holds("10.77.0.70"), "for the master")
        began = time.monotonic()
        one.unplug(1)
        wait_for(lambda: two.holds("10.77.0.70") and not one.holds("10.77.0.70"), "for the failover")
        print(f"the address moved within {(time.monotonic() - began) * 1000:.0f} ms (version 2, skew 609 ms)")
        assert "VRRP_Instance(VI) Tracked BFD instance upstream is DOWN" in ours.lines
        assert "(VI) entering FAULT state (BFD instance upstream)" in ours.lines
        one.plug(1)
        wait_for(lambda: one.holds("10.77.0.70") and not two.holds("10.77.0.70"), "for the way back")


def test_a_reload_keeps_sessions_and_a_killed_process_counts_as_down_and_comes_back() -> None:
    far = session("far", ipv4(2), ipv4(1), "weight 10")
    instance = router(100, 1).partition("vrrp_instance")[2].replace("upstream", "far")
    with lan(2) as (one, two):
        two.daemon(session("near", ipv4(1), ipv4(2)))
        ours = one.daemon(far + "vrrp_instance" + instance)
        wait_for(lambda: ours.says("Tracked BFD instance far is UP"), ours.lines)
        told = Told(ours)
        more = session("more", ipv4(3), ipv4(1))
        ours.reload(far.replace("weight 10", "weight 20") + more + "vrrp_instance" + instance)
        told.wait("Changing effective priority from 110 to 120")
        told.wait("Reload complete")
        assert not told.says("Entering Down state")
        told = Told(ours)
        os.kill(pid_of(ours, "BFD"), signal.SIGKILL)
        told.wait("BFD child process")
        told.wait("Tracked BFD instance far is DOWN")
        told.wait("Changing effective priority from 120 to 100")
        told.wait("Tracked BFD instance far is UP")
        # Without a session there is no process.
        told = Told(ours)
        ours.reload("vrrp_instance" + instance.replace("track_bfd", "track_interface").replace("far", "eth1"))
        told.wait("Reload complete")
        assert not told.says("Entering FAULT")
        ours.stop()


def test_all_in_one_process() -> None:
    with lan(2) as (one, two):
        two.daemon(session("near", ipv4(1), ipv4(2)))
        instance = router(100, 1).partition("vrrp_instance")[2].replace("upstream", "far")
        ours = one.daemon(
            session("far", ipv4(2), ipv4(1)) + "vrrp_instance" + instance, options=("--single-process",)
        )
        wait_for(lambda: one.holds("10.77.0.70"), ours.lines)
        told = Told(ours)
        two.unplug()
        told.wait("Tracked BFD instance far is DOWN")
        wait_for(lambda: not one.holds("10.77.0.70"))
        two.plug()
        told.wait("Tracked BFD instance far is UP")
        stopped = Told(ours)
        ours.stop()
        assert not stopped.says("FAULT")
