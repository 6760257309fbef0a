"""Virtual MACs on real interfaces: beside keepalived in both directions, and whatever becomes of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tests.network.test_vrrp_failover import Start, instance, vip
from tests.network.vrrp_lan import Host, lan, needs_keepalived, needs_lan, wait_for, why_not


def why_no_macvlan() -> str | None:
    """Why there can be no macvlan here."""
    if why_not() is not None:
        return why_not()
    make = "ip link add v0 type veth peer name v1 && ip link add m0 link v0 type macvlan mode private"
    tried = subprocess.run(["unshare", "-n", "sh", "-c", make], capture_output=True, text=True, check=False)
    return f"no macvlan in this kernel: {tried.stderr.strip()}" if tried.returncode else None


needs_macvlan = pytest.mark.skipif((_reason := why_no_macvlan()) is not None, reason=_reason or "")
pytestmark = [pytest.mark.network, needs_lan, needs_macvlan]
in_both_orders = pytest.mark.parametrize(
    ("first", "second"),
    [
        (Host.ours, Host.ours),
        pytest.param(Host.ours, Host.keepalived, marks=needs_keepalived),
        pytest.param(Host.keepalived, Host.ours, marks=needs_keepalived),
    ],
    ids=["ours and ours", "ours and keepalived", "keepalived and ours"],
)

FAST = "version 3\nadvert_int 0.3\n"
MAC = "00:00:5e:00:01:33"
SETTINGS = ("arp_ignore", "arp_filter", "rp_filter", "accept_local", "promote_secondaries")


def vmac(priority: int, more: str = "use_vmac", vrid: int = 51) -> str:
    """An instance with a virtual MAC."""
    return instance(vrid, priority, more=FAST + more)


def links(host: Host) -> dict[str, dict[str, object]]:
    """The interfaces of a host, with what matters of each."""
    found = {}
    for each in json.loads(host.ip("-j", "-d", "link")):
        info = each.get("linkinfo", {})
        kind = info.get("info_kind"), info.get("info_data", {}).get("mode") if info else None
        if "macvlan" in kind:
            names = ("address", "mtu", "inet6_addr_gen_mode", "operstate", "group", "link", "flags")
            found[each["ifname"]] = {name: each.get(name) for name in names} | {"kind": kind}
    return found


def settings(host: Host, *interfaces: str) -> dict[str, dict[str, str]]:
    """What /proc has of interfaces."""
    found: dict[str, dict[str, str]] = {}
    for interface in interfaces:
        paths = [f"ipv4/conf/{interface}/{name}" for name in SETTINGS]
        paths.append(f"ipv6/conf/{interface}/disable_ipv6")
        run = ["ip", "netns", "exec", host.namespace, "cat", *(f"/proc/sys/net/{path}" for path in paths)]
        values = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
        found[interface] = dict(zip((*SETTINGS, "disable_ipv6"), values, strict=True))
    return found


def port_of(host: Host, mac: str, bridge: str = "br0") -> list[str]:
    """The ports where the switch has learned a MAC address."""
    shown = subprocess.run(
        ["bridge", "-n", host.switch, "fdb", "show", "br", bridge], capture_output=True, text=True, check=True
    ).stdout
    return [words[2] for words in map(str.split, shown.splitlines()) if words[0] == mac]


def take_datagrams(host: Host) -> None:
    """Somebody listens there: an answer would come by the interface below, from that one's MAC address."""
    program = "import socket, time; s = socket.socket(2, 2); s.bind(('', 9)); time.sleep(120)"
    host.run(sys.executable, "-c", program)


def mac_seen(host: Host, address: str) -> str | None:
    """The MAC address by which a host knows a neighbour."""
    scope = "%eth0" if address.startswith("fe80:") else ""
    host.run("bash", "-c", f"echo >/dev/udp/{address}{scope}/9").wait()
    found = json.loads(host.ip("-j", "neighbour", "show", address, "dev", "eth0") or "[]")
    return found[0].get("lladdr") if found else None


@needs_keepalived
def test_the_interface_is_as_keepalived_makes_it() -> None:
    with lan(2) as (one, two):
        configuration = vmac(150) + vmac(150, "use_vmac vm52 02:11:22:33:44:55\nvmac_xmit_base", 52)
        for host in (one, two):
            host.ip("link", "set", "eth0", "address", "02:00:00:00:00:77")
            host.unplug()
        routers = one.ours(configuration), two.keepalived(configuration)
        names = ("vrrp.51", "vm52")
        before = settings(one, "eth1")
        for host in (one, two):
            wait_for(lambda host=host: host.holds(vip(51), "vrrp.51") and host.holds(vip(52), "vm52"))
        assert links(one) == links(two)
        assert set(links(one)) == set(names)
        assert links(one)["vrrp.51"]["address"] == MAC
        assert settings(one, "eth0", *names) == settings(two, "eth0", *names)
        assert settings(one, "eth1") == before
        for router in routers:
            router.stop()
        assert not links(one)
        assert not links(two)
        assert settings(one, "eth0") == {"eth0": before["eth1"]}
        for line in (
            "(VI_51): Success creating VMAC interface vrrp.51",
            "Success removing VMAC interface vm52",
        ):
            assert routers[1].says(line)
            assert routers[0].says(line.partition(": ")[2] or line)
        assert not routers[0].says("Traceback")


@in_both_orders
def test_a_takeover_changes_the_port_and_no_neighbour_s_address(first: Start, second: Start) -> None:
    with lan(3) as (one, two, client):
        for host in (one, two):
            take_datagrams(host)
        master = first(one, vmac(150))
        wait_for(lambda: one.holds(vip(51), "vrrp.51"), "for the first master")
        backup = second(two, vmac(100))
        wait_for(lambda: backup.says("(VI_51) Entering BACKUP STATE (init)"))
        wait_for(lambda: mac_seen(client, vip(51)) == MAC, "for an answer of the first")
        assert port_of(one, MAC) == ["port1-0"]
        assert not two.holds(vip(51), "vrrp.51")
        master.kill()
        one.unplug()
        wait_for(lambda: two.holds(vip(51), "vrrp.51"), "for the second after kill -9")
        wait_for(lambda: port_of(one, MAC) == ["port2-0"], "for the switch to learn it")
        assert mac_seen(client, vip(51)) == MAC
        one.plug()
        returned = first(one, vmac(150))
        wait_for(lambda: not two.holds(vip(51), "vrrp.51"))
        wait_for(lambda: one.holds(vip(51), "vrrp.51"), "for its return")
        wait_for(lambda: port_of(one, MAC) == ["port1-0"])
        returned.stop()
        wait_for(lambda: two.holds(vip(51), "vrrp.51"), "for the second after the stop")
        backup.stop()
        for router in (master, backup, returned):
            for complaint in ("Traceback", "dropped a packet", "bogus", "invalid"):
                assert not router.says(complaint), router.lines


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
@pytest.mark.parametrize("base", [False, True], ids=["vmac", "vmac_xmit_base"])
def test_adverts_and_arp_have_the_virtual_mac_and_the_base_s_address(base: bool) -> None:
    with lan(2) as (one, two):
        one.ip("link", "set", "eth0", "address", "02:00:00:00:00:77")
        seen = two.directory / "seen"
        two.run("bash", "-c", f"exec tcpdump -e -n -l -i eth0 ip proto 112 or arp >{seen}")
        take_datagrams(one)
        one.ours(vmac(150, "use_vmac\nvmac_xmit_base" if base else "use_vmac"))
        wait_for(lambda: one.holds(vip(51), "vrrp.51"))
        wait_for(lambda: mac_seen(two, vip(51)) == MAC)
        # The second burst of gratuitous ARP comes when tcpdump listens for sure.
        wait_for(lambda: f"tell {vip(51)}," in seen.read_text() and "VRRPv3" in seen.read_text())
        lines = seen.read_text().splitlines()
        adverts = [line for line in lines if "VRRPv3" in line]
        sender = "02:00:00:00:00:77" if base else MAC
        assert adverts
        assert all(f" {sender} > 01:00:5e:00:00:12" in line for line in adverts), lines
        assert all("10.77.0.1 > 224.0.0.18" in line for line in adverts)
        asked = f"Request who-has {vip(51)} "
        gratuitous = [line for line in lines if asked in line and f"tell {vip(51)}," in line]
        assert gratuitous
        assert all(f" {MAC} > ff:ff:ff:ff:ff:ff" in line for line in gratuitous)
        assert not [line for line in lines if f"Reply {vip(51)} is-at" in line and MAC not in line]


def test_the_base_goes_down_and_the_interface_is_removed() -> None:
    """FAULT each time; who removes the interface finds it made again."""
    with lan(1) as (one,):
        router = one.ours(vmac(150))
        wait_for(lambda: one.holds(vip(51), "vrrp.51"))
        one.ip("link", "set", "eth0", "down")
        wait_for(lambda: router.says("Entering FAULT STATE"))
        one.ip("link", "set", "eth0", "up")
        wait_for(lambda: one.holds(vip(51), "vrrp.51"))
        one.ip("link", "del", "vrrp.51")
        wait_for(lambda: router.says("Interface vrrp.51 deleted"))
        wait_for(lambda: one.holds(vip(51), "vrrp.51"), "for it to be made again")
        assert links(one)["vrrp.51"]["address"] == MAC
        assert router.lines.count("Entering FAULT STATE") == 2
        router.stop()
        assert not links(one)
        assert not router.says("Traceback")


def test_a_base_that_comes_later() -> None:
    with lan(1) as (one,):
        one.ip("link", "del", "eth0")
        router = one.daemon("global_defs {\n dynamic_interfaces\n}\n" + vmac(150))
        wait_for(lambda: router.says("(VI_51) Entering FAULT STATE"))
        one.add_interface()
        wait_for(lambda: one.holds(vip(51), "vrrp.51"))
        one.ip("link", "del", "eth0")
        wait_for(lambda: router.lines.count("Entering FAULT STATE") == 2)
        one.add_interface()
        wait_for(lambda: one.holds(vip(51), "vrrp.51"), "for all of it to be made anew")
        router.stop()
        assert not links(one)


def test_a_killed_run_leaves_nothing_behind_the_next_start() -> None:
    """What is still configured is taken over as it is; what is not goes, and settings are as they were."""
    with lan(1) as (one,):
        before = settings(one, "eth0", "eth1")
        other = vmac(150, "use_vmac custom 02:11:22:33:44:55", 52).replace("eth0", "eth1")
        first = one.ours(vmac(150) + other)
        wait_for(lambda: one.holds(vip(51), "vrrp.51") and one.holds(vip(52), "custom"))
        index = one.ip("-o", "link", "show", "vrrp.51").partition(":")[0]
        first.kill()
        assert set(links(one)) == {"vrrp.51", "custom"}
        second = one.ours(vmac(100, "use_vmac\nnopreempt"))
        wait_for(lambda: set(links(one)) == {"vrrp.51"}, "for the other to go")
        assert one.ip("-o", "link", "show", "vrrp.51").partition(":")[0] == index
        wait_for(lambda: settings(one, "eth1")["eth1"] == before["eth1"], "for its settings of before")
        wait_for(lambda: one.holds(vip(51), "vrrp.51"))
        second.stop()
        assert not links(one)
        assert settings(one, "eth0", "eth1") == before


def test_a_reload_makes_removes_and_leaves_alone() -> None:
    with lan(1) as (one,):
        router = one.daemon(vmac(150) + vmac(150, "use_vmac", 52))
        wait_for(lambda: one.holds(vip(51), "vrrp.51") and one.holds(vip(52), "vrrp.52"))
        index = one.ip("-o", "link", "show", "vrrp.51").partition(":")[0]
        router.reload(vmac(150) + vmac(150, "", 52) + vmac(150, "use_vmac", 53))
        wait_for(lambda: one.holds(vip(53), "vrrp.53"), "for the new one")
        wait_for(lambda: one.holds(vip(52)), "for the one that has none any more")
        assert set(links(one)) == {"vrrp.51", "vrrp.53"}
        assert one.ip("-o", "link", "show", "vrrp.51").partition(":")[0] == index
        assert one.holds(vip(51), "vrrp.51")
        assert router.lines.count("(VI_51) Entering MASTER STATE") == 1
        router.stop()
        assert not links(one)
        assert not router.says("Traceback")


def test_promote_secondaries() -> None:
    """Set on the interface while it runs: removing an address keeps those beside it."""
    with lan(1) as (one,):
        before = settings(one, "eth0")
        router = one.ours(vmac(150, "promote_secondaries"))
        wait_for(lambda: one.holds(vip(51)))
        assert settings(one, "eth0")["eth0"] == before["eth0"] | {"promote_secondaries": "1"}
        router.stop()
        assert settings(one, "eth0") == before


def test_a_backup_hears_its_master_again_once_its_interface_is_up_again() -> None:
    """The kernel ends a packet socket's listening with the interface, and it begins again with that."""

    def both(priority: int) -> str:
        ipv6 = instance(52, priority, address="fe80::7777:52\nfd77::52/64", more=f"{FAST}use_vmac")
        return vmac(priority) + ipv6

    with lan(2) as (one, two):
        one.ours(both(200))
        wait_for(lambda: one.holds(vip(51), "vrrp.51") and one.holds("fd77::52", "vrrp.52"))
        backup = two.ours(both(100))
        for name, vrid, master in (("vrrp.51", 51, "10.77.0.1"), ("vrrp.52", 52, "fe80::77:1")):
            heard = f"(VI_{vrid}) master set to {master}"
            wait_for(lambda heard=heard: backup.says(heard), backup.lines)
            two.ip("link", "set", name, "down")
            wait_for(lambda name=name: backup.says(f"Netlink reports {name} down"), backup.lines)
            two.ip("link", "set", name, "up")
            wait_for(lambda heard=heard: backup.lines.count(heard) == 2, backup.lines)
        assert not backup.says("Entering MASTER STATE")
        assert not backup.says("Traceback")
