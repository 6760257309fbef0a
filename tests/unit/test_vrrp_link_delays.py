"""``interface_up_down_delays``: when a change of a link counts, and for whom."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import SECOND_US, Configuration, LinkDelay, Tracked, Vmac
from kaltwisted.ports import Link
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.link_delays import LinkDelays, by_interface
from kaltwisted.vrrp.link_states import LinkStates
from kaltwisted.vrrp.vmac import with_vmacs
from tests.unit.test_vrrp_service import ETH0, ETH1, World, config

DOWN_US, UP_US = 3_000_000, 2_000_000
DELAY = LinkDelay("eth0", DOWN_US, UP_US)


class Pure(SynchronousTestCase):
    def setUp(self) -> None:
        self.links = LinkDelays({"eth0": DELAY})
        self.links.first("eth0", True)

    def seen(self, up: bool, now: int) -> bool:
        return self.links.seen("eth0", up, now)

    def test_a_change_counts_once_it_has_lasted(self) -> None:
        self.assertFalse(self.seen(False, 10))
        self.assertEqual((self.links.due, self.links.up), (10 + DOWN_US, {"eth0": True}))
        self.assertTrue(self.links.is_waiting("eth0"))
        self.assertEqual(self.links.ripe(9 + DOWN_US), [])
        self.assertEqual(self.links.ripe(10 + DOWN_US), ["eth0"])
        self.assertEqual((self.links.due, self.links.up), (None, {"eth0": False}))
        self.assertFalse(self.seen(True, 20 + DOWN_US))
        self.assertEqual(self.links.ripe(20 + DOWN_US + UP_US), ["eth0"])
        self.assertEqual(self.links.up, {"eth0": True})

    def test_one_that_is_undone_before_never_was(self) -> None:
        self.seen(False, 0)
        self.assertFalse(self.seen(True, DOWN_US - 1))
        self.assertIsNone(self.links.due)
        self.seen(False, DOWN_US)
        self.assertEqual(self.links.due, 2 * DOWN_US)

    def test_news_of_another_kind_begin_no_delay_anew(self) -> None:
        self.seen(False, 0)
        self.seen(False, 5)
        self.assertEqual(self.links.due, DOWN_US)

    def test_without_a_delay_it_counts_at_once(self) -> None:
        self.links.first("eth1", False)
        self.assertTrue(self.links.seen("eth1", True, 0))
        self.assertFalse(self.links.seen("eth1", True, 0))
        self.assertTrue(self.links.seen("eth1", False, 0))
        self.links.delays = {"eth1": LinkDelay("eth1", 0, UP_US)}
        self.assertFalse(self.links.seen("eth1", True, 0))

    def test_what_has_not_been_up_yet_does_not_wait(self) -> None:
        self.links.forget("eth0")
        self.links.first("eth0", False)
        self.assertFalse(self.links.has_been_up("eth0"))
        self.assertTrue(self.seen(True, 0))
        self.assertTrue(self.links.has_been_up("eth0"))
        self.assertFalse(self.seen(False, 0))

    def test_an_interface_that_is_gone_is_down_at_once_and_new_when_it_comes_back(self) -> None:
        self.seen(False, 0)
        self.assertTrue(self.links.gone("eth0"))
        self.assertEqual((self.links.due, self.links.up), (None, {"eth0": False}))
        self.assertFalse(self.links.gone("eth0"))
        self.assertTrue(self.seen(True, 1))

    def test_other_delays_are_for_what_waits_too(self) -> None:
        self.seen(False, 0)
        self.links.delays = {"eth0": LinkDelay("eth0", 500)}
        self.assertEqual(self.links.due, 500)
        self.links.delays = {}
        self.assertEqual(self.links.due, 0)
        self.assertEqual(self.links.ripe(1), ["eth0"])

    @given(st.lists(st.tuples(st.integers(1, 2 * DOWN_US), st.booleans()), max_size=30))
    def test_what_counts_is_what_has_lasted(self, changes: list[tuple[int, bool]]) -> None:
        """Against the history: a state counts when it has lasted its delay."""
        links, now = LinkDelays({"eth0": DELAY}), 0
        links.first("eth0", True)
        counted, state, since = True, True, 0
        for gap, up in [*changes, (1, True)]:
            before, now = now, now + gap
            while links.due is not None and links.due <= now:
                links.ripe(links.due)
            if state is not counted and now - since >= (UP_US if state else DOWN_US):
                counted = state
            self.assertIs(links.up["eth0"], counted, (before, now))
            if up is not state:
                state, since = up, now
            links.seen("eth0", up, now)

    def test_interfaces_that_we_make_have_the_delays_of_what_they_are_on(self) -> None:
        instances = with_vmacs([config(use_vmac=Vmac()), config(name="Y", interface="eth1", use_vmac=Vmac())])
        configuration = Configuration(vrrp_instances=instances, interface_up_down_delays=(DELAY,))
        found = by_interface(configuration)
        self.assertEqual(set(found), {"eth0", "vrrp.51"})
        own = LinkDelay("vrrp.51", 1)
        both = attrs.evolve(configuration, interface_up_down_delays=(DELAY, own))
        self.assertIs(by_interface(both)["vrrp.51"], own)


class Clocked(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.told: list[tuple[str, bool]] = []
        self.states = LinkStates({"eth0": DELAY}, self.clock, lambda *told: self.told.append(told))
        self.up = attrs.evolve(ETH0, flags=0x11043)
        self.down = attrs.evolve(ETH0, running=False, flags=0x1003)
        self.states.first("eth0", self.up)

    def test_it_is_told_when_it_counts_and_keepalived_s_line_when_it_begins(self) -> None:
        with capturedLogs() as events:
            self.states.seen(self.down)
            self.states.seen(attrs.evolve(self.down, mtu=9000))
            self.clock.advance(2.9)
            self.assertEqual(self.told, [])
            self.clock.advance(0.2)
        self.assertEqual(self.told, [("eth0", False)])
        self.assertEqual(
            [formatEvent(each) for each in events],
            ["eth0: Adding flags change from 0x11043 to 0x1003 delay by 3000000"],
        )
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_of_several_each_has_its_time(self) -> None:
        self.states.reconfigure({"eth0": DELAY, "eth1": LinkDelay("eth1", SECOND_US)})
        self.states.first("eth1", ETH1)
        self.states.seen(self.down)
        self.clock.advance(0.5)
        self.states.seen(attrs.evolve(ETH1, up=False))
        self.clock.advance(1.1)
        self.assertEqual(self.told, [("eth1", False)])
        self.clock.advance(1.5)
        self.assertEqual(self.told, [("eth1", False), ("eth0", False)])

    def test_a_flap_leaves_nothing_behind(self) -> None:
        self.states.seen(self.down)
        self.states.seen(self.up)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.clock.advance(10)
        self.assertEqual(self.told, [])

    def test_stop_and_forget(self) -> None:
        self.states.seen(self.down)
        self.states.forget("eth0")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.states.first("eth0", self.up)
        self.states.seen(self.down)
        self.states.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


def without_carrier(link: Link) -> Link:
    return attrs.evolve(link, running=False)


class Serving(World):
    """Virtual routers whose interfaces have delays."""

    def begin(self, **fields: object) -> None:
        self.start(
            config(**({"priority": 150} | fields)),
            interface_up_down_delays=(
                LinkDelay("eth0", 1_500_000, 1_000_000),
                LinkDelay("eth1", 500_000, 0),
            ),
        )
        self.wait(4)
        self.assertIs(self.state(), State.MASTER)

    def test_a_master_stays_while_its_link_is_down_for_a_moment(self) -> None:
        self.begin()
        self.links.change(without_carrier(ETH0))
        self.wait(1.4)
        self.assertTrue(self.holds())
        self.links.change(ETH0)
        self.wait(5)
        self.assertIs(self.state(), State.MASTER)
        self.links.change(without_carrier(ETH0))
        self.wait(1.6)
        self.assertIs(self.state(), State.FAULT)
        self.assertFalse(self.holds())
        self.links.change(ETH0)
        self.wait(0.9)
        self.assertIs(self.state(), State.FAULT)
        self.wait(0.2)
        self.assertIs(self.state(), State.BACKUP)
        self.stop()

    def test_tracked_interfaces_too(self) -> None:
        self.begin(track_interface=(Tracked("eth1", -20),))
        self.links.change(without_carrier(ETH1))
        self.wait(0.4)
        self.assertEqual(self.service.router.instances["X"].priority, 150)
        self.wait(0.2)
        self.assertEqual(self.service.router.instances["X"].priority, 130)
        self.links.change(ETH1)
        self.assertEqual(self.service.router.instances["X"].priority, 150)
        self.stop()

    def test_an_interface_that_goes_is_no_flap(self) -> None:
        self.begin()
        self.links.change(without_carrier(ETH0))
        self.links.remove("eth0")
        self.settle()
        self.assertIs(self.state(), State.FAULT)
        self.stop()

    def test_reports_say_that_a_change_waits(self) -> None:
        self.begin()
        self.links.change(without_carrier(ETH0))
        [eth0] = self.service.surroundings.interfaces
        self.assertEqual((eth0.waits, eth0.has_been_up), (True, True))
        self.assertEqual(eth0.delay, LinkDelay("eth0", 1_500_000, 1_000_000))
        self.stop()

    def again(self, *delays: LinkDelay) -> None:
        """Reload with these."""
        self.reload(*self.service._instances.values(), interface_up_down_delays=delays)

    def test_a_reload_amid_a_delay_keeps_the_time_that_has_passed(self) -> None:
        self.begin()
        self.links.change(without_carrier(ETH0))
        self.wait(1)
        self.again(LinkDelay("eth0", 1_200_000))
        self.wait(0.1)
        self.assertIs(self.state(), State.MASTER)
        self.wait(0.2)
        self.assertIs(self.state(), State.FAULT)
        self.links.change(ETH0)
        self.assertIs(self.state(), State.BACKUP)
        self.stop()

    def test_a_reload_that_takes_the_delay_away_ends_the_wait(self) -> None:
        self.begin()
        self.links.change(without_carrier(ETH0))
        self.again()
        self.wait(0.1)
        self.assertIs(self.state(), State.FAULT)
        self.stop()
