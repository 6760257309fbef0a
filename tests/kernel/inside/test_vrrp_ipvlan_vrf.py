"""Instances with an ipvlan, and in a VRF, beside keepalived: a kernel that has such interfaces."""

from __future__ import annotations

import json

import pytest

from tests.network.test_vrrp_failover import Start
from tests.network.vrrp_lan import Host, lan, wait_for

ORDERS = pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(Host.ours, Host.keepalived),
        pytest.param(Host.keepalived, Host.ours),
    ],
    ids=["ours and keepalived", "keepalived and ours"],
)


def instance(vrid: int, priority: int, more: str, *addresses: str) -> str:
    """An instance on eth0."""
    body = "\n".join(addresses)
    return f"""
vrrp_instance VI_{vrid} {{
    interface eth0
    virtual_router_id {vrid}
    priority {priority}
    version 3
    advert_int 0.5
    {more}
    virtual_ipaddress {{
{body}
    }}
}}
"""


def take_over_and_return(
    one: Host, two: Host, first: Start, second: Start, texts: tuple[str, str], places: dict[str, str]
) -> None:
    """``one`` is master, dies, is back, and stops; ``two`` has the addresses in between."""

    def links(host: Host) -> set[str]:
        return {each["ifname"] for each in json.loads(host.ip("-j", "link"))}

    before = links(one), links(two)

    def holds(host: Host) -> bool:
        return all(host.holds(address, interface) for address, interface in places.items())

    def holds_none(host: Host) -> bool:
        return not any(host.holds(address, interface) for address, interface in places.items())

    master = first(one, texts[0])
    wait_for(lambda: holds(one), "for the first master")
    backup = second(two, texts[1])
    count = texts[1].count("vrrp_instance")
    wait_for(lambda: backup.lines.count("Entering BACKUP STATE") >= count)
    assert holds_none(two)
    master.kill()
    one.unplug()
    wait_for(lambda: holds(two), "for the second after kill -9")
    one.plug()
    returned = first(one, texts[0])
    wait_for(lambda: holds(one) and holds_none(two), "for its return")
    returned.stop()
    wait_for(lambda: holds(two), "for the second after the stop")
    backup.stop()
    assert (links(one), links(two)) == before
    for router in (master, backup, returned):
        assert not router.says("Traceback"), router.lines


def ipvlans(number: int, priority: int) -> str:
    """One for each family."""
    return instance(51, priority, f"use_ipvlan 10.77.0.5{number}/24", "10.77.0.100/24") + instance(
        52, priority, f"use_ipvlan six fe80::5{number}/64", "fe80::100", "fd77::100/64"
    )


@ORDERS
def test_adverts_by_an_ipvlan(first: Start, second: Start) -> None:
    """The virtual addresses are on the interface below."""
    with lan(2) as (one, two):
        places = {"10.77.0.100": "eth0", "fd77::100": "eth0"}
        take_over_and_return(one, two, first, second, (ipvlans(1, 150), ipvlans(2, 100)), places)


def test_an_ipvlan_is_as_keepalived_makes_it() -> None:
    with lan(2) as (one, two):
        one.unplug()
        text = ipvlans(1, 150)
        routers = one.ours(text), two.keepalived(text)
        for host in (one, two):
            wait_for(lambda host=host: host.holds("10.77.0.100") and host.holds("fd77::100"))
        for name in ("vrrp.51", "six"):
            found = []
            for host in (one, two):
                [shown] = json.loads(host.ip("-j", "-d", "link", "show", name))
                of_link = {key: shown.get(key) for key in ("link", "mtu", "operstate", "group", "flags")}
                found.append((of_link, shown["linkinfo"], sorted(set(host.every_address(name)) & MINE)))
            assert found[0] == found[1]
        for line in ("(VI_51): Success creating ipvlan interface vrrp.51",):
            for router in routers:
                assert router.says(line), router.lines
        one.ip("link", "del", "vrrp.51")
        wait_for(lambda: routers[0].says("Interface vrrp.51 deleted"))
        wait_for(lambda: one.holds("10.77.0.51", "vrrp.51"), "for it to be made again")
        wait_for(lambda: routers[0].lines.count("(VI_51) Entering MASTER STATE") == 2)


MINE = {"10.77.0.51", "fe80::51"}


def in_red(host: Host) -> None:
    """``eth0`` is in the VRF red; its IPv6 addresses do not survive the way there."""
    host.ip("link", "set", "eth0", "master", "red")
    host.ip("address", "replace", f"fe80::77:{host.number}/64", "dev", "eth0", "nodad")


@ORDERS
def test_in_a_vrf(first: Start, second: Start) -> None:
    """With virtual MACs and without; those go where the interface below goes."""

    def text(priority: int) -> str:
        return (
            instance(51, priority, "use_vmac", "10.77.0.100/24")
            + instance(52, priority, "use_vmac", "fe80::100", "fd77::100/64")
            + instance(53, priority, "", "10.77.0.101/24")
        )

    places = {"10.77.0.100": "vrrp.51", "fd77::100": "vrrp.52", "10.77.0.101": "eth0"}
    with lan(2) as (one, two):
        for host in (one, two):
            host.ip("link", "add", "red", "type", "vrf", "table", "10")
            host.ip("link", "set", "red", "up")
            in_red(host)
        take_over_and_return(one, two, first, second, (text(150), text(100)), places)


def test_a_virtual_mac_follows_into_a_vrf_and_out_of_it() -> None:
    def master_of(name: str) -> str | None:
        shown = {each["ifname"]: each.get("master") for each in json.loads(one.ip("-j", "link"))}
        return shown.get(name, "none of that name yet")

    with lan(1) as (one,):
        one.ip("link", "add", "red", "type", "vrf", "table", "10")
        one.ip("link", "set", "red", "up")
        router = one.ours(
            instance(51, 150, "use_vmac", "10.77.0.100/24")
            + instance(52, 150, "use_vmac", "fe80::100", "fd77::100/64")
        )
        for into in (True, False, True):
            if into:
                in_red(one)
            else:
                one.ip("link", "set", "eth0", "nomaster")
                one.ip("address", "replace", "fe80::77:1/64", "dev", "eth0", "nodad")
            expected = "red" if into else None
            for name in ("vrrp.51", "vrrp.52"):
                wait_for(lambda name=name, expected=expected: master_of(name) == expected)
            wait_for(lambda: one.holds("10.77.0.100", "vrrp.51") and one.holds("fd77::100", "vrrp.52"))
        assert "table 10" in one.ip("route", "show", "table", "all", "dev", "vrrp.51")
        router.stop()
        assert not router.says("Traceback")
