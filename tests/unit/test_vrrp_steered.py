"""Operators steer the election: yield, prefer, release, on a simulated LAN of two and three routers."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import SECOND_US, Configuration, VirtualIpAddress, VrrpInstance, VrrpSyncGroup
from kaltwisted.ports import ELECTION_OF_GROUP, ELECTION_OF_INSTANCE, Election, Fact
from kaltwisted.testing.lan import Lan
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp.actions import State, Subject, TimerName
from tests.unit.test_vrrp_service import World
from tests.unit.vrrp_helpers import Driven, config, lines, sent

VIP, OTHER = "10.0.0.100", "10.1.0.100"
YIELD, PREFER = Election
GROUP = VrrpSyncGroup("G", ("X", "Y"))


def configuration(priority: int, *, grouped: bool = False, **fields: object) -> Configuration:
    def instance(name: str, interface: str, vip: str) -> VrrpInstance:
        return VrrpInstance(
            name,
            interface=interface,
            virtual_router_id=51,
            priority=priority,
            virtual_ipaddress=(VirtualIpAddress(ip_address(vip), 32),),
            **fields,  # type: ignore[arg-type]
        )

    instances = (instance("X", "eth0", VIP), instance("Y", "eth1", OTHER))
    return Configuration(vrrp_instances=instances, vrrp_sync_groups=(GROUP,) if grouped else ())


class OnALan(SynchronousTestCase):
    def begin(self, *configurations: Configuration, seed: int = 1) -> None:
        self.lan = Lan(seed)
        self.hosts = [
            self.lan.host(f"r{n}", each, {"eth0": f"10.0.0.{n}", "eth1": f"10.1.0.{n}"})
            for n, each in enumerate(configurations, 1)
        ]
        for host in self.hosts:
            host.start()
            self.wait(6)
        self.since = self.lan.now

    def wait(self, seconds: float) -> None:
        self.lan.run(round(seconds * SECOND_US))

    def steer(self, host: int, election: Election | None, name: str = "X", *, group: bool = False) -> None:
        self.hosts[host - 1].steer(Subject.GROUP if group else Subject.INSTANCE, name, election)

    def unheld(self, *addresses: str) -> int:
        return sum(self.lan.unheld_us(each, self.since, self.lan.now) for each in addresses or (VIP, OTHER))

    def priority(self, host: int, name: str = "X") -> int:
        router = self.hosts[host - 1].router
        assert router is not None
        return router.instances[name].priority

    def test_who_yields_is_relieved_within_the_skew_with_no_moment_without_a_holder(self) -> None:
        self.begin(configuration(150), configuration(100))
        self.steer(1, YIELD)
        # (256 - 100) / 256 s and the way of two packets.
        self.wait(0.62)
        self.assertEqual(self.lan.holders(VIP), ["r2"])
        self.assertEqual(self.lan.wire("eth0").neighbours[ip_address(VIP)], "r2")
        self.assertIs(self.hosts[0].state("X"), State.BACKUP)
        self.assertEqual(self.priority(1), 1)
        self.wait(60)
        self.assertEqual(self.lan.holders(VIP), ["r2"])
        self.assertEqual(self.lan.holders(OTHER), ["r1"])
        self.assertEqual(self.unheld(), 0)
        for line in ("(X) Changing effective priority from 150 to 1", "(X) sent 0 priority"):
            self.assertIn(line, self.lan.lines("r1"))

    def test_released_it_takes_its_own_again_without_a_gap(self) -> None:
        self.begin(configuration(150), configuration(100))
        self.steer(1, YIELD)
        self.wait(10)
        self.steer(1, None)
        self.wait(5)
        self.assertEqual(self.lan.holders(VIP), ["r1"])
        self.assertEqual((self.priority(1), self.unheld()), (150, 0))

    def test_released_with_nopreempt_it_stays_backup(self) -> None:
        self.begin(configuration(150, nopreempt=True), configuration(100, nopreempt=True))
        self.steer(1, YIELD)
        self.wait(1)
        self.assertEqual(self.lan.holders(VIP), ["r2"])
        self.steer(1, None)
        self.wait(60)
        self.assertEqual((self.lan.holders(VIP), self.unheld()), (["r2"], 0))

    def test_alone_it_goes_on(self) -> None:
        self.begin(configuration(150))
        self.steer(1, YIELD)
        self.wait(60)
        self.assertEqual((self.lan.holders(VIP), self.unheld()), (["r1"], 0))
        self.assertEqual(self.priority(1), 1)

    def test_as_backup_it_still_takes_over_when_nobody_else_is_there(self) -> None:
        self.begin(configuration(150), configuration(100))
        self.steer(1, YIELD)
        self.wait(5)
        self.hosts[1].power_off()
        self.wait(5)
        self.assertEqual(self.lan.holders(VIP), ["r1"])
        self.hosts[1].start()
        self.wait(5)
        self.assertEqual(self.lan.holders(VIP), ["r2"])

    def test_of_three_the_best_other_takes_over(self) -> None:
        self.begin(configuration(150), configuration(100), configuration(120))
        self.steer(1, YIELD)
        self.wait(1)
        self.assertEqual(self.lan.holders(VIP), ["r3"])
        self.steer(3, YIELD)
        self.wait(1)
        self.assertEqual(self.lan.holders(VIP), ["r2"])
        self.steer(3, None)
        self.wait(5)
        self.assertEqual((self.lan.holders(VIP), self.unheld()), (["r3"], 0))

    def test_when_all_yield_one_holds_it(self) -> None:
        self.begin(configuration(150), configuration(120), configuration(100))
        for host in (1, 2, 3):
            self.steer(host, YIELD)
        self.wait(20)
        self.since = self.lan.now
        self.wait(60)
        self.assertEqual(len(self.lan.holders(VIP)), 1)
        self.assertEqual(self.unheld(), 0)

    def test_a_lost_offer_is_made_again(self) -> None:
        self.begin(configuration(150, nopreempt=True), configuration(100, nopreempt=True))
        self.lan.wire("eth0").loss = 1.0
        self.steer(1, YIELD)
        self.wait(0.5)
        self.lan.wire("eth0").loss = 0.0
        self.wait(2)
        self.assertEqual((self.lan.holders(VIP), self.unheld()), (["r2"], 0))

    def test_preferred_it_takes_over_at_once_even_with_nopreempt_and_a_delay(self) -> None:
        for fields in ({"nopreempt": True}, {"preempt_delay_us": 100 * SECOND_US}):
            self.begin(configuration(150, **fields), configuration(100, **fields))
            self.steer(2, PREFER)
            self.wait(0.05)
            self.assertEqual(self.lan.holders(VIP), ["r2"])
            self.assertIs(self.hosts[0].state("X"), State.BACKUP)
            self.assertEqual(self.priority(2), 254)
            self.wait(60)
            self.assertEqual((self.lan.holders(VIP), self.unheld()), (["r2"], 0))

    def test_of_three_preferred_is_the_lowest(self) -> None:
        self.begin(configuration(150), configuration(120), configuration(100))
        self.steer(3, PREFER)
        self.wait(1)
        self.assertEqual(self.lan.holders(VIP), ["r3"])
        self.steer(3, None)
        self.wait(5)
        self.assertEqual((self.lan.holders(VIP), self.unheld()), (["r1"], 0))

    def test_preferred_beside_an_owner_changes_nothing(self) -> None:
        self.begin(configuration(255), configuration(100))
        self.steer(2, PREFER)
        self.wait(10)
        self.assertEqual((self.lan.holders(VIP), self.unheld()), (["r1"], 0))
        self.assertIs(self.hosts[1].state("X"), State.BACKUP)

    def test_an_owner_yields(self) -> None:
        self.begin(configuration(255, state="MASTER"), configuration(100))
        self.steer(1, YIELD)
        self.wait(5)
        self.assertEqual((self.lan.holders(VIP), self.unheld(), self.priority(1)), (["r2"], 0, 1))
        self.hosts[0].link("eth0", False)
        self.wait(1)
        self.hosts[0].link("eth0", True)
        # An owner that begins as master waits for nobody; one that yields does.
        self.wait(5)
        self.assertEqual((self.lan.holders(VIP), self.unheld()), (["r2"], 0))

    def test_a_sync_group_moves_as_one_by_its_name_or_a_member_s(self) -> None:
        for name, group in (("G", True), ("Y", False)):
            self.begin(configuration(150, grouped=True), configuration(100, grouped=True))
            self.steer(1, YIELD, name, group=group)
            self.wait(1)
            self.assertEqual([self.lan.holders(each) for each in (VIP, OTHER)], [["r2"], ["r2"]])
            self.assertEqual([self.priority(1, each) for each in "XY"], [1, 1])
            self.steer(1, None, name, group=group)
            self.wait(5)
            self.assertEqual([self.lan.holders(each) for each in (VIP, OTHER)], [["r1"], ["r1"]])
            self.steer(2, PREFER, name, group=group)
            self.wait(1)
            self.assertEqual([self.lan.holders(each) for each in (VIP, OTHER)], [["r2"], ["r2"]])
            self.assertEqual(self.unheld(), 0)

    def test_to_yield_goes_before_to_be_preferred(self) -> None:
        self.begin(configuration(150, grouped=True), configuration(100, grouped=True))
        self.steer(1, PREFER, "G", group=True)
        self.steer(1, YIELD, "X")
        self.wait(2)
        self.assertEqual(self.lan.holders(OTHER), ["r2"])
        self.steer(1, None, "X")
        self.wait(2)
        self.assertEqual((self.lan.holders(OTHER), self.priority(1, "Y")), (["r1"], 254))

    def test_in_version_3_too(self) -> None:
        fields = {"version": 3, "advert_int_us": 100_000}
        self.begin(configuration(150, **fields), configuration(100, **fields))
        self.steer(1, YIELD)
        self.wait(0.07)
        self.assertEqual((self.lan.holders(VIP), self.unheld()), (["r2"], 0))


class AnInstance(SynchronousTestCase):
    def test_a_fault_goes_before_and_comes_back_with_the_priority_that_is_wanted(self) -> None:
        driven = Driven()
        driven.do(ev.LinkChanged("eth0", False))
        driven.do(ev.Steered(PREFER))
        self.assertIs(driven.state, State.FAULT)
        driven.do(ev.LinkChanged("eth0", True))
        driven.become_master()
        self.assertEqual(sent(driven.actions), [254])

    def test_only_so_many_offers_are_made_and_none_after_a_change_of_state(self) -> None:
        driven = Driven()
        driven.become_master()
        actions = driven.do(ev.Steered(YIELD))
        for _ in range(4):
            actions += driven.expire(TimerName.ADVERT)
        self.assertEqual(sent(actions), [0, 0, 0, 1, 1])
        driven.do(ev.Steered(None))
        driven.do(ev.Steered(YIELD))
        driven.hear(50)
        self.assertIs(driven.state, State.BACKUP)
        self.assertEqual(sent(driven.become_master()), [1])
        self.assertEqual(sent(driven.expire(TimerName.ADVERT)), [1])

    def test_taken_back_no_more_offers_are_made(self) -> None:
        driven = Driven()
        driven.become_master()
        driven.do(ev.Steered(YIELD))
        driven.do(ev.Steered(None))
        self.assertEqual(sent(driven.expire(TimerName.ADVERT)), [100])

    def test_the_same_again_is_nothing_new(self) -> None:
        driven = Driven()
        driven.become_master()
        driven.do(ev.Steered(YIELD))
        self.assertEqual(driven.do(ev.Steered(YIELD)), [])

    def test_preferred_is_no_reason_to_hurry_without_a_master_or_beside_a_better_one(self) -> None:
        driven = Driven()
        due = driven.timers[TimerName.MASTER_DOWN].at
        driven.do(ev.Steered(PREFER))
        # Sooner by the shorter skew, and no more: nobody was heard yet.
        self.assertEqual(due - driven.timers[TimerName.MASTER_DOWN].at, 601_563)
        driven.hear(255)
        driven.do(ev.Steered(None))
        driven.hear(255)
        driven.do(ev.Steered(PREFER))
        self.assertGreater(driven.waits_us(TimerName.MASTER_DOWN), 3 * SECOND_US)

    def test_while_it_is_held_back_it_waits(self) -> None:
        driven = Driven(begin=False)
        driven.do(ev.Start(20 * SECOND_US))
        driven.after(1 * SECOND_US)
        driven.do(ev.Steered(PREFER))
        self.assertGreater(driven.waits_us(TimerName.MASTER_DOWN), 19 * SECOND_US)

    def test_its_log_says_nothing_that_is_not_so(self) -> None:
        driven = Driven()
        self.assertEqual(
            lines(driven.do(ev.Steered(YIELD))), ["(X) Changing effective priority from 100 to 1"]
        )


class AsFacts(World):
    known: tuple[Fact, ...] = ()

    def prepare(self) -> None:
        for fact in self.known:
            self.service.learn(fact)

    def priorities(self) -> dict[str, int]:
        return {name: each.priority for name, each in self.service.router.instances.items()}

    def test_before_the_start_at_the_start_and_later(self) -> None:
        self.known = (
            Fact(ELECTION_OF_INSTANCE, "X", Election.PREFER),
            Fact(ELECTION_OF_INSTANCE, "none", Election.YIELD),
        )
        self.start(config())
        self.assertEqual(self.priorities(), {"X": 254})
        self.service.learn(Fact(ELECTION_OF_INSTANCE, "X", Election.YIELD))
        self.assertEqual(self.priorities(), {"X": 1})
        self.service.learn(Fact(ELECTION_OF_INSTANCE, "X", None))
        self.assertEqual(self.priorities(), {"X": 100})
        self.stop()

    def test_through_a_reload(self) -> None:
        self.known = (
            Fact(ELECTION_OF_INSTANCE, "X", Election.YIELD),
            Fact(ELECTION_OF_INSTANCE, "Z", Election.PREFER),
            Fact(ELECTION_OF_GROUP, "G", Election.PREFER),
        )
        self.start(config(priority=100))
        self.reload(
            Configuration(
                vrrp_instances=(
                    config(priority=150),
                    config(name="Z", virtual_router_id=9),
                    config(name="V", virtual_router_id=10),
                ),
                vrrp_sync_groups=(VrrpSyncGroup("G", ("V",)),),
            )
        )
        self.assertEqual(self.priorities(), {"X": 1, "Z": 254, "V": 254})
        # By name: another name is another instance.
        self.reload(Configuration(vrrp_instances=(config(name="W", priority=150),)))
        self.assertEqual(self.priorities(), {"W": 150})
        self.stop()

    def reload(self, configuration: Configuration) -> None:
        done = Deferred.fromCoroutine(self.service.reconfigure(configuration))
        self.settle()
        self.successResultOf(done)
