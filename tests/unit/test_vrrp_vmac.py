"""Virtual MACs: names and plans as values, and instances that have one on a network of fakes."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import (
    Configuration,
    Ipvlan,
    IpvlanType,
    UnicastPeer,
    VirtualIpAddress,
    Vmac,
    VrrpInstance,
)
from kaltwisted.ports import IVirtualLinks, LinkAddress, LinkPlan, Listening, VirtualLink
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.silent import group_mac
from kaltwisted.vrrp.silent_ipv6 import packed, unpacked
from kaltwisted.vrrp.vmac import (
    address_interface,
    link_plan,
    own_interface,
    receiving_interface,
    sending_interface,
    source_interface,
    with_vmacs,
)
from tests.unit.test_vrrp_service import ETH0, VIP, World, advert
from tests.unit.vrrp_helpers import config

MAC = bytes.fromhex("00005e000133")
IPV6 = VirtualIpAddress(ip_address("2001:db8::1"), 64)
VIPS = {
    text: VirtualIpAddress(ip_address(text), 64 if ":" in text else 24, dev)
    for text, dev in (
        ("10.0.0.100", None),
        ("10.1.0.100", "eth1"),
        ("10.1.0.101", "eth1"),
        ("2001:db8::51", None),
        ("2001:db8:1::51", "eth1"),
    )
}


def instance(**fields: object) -> VrrpInstance:
    return config(**({"use_vmac": Vmac()} | fields))


def place(vip: VirtualIpAddress) -> str:
    """``-``: with its instance."""
    return f"{vip.dev}@{vip.base}" if vip.base else vip.dev or "-"


def named(*instances: VrrpInstance) -> list[Vmac | None]:
    return [each.use_vmac for each in with_vmacs(instances)]


class Values(World):
    def test_name_and_mac_are_the_virtual_router_s(self) -> None:
        self.assertEqual(named(config(), instance()), [None, Vmac("vrrp.51", MAC)])
        [ipv6] = named(instance(virtual_ipaddress=(IPV6,)))
        self.assertEqual(ipv6, Vmac("vrrp.51", bytes.fromhex("00005e000233")))
        [given] = named(instance(use_vmac=Vmac("v", bytes.fromhex("020000000001"))))
        self.assertEqual(given, Vmac("v", bytes.fromhex("020000000001")))
        [five] = named(instance(use_vmac=Vmac("v", bytes.fromhex("0200000000"))))
        self.assertEqual(five, Vmac("v", bytes.fromhex("020000000033")))

    def test_no_two_have_one_name(self) -> None:
        found = named(
            instance(),
            instance(virtual_ipaddress=(IPV6,)),
            instance(interface="eth1"),
            instance(interface="eth2"),
            instance(interface="eth3", use_vmac=Vmac("vrrp1.51")),
        )
        names = [each.ifname for each in found if each is not None]
        self.assertEqual(names, ["vrrp.51", "vrrp6.51", "vrrp2.51", "vrrp3.51", "vrrp1.51"])
        [other] = with_vmacs([instance()], "v")
        self.assertEqual(address_interface(other), "v.51")

    def test_a_group_s_mac_has_the_last_bits_of_its_address(self) -> None:
        for group, mac in (
            ("224.0.0.18", "01005e000012"),
            ("239.255.1.2", "01005e7f0102"),
            ("ff02::12", "333300000012"),
            ("ff05::1234:5678", "333312345678"),
        ):
            self.assertEqual(group_mac(ip_address(group)).hex(), mac)

    def test_where_adverts_go_and_come(self) -> None:
        [own] = with_vmacs([instance()])
        base = attrs.evolve(own, vmac_xmit_base=True)
        unicast = attrs.evolve(base, unicast_peer=(UnicastPeer(ip_address("10.0.0.9")),))
        ways = [
            (sending_interface(each), receiving_interface(each)) for each in (own, base, unicast, config())
        ]
        self.assertEqual(
            ways, [("vrrp.51", "vrrp.51"), ("eth0", "vrrp.51"), ("eth0", "eth0"), ("eth0", "eth0")]
        )

    def test_the_plan_has_interfaces_and_what_those_below_need(self) -> None:
        instances = with_vmacs(
            [
                instance(),
                instance(virtual_ipaddress=(IPV6,), interface="eth1", use_vmac=Vmac(group="7")),
                config(interface="eth2", promote_secondaries=True),
                config(interface="eth3"),
            ]
        )
        self.assertEqual(
            link_plan(instances),
            LinkPlan(
                (
                    VirtualLink("vrrp.51", "eth0", MAC),
                    VirtualLink("vrrp6.51", "eth1", bytes.fromhex("00005e000233"), ipv6=True, group=7),
                ),
                (
                    ("eth0", (("arp_filter", 1), ("arp_ignore", 1))),
                    ("eth2", (("promote_secondaries", 1),)),
                ),
            ),
        )

    def test_an_address_elsewhere_or_of_the_other_family_has_one_of_its_own(self) -> None:
        """As Debian's keepalived 2.2.7 names them, and where it leaves addresses on the interface below."""
        vips = tuple(map(VIPS.__getitem__, ("10.0.0.100", "10.1.0.100")))
        excluded = tuple(map(VIPS.__getitem__, ("10.1.0.101", "2001:db8::51", "2001:db8:1::51")))
        config_ = config(virtual_ipaddress=vips, virtual_ipaddress_excluded=excluded)
        for fields, places in (
            (
                {"use_vmac": Vmac(), "use_vmac_addr": True},
                "- vrrp1.51@eth1 vrrp1.51@eth1 vrrp6.51@eth0 vrrp2.51@eth1",
            ),
            ({"use_vmac_addr": True}, "- vrrp.51@eth1 vrrp.51@eth1 vrrp6.51@eth0 vrrp1.51@eth1"),
            ({"use_vmac": Vmac()}, "- eth1 eth1 eth0 eth1"),
            ({}, "- eth1 eth1 - eth1"),
        ):
            [found] = with_vmacs([attrs.evolve(config_, **fields)])
            self.assertEqual(
                " ".join(map(place, found.virtual_ipaddress + found.virtual_ipaddress_excluded)), places
            )
        on_base = attrs.evolve(vips[0], dev="eth0", use_vmac=True)
        [found] = with_vmacs([config(virtual_ipaddress=(on_base,), use_vmac=Vmac())])
        self.assertEqual(found.virtual_ipaddress, (vips[0],))
        for vmac, places in ((None, "va.51@eth0 va1.51@eth1"), (Vmac(), "- va.51@eth1")):
            marked = tuple(attrs.evolve(each, use_vmac=True) for each in vips)
            [found] = with_vmacs([config(virtual_ipaddress=marked, use_vmac=vmac)], address_prefix="va")
            self.assertEqual(" ".join(map(place, found.virtual_ipaddress)), places)

    def test_an_ipvlan_has_the_source_and_its_base_the_addresses(self) -> None:
        ipvlan = Ipvlan(address=ip_interface("10.0.0.5/24"), type=IpvlanType.VEPA, group="7")
        [found, six] = with_vmacs(
            [config(use_ipvlan=ipvlan), config(use_ipvlan=Ipvlan(), virtual_ipaddress=(IPV6,))]
        )
        self.assertEqual((own_interface(found), address_interface(found)), ("vrrp.51", "eth0"))
        self.assertEqual((sending_interface(found), receiving_interface(found)), ("vrrp.51", "vrrp.51"))
        self.assertEqual((source_interface(found), found.mcast_src_ip), ("vrrp.51", ip_address("10.0.0.5")))
        plan = link_plan([found, six])
        self.assertEqual(
            plan,
            LinkPlan(
                (
                    VirtualLink("vrrp.51", "eth0", b"", group=7, ipvlan=2, address="10.0.0.5/24"),
                    VirtualLink("vrrp6.51", "eth0", b"", ipv6=True, ipvlan=0),
                )
            ),
        )

    def test_the_macs_of_addresses(self) -> None:
        """That of the instance in its family, else the RFC's: one interface has no MAC twice."""
        mac = bytes.fromhex("021122334455")
        [found] = with_vmacs(
            [
                config(
                    use_vmac=Vmac("v", mac),
                    use_vmac_addr=True,
                    virtual_ipaddress=(VIPS["10.1.0.100"],),
                    virtual_ipaddress_excluded=(VIPS["2001:db8::51"],),
                )
            ]
        )
        plan = link_plan([found])
        self.assertEqual(
            plan.links,
            (
                VirtualLink("v", "eth0", mac),
                VirtualLink("vrrp.51", "eth1", mac),
                VirtualLink("vrrp6.51", "eth0", bytes.fromhex("00005e000233"), ipv6=True),
            ),
        )
        self.assertEqual([name for name, _ in plan.settings], ["eth0", "eth1"])


class Ipv6Packets(SynchronousTestCase):
    SOURCE, GROUP = ip_address("fe80::1"), ip_address("ff02::12")

    @given(st.binary(min_size=8, max_size=100), st.integers(0, 255))
    def test_what_is_sent_is_heard(self, message: bytes, hop_limit: int) -> None:
        found = unpacked(packed(message, self.SOURCE, self.GROUP, hop_limit))
        assert found is not None
        self.assertEqual((found.source, found.destination), (self.SOURCE.packed, self.GROUP.packed))
        self.assertEqual(found.hop_limit, hop_limit)
        self.assertEqual(found.message[:6] + found.message[8:], message[:6] + message[8:])

    def test_the_header(self) -> None:
        packet = packed(bytes(8), self.SOURCE, self.GROUP, 255)
        self.assertEqual(packet[:8].hex(), "6c000000000870ff")

    @given(st.binary(max_size=80))
    def test_anything_may_come(self, data: bytes) -> None:
        unpacked(data)

    def test_what_is_no_advert(self) -> None:
        packet = bytearray(packed(b"\x31\x33\x64\x00\x00\x64\x00\x00", self.SOURCE, self.GROUP, 255))
        self.assertIsNotNone(unpacked(bytes(packet) + b"padding"))
        for at, value in ((0, 0x40), (6, 58), (5, 9), (24, 0xFE), (41, 0x34), (47, 1)):
            other = bytearray(packet)
            other[at] = value
            self.assertIsNone(unpacked(bytes(other)), at)
        for size in range(len(packet)):
            self.assertIsNone(unpacked(bytes(packet[:size])))


class Instances(World):
    def test_addresses_and_adverts_are_on_its_interface(self) -> None:
        self.start(instance())
        verifyObject(IVirtualLinks, self.virtual_links)
        self.wait(3.7)
        self.assertIs(self.state(), State.MASTER)
        self.assertTrue(self.holds(VIP, 100))
        self.assertFalse(self.holds(VIP))
        self.assertEqual({interface for _, interface, _, _ in self.announcer.announced}, {"vrrp.51"})
        own, base = self.wire.ports["vrrp.51"], self.wire.ports["eth0"]
        self.assertTrue(own.sent)
        self.assertEqual((own.vrids, own.listening.silent), (frozenset((51,)), True))
        self.assertEqual((base.vrids, base.sent, base.listening.silent), (frozenset(), [], False))
        own.receive(advert(200))
        self.settle()
        self.assertIs(self.state(), State.BACKUP)
        self.stop()
        self.assertIsNone(self.links.link("vrrp.51"))
        self.assertTrue(self.virtual_links.stopped)

    def test_over_ipv6_it_is_mute_until_it_is_master(self) -> None:
        """With the base's link-local address on it: without that the kernel finds no neighbour there."""
        base = ip_address("fe80::2")
        # The other's is listed first, as IPv6 addresses are by the kernel, and is none of the base's own.
        others = VirtualIpAddress(ip_address("fe80::51"), 64)
        other = config(name="other", virtual_router_id=52, virtual_ipaddress=(others,), version=3)
        self.start(instance(virtual_ipaddress=(IPV6,), version=3), other)
        self.links.appear(LinkAddress(2, others.address, 64))
        self.links.appear(LinkAddress(2, base, 64))
        self.assertIs(self.state(), State.BACKUP)
        own = self.wire.ipv6_ports["vrrp.51"]
        self.assertEqual((own.vrids, own.listening.silent), (frozenset((51,)), True))
        self.assertEqual(self.virtual_links.speaking, set())
        self.wait(3.7)
        self.assertIs(self.state(), State.MASTER)
        self.assertEqual(self.virtual_links.speaking, {"vrrp.51"})
        added = [each for what, each in self.addresses.asked if what == "add"]
        self.assertEqual([each for each in added if others.address not in each], [(base,), (IPV6.address,)])
        announced = {address for owner, _, address, _ in self.announcer.announced if owner == "X"}
        self.assertEqual(announced, {IPV6.address})
        self.assertEqual({source for source, _ in own.headers}, {base})
        self.links.change(attrs.evolve(ETH0, running=False))
        self.settle()
        self.assertEqual(self.virtual_links.speaking, set())
        self.assertIn(("remove", (IPV6.address, base)), self.addresses.asked)
        self.links.change(ETH0)
        self.wait(3.7)
        self.assertEqual(self.virtual_links.speaking, {"vrrp.51"})
        self.stop()

    def test_an_ipvlan_of_its_own(self) -> None:
        """Not silent, for its MAC is the base's; the base's address is none to send from."""
        self.start(config(use_ipvlan=Ipvlan()))
        self.assertIs(self.state(), State.FAULT)
        self.stop()
        self.start(config(use_ipvlan=Ipvlan(address=ip_interface("10.0.0.5/24"))))
        self.wait(3.7)
        self.assertIs(self.state(), State.MASTER)
        own = self.wire.ports["vrrp.51"]
        self.assertFalse(own.listening.silent)
        self.assertEqual({source for source, _ in own.headers}, {ip_address("10.0.0.5")})
        self.assertTrue(self.holds(VIP, 2))
        self.stop()

    def test_its_group_is_joined_where_it_hears_and_below(self) -> None:
        group = ip_address("224.0.0.99")
        self.start(instance(mcast_dst_ip=group))
        for name, vrids in (("vrrp.51", {51}), ("eth0", set())):
            listening = self.wire.ports[name].listening
            self.assertEqual((listening.groups, listening.vrids), ({group}, vrids))
        self.stop()

    def test_a_reload_to_unicast_hears_on_the_base(self) -> None:
        self.start(instance(vmac_xmit_base=True))
        peers = (UnicastPeer(ip_address("10.0.0.9")),)
        changed = Configuration(vrrp_instances=(instance(vmac_xmit_base=True, unicast_peer=peers),))
        own = self.wire.ports["vrrp.51"]
        done = Deferred.fromCoroutine(self.service.reconfigure(changed))
        self.settle()
        self.successResultOf(done)
        self.assertTrue(own.closed)
        self.assertEqual(self.wire.ports["eth0"].listening, Listening(4, frozenset((51,))))
        self.stop()

    def test_adverts_through_the_base(self) -> None:
        self.start(instance(vmac_xmit_base=True))
        self.wait(3.7)
        self.assertTrue(self.wire.ports["eth0"].sent)
        self.assertEqual(self.wire.ports["vrrp.51"].sent, [])
        self.stop()

    def test_it_is_tracked_as_its_base_is(self) -> None:
        for name, link in (("vrrp.51", None), ("eth0", ETH0)):
            self.start(instance())
            link = link or self.links.link(name)
            assert link is not None
            self.links.change(attrs.evolve(link, running=False))
            self.assertIs(self.state(), State.FAULT)
            self.links.change(link)
            self.assertIs(self.state(), State.BACKUP)
            self.stop()
            self.start(instance(dont_track_primary=True))
            current = self.links.link(name)
            assert current is not None
            self.links.change(attrs.evolve(current, running=False))
            self.assertIs(self.state(), State.BACKUP)
            self.stop()

    def test_kept_addresses_keep_their_interface(self) -> None:
        self.start(instance(), keep_addresses=True)
        self.wait(3.7)
        self.stop()
        self.assertTrue(self.holds(VIP, 100))

    def test_a_reload_makes_and_removes(self) -> None:
        self.start(instance())
        self.wait(3.7)
        for vmac, index in ((None, 2), (Vmac("other"), 101)):
            changed = Configuration(vrrp_instances=(config(use_vmac=vmac),))
            done = Deferred.fromCoroutine(self.service.reconfigure(changed))
            self.settle()
            self.successResultOf(done)
            self.wait(3.7)
            self.assertIs(self.state(), State.MASTER)
            self.assertTrue(self.holds(VIP, index))
            self.assertIsNone(self.links.link("vrrp.51"))
        self.stop()
