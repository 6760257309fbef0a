"""Virtual routers over IPv6 in the service, on a network of fakes; and on the simulated LAN."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.load import load_text
from kaltwisted.config.model import Configuration, UnicastPeer, VirtualIpAddress, VrrpInstance
from kaltwisted.ports import Ipv6Message, LinkAddress, Listening
from kaltwisted.testing.lan import Lan
from kaltwisted.vrrp import packet
from kaltwisted.vrrp.actions import State
from tests.unit.test_vrrp_service import World
from tests.unit.vrrp_helpers import config, seconds

VIP = ip_address("fe80::51")
SIX = config(version=3, virtual_ipaddress=(VirtualIpAddress(VIP, 64),))
LOCAL = LinkAddress(2, ip_address("fe80::5"), 64)
GLOBAL = LinkAddress(2, ip_address("fd00::5"), 64)
RIVAL = ip_address("fe80::9").packed
GROUP = ip_address("ff02::12")


def heard(priority: int, **changed: object) -> Ipv6Message:
    """A rival's advert for X."""
    message = packet.encode(packet.Expected(51, 3), priority, VIP.packed, RIVAL, GROUP.packed)
    good = Ipv6Message(message, RIVAL, GROUP.packed, 255)
    return attrs.evolve(good, **changed)  # type: ignore[arg-type]


class Ipv6(World):
    without_ipv6: str | None = None

    def prepare(self) -> None:
        self.links.appear(LOCAL)
        self.wire.without_ipv6 = self.without_ipv6

    def reload(self, instance: VrrpInstance) -> None:
        configuration = Configuration(vrrp_instances=(instance,))
        done = Deferred.fromCoroutine(self.service.reconfigure(configuration))
        self.settle()
        self.successResultOf(done)

    def test_it_speaks_from_its_link_local_address_to_the_group(self) -> None:
        self.start(SIX)
        self.wait(4)
        port = self.wire.ipv6_ports["eth0"]
        self.assertEqual(self.wire.ports, {})
        self.assertEqual(port.listening, Listening(6, frozenset((51,)), frozenset((GROUP,))))
        self.assertEqual(port.sent[0][1], GROUP)
        self.assertEqual(port.headers[0], (LOCAL.address, 255))
        self.assertIn(("X", "eth0", VIP, 5), self.announcer.announced)
        self.stop()
        self.assertEqual(port.sent[-1][0][2], 0)

    def test_a_better_master_is_heard_and_one_from_behind_a_router_is_not(self) -> None:
        self.start(SIX)
        self.wait(4)
        port = self.wire.ipv6_ports["eth0"]
        for bad in (heard(200, hop_limit=254), heard(200, destination=LOCAL.address.packed)):
            port.receive(bad)
            self.assertEqual(self.state(), State.MASTER)
        port.receive(heard(200))
        self.assertEqual(self.state(), State.BACKUP)
        self.stop()

    def test_a_host_without_ipv6_runs_what_it_can(self) -> None:
        self.without_ipv6 = "no IPv6 here"
        with capturedLogs() as logs:
            self.start(config(), attrs.evolve(SIX, name="Y", interface="eth1"))
            self.wait(4)
        self.assertEqual(self.state("X"), State.MASTER)
        self.assertEqual(self.state("Y"), State.FAULT)
        told = [line for line in map(formatEvent, logs) if line and "no IPv6 here" in line]
        self.assertEqual(len(told), 1)
        self.wire.without_ipv6 = None
        self.links.appear(LinkAddress(3, ip_address("fe80::6"), 64))
        self.assertIn("eth1", self.wire.ipv6_ports)
        self.wait(4)
        self.assertEqual(self.state("Y"), State.MASTER)
        self.stop()

    def test_both_families_of_one_vrid_are_two_virtual_routers(self) -> None:
        self.start(config(), attrs.evolve(SIX, name="Y"))
        self.wait(4)
        self.wire.ipv6_ports["eth0"].receive(heard(200))
        self.assertEqual((self.state("X"), self.state("Y")), (State.MASTER, State.BACKUP))
        self.stop()

    def test_a_source_that_is_not_known_to_be_unique_is_none(self) -> None:
        self.start(SIX)
        for changed in ({"tentative": True}, {"dad_failed": True}):
            self.links.appear(attrs.evolve(LOCAL, **changed))
            self.assertEqual(self.state(), State.FAULT, changed)
            self.links.appear(LOCAL)
            self.assertEqual(self.state(), State.BACKUP)
        self.stop()

    def test_a_virtual_address_that_is_a_duplicate_is_told_of(self) -> None:
        self.start(SIX)
        self.wait(4)
        with capturedLogs() as logs:
            self.links.appear(LinkAddress(2, VIP, 64, dad_failed=True))
            self.links.appear(LinkAddress(2, ip_address("fe80::7"), 64, dad_failed=True))
        told = [line for line in map(formatEvent, logs) if line and "duplicate" in line]
        self.assertEqual(len(told), 1)
        self.assertIn("(X) fe80::51", told[0])
        self.stop()

    def test_to_peers_beyond_the_link_it_speaks_from_an_address_that_gets_there(self) -> None:
        for peer, source in (("fd00::6", GLOBAL), ("fe80::6", LOCAL)):
            peers = (UnicastPeer(ip_address(peer)),)
            self.start(attrs.evolve(SIX, unicast_peer=peers, unicast_ttl=7))
            self.links.appear(GLOBAL)
            self.wait(4)
            port = self.wire.ipv6_ports["eth0"]
            self.assertEqual(port.listening.groups, frozenset())
            self.assertEqual(port.sent[-1][1], ip_address(peer))
            self.assertEqual(port.headers[-1], (source.address, 7))
            self.stop()

    def test_a_reload_from_one_family_to_the_other(self) -> None:
        self.start(config())
        self.wait(4)
        self.reload(SIX)
        self.assertTrue(self.wire.ports["eth0"].closed)
        self.wait(4)
        self.assertEqual(self.state(), State.MASTER)
        self.assertFalse(self.wire.ipv6_ports["eth0"].closed)
        self.stop()

    def test_a_reload_to_another_group_listens_there(self) -> None:
        self.start(SIX)
        other = ip_address("ff02::1234")
        self.reload(attrs.evolve(SIX, mcast_dst_ip=other))
        self.assertEqual(self.wire.ipv6_ports["eth0"].listening.groups, frozenset((other,)))
        self.wait(4)
        self.assertEqual(self.wire.ipv6_ports["eth0"].sent[-1][1], other)
        self.stop()


TEXT = """
vrrp_instance FOUR {{
    interface eth0
    virtual_router_id 51
    version 3
    priority {priority}
    {more}
    virtual_ipaddress {{
        10.0.0.100
    }}
}}
vrrp_instance SIX {{
    interface eth0
    virtual_router_id 51
    priority {priority}
    virtual_ipaddress {{
        fe80::51
        fd00::100
    }}
}}
"""


class SimulatedLan(SynchronousTestCase):
    def test_both_families_fail_over_and_return(self) -> None:
        for unicast in (False, True):
            lan = Lan(seed=7)
            hosts = []
            for number in (1, 2):
                more = f"unicast_peer {{\n10.0.0.{3 - number}\n}}" if unicast else ""
                reading = load_text(TEXT.format(priority=200 - 50 * number, more=more), "lan.conf")
                self.assertEqual(reading.findings, ())
                own = (f"10.0.0.{number}", f"fe80::{number}")
                hosts.append(lan.host(f"host{number}", reading.configuration, {"eth0": own}))
            for host in hosts:
                host.start()
            lan.run(seconds(10))
            addresses = ("10.0.0.100", "fd00::100", "fe80::51")
            for address in addresses:
                self.assertEqual(lan.holders(address), ["host1"], address)
            hosts[0].power_off()
            lan.run(seconds(4))
            for address in addresses:
                self.assertEqual(lan.holders(address), ["host2"], address)
            hosts[0].start()
            lan.run(seconds(10))
            for address in addresses:
                self.assertEqual(lan.holders(address), ["host1"], address)
            self.assertFalse([line for line in lan.lines("host2") if "dropped" in line])
