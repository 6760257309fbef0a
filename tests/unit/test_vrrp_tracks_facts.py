"""Virtual routers track what other roles know: BFD sessions before the start, later, through a reload."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from kaltwisted.config.model import BfdInstance, Configuration, Tracked, VrrpInstance, VrrpSyncGroup
from kaltwisted.ports import BFD_SESSION, VIRTUAL_SERVER, Fact
from kaltwisted.vrrp.actions import State
from tests.unit.test_vrrp_service import World
from tests.unit.vrrp_helpers import config


def far(value: int | None) -> Fact:
    return Fact(BFD_SESSION, "far", value)


class Facts(World):
    known: tuple[Fact, ...] = ()

    def prepare(self) -> None:
        for fact in self.known:
            self.service.learn(fact)

    def reload(self, *instances: VrrpInstance) -> None:
        done = Deferred.fromCoroutine(self.service.reconfigure(Configuration(vrrp_instances=instances)))
        self.settle()
        self.successResultOf(done)

    def lines(self, *facts: Fact) -> list[str]:
        with capturedLogs() as logs:
            for fact in facts:
                self.service.learn(fact)
            self.settle()
        return [str(event.get("line")) for event in logs]


class TracksFactsTests(Facts):
    def test_down_is_fault_until_it_is_up(self) -> None:
        self.start(config(track_bfd=(Tracked("far", 0),)))
        self.assertIs(self.state(), State.FAULT)
        self.assertEqual(self.lines(far(0), Fact(BFD_SESSION, "other", 1), Fact("else", "far", 1)), [])
        self.assertEqual(
            self.lines(far(1)),
            ["VRRP_Instance(X) Tracked BFD instance far is UP", "(X) Entering BACKUP STATE"],
        )
        self.assertEqual(
            self.lines(far(0)),
            [
                "VRRP_Instance(X) Tracked BFD instance far is DOWN",
                "(X) entering FAULT state (BFD instance far)",
                "(X) Entering FAULT STATE",
            ],
        )
        self.assertIs(self.state(), State.FAULT)
        self.stop()

    def test_what_is_known_before_the_start_counts_at_the_start(self) -> None:
        self.known = (far(1),)
        self.start(config(track_bfd=(Tracked("far", 0),)))
        self.assertIs(self.state(), State.BACKUP)
        self.stop()

    def test_what_nobody_knows_any_more_counts_as_down(self) -> None:
        self.known = (far(1),)
        self.start(config(track_bfd=(Tracked("far", 0),)))
        self.service.learn(far(None))
        self.settle()
        self.assertIs(self.state(), State.FAULT)
        self.reload(config(track_bfd=(Tracked("far", 0),), priority=90))
        self.assertIs(self.state(), State.FAULT)
        self.stop()

    def test_a_weight_changes_the_priority(self) -> None:
        self.start(config(track_bfd=(Tracked("far", 20),)))
        router = self.service.router.instances["X"]
        seen = [router.priority]
        for value in (1, 0):
            self.service.learn(far(value))
            seen.append(router.priority)
        self.assertEqual(seen, [100, 120, 100])
        self.stop()

    def test_instances_that_come_or_track_by_a_reload_know_it_at_once(self) -> None:
        self.known = (far(1),)
        self.start(config())
        self.reload(
            config(track_bfd=(Tracked("far", 20),)),
            config(name="Z", virtual_router_id=9, track_bfd=(Tracked("far", 0),)),
        )
        self.assertEqual(self.service.router.instances["X"].priority, 120)
        self.assertIs(self.state("Z"), State.BACKUP)
        self.stop()

    def test_the_session_s_own_weight_and_what_the_sync_group_tracks(self) -> None:
        far = BfdInstance("far", ip_address("10.0.0.2"), weight=20, reverse=True)
        near = BfdInstance("near", ip_address("10.0.0.3"), weight=7)
        group = VrrpSyncGroup("G", ("X", "Z"), track_bfd=(Tracked("near"),), sync_group_tracking_weight=True)
        self.known = (Fact(BFD_SESSION, "far", 1), Fact(BFD_SESSION, "near", 1))
        self.start(
            config(track_bfd=(Tracked("far"), Tracked("near", 50))),
            config(name="Z", virtual_router_id=9, track_bfd=(Tracked("far", 1),)),
            bfd_instances=(far, near),
            vrrp_sync_groups=(group,),
        )
        priorities = [self.service.router.instances[name].priority for name in "XZ"]
        self.assertEqual(priorities, [100 - 20 + 7, 100 - 1 + 7])
        self.stop()

    def test_after_the_stop_nothing_is_learned(self) -> None:
        self.start(config(track_bfd=(Tracked("far", 0),)))
        self.stop()
        self.assertEqual(self.lines(far(1)), [])


WEB = "[10.0.0.9]:tcp:80"


def web(value: int | None) -> Fact:
    return Fact(VIRTUAL_SERVER, WEB, value)


class TracksVirtualServersTests(Facts):
    def test_no_quorum_is_fault_and_nothing_known_is_no_news(self) -> None:
        self.start(config(track_virtual_server=(Tracked(WEB),)))
        self.assertIs(self.state(), State.BACKUP)  # no check has run yet
        self.assertEqual(self.lines(web(1), web(None)), [])
        self.assertEqual(
            self.lines(web(0)),
            [
                f"VRRP_Instance(X) Tracked virtual server {WEB} is DOWN",
                f"(X) entering FAULT state (virtual server {WEB} has no quorum)",
                "(X) Entering FAULT STATE",
            ],
        )
        self.assertEqual(self.lines(web(None)), [])  # the checkers have died: it is as it was known last
        self.reload(config(track_virtual_server=(Tracked(WEB),), priority=90))
        self.assertIs(self.state(), State.FAULT)
        self.assertEqual(len(self.lines(web(1))), 2)
        self.assertIs(self.state(), State.BACKUP)
        self.stop()

    def test_weights(self) -> None:
        for tracked, priorities in (
            (Tracked(WEB, 20), [120, 120, 100, 100, 120]),
            (Tracked(WEB, -20), [100, 100, 80, 80, 100]),
            (Tracked(WEB, 20, reverse=True), [80, 80, 100, 100, 80]),
        ):
            self.start(config(track_virtual_server=(tracked,)))
            router = self.service.router.instances["X"]
            seen = [router.priority]
            for value in (1, 0, None, 1):
                self.service.learn(web(value))
                seen.append(router.priority)
            self.assertEqual(seen, priorities)
            self.stop()
            self.setUp()

    def test_a_sync_group_has_all_members_track_it(self) -> None:
        group = VrrpSyncGroup("G", ("X", "Z"), track_virtual_server=(Tracked(WEB),))
        self.start(config(), config(name="Z", virtual_router_id=9), vrrp_sync_groups=(group,))
        self.service.learn(web(0))
        self.assertEqual([self.state(name) for name in "XZ"], [State.FAULT] * 2)
        self.stop()
