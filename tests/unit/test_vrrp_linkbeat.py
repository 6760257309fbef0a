"""``linkbeat_interfaces``: which interfaces are polled, and what comes of the answers."""

from __future__ import annotations

import attrs
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import (
    Configuration,
    GlobalDefs,
    LinkbeatInterface,
    LinkbeatMethod,
    LinkDelay,
    Tracked,
    Vmac,
    VrrpInstance,
)
from kaltwisted.ports import Beat
from kaltwisted.testing.vrrp import FakeLinkbeat
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.linkbeat import polled, unpolled
from kaltwisted.vrrp.vmac import with_vmacs
from tests.unit.test_vrrp_service import ETH0, World, config

MII, ETHTOOL, IOCTL = LinkbeatMethod
POLLING = LinkbeatInterface("eth0", MII)


class Which(SynchronousTestCase):
    def test_those_that_are_named_and_needed(self) -> None:
        configuration = Configuration(linkbeat_interfaces=(POLLING, LinkbeatInterface("eth9")))
        self.assertEqual(polled(configuration, {"eth0", "eth1"}), {"eth0": MII})
        self.assertEqual(
            list(unpolled(configuration, {"eth0"})),
            ["Turning off linkbeat for eth9 since not used for tracking"],
        )

    def test_all_that_are_needed_but_those_that_we_make(self) -> None:
        configuration = Configuration(
            GlobalDefs(linkbeat_use_polling=True),
            vrrp_instances=with_vmacs([config(use_vmac=Vmac())]),
            linkbeat_interfaces=(POLLING, LinkbeatInterface("vrrp.51")),
        )
        self.assertEqual(polled(configuration, {"eth0", "eth1", "vrrp.51"}), {"eth0": MII, "eth1": None})
        self.assertEqual(
            list(unpolled(configuration, {"eth0", "vrrp.51"})),
            ["Turning off linkbeat for vrrp.51 since netlink works for vmacs/ipvlans"],
        )


class Serving(World):
    """A virtual router whose interface is polled, and one whose is not."""

    def begin(self, *instances: VrrpInstance, **more: object) -> None:
        self.linkbeat = FakeLinkbeat(eth0=Beat(ETHTOOL, True))
        self.start(
            *(instances or [config(priority=150, track_interface=(Tracked("eth1", 10),))]),
            **({"linkbeat_interfaces": (POLLING,)} | more),
        )

    def master(self, **more: object) -> None:
        self.begin(**more)
        self.wait(4)
        self.assertIs(self.state(), State.MASTER)

    def answer(self, *, up: bool) -> None:
        self.linkbeat.beats = {"eth0": Beat(ETHTOOL, up)}

    def test_once_a_second_by_what_works_and_that_is_said_once(self) -> None:
        with capturedLogs() as events:
            self.begin()
            self.wait(2.1)
        self.assertEqual(self.linkbeat.asked, [{"eth0": MII}, {"eth0": ETHTOOL}, {"eth0": ETHTOOL}])
        lines = [formatEvent(each) for each in events]
        self.assertEqual(lines.count("Using MII-BMSR/ETHTOOL NIC polling thread(s)..."), 1)
        self.assertEqual(
            [each for each in lines if each is not None and "Configured" in each],
            ["(eth0): Configured linkbeat type MII not supported, using ETHTOOL"],
        )
        eth0, eth1 = self.service.surroundings.interfaces
        self.assertEqual((eth0.method, eth1.method), (ETHTOOL, None))
        self.stop()

    def test_answers_count_at_once_and_what_netlink_says_does_not(self) -> None:
        delays = (LinkDelay("eth0", 1_500_000, 1_500_000),)
        self.master(interface_up_down_delays=delays)
        self.links.change(attrs.evolve(ETH0, running=False))
        self.wait(2)
        self.assertIs(self.state(), State.MASTER)
        with capturedLogs() as events:
            self.answer(up=False)
            self.wait(1.1)
            self.assertIs(self.state(), State.FAULT)
            self.answer(up=True)
            self.wait(1.1)
            self.assertIs(self.state(), State.BACKUP)
        lines = [each for event in events if "reports" in (each := formatEvent(event) or "")]
        self.assertEqual(lines, ["Linkbeat reports eth0 down", "Linkbeat reports eth0 up"])
        self.stop()

    def test_an_interface_that_goes_is_down_at_once(self) -> None:
        self.master()
        self.links.remove("eth0")
        self.settle()
        self.assertIs(self.state(), State.FAULT)
        self.stop()

    def test_a_card_that_takes_its_time_is_not_asked_again_meanwhile(self) -> None:
        self.begin()
        self.linkbeat.beats = None
        self.wait(10)
        self.assertEqual(len(self.linkbeat.asked), 2)
        self.linkbeat.waiting.callback({"eth0": Beat(ETHTOOL, False)})
        self.assertIs(self.state(), State.FAULT)
        self.wait(1.1)
        self.assertEqual(len(self.linkbeat.asked), 3)
        self.stop()

    def test_a_failure_of_ours_is_told_and_the_next_second_asks_again(self) -> None:
        self.begin()
        self.linkbeat.beats = None
        self.wait(1.1)
        self.linkbeat.waiting.errback(OSError("no more sockets"))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.wait(1.1)
        self.assertEqual(len(self.linkbeat.asked), 3)
        self.stop()

    def again(self, *interfaces: LinkbeatInterface) -> None:
        """Reload with these."""
        self.reload(*self.service._instances.values(), linkbeat_interfaces=interfaces)

    def test_a_reload_begins_and_ends_it(self) -> None:
        self.master(linkbeat_interfaces=())
        self.assertEqual(self.linkbeat.asked, [])
        self.answer(up=False)
        self.again(POLLING)
        self.assertIs(self.state(), State.FAULT)
        self.again(POLLING)
        self.assertEqual(len(self.linkbeat.asked), 1)
        self.again()
        self.assertIs(self.state(), State.BACKUP)  # as netlink says
        self.wait(3)
        self.assertEqual(len(self.linkbeat.asked), 1)
        self.stop()

    def test_what_a_reload_that_renames_finds_out_is_told_by_the_new_name(self) -> None:
        self.master(linkbeat_interfaces=())
        self.answer(up=False)
        renamed = attrs.evolve(self.service._instances["X"], name="Y")
        self.reload(renamed, linkbeat_interfaces=(POLLING,))
        self.assertIs(self.state("Y"), State.FAULT)
        self.reload(attrs.evolve(renamed, name="Z"))
        self.assertIs(self.state("Z"), State.BACKUP)
        self.stop()
