"""``track_src_ip``: an instance that needs its configured source is in FAULT while no interface has it."""

from __future__ import annotations

from ipaddress import ip_address

from kaltwisted.config.model import UnicastPeer, VrrpInstance
from kaltwisted.ports import LinkAddress
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.events import FaultKind
from tests.unit.test_vrrp_service import ETH0, ETH1, World
from tests.unit.vrrp_helpers import config

SOURCE = ip_address("192.0.2.9")


def sending_from_it(**fields: object) -> VrrpInstance:
    return config(mcast_src_ip=SOURCE, priority=150, **fields)


class TrackSourceTests(World):
    def prepare(self) -> None:
        self.there = LinkAddress(ETH1.index, SOURCE, 24)

    def test_it_waits_in_fault_for_the_address_on_whatever_interface(self) -> None:
        self.start(sending_from_it(track_src_ip=True))
        self.assertIs(self.state(), State.FAULT)
        self.assertEqual(
            [fault.kind for fault in self.service.router.instances["X"].faults], [FaultKind.SOURCE]
        )
        self.links.appear(self.there)
        self.settle()
        self.assertIs(self.state(), State.BACKUP)
        self.wait(4)
        self.assertIs(self.state(), State.MASTER)
        self.links.vanish(self.there)
        self.settle()
        self.assertIs(self.state(), State.FAULT)
        self.assertEqual(self.sent[-1], 0)
        self.stop()

    def test_the_address_goes_with_its_interface(self) -> None:
        self.start(sending_from_it(track_src_ip=True))
        self.links.appear(self.there)
        self.settle()
        self.links.remove("eth1")
        self.settle()
        self.assertIs(self.state(), State.FAULT)
        self.stop()

    def test_what_is_not_yet_known_to_be_its_own_is_not_there(self) -> None:
        self.start(sending_from_it(track_src_ip=True))
        self.links.appear(LinkAddress(ETH0.index, SOURCE, 24, tentative=True))
        self.settle()
        self.assertIs(self.state(), State.FAULT)
        self.stop()

    def test_without_it_nobody_looks(self) -> None:
        self.start(sending_from_it())
        self.assertIs(self.state(), State.BACKUP)
        self.stop()

    def test_of_unicast_it_is_the_unicast_source(self) -> None:
        peer = UnicastPeer(ip_address("10.0.0.9"))
        self.start(
            config(
                unicast_src_ip=SOURCE,
                mcast_src_ip=ip_address("10.0.0.1"),
                unicast_peer=(peer,),
                track_src_ip=True,
            )
        )
        self.assertIs(self.state(), State.FAULT)
        self.links.appear(self.there)
        self.settle()
        self.assertIs(self.state(), State.BACKUP)
        self.stop()

    def test_a_reload_asks_for_it_and_no_more(self) -> None:
        self.start(sending_from_it())
        self.wait(4)
        self.assertIs(self.state(), State.MASTER)
        self.reload(sending_from_it(track_src_ip=True))
        self.assertIs(self.state(), State.FAULT)
        self.reload(sending_from_it())
        self.assertIs(self.state(), State.BACKUP)
        self.reload(sending_from_it(track_src_ip=True), config(name="Z", virtual_router_id=9))
        self.assertEqual((self.state(), self.state("Z")), (State.FAULT, State.BACKUP))
        self.stop()
