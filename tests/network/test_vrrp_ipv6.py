"""VRRP over IPv6 with every cast: ours with ours, with Debian's keepalived 2.2.7, and the other way round."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.network.test_vrrp_failover import Start, assert_no_complaint, in_every_pairing
from tests.network.vrrp_lan import Host, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]

WATCH = ("tcpdump", "-i", "eth0", "-Z", "root", "--immediate-mode", "-U", "-w")
needs_tcpdump = pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")


def instance(vrid: int, priority: int, *, more: str = "", addresses: str = "") -> str:
    """An instance on eth0 whose addresses are fe80::VRID and fd77::VRID unless told otherwise."""
    return f"""
vrrp_instance V6_{vrid} {{
    interface eth0
    virtual_router_id {vrid}
    priority {priority}
    {more}
    virtual_ipaddress {{
        {addresses or f"fe80::{vrid}"}
        {"" if addresses else vip(vrid) + "/64"}
    }}
}}
"""


def vip(vrid: int) -> str:
    """The address of an instance that clients would use."""
    return f"fd77::{vrid}"


def unicast(host: int, kind: str = "fd77::") -> str:
    """The lines for unicast between hosts 1 and 2."""
    return f"unicast_src_ip {kind}{host}\nunicast_peer {{\n{kind}{3 - host}\n}}"


def holds_all(host: Host, vrids: list[int]) -> bool:
    """Whether a host holds the addresses of all these instances."""
    return {vip(vrid) for vrid in vrids} <= set(host.every_address())


def holds_none(host: Host, vrids: list[int]) -> bool:
    """Whether a host holds the address of none of these instances."""
    return not {vip(vrid) for vrid in vrids} & set(host.every_address())


@in_every_pairing(Host.ours)
def test_every_kind_of_instance_fails_over_returns_and_hands_over(first: Start, second: Start) -> None:
    """To the group, at 0.1 s, unicast by both scopes, IPv4 of the same VRID: kill -9, return, stop."""

    def configuration(priority: int, host: int) -> str:
        four = instance(51, priority, addresses="10.77.0.51").replace("V6_51", "V4_51")
        return (
            instance(51, priority)
            + four
            + instance(52, priority, more="advert_int 0.1")
            + instance(53, priority, more=unicast(host) + "\ncheck_unicast_src")
            + instance(54, priority, more=unicast(host, "fe80::77:"))
        )

    vrids = [51, 52, 53, 54]
    with lan(2) as (one, two):
        master = first(one, configuration(150, 1))
        wait_for(lambda: holds_all(one, vrids) and one.holds("10.77.0.51"), "for the first master")
        backup = second(two, configuration(100, 2))
        # Longer than it would wait if it heard nobody.
        time.sleep(5)
        assert holds_none(two, vrids), backup.lines
        assert not two.holds("10.77.0.51")

        master.kill()
        wait_for(lambda: holds_all(two, vrids) and two.holds("10.77.0.51"), "for the backup after kill -9")

        returned = first(one, configuration(150, 1))
        wait_for(lambda: holds_all(one, vrids) and holds_none(two, vrids), "for the master's return")

        returned.stop()
        assert holds_none(one, vrids)
        wait_for(lambda: holds_all(two, vrids), "for the backup after the stop")
        backup.stop()
        assert holds_none(two, vrids)
        assert_no_complaint(master, returned, backup)


@in_every_pairing(Host.ours)
def test_a_tie_goes_to_the_higher_link_local_address(first: Start, second: Start) -> None:
    with lan(2) as (one, two):
        two.unplug()
        first(one, instance(61, 100))
        second(two, instance(61, 100))
        wait_for(lambda: one.holds(vip(61)) and two.holds(vip(61)), "for masters on both sides")
        two.plug()
        wait_for(lambda: not one.holds(vip(61)), "for the lower address to yield")
        assert two.holds(vip(61))


def test_a_link_local_address_is_waited_for_until_it_is_known_to_be_the_only_one() -> None:
    """FAULT while the interface has none, looks whether another host has it, or knows that one has."""
    with lan(2) as (one, two):
        one.ip("address", "del", "fe80::77:1/64", "dev", "eth0")
        router = one.ours(instance(51, 100))
        wait_for(lambda: router.says("(V6_51) entering FAULT state (no IPv6 address for interface)"))
        two.ip("address", "add", "fe80::77:9/64", "dev", "eth0", "nodad")
        one.ip("address", "add", "fe80::77:9/64", "dev", "eth0")
        wait_for(lambda: "dadfailed" in one.ip("address", "show", "dev", "eth0"))
        assert not router.says("BACKUP"), router.lines
        one.ip("address", "add", "fe80::77:1/64", "dev", "eth0")
        wait_for(lambda: one.holds(vip(51)), "for the master once there is a source")
        assert not router.says("Cannot send adverts"), router.lines


def adverts_and_neighbours(capture: Path) -> dict[str, list[str]]:
    """What tcpdump reads, one line a packet, by kind; what differs from run to run is masked."""
    text = subprocess.run(
        ["tcpdump", "-n", "-vvv", "-t", "-r", str(capture), "ip6"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    whole = re.sub(r"\n\s+", " ", text).splitlines()
    found: dict[str, list[str]] = {"advert": [], "neighbour": []}
    for line in whole:
        line = re.sub(r"flowlabel 0x[0-9a-f]+, |[0-9a-f]{2}(:[0-9a-f]{2}){5}|0x0000:.*", "", line)
        if "VRRPv3" in line:
            found["advert"].append(line)
        elif "neighbor advertisement" in line and "override" in line:
            found["neighbour"].append(line)
    return found


@needs_tcpdump
@needs_keepalived
@pytest.mark.parametrize("forwarding", ["0", "1"])
def test_adverts_and_neighbour_advertisements_are_keepalived_s_to_the_letter(
    forwarding: str, tmp_path: Path
) -> None:
    """Hop limit, traffic class, order of addresses, counts, flags: R when the host forwards."""
    seen = {}
    with lan(2) as hosts:
        for name, start in (("ours", Host.ours), ("keepalived", Host.keepalived)):
            one, two = hosts
            assert one.run("sysctl", "-qw", f"net.ipv6.conf.eth0.forwarding={forwarding}").wait() == 0
            file = tmp_path / f"{name}.pcap"
            watching = two.run(*WATCH, str(file), "ip6")
            wait_for(file.exists)
            time.sleep(0.5)
            router = start(one, instance(51, 100, more="garp_master_delay 1"))
            wait_for(lambda router=router: router.says("Entering MASTER STATE"))
            wait_for(lambda file=file: len(adverts_and_neighbours(file)["neighbour"]) >= 20)
            router.stop()
            wait_for(lambda file=file: "prio 0" in " ".join(adverts_and_neighbours(file)["advert"]))
            watching.terminate()
            watching.wait()
            seen[name] = adverts_and_neighbours(file)
    ours, theirs = seen["ours"], seen["keepalived"]
    assert set(ours["advert"]) == set(theirs["advert"])
    assert sorted(ours["neighbour"]) == sorted(theirs["neighbour"])
    assert ("router" in ours["neighbour"][0]) == (forwarding == "1")
    text = "\n".join(ours["advert"])
    for word in ("hlim 255", "class 0xc0", "fe80::77:1 > ff02::12", "addrs(2): fe80::51,fd77::51", "prio 0"):
        assert word in text
