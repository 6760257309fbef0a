"""An instance and its faults: when it goes to FAULT, whom it tells, and when it is well again."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import Tracked, VirtualIpAddress
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp.actions import State, TimerName
from kaltwisted.vrrp.instance import Instance

from .vrrp_helpers import VIP, Driven, lines, notified, sent


class FaultTests(SynchronousTestCase):
    def test_a_master_hands_over_and_comes_back_as_backup(self) -> None:
        driven = Driven()
        driven.become_master()
        actions = driven.do(ev.LinkChanged("eth0", False))
        self.assertEqual(
            lines(actions), ["(X) Entering FAULT STATE", "(X) sent 0 priority", "(X) removing VIPs."]
        )
        self.assertEqual((sent(actions), driven.timers), ([0], {}))
        self.assertEqual(driven.hear(200), [])
        actions = driven.do(ev.LinkChanged("eth0", True))
        self.assertEqual(lines(actions), ["(X) Entering BACKUP STATE"])
        self.assertEqual(notified(actions), [State.BACKUP])
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_609_375)

    def test_every_reason_must_be_gone(self) -> None:
        driven = Driven(track_interface=(Tracked("eth7"),))
        driven.do(ev.LinkChanged("eth0", False))
        driven.do(ev.LinkChanged("eth7", False))
        driven.do(ev.GroupFault("G", True))
        driven.do(ev.LinkChanged("eth0", True))
        driven.do(ev.GroupFault("G", False))
        self.assertEqual(driven.state, State.FAULT)
        self.assertEqual([str(fault) for fault in driven.instance.faults], ["interface eth7 down"])
        driven.do(ev.LinkChanged("eth7", True))
        self.assertEqual(driven.state, State.BACKUP)

    def test_no_address_is_a_fault_and_leave_is_taken_from_the_old_one(self) -> None:
        driven = Driven()
        driven.become_master()
        actions = driven.do(ev.SourceChanged(None))
        self.assertEqual(sent(actions), [0])
        self.assertEqual(
            lines(actions)[:2],
            ["(X) entering FAULT state (no IPv4 address for interface)", "(X) Entering FAULT STATE"],
        )
        driven.do(ev.SourceChanged(ip_address("10.0.0.4")))
        advert = driven.become_master()[0]
        assert isinstance(advert, act.SendAdvert)
        self.assertEqual(str(advert.source), "10.0.0.4")

    def test_others_are_heard_also_while_there_has_been_no_address_of_its_own_yet(self) -> None:
        for version in (2, 3):
            driven = Driven(version=version)
            driven.instance = Instance(driven.instance.config)
            driven.do(ev.SourceChanged(None))
            driven.do(ev.Start())
            self.assertEqual(driven.state, State.FAULT)
            for priority in (200, 0):
                self.assertEqual(lines(driven.hear(priority)), [])
            driven.hear(200, block=b"")
            self.assertEqual(driven.instance.statistics.adverts_received, 3 - (version == 3))
            driven.do(ev.SourceChanged(ip_address("10.0.0.4")))
            self.assertEqual(driven.state, State.BACKUP)

    def test_other_interfaces_are_not_ours(self) -> None:
        driven = Driven()
        self.assertEqual(driven.do(ev.LinkChanged("eth1", False)), [])
        self.assertEqual(Driven(dont_track_primary=True).do(ev.LinkChanged("eth0", False)), [])

    def test_the_interface_of_an_address_counts(self) -> None:
        driven = Driven(virtual_ipaddress=(VirtualIpAddress(VIP.address, 32, dev="eth1"),))
        driven.do(ev.LinkChanged("eth1", False))
        self.assertEqual(driven.state, State.FAULT)

    def test_unless_it_is_not_to_be_tracked(self) -> None:
        untracked = VirtualIpAddress(VIP.address, 32, dev="eth1", no_track=True)
        driven = Driven(virtual_ipaddress=(untracked,))
        driven.do(ev.LinkChanged("eth1", False))
        self.assertEqual(driven.state, State.BACKUP)

    def test_stop_in_fault_tells_nobody(self) -> None:
        driven = Driven()
        driven.do(ev.LinkChanged("eth0", False))
        self.assertEqual(driven.do(ev.Stop()), [])
