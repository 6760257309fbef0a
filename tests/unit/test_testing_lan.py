"""The simulated LAN itself: what it does to packets, and what it can be asked."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import SECOND_US, Configuration, VirtualIpAddress, VrrpInstance
from kaltwisted.testing.lan import Host, Lan
from kaltwisted.vrrp.actions import State

VIP = "10.0.0.100"


def configuration(priority: int, vip: str = VIP, version: int = 2) -> Configuration:
    address = VirtualIpAddress(ip_address(vip), 32)
    instance = VrrpInstance(
        "X",
        interface="eth0",
        virtual_router_id=51,
        priority=priority,
        version=version,
        virtual_ipaddress=(address,),
    )
    return Configuration(vrrp_instances=(instance,))


class LanTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.lan = Lan()
        self.one = self.lan.host("one", configuration(150), {"eth0": "10.0.0.5"})
        self.two = self.lan.host("two", configuration(100), {"eth0": "10.0.0.6"})
        self.wire = self.lan.wire("eth0")

    def run_both(self) -> None:
        self.one.start()
        self.two.start()
        self.lan.run(5 * SECOND_US)

    def states(self) -> tuple[State, State]:
        return self.one.state("X"), self.two.state("X")

    def received(self, host: Host) -> int:
        assert host.router is not None
        return host.router.instances["X"].statistics.adverts_received

    def test_a_hard_death_costs_three_adverts_and_a_skew(self) -> None:
        self.run_both()
        died_at = self.lan.now
        self.one.power_off()
        self.lan.run(10 * SECOND_US)
        self.assertEqual(self.lan.holders(VIP), ["two"])
        self.assertTrue(2_609_375 < self.lan.unheld_us(VIP, died_at, self.lan.now) <= 3_610_000)

    def test_a_one_way_fault(self) -> None:
        self.run_both()
        self.wire.cut.add(("one", "two"))
        self.lan.run(5 * SECOND_US)
        self.assertEqual(self.states(), (State.MASTER, State.MASTER))
        self.wire.heal()
        self.lan.run(5 * SECOND_US)
        self.assertEqual(self.states(), (State.MASTER, State.BACKUP))

    def test_loss_duplication_and_delay(self) -> None:
        self.run_both()
        for loss, duplication, low, high in ((0.0, 0.0, 20, 20), (0.0, 1.0, 40, 40), (0.5, 0.0, 2, 18)):
            self.wire.loss, self.wire.duplication = loss, duplication
            before = self.received(self.two)
            self.lan.run(20 * SECOND_US)
            self.assertTrue(low <= self.received(self.two) - before <= high, (loss, duplication))
        self.wire.heal()
        self.wire.least_delay_us = self.wire.most_delay_us = 30 * SECOND_US
        before = self.received(self.two)
        self.lan.run(2 * SECOND_US)
        self.assertEqual(self.received(self.two), before)

    def test_holdings_are_a_history(self) -> None:
        self.run_both()
        self.one.stop()
        self.lan.run(SECOND_US)
        first, second = self.lan.holdings
        self.assertEqual((first.director, first.since, first.until), ("one", 3_414_062, 5 * SECOND_US))
        self.assertEqual((second.director, second.until), ("two", None))
        self.assertEqual(self.lan.unheld_us(VIP, 0, 5 * SECOND_US), 3_414_062)
        self.assertEqual(self.lan.unheld_us("10.0.0.1", 0, 7), 7)

    def test_crash_and_restart_leave_no_old_timer_behind(self) -> None:
        self.run_both()
        self.one.crash()
        self.one.start()
        self.lan.run(SECOND_US // 2)
        self.assertEqual(self.states(), (State.BACKUP, State.BACKUP))
        self.lan.run(5 * SECOND_US)
        self.assertEqual(self.states(), (State.MASTER, State.BACKUP))

    def test_ipv6_fails_over_too(self) -> None:
        lan = Lan()
        one = lan.host("one", configuration(150, "fe80::100", version=3), {"eth0": "fe80::5"})
        two = lan.host("two", configuration(100, "fe80::100", version=3), {"eth0": "fe80::6"})
        one.start()
        two.start()
        lan.run(5 * SECOND_US)
        self.assertEqual(lan.holders("fe80::100"), ["one"])
        one.stop()
        lan.run(SECOND_US)
        self.assertEqual((one.state("X"), lan.holders("fe80::100")), (State.INIT, ["two"]))

    @given(st.integers(0, 2**32))
    def test_one_seed_is_one_story(self, seed: int) -> None:
        stories = []
        for _ in range(2):
            lan = Lan(seed)
            hosts = [
                lan.host(name, configuration(priority), {"eth0": f"10.0.0.{priority}"})
                for name, priority in (("one", 150), ("two", 100))
            ]
            lan.wire("eth0").loss = 0.5
            for host in hosts:
                host.start()
            lan.run(20 * SECOND_US)
            stories.append(list(lan.log))
        self.assertEqual(*stories)
