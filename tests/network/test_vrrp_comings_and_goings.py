"""Interfaces that come late, go and come back, and ones whose state counts for nothing."""

from __future__ import annotations

import pytest

from tests.network.test_vrrp_failover import Start
from tests.network.test_vrrp_vmac import links, needs_macvlan
from tests.network.vrrp_lan import Host, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan, needs_macvlan]

DYNAMIC = "global_defs {\n dynamic_interfaces\n}\n"


def instance(vrid: int, more: str, *addresses: str) -> str:
    """An instance on eth0."""
    body = "\n".join(addresses)
    return f"""
vrrp_instance VI_{vrid} {{
    interface eth0
    virtual_router_id {vrid}
    priority 150
    version 3
    advert_int 0.3
    {more}
    virtual_ipaddress {{
{body}
    }}
}}
"""


ALL = (
    instance(51, "", "10.77.0.151/24")
    + instance(52, "use_vmac", "fe80::7777:52", "fd77::52/64")
    + instance(53, "use_vmac_addr", "10.77.0.153/24", "10.78.0.153/24 dev eth1")
)
PLACES = (
    ("10.77.0.151", "eth0"),
    ("fd77::52", "vrrp.52"),
    ("10.77.0.153", "eth0"),
    ("10.78.0.153", "vrrp.53"),
)


def test_interfaces_that_come_late_and_go_and_come_back() -> None:
    """With instances on them, under virtual MACs, and of addresses only."""
    with lan(1) as (one,):
        for bridge in range(2):
            one.ip("link", "del", f"eth{bridge}")
        router = one.daemon(DYNAMIC + ALL)
        for vrid in (51, 52, 53):
            wait_for(lambda vrid=vrid: router.says(f"(VI_{vrid}) Entering FAULT STATE"))
        one.add_interface(0)
        for place in PLACES[:2]:
            wait_for(lambda place=place: one.holds(*place), f"for {place}")
        assert not one.holds("10.77.0.153")
        one.add_interface(1)
        for place in PLACES:
            wait_for(lambda place=place: one.holds(*place), f"for {place}")
        faults = router.lines.count("Entering FAULT STATE")
        one.ip("link", "del", "eth1")
        wait_for(lambda: router.lines.count("Entering FAULT STATE") == faults + 1)
        one.add_interface(1)
        wait_for(lambda: one.holds("10.78.0.153", "vrrp.53"), "for eth1 to be back")
        one.ip("link", "del", "eth0")
        wait_for(lambda: router.lines.count("Entering FAULT STATE") == faults + 4)
        one.add_interface(0)
        for place in PLACES:
            wait_for(lambda place=place: one.holds(*place), f"for {place}, once more")
        router.stop()
        assert not links(one)
        assert not router.says("Traceback")


@pytest.mark.parametrize(
    "start", [Host.ours, pytest.param(Host.keepalived, marks=needs_keepalived)], ids=["ours", "keepalived"]
)
def test_a_primary_that_is_not_tracked(start: Start) -> None:
    """Down or not, the master stays one, and is heard as soon as it can be."""
    with lan(2) as (one, two):
        router = start(one, instance(51, "dont_track_primary", "10.77.0.151/24"))
        wait_for(lambda: one.holds("10.77.0.151"))
        other = two.ours(instance(51, "nopreempt", "10.77.0.151/24"))
        wait_for(lambda: other.says("(VI_51) Entering BACKUP STATE (init)"))
        one.ip("link", "set", "eth0", "down")
        wait_for(lambda: two.holds("10.77.0.151"), "for the other, who hears nothing")
        assert not router.says("Entering FAULT STATE")
        one.ip("link", "set", "eth0", "up")
        # Of two masters of one priority the one with the higher address stays.
        wait_for(lambda: other.says("(VI_51) Received advert from 10.77.0.1") or not one.holds("10.77.0.151"))
        assert not router.says("Entering FAULT STATE")
        assert not router.says("Traceback")
