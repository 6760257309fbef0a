"""Virtual MACs over IPv6, and of addresses: beside keepalived in both directions, silent as a backup."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.network.dump_files import compare, without
from tests.network.test_vrrp_failover import Start
from tests.network.test_vrrp_reports import CHANGING, LEFT_OUT, SECTIONS, VALUES, keepalived_wrote, ours_wrote
from tests.network.test_vrrp_vmac import in_both_orders, links, mac_seen, needs_macvlan, port_of, settings
from tests.network.vrrp_lan import Host, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan, needs_macvlan]

MAC = "00:00:5e:00:02:33"
FIRST, SECOND = "fe80::7777:51", "fd77::51"


def instance(priority: int, *more: str, vrid: int = 51, addresses: str = f"{FIRST}\n{SECOND}/64") -> str:
    """An instance over IPv6 with a virtual MAC."""
    body = "\n".join(more or ("use_vmac",))
    return f"""
vrrp_instance VI_{vrid} {{
    interface eth0
    virtual_router_id {vrid}
    priority {priority}
    version 3
    advert_int 0.3
    {body}
    virtual_ipaddress {{
{addresses}
    }}
}}
"""


@pytest.mark.parametrize("more", ["use_vmac", "use_vmac\nvmac_xmit_base"], ids=["vmac", "vmac_xmit_base"])
@in_both_orders
def test_a_takeover_changes_the_port_and_no_neighbour_s_address(
    first: Start, second: Start, more: str
) -> None:
    with lan(3) as (one, two, client):
        master = first(one, instance(150, more))
        wait_for(lambda: one.holds(SECOND, "vrrp.51"), "for the first master")
        backup = second(two, instance(100, more))
        wait_for(lambda: backup.says("(VI_51) Entering BACKUP STATE (init)"))
        for address in (FIRST, SECOND):
            wait_for(lambda address=address: mac_seen(client, address) == MAC, "for an answer of the first")
        assert port_of(one, MAC) == ["port1-0"]
        assert not two.holds(SECOND, "vrrp.51")
        master.kill()
        one.unplug()
        wait_for(lambda: two.holds(SECOND, "vrrp.51"), "for the second after kill -9")
        wait_for(lambda: port_of(one, MAC) == ["port2-0"], "for the switch to learn it")
        wait_for(lambda: mac_seen(client, SECOND) == MAC, "for an answer of the second")
        one.plug()
        returned = first(one, instance(150, more))
        wait_for(lambda: not two.holds(SECOND, "vrrp.51"))
        wait_for(lambda: one.holds(SECOND, "vrrp.51"), "for its return")
        wait_for(lambda: port_of(one, MAC) == ["port1-0"])
        returned.stop()
        wait_for(lambda: two.holds(SECOND, "vrrp.51"), "for the second after the stop")
        backup.stop()
        assert not links(one)
        assert not links(two)
        for router in (master, backup, returned):
            for complaint in ("Traceback", "dropped a packet", "bogus", "invalid"):
                assert not router.says(complaint), router.lines


@needs_keepalived
def test_interfaces_and_addresses_are_as_keepalived_makes_them() -> None:
    """Of instances and of addresses; with more, IPv6 says nothing of IPv4 and takes no advertised address."""
    configuration = (
        instance(150, "use_vmac")
        + instance(
            150,
            "use_vmac",
            "use_vmac_addr",
            "virtual_ipaddress_excluded {\n 10.78.0.52/24 dev eth1\n 2001:db8::52/64\n}",
            vrid=52,
            addresses="10.77.0.52/24\n10.78.0.53/24 dev eth1",
        )
        + instance(150, "use_vmac_addr", vrid=53, addresses="10.77.0.54/24\n10.78.0.54/24 dev eth1")
        + instance(150, "garp_master_delay 9", vrid=54, addresses="10.77.0.55/24 use_vmac\n10.77.0.56/24")
        + instance(
            150,
            "use_vmac",
            "virtual_ipaddress_excluded {\n 10.77.0.57/24\n 10.77.0.58/24 use_vmac\n}",
            vrid=55,
            addresses="fe80::7777:55",
        )
    )
    expected = {
        "vrrp.51": "eth0",
        "vrrp.52": "eth0",
        "vrrp1.52": "eth1",
        "vrrp6.52": "eth0",
        "vrrp.53": "eth1",
        "vrrp.54": "eth0",
        "vrrp.55": "eth0",
        "vrrp1.55": "eth0",
    }
    with lan(2) as (one, two):
        for bridge in range(2):
            two.unplug(bridge)
            for host in (one, two):
                host.ip("link", "set", f"eth{bridge}", "address", f"02:00:00:00:00:7{bridge}")
        before = settings(one, "eth0", "eth1")
        routers = one.ours(configuration), two.keepalived(configuration)
        for host in (one, two):
            wait_for(lambda host=host: host.holds("10.77.0.58", "vrrp1.55") and host.holds(SECOND, "vrrp.51"))
            wait_for(lambda host=host: host.holds("10.77.0.56") and host.holds("10.78.0.54", "vrrp.53"))
            wait_for(lambda host=host: host.holds("2001:db8::52", "vrrp6.52"))
        assert {name: each["link"] for name, each in links(one).items()} == expected
        assert links(one) == links(two)
        for name in ("eth0", "eth1", *expected):
            own = {f"10.7{net}.0.{host.number}" for host in (one, two) for net in (7, 8)}
            own |= {f"fe80::7{net}:{host.number}" for host in (one, two) for net in (7, 8)}
            own |= {f"fd7{net}::{host.number}" for host in (one, two) for net in (7, 8)}
            places = [sorted(set(host.every_address(name)) - own) for host in (one, two)]
            assert places[0] == places[1], name
        for name in ("vrrp.52", "vrrp1.52", "vrrp.53", "vrrp.54", "vrrp1.55", "eth0", "eth1"):
            found = [settings(host, name)[name] for host in (one, two)]
            for each in found:
                # keepalived switches it off only where it makes the interface by itself for the instance.
                each.pop("disable_ipv6")
            assert found[0] == found[1], name
        assert settings(one, "vrrp.51")["vrrp.51"]["arp_ignore"] == "8"
        read = ["cat", *(f"/proc/sys/net/ipv6/conf/vrrp.51/{name}" for name in ("accept_ra", "autoconf"))]
        shown = one.run(*read).communicate()[0]
        assert shown.split() == [b"0", b"0"]
        for router in routers:
            router.stop()
        for line in (
            "(VI_52): Success creating VMAC interface vrrp6.52",
            "(VI_55) Success removing VMAC interface vrrp1.55",
        ):
            for router in routers:
                assert router.says(line), router.lines
        assert not links(one)
        assert not links(two)
        assert settings(one, "eth0", "eth1") == before
        assert not routers[0].says("Traceback")


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
def test_a_backup_says_nothing_from_the_virtual_mac() -> None:
    """Not even on a host that forwards, which is in groups of its own, and when others look for it."""
    with lan(3) as (one, two, client):
        for host in (one, two):
            host.run("sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1").wait()
        seen = two.directory / "seen"
        two.run("bash", "-c", f"exec tcpdump -Q out -e -n -l -i eth0 ether src {MAC} >{seen}")
        # One for the address below, too: the interface must not answer for that.
        master = one.ours(instance(150))
        wait_for(lambda: one.holds(SECOND, "vrrp.51"))
        backup = two.ours(instance(100))
        wait_for(lambda: backup.says("(VI_51) Entering BACKUP STATE (init)"))
        own = json.loads(two.ip("-j", "link", "show", "eth0"))[0]["address"]
        for address in ("fe80::77:2", "fd77::2"):
            wait_for(lambda address=address: mac_seen(client, address) == own)
        client.run("bash", "-c", "echo >/dev/udp/10.77.0.2/9").wait()
        assert json.loads(client.ip("-j", "neighbour", "show", "10.77.0.2"))[0]["lladdr"] == own
        assert not two.addresses("vrrp.51")
        assert not two.every_address("vrrp.51")
        master.kill()
        one.unplug()
        wait_for(lambda: two.holds(SECOND, "vrrp.51"))
        wait_for(lambda: "VRRPv3" in seen.read_text())
        first = seen.read_text().splitlines()[0]
        assert "fe80::77:2 > ff02::12: VRRPv3, Advertisement, vrid 51, prio 100" in first, first
        backup.stop()


def test_one_that_others_remove_is_made_again_and_a_reload_leaves_it_alone() -> None:
    with lan(1) as (one,):
        router = one.daemon(instance(150))
        wait_for(lambda: one.holds(SECOND, "vrrp.51"))
        one.ip("link", "del", "vrrp.51")
        wait_for(lambda: router.says("Interface vrrp.51 deleted"))
        wait_for(lambda: one.holds(SECOND, "vrrp.51"), "for it to be made again")
        router.reload(instance(150) + instance(150, vrid=52, addresses="fe80::7777:52"))
        wait_for(lambda: one.holds("fe80::7777:52", "vrrp.52"), "for the new one")
        assert router.lines.count("(VI_51) Entering MASTER STATE") == 2
        router.stop()
        assert not links(one)
        assert not router.says("Traceback")


def test_a_killed_run_leaves_nothing_behind_the_next_start() -> None:
    with lan(1) as (one,):
        first = one.ours(instance(150) + instance(150, vrid=52, addresses="fe80::7777:52"))
        wait_for(lambda: one.holds(SECOND, "vrrp.51") and one.holds("fe80::7777:52", "vrrp.52"))
        index = one.ip("-o", "link", "show", "vrrp.51").partition(":")[0]
        first.kill()
        assert set(links(one)) == {"vrrp.51", "vrrp.52"}
        second = one.ours(instance(100))
        wait_for(lambda: set(links(one)) == {"vrrp.51"}, "for the other to go")
        wait_for(lambda: second.says("(VI_51) Entering MASTER STATE"))
        wait_for(lambda: one.holds(SECOND, "vrrp.51"))
        assert one.ip("-o", "link", "show", "vrrp.51").partition(":")[0] == index
        second.stop()
        assert not links(one)
        assert not second.says("Traceback")


@needs_keepalived
def test_the_files_on_signals() -> None:
    """As keepalived's; a mute interface has no address, and one that speaks has the base's."""
    text = (
        "global_defs {\n router_id LVS1\n nftables\n nftables_counters\n}\n"
        + instance(150)
        + instance(150, "use_vmac", "vmac_xmit_base", vrid=52, addresses="fe80::7777:52\nfd77::52")
        + instance(
            150,
            "use_vmac v53",
            "use_vmac_addr",
            "virtual_ipaddress_excluded {\n 2001:db8::53/64\n}",
            vrid=53,
            addresses="10.77.0.53/24\n10.78.0.53/24 dev eth1",
        )
        + instance(150, "priority 150", vrid=54, addresses="10.77.0.54/24 use_vmac\n10.77.0.55/24")
        + instance(150, "use_vmac_addr", vrid=55, addresses="10.77.0.56/24\n10.78.0.56/24 dev eth1")
        + instance(
            150,
            "use_vmac",
            "dont_track_primary",
            "track_interface {\n lo\n}",
            vrid=56,
            addresses="10.77.0.57/24",
        )
    )
    values = VALUES | {
        r"   IPv6 address = (.*)": "keepalived gives none to an interface that it does not send by",
        r"   index = (\d+)|   Multicast address ff02::12, ifindex (\d+)": "made one after the other",
    }
    with lan(1) as (one,):
        written = []
        for start, read in ((Host.keepalived, keepalived_wrote), (Host.ours, ours_wrote)):
            router = start(one, text)
            wait_for(lambda: one.holds("10.78.0.56", "vrrp.55") and one.holds("10.77.0.57", "vrrp.56"))
            wait_for(lambda: one.holds("2001:db8::53", "vrrp6.53") and one.holds(SECOND, "vrrp.51"))
            wait_for(lambda: one.holds("fd77::52", "vrrp.52") and one.holds("10.77.0.55"))
            written.append(read(router))
            router.stop()
        theirs, ours = written
        left_out = LEFT_OUT | {r"   rp_filter 0": "a sysctl"}
        compare(without(theirs.data, *SECTIONS), ours.data, values=values, left_out=left_out)
        for wanted, found in zip(theirs.json, ours.json, strict=True):
            for key, value in wanted["data"].items():
                if key not in CHANGING:
                    assert found["data"][key] == value, (wanted["data"]["iname"], key)
