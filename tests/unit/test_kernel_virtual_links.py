"""Interfaces of virtual MACs are made, kept, adopted and removed, and settings get back what they were."""

from __future__ import annotations

import errno
import struct
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.kernel import link_messages as messages
from kaltwisted.kernel.messages import HEADER_SIZE, NLM_F_REQUEST, Message, Request, attributes, pack
from kaltwisted.kernel.rtnetlink import RTM_DELLINK, RTM_NEWADDR, RTM_NEWLINK, parse_address
from kaltwisted.kernel.virtual_links import PAUSE_S, Conf, VirtualLinks
from kaltwisted.ports import IVirtualLinks, Link, LinkPlan, VirtualLink
from kaltwisted.testing.netlink import FakeNetlinkSocket, ReaderClock, acknowledgement
from kaltwisted.testing.vrrp import FakeLinks

MAC = bytes.fromhex("00005e000133")
VMAC = VirtualLink("vrrp.51", "eth0", MAC)
OTHER = VirtualLink("vrrp.52", "eth0", MAC[:5] + b"\x34")
PLAN = LinkPlan((VMAC,), (("eth0", (("arp_filter", 1), ("arp_ignore", 1))),))
ETH0 = Link(2, "eth0", mac=b"\x02" * 6)
IPVLAN = VirtualLink("vrrp.53", "eth0", b"", ipvlan=1, address="10.0.0.53/24")
_IFNAME, _MASTER, _LINKINFO = 3, 10, 18


def decoded(request: Request) -> Any:
    """How pyroute2 reads it."""
    message = ifinfmsg(pack(request, NLM_F_REQUEST, 1))
    message.decode()
    return message


class Codec(SynchronousTestCase):
    def test_a_macvlan(self) -> None:
        found = decoded(messages.create_macvlan("vrrp.51", 7, MAC, 5))
        self.assertEqual(
            [found.get_attr(f"IFLA_{name}") for name in ("IFNAME", "LINK", "ADDRESS", "GROUP")],
            ["vrrp.51", 7, "00:00:5e:00:01:33", 5],
        )
        info = found.get_attr("IFLA_LINKINFO")
        self.assertEqual(info.get_attr("IFLA_INFO_KIND"), "macvlan")
        self.assertEqual(info.get_attr("IFLA_INFO_DATA").get_attr("IFLA_MACVLAN_MODE"), "private")

    def test_an_ipvlan(self) -> None:
        found = decoded(messages.create_ipvlan("vrrp.53", 7, 2, 5))
        self.assertEqual(
            [found.get_attr(f"IFLA_{name}") for name in ("IFNAME", "LINK", "ADDRESS", "GROUP")],
            ["vrrp.53", 7, None, 5],
        )
        info = found.get_attr("IFLA_LINKINFO")
        self.assertEqual(info.get_attr("IFLA_INFO_KIND"), "ipvlan")
        # pyroute2 knows the mode only: IFLA_IPVLAN_FLAGS is the second (linux/if_link.h).
        self.assertEqual(info.get_attr("IFLA_INFO_DATA").get_attr("IFLA_IPVLAN_MODE"), 0)
        raw = attributes(attributes(messages.create_ipvlan("v", 7, 2).payload, 16)[_LINKINFO])
        self.assertEqual(attributes(raw[2]), {1: b"\0\0", 2: struct.pack("=H", 2)})

    def test_a_vrf(self) -> None:
        for vrf, master in ((8, 8), (None, 0)):
            self.assertEqual(decoded(messages.set_vrf("vrrp.51", vrf)).get_attr("IFLA_MASTER"), master)

    def test_what_is_set_of_an_interface(self) -> None:
        found = decoded(messages.set_up("vrrp.51"))
        self.assertEqual((found["flags"], found["change"], found.get_attr("IFLA_IFNAME")), (1, 1, "vrrp.51"))
        # What it is to the kernel is shown in tests/network, by /proc.
        for request in (messages.ipv4_settings("eth0", {"arp_ignore": 1}), messages.no_own_addresses("eth0")):
            self.assertEqual(decoded(request)["change"], 0)
            self.assertIn(26, attributes(request.payload, 16))


class Kernel(SynchronousTestCase):
    """A kernel whose interfaces are those of ``FakeLinks``; /proc is a folder."""

    def setUp(self) -> None:
        self.reactor = ReaderClock()
        self.links = FakeLinks(ETH0)
        self.asked: list[tuple[int, str]] = []
        self.refuse: dict[int, int] = {}
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = Path(self.directory.name)
        for name, value in (("eth0/arp_filter", 0), ("eth0/arp_ignore", 2), ("all/rp_filter", 0)):
            file = self.path / "ipv4" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{value}\n")
        self.index = 9
        self.made = self.life()

    def life(self) -> VirtualLinks:
        """One run of the daemon."""
        conf = Conf(f"{self.path}/{{family}}")
        return VirtualLinks(self.reactor, self.links, self.path / "state", self.connect, conf)

    def connect(self) -> FakeNetlinkSocket:
        return FakeNetlinkSocket(self.answer)

    def answer(self, asked: Message) -> Iterable[bytes]:
        if asked.type == RTM_NEWADDR:
            address = parse_address(asked)
            assert address is not None
            self.asked.append((asked.type, str(address.address)))
            self.links.appear(address)
            return [acknowledgement(asked, 0)]
        found = attributes(asked.data, HEADER_SIZE + 16)
        name = found[_IFNAME].rstrip(b"\0").decode()
        self.asked.append((asked.type, name))
        refusal = self.refuse.get(asked.type, 0)
        there = self.links.link(name)
        if asked.type == RTM_NEWLINK and not refusal:
            if there is not None:
                refusal = errno.EEXIST
            else:
                self.index += 1
                info = attributes(found[_LINKINFO])
                kind = info[1].rstrip(b"\0").decode()
                self.links.change(Link(self.index, name, mac=found.get(1, ETH0.mac), kind=kind))
        if asked.type == messages.RTM_SETLINK and _MASTER in found and there is not None:
            (vrf,) = struct.unpack("=I", found[_MASTER])
            self.links.change(attrs.evolve(there, vrf=vrf or None))
        if asked.type == RTM_DELLINK and there is not None:
            self.links.remove(name)
        return [acknowledgement(asked, refusal)]

    def want(self, plan: LinkPlan) -> None:
        done = self.made.want(plan)
        self.wait(0)
        self.successResultOf(done)

    def wait(self, seconds: float) -> None:
        self.reactor.advance(seconds)
        self.reactor.spin(10)

    def kinds(self) -> list[int]:
        kinds, self.asked = [kind for kind, _ in self.asked], []
        return kinds

    def tearDown(self) -> None:
        self.made.stop()
        self.assertEqual((self.reactor.readers, self.reactor.getDelayedCalls()), ([], []))

    def test_it_is_made_set_up_and_removed(self) -> None:
        verifyObject(IVirtualLinks, self.made)
        self.want(PLAN)
        self.assertIsNotNone(self.links.link("vrrp.51"))
        self.assertEqual(self.asked[0], (messages.RTM_SETLINK, "eth0"))
        self.assertEqual(self.asked[-1], (messages.RTM_SETLINK, "vrrp.51"))
        self.asked.clear()
        self.want(PLAN)
        self.assertNotIn(RTM_NEWLINK, self.kinds())
        self.want(LinkPlan())
        self.assertIsNone(self.links.link("vrrp.51"))
        self.assertEqual(self.asked, [(RTM_DELLINK, "vrrp.51"), (messages.RTM_SETLINK, "eth0")])
        self.assertFalse((self.path / "state").exists())

    def test_one_for_ipv6_is_mute_until_it_may_speak(self) -> None:
        """Nor does it tell of IPv4 or take what routers advertise."""
        six = VirtualLink("vrrp.61", "eth0", bytes.fromhex("00005e00023d"), ipv6=True)
        conf = self.path / "ipv6/vrrp.61"
        conf.mkdir(parents=True)
        self.want(LinkPlan((VMAC, six)))
        found = {each.name: each.read_text() for each in conf.iterdir()}
        self.assertEqual(found, {"disable_ipv6": "1", "accept_ra": "0", "autoconf": "0"})
        self.assertEqual(self.made.unmute("vrrp.61"), "eth0")
        self.assertEqual((conf / "disable_ipv6").read_text(), "0")
        self.made.mute("vrrp.61")
        self.assertEqual((conf / "disable_ipv6").read_text(), "1")
        self.assertIsNone(self.made.unmute("vrrp.51"))
        self.assertIsNone(self.made.unmute("eth0"))
        self.made.unmute("vrrp.61")
        self.want(LinkPlan((VMAC, six, OTHER)))
        self.assertEqual((conf / "disable_ipv6").read_text(), "0")
        # A life that was killed as master leaves it speaking to one that is none.
        self.made.stop()
        self.made = self.life()
        self.want(LinkPlan((VMAC, six)))
        self.assertEqual((conf / "disable_ipv6").read_text(), "1")

    def test_an_ipvlan_has_its_address_and_gets_it_again(self) -> None:
        plan = LinkPlan((IPVLAN,))
        self.want(plan)
        self.assertEqual(self.asked[-1], (RTM_NEWADDR, "10.0.0.53"))
        link = self.links.link("vrrp.53")
        assert link is not None
        [address] = self.links.addresses(link.index)
        self.assertEqual(address.prefix, 24)
        self.asked.clear()
        self.links.vanish(address)
        self.wait(PAUSE_S)
        self.assertEqual(self.asked, [(RTM_NEWADDR, "10.0.0.53")])
        # Nobody else has its address: it is never muted.
        self.want(LinkPlan((attrs.evolve(IPVLAN, ipv6=True, address="fe80::53/64"),)))
        self.assertIsNone(self.made.unmute("vrrp.53"))
        self.want(LinkPlan())
        self.assertIsNone(self.links.link("vrrp.53"))

    def test_an_interface_of_somebody_else_is_no_ipvlan_of_ours(self) -> None:
        self.links.change(Link(7, "vrrp.53", mac=ETH0.mac, kind="ipvlan"))
        self.want(LinkPlan((IPVLAN,)))
        self.want(LinkPlan())
        self.assertIsNotNone(self.links.link("vrrp.53"))

    def test_an_ipvlan_of_a_killed_life_is_taken_over_unless_it_is_another_now(self) -> None:
        self.want(LinkPlan((IPVLAN,)))
        self.made.stop()
        self.made = self.life()
        self.asked.clear()
        self.want(LinkPlan((IPVLAN,)))
        self.assertNotIn(RTM_NEWLINK, self.kinds())
        self.links.change(Link(30, "vrrp.53", mac=ETH0.mac, kind="dummy"))
        self.want(LinkPlan())
        self.assertIsNotNone(self.links.link("vrrp.53"))

    def test_it_is_in_the_vrf_that_its_parent_is_in(self) -> None:
        self.links.change(attrs.evolve(ETH0, vrf=8))
        self.want(PLAN)
        for vrf in (8, 9, None, 8):
            self.links.change(attrs.evolve(ETH0, vrf=vrf))
            self.wait(PAUSE_S)
            link = self.links.link("vrrp.51")
            assert link is not None
            self.assertEqual((link.vrf, link.index), (vrf, 10))
        self.links.change(attrs.evolve(link, vrf=None))
        self.wait(PAUSE_S)
        self.assertEqual(self.links.link("vrrp.51"), link)

    def test_nothing_is_asked_where_nothing_is_wanted(self) -> None:
        self.want(LinkPlan())
        self.assertEqual(self.asked, [])

    def test_an_interface_that_others_remove_is_made_again(self) -> None:
        self.want(PLAN)
        for _ in range(2):
            self.asked.clear()
            self.links.remove("vrrp.51")
            self.wait(PAUSE_S)
            self.assertIn(RTM_NEWLINK, self.kinds())
            self.assertIsNotNone(self.links.link("vrrp.51"))

    def test_a_parent_that_comes_later(self) -> None:
        self.links.remove("eth0")
        self.want(PLAN)
        self.assertEqual(self.asked, [])
        self.links.change(ETH0)
        self.wait(PAUSE_S)
        self.assertIsNotNone(self.links.link("vrrp.51"))

    def test_one_of_somebody_else_is_left_alone(self) -> None:
        self.links.change(Link(7, "vrrp.51", mac=b"\x02" * 6))
        self.want(PLAN)
        self.assertEqual(self.links.link("vrrp.51"), Link(7, "vrrp.51", mac=b"\x02" * 6))
        self.want(LinkPlan())
        self.assertIsNotNone(self.links.link("vrrp.51"))

    def test_a_refusal_is_told_and_no_reason_to_stop(self) -> None:
        self.refuse[RTM_NEWLINK] = errno.EOPNOTSUPP
        self.want(PLAN)
        self.assertIsNone(self.links.link("vrrp.51"))

    def test_a_killed_life_is_taken_over(self) -> None:
        """What is wanted still stays as it is; what is not goes."""
        self.want(attrs.evolve(PLAN, links=(VMAC, OTHER)))
        for name in ("arp_filter", "arp_ignore"):
            (self.path / "ipv4/eth0" / name).write_text("1\n")
        self.made.stop()
        self.made = self.life()
        self.asked.clear()
        self.want(PLAN)
        self.assertEqual(self.asked, [(RTM_DELLINK, "vrrp.52")])
        self.want(LinkPlan())
        # The settings are those from before the first life.
        self.assertEqual(self.asked[1:], [(RTM_DELLINK, "vrrp.51"), (messages.RTM_SETLINK, "eth0")])

    def test_a_file_that_makes_no_sense(self) -> None:
        for text in ('{"links": 7}', '{"links": [{"name": 1}]}', '{"settings": [1]}'):
            self.made.stop()
            (self.path / "state").write_text(text)
            self.made = self.life()
            self.want(PLAN)

    def test_a_stop_answers_everybody(self) -> None:
        done: Deferred[None] = self.made.want(PLAN)
        self.made.stop()
        self.reactor.spin(3)
        self.assertTrue(done.called)
        self.failureResultOf(done)
