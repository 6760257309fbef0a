"""Sync groups, and case study X of the 2002 guide told line by line on a simulated LAN."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import (
    SECOND_US,
    Authentication,
    AuthType,
    Configuration,
    VirtualIpAddress,
    VrrpInstance,
    VrrpSyncGroup,
)
from kaltwisted.testing.lan import Host, Lan
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.group import Router

ADDRESSES = {
    "VI_1": ("192.168.200.10", "192.168.200.11"),
    "VI_2": ("192.168.100.10",),
    "VI_3": ("192.168.200.12", "192.168.200.13"),
    "VI_4": ("192.168.100.11",),
}
GROUPS = (VrrpSyncGroup("VG1", ("VI_1", "VI_2")), VrrpSyncGroup("VG2", ("VI_3", "VI_4")))
VG1 = {*ADDRESSES["VI_1"], *ADDRESSES["VI_2"]}
VG2 = {*ADDRESSES["VI_3"], *ADDRESSES["VI_4"]}


def director(first: int, second: int) -> Configuration:
    """Case study X: VI_1 and VI_2 with one priority, VI_3 and VI_4 with the other."""
    instances = []
    for number, (name, addresses) in enumerate(ADDRESSES.items(), 1):
        priority = first if number < 3 else second
        instances.append(
            VrrpInstance(
                name,
                interface="eth0" if number % 2 else "eth1",
                virtual_router_id=50 + number,
                priority=priority,
                state="MASTER" if priority == 150 else "BACKUP",
                authentication=Authentication(AuthType.AH, f"k@l!ve{number}".encode()),
                virtual_ipaddress=tuple(VirtualIpAddress(ip_address(text), 32) for text in addresses),
            )
        )
    return Configuration(vrrp_instances=tuple(instances), vrrp_sync_groups=GROUPS)


class CaseStudyX(SynchronousTestCase):
    """Two directors, each with eth0 and eth1, each master of one group."""

    def setUp(self) -> None:
        self.lan = Lan(seed=2002)
        self.one = self.lan.host(
            "lvs1", director(150, 100), {"eth0": "192.168.200.5", "eth1": "192.168.100.5"}
        )
        self.two = self.lan.host(
            "lvs2", director(100, 150), {"eth0": "192.168.200.6", "eth1": "192.168.100.6"}
        )

    def wait(self, seconds: float) -> None:
        self.lan.run(round(seconds * SECOND_US))

    def owned(self) -> tuple[set[str], set[str]]:
        """What ``ip address list`` shows on each director."""
        first, second = ({str(address) for address in host.addresses} for host in (self.one, self.two))
        return first, second

    def start_both(self) -> None:
        self.one.start()
        self.two.start()
        self.wait(5)

    def test_director_1_alone_owns_everything(self) -> None:
        self.one.start()
        self.wait(5)
        self.assertEqual(self.owned(), (VG1 | VG2, set()))

    def test_then_director_2_takes_its_own(self) -> None:
        self.one.start()
        self.wait(5)
        self.two.start()
        self.wait(5)
        self.assertEqual(self.owned(), (VG1, VG2))
        # Taken over with no moment without a holder.
        for address in VG2:
            self.assertEqual(self.lan.unheld_us(address, 5 * SECOND_US, self.lan.now), 0)
            self.assertEqual(self.lan.holders(address), ["lvs2"])
        self.assertEqual(set(self.lan.wire("eth0").neighbours.values()), {"lvs1", "lvs2"})

    def test_when_eth0_of_director_1_fails_director_2_gets_all_four(self) -> None:
        self.start_both()
        failed_at = self.lan.now
        self.one.link("eth0", False)
        self.assertEqual(
            self.lan.lines("lvs1")[-10:],
            [
                "(VI_1) Entering FAULT STATE",
                "(VI_1) sent 0 priority",
                "(VI_1) removing VIPs.",
                "VRRP_Group(VG1) Syncing instances to FAULT state",
                "(VI_2) Entering FAULT STATE",
                "(VI_2) sent 0 priority",
                "(VI_2) removing VIPs.",
                "(VI_3) Entering FAULT STATE",
                "VRRP_Group(VG2) Syncing instances to FAULT state",
                "(VI_4) Entering FAULT STATE",
            ],
        )
        self.wait(5)
        self.assertEqual(self.owned(), (set(), VG1 | VG2))
        # The limit is the master down interval of a priority of 100, from the last advert.
        for address in VG1:
            self.assertLess(self.lan.unheld_us(address, failed_at, self.lan.now), 3_610_000)

    def test_and_when_eth0_is_back_so_is_the_first_distribution(self) -> None:
        self.start_both()
        self.one.link("eth0", False)
        self.wait(5)
        self.one.link("eth0", True)
        self.wait(5)
        self.assertEqual(self.owned(), (VG1, VG2))

    def test_killed_and_back(self) -> None:
        self.start_both()
        self.one.crash()
        self.wait(5)
        # The dead director's kernel still has them, and the living one speaks for them.
        self.assertEqual(self.owned(), (VG1, VG1 | VG2))
        self.assertEqual(set(self.lan.wire("eth0").neighbours.values()), {"lvs2"})
        self.one.start()
        self.assertEqual(self.owned(), (set(), VG1 | VG2))
        self.wait(5)
        self.assertEqual(self.owned(), (VG1, VG2))

    def test_stopped_in_good_order(self) -> None:
        self.start_both()
        self.one.stop()
        self.assertEqual(self.owned(), (set(), VG2))
        self.wait(0.62)
        self.assertEqual(self.owned(), (set(), VG1 | VG2))

    def test_a_fault_of_one_wire_between_healthy_directors_moves_nothing(self) -> None:
        self.start_both()
        before = len(self.lan.notifications)
        self.lan.wire("eth1").part({"lvs1"}, {"lvs2"})
        self.wait(60)
        self.assertEqual(self.owned(), (VG1, VG2))
        self.assertEqual(len(self.lan.notifications), before)

    def test_an_address_deleted_by_hand_is_back_within_a_skew_time(self) -> None:
        self.start_both()
        self.one.delete_address("192.168.200.10")
        self.assertEqual(self.owned()[0], set())
        self.wait(0.42)
        self.assertEqual(self.owned(), (VG1, VG2))

    def test_scripts_hear_of_members_first_and_then_of_the_group(self) -> None:
        self.start_both()
        said = [
            (entry.notify.subject, entry.notify.name, entry.notify.state)
            for entry in self.lan.notifications
            if entry.director == "lvs1" and entry.notify.name in ("VI_1", "VI_2", "VG1")
        ]
        group, instance = act.Subject.GROUP, act.Subject.INSTANCE
        self.assertEqual(
            said[:3],
            [
                (instance, "VI_1", State.BACKUP),
                (instance, "VI_2", State.BACKUP),
                (group, "VG1", State.BACKUP),
            ],
        )
        self.assertEqual(
            [(subject, state) for subject, _, state in said[3:]],
            [(instance, State.MASTER), (instance, State.MASTER), (group, State.MASTER)],
        )

    def test_scripts_hear_of_the_stop_too_unless_the_group_was_in_fault(self) -> None:
        self.start_both()
        self.two.link("eth0", up=False)
        self.wait(1)

        def told(host: Host) -> list[tuple[str, State, int]]:
            assert host.router is not None
            return [
                (action.name, action.state, action.priority)
                for _, action in host.router.broadcast(ev.Stop(), 10**15)
                if isinstance(action, act.Notify) and action.subject is act.Subject.GROUP
            ]

        self.assertEqual(told(self.one), [("VG1", State.STOP, 0), ("VG2", State.STOP, 0)])
        self.assertEqual(told(self.two), [])


class RouterTests(SynchronousTestCase):
    def test_stop_resigns_everywhere_before_it_takes_addresses_away(self) -> None:
        lan = Lan()
        host = lan.host("lvs1", director(150, 100), {"eth0": "192.168.200.5", "eth1": "192.168.100.5"})
        host.start()
        lan.run(5 * SECOND_US)
        assert host.router is not None
        kinds = [type(action) for _, action in host.router.broadcast(ev.Stop(), 10**15)]
        self.assertEqual(kinds[:4], [act.SendAdvert] * 4)
        self.assertEqual(kinds.count(act.RemoveAddresses), 4)

    def test_a_member_that_hears_its_master_again_no_longer_wants_to_be_master(self) -> None:
        lan = Lan()
        one = lan.host("lvs1", director(150, 100), {"eth0": "192.168.200.5", "eth1": "192.168.100.5"})
        two = lan.host("lvs2", director(100, 150), {"eth0": "192.168.200.6", "eth1": "192.168.100.6"})
        one.start()
        two.start()
        lan.run(5 * SECOND_US)
        before = len(lan.notifications)
        for interface in ("eth0", "eth1"):
            lan.wire(interface).part({"lvs1"}, {"lvs2"})
            lan.run(5 * SECOND_US)
            lan.wire(interface).heal()
            lan.run(1_100_000)
        assert two.router is not None
        self.assertFalse(two.router.instances["VI_1"].wants_master)
        self.assertEqual((one.state("VI_1"), two.state("VI_1")), (State.MASTER, State.BACKUP))
        self.assertEqual(len(lan.notifications), before)

    def test_a_fault_is_told_as_the_own_of_one_and_the_groups_of_the_others(self) -> None:
        lan = Lan()
        host = lan.host("lvs1", director(150, 100), {"eth0": "192.168.200.5", "eth1": "192.168.100.5"})
        host.start()
        host.link("eth0", False)
        assert host.router is not None
        faults = {name: [str(f) for f in i.faults] for name, i in host.router.instances.items()}
        self.assertEqual(faults["VI_1"], ["interface eth0 down"])
        self.assertEqual(faults["VI_2"], ["a member of sync group VG1 failed"])
        host.link("eth1", False)
        host.link("eth0", True)
        self.assertEqual({host.state(name) for name in ADDRESSES}, {State.FAULT})
        host.link("eth1", True)
        self.assertEqual({host.state(name) for name in ADDRESSES}, {State.BACKUP})

    def test_an_instance_is_in_one_group_and_missing_members_are_passed_over(self) -> None:
        groups = (
            VrrpSyncGroup("G1", ("VI_1", "VI_9")),
            VrrpSyncGroup("G2", ("VI_1", "VI_2")),
            VrrpSyncGroup("G3", ("VI_9",)),
        )
        router = Router.from_configuration(attrs.evolve(director(150, 100), vrrp_sync_groups=groups))
        self.assertEqual([group.name for group in router.groups], ["G1", "G2"])
        self.assertEqual([member.name for member in router.groups[1].members], ["VI_2"])

    def test_counters_of_an_earlier_life_go_on(self) -> None:
        first = Router.from_configuration(director(150, 100))
        first.instances["VI_1"].sequence.value = 77
        sequences = {name: instance.sequence for name, instance in first.instances.items()}
        second = Router.from_configuration(director(150, 100), sequences)
        self.assertEqual(second.instances["VI_1"].sequence.value, 77)
