"""Rules of RFC 9568 that the kernel keeps for us once addresses and interfaces are as they should be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.network.test_vrrp_failover import instance, vip
from tests.network.test_vrrp_ipv6 import needs_tcpdump
from tests.network.test_vrrp_vmac import needs_macvlan
from tests.network.test_vrrp_vmac_ipv6 import instance as instance_ipv6
from tests.network.vrrp_lan import Host, lan, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan, needs_macvlan, needs_tcpdump]

MAC4, MAC6 = "00:00:5e:00:01:33", "00:00:5e:00:02:33"
SOLICITED_NODE = "ff02::1:ff00:51"
ADDRESSES = ("fe80::51", "fd77::51")
AS_IPV6 = "\n".join(f"{each}/64" for each in ADDRESSES)
# A datagram from one address to another, handed to whoever has a MAC address.
TO_THE_MAC = """
import socket, sys
from ipaddress import ip_address
from kaltwisted.vrrp.packet import ipv4_packet
mac, *addresses = sys.argv[1:]
source, destination = (ip_address(each).packed for each in addresses)
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))
datagram = (7).to_bytes(2) + (9).to_bytes(2) + (8).to_bytes(2)
if len(source) == 4:
    packet = b"\\x08\\x00" + ipv4_packet(datagram + bytes(2), source, destination, 1, protocol=17, ttl=64)
else:
    head = bytes((96, 0, 0, 0, 0, 8, 17, 64)) + source + destination
    packet = b"\\x86\\xdd" + head + datagram + b"\\xff\\xff"
link.send(bytes.fromhex(mac.replace(":", "")) + link.getsockname()[4] + packet)
"""


def watch(host: Host, interface: str, what: str) -> Path:
    """What tcpdump reads there from now on."""
    seen = host.directory / f"seen-{host.number}-{interface}"
    command = f"exec tcpdump -e -v -n -l -i {interface} {what!r} >{seen} 2>{seen}.started"
    host.run("bash", "-c", command)
    started = Path(f"{seen}.started")
    wait_for(lambda: started.exists() and "listening" in started.read_text())
    return seen


def memberships(host: Host, interface: str) -> str:
    return host.ip("maddress", "show", "dev", interface)


def test_an_active_router_answers_for_its_addresses_as_a_router_and_a_backup_does_not() -> None:
    """§6.4.3, §8.2.2: member of the solicited-node group, R set, by the virtual MAC; §6.4.2: not at all."""
    with lan(3) as (one, two, client):
        for host in (one, two):
            assert host.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1").wait() == 0
        one.ours(instance_ipv6(150, addresses=AS_IPV6))
        wait_for(lambda: one.holds("fd77::51", "vrrp.51"))
        backup = two.ours(instance_ipv6(100, addresses=AS_IPV6))
        wait_for(lambda: backup.says("(VI_51) Entering BACKUP STATE (init)"))
        seen = watch(client, "eth0", "icmp6 and ip6[40] == 136")
        for address in ADDRESSES:
            client.ip("neighbour", "flush", "to", address)
            scope = "%eth0" if address.startswith("fe80") else ""
            client.run("bash", "-c", f"echo >/dev/udp/{address}{scope}/9").wait()

        def answers() -> list[str]:
            lines = seen.read_text().splitlines()
            return [each for each in lines if "solicited" in each and "tgt is f" in each and "::51" in each]

        wait_for(lambda: all(any(f"tgt is {each}," in line for line in answers()) for each in ADDRESSES))
        for line in answers():
            assert f" {MAC6} > " in line, line
            assert "Flags [router, solicited, override]" in line, line
        assert SOLICITED_NODE in memberships(one, "vrrp.51")
        for interface in ("eth0", "vrrp.51"):
            assert SOLICITED_NODE not in memberships(two, interface)


def send(host: Host, mac: str, source: str, destination: str) -> None:
    assert host.run(sys.executable, "-c", TO_THE_MAC, mac, source, destination).wait(10) == 0


def knows(host: Host, address: str, neighbour: Host) -> None:
    """It need not ask for the neighbour's MAC address."""
    mac = json.loads(neighbour.ip("-j", "link", "show", "eth1"))[0]["address"]
    host.ip("neighbour", "replace", address, "lladdr", mac, "dev", "eth1")


def test_an_active_router_forwards_what_is_sent_to_its_virtual_mac() -> None:
    """§6.4.3."""
    with lan(2) as (one, client):
        assert one.run("sysctl", "-qw", "net.ipv4.ip_forward=1").wait() == 0
        knows(one, "10.78.0.2", client)
        seen = watch(client, "eth1", "udp port 9")
        one.ours(instance(51, 150, more="version 3\nuse_vmac"))
        wait_for(lambda: one.holds(vip(51), "vrrp.51"))
        # Nobody has the first.
        for mac in ("00:00:5e:00:01:34", MAC4):
            send(client, mac, "10.77.0.2", "10.78.0.2")
        wait_for(lambda: "10.78.0.2.9" in seen.read_text())
        assert seen.read_text().count("10.77.0.2.7 > 10.78.0.2.9") == 1


def test_a_backup_drops_what_is_sent_to_the_virtual_mac_over_ipv6() -> None:
    """§6.4.2, where a switch hands it to all: one router forwards it, and not two."""
    with lan(3) as (one, two, client):
        for host in (one, two):
            assert host.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1").wait() == 0
            knows(host, "fd78::3", client)
        seen = watch(client, "eth1", "ip6 and udp port 9")
        one.ours(instance_ipv6(150, addresses=AS_IPV6))
        wait_for(lambda: one.holds("fd77::51", "vrrp.51"))
        backup = two.ours(instance_ipv6(100, addresses=AS_IPV6))
        wait_for(lambda: backup.says("master set to fe80::77:1"))
        flood = ["ip", "-n", one.switch, "link", "set", "br0", "type", "bridge", "ageing_time", "0"]
        subprocess.run(flood, check=True)
        send(client, MAC6, "fd77::3", "fd78::3")
        wait_for(lambda: "fd78::3.9" in seen.read_text())
        # Once more, by its own MAC: what came before would be there by then.
        own = json.loads(two.ip("-j", "link", "show", "eth0"))[0]["address"]
        send(client, own, "fd77::4", "fd78::3")
        wait_for(lambda: "fd77::4.7 > fd78::3.9" in seen.read_text())
        assert seen.read_text().count("fd77::3.7 > fd78::3.9") == 1
