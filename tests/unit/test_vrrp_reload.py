"""Virtual routers through a reload: what stays, what changes in place, who comes and goes."""

from __future__ import annotations

from ipaddress import ip_address

import attrs
from twisted.internet.defer import Deferred

from kaltwisted.config.model import (
    SECOND_US,
    Authentication,
    AuthType,
    Configuration,
    Script,
    Tracked,
    TrackFile,
    VirtualIpAddress,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
)
from kaltwisted.ports import LinkAddress, ScriptResult
from kaltwisted.testing.files import FakeWatchedFiles
from kaltwisted.vrrp.actions import State, TimerName
from tests.unit.test_vrrp_service import ETH0, ETH1, VIP, World, advert, priority_of
from tests.unit.vrrp_helpers import SECRET, config

OTHER_VIP = ip_address("10.0.0.101")
MORE = VirtualIpAddress(OTHER_VIP, 32)
KEPT = VirtualIpAddress(VIP, 32)
Z = config(name="Z", virtual_router_id=9, virtual_ipaddress=(MORE,))


class ReloadTests(World):
    """What ``World`` offers, and a reload."""

    def reload(self, *instances: VrrpInstance, **more: object) -> None:
        configuration = Configuration(vrrp_instances=instances, **more)  # type: ignore[arg-type]
        done = Deferred.fromCoroutine(self.service.reconfigure(configuration))
        self.settle()
        self.successResultOf(done)

    def master(self, **fields: object) -> None:
        self.start(config(**({"priority": 150} | fields)))
        self.wait(4)
        self.assertIs(self.state(), State.MASTER)
        self.forget()

    def forget(self) -> None:
        self.wire.ports["eth0"].sent.clear()
        self.announcer.announced.clear()
        self.addresses.asked.clear()

    def told(self) -> list[tuple[str, ...]]:
        """The notify scripts that were run, with their arguments."""
        for run in self.scripts.runs:  # which grows: the end of one is the beginning of the next
            if not run.done.called:
                run.end()
                self.settle()
        return [(*run.script.argv, *run.arguments) for run in self.scripts.runs]

    # -- one that stays --------------------------------------------------------------------

    def test_a_master_sends_an_advert_first_and_its_next_ones_in_time(self) -> None:
        self.master()
        self.reload(config(priority=120))
        self.assertEqual(self.sent, [150])
        self.assertIs(self.state(), State.MASTER)
        self.wait(1)
        self.assertEqual(self.sent, [150, 120])
        self.assertEqual(self.addresses.asked, [], "no address is touched")
        self.stop()

    def test_counters_and_the_ah_sequence_go_on(self) -> None:
        self.master(authentication=SECRET)
        instance = self.service.router.instances["X"]
        sequence, sent = instance.sequence.value, instance.statistics.adverts_sent
        self.reload(config(priority=151, authentication=SECRET))
        self.assertIs(self.service.router.instances["X"], instance)
        self.assertEqual(instance.sequence.value, sequence + 1)
        self.assertEqual(instance.statistics.adverts_sent, sent + 1)
        self.assertEqual(instance.statistics.became_master, 1)
        self.stop()

    def test_two_masters_keep_their_distance(self) -> None:
        for interval_us in (SECOND_US, SECOND_US // 2, 3 * SECOND_US):
            self.master()
            other = attrs.evolve(Z, priority=150)
            self.reload(config(priority=150), other)
            self.wait(4.4)
            before = self.due_s()
            self.reload(
                config(priority=149, advert_int_us=interval_us),
                attrs.evolve(other, advert_int_us=interval_us),
            )
            after = self.due_s()
            self.assertNotAlmostEqual(after["X"], after["Z"], msg=f"{interval_us}")
            for name, due in after.items():
                self.assertLessEqual(due - self.clock.seconds(), interval_us / SECOND_US)
                if interval_us == SECOND_US:
                    self.assertAlmostEqual(due, before[name])
            self.stop()

    def due_s(self) -> dict[str, float]:
        """When each sends its next advert."""
        found = {}
        for name, instance in self.service.router.instances.items():
            due = instance.router.deadline(TimerName.ADVERT)
            assert due is not None
            found[name] = due / SECOND_US
        return found

    def test_a_master_with_a_longer_interval_advertises_by_it(self) -> None:
        self.master()
        self.reload(config(priority=150, advert_int_us=5 * SECOND_US))
        self.forget()
        self.wait(3.9)
        self.assertEqual(self.sent, [])
        self.wait(1.2)
        self.assertEqual(self.sent, [150])
        self.wait(5)
        self.assertEqual(self.sent, [150, 150])
        self.stop()

    def test_a_backup_with_a_longer_interval_waits_by_it(self) -> None:
        self.start(config())
        self.wire.ports["eth0"].receive(advert(200), 0)
        self.reload(config(advert_int_us=10 * SECOND_US))
        self.wait(25)
        self.assertIs(self.state(), State.BACKUP)
        self.wait(10)
        self.assertIs(self.state(), State.MASTER)
        self.stop()

    def test_a_backup_whose_priority_alone_changes_waits_no_longer_than_before(self) -> None:
        self.start(config(priority=100))
        self.wait(3)
        self.reload(config(priority=99))
        self.wait(1)
        self.assertIs(self.state(), State.MASTER)
        self.stop()

    def test_new_addresses_are_set_and_announced_gone_ones_removed_the_rest_not_touched(self) -> None:
        third = VirtualIpAddress(ip_address("10.0.0.102"), 32)
        self.master(virtual_ipaddress=(KEPT, MORE))
        self.reload(config(priority=150, virtual_ipaddress=(KEPT, third)))
        self.assertEqual(self.addresses.asked, [("remove", (OTHER_VIP,)), ("add", (third.address,))])
        self.assertEqual([each[2] for each in self.announcer.announced], [third.address])
        self.assertTrue(self.holds(third.address))
        self.assertFalse(self.holds(OTHER_VIP))
        # What was removed is not missed, what was added would be.
        self.assertIs(self.state(), State.MASTER)
        self.stop()
        self.assertFalse(self.holds(third.address))
        self.assertFalse(self.holds())

    def test_an_address_moves_from_one_router_to_another(self) -> None:
        first = VirtualIpAddress(ip_address("10.0.0.99"), 32)
        taker, giver = config(priority=150), attrs.evolve(Z, virtual_ipaddress=(first, MORE))
        self.start(taker, giver)
        self.wait(4)
        self.forget()
        self.addresses.held = True
        done = Deferred.fromCoroutine(
            self.service.reconfigure(
                Configuration(
                    vrrp_instances=(
                        attrs.evolve(taker, virtual_ipaddress=(KEPT, MORE)),
                        attrs.evolve(giver, virtual_ipaddress=(first,)),
                    )
                )
            )
        )
        self.settle()
        self.assertEqual(self.addresses.asked, [("remove", (OTHER_VIP,)), ("add", (OTHER_VIP,))])
        self.addresses.held = False
        self.addresses.finish()
        self.settle()
        self.successResultOf(done)
        self.assertTrue(self.holds(OTHER_VIP))
        self.assertEqual((self.state(), self.state("Z")), (State.MASTER, State.MASTER))
        self.stop()

    def test_the_advert_lists_the_new_addresses(self) -> None:
        self.master()
        self.reload(config(priority=150, virtual_ipaddress=(KEPT, MORE)))
        self.forget()
        self.wait(1)
        [(packet, _)] = self.wire.ports["eth0"].sent
        self.assertIn(VIP.packed + OTHER_VIP.packed, packet)
        self.stop()

    def test_a_backup_touches_no_address(self) -> None:
        self.start(config())
        self.addresses.asked.clear()
        self.reload(config(virtual_ipaddress=(KEPT, MORE)))
        self.assertEqual(self.addresses.asked, [])
        self.wait(4)
        self.assertTrue(self.holds(OTHER_VIP))
        self.stop()

    def test_another_password_counts_at_once(self) -> None:
        self.master(authentication=Authentication(AuthType.PASS, b"old"))
        self.reload(config(priority=150, authentication=Authentication(AuthType.PASS, b"new")))
        self.forget()
        self.wait(1)
        [(packet, _)] = self.wire.ports["eth0"].sent
        self.assertTrue(packet.endswith(b"new" + bytes(5)))
        self.stop()

    def test_a_refresh_that_is_switched_off_runs_no_more(self) -> None:
        self.master(garp_master_refresh_us=2 * SECOND_US, garp_master_delay_us=0)
        self.reload(config(priority=150, garp_master_delay_us=0))
        self.forget()
        self.wait(5)
        self.assertEqual(self.announcer.announced, [])
        self.stop()

    def test_another_name_is_the_same_router(self) -> None:
        self.master()
        self.reload(config(name="Y", priority=150, notify={"notify": Script(("/n",))}))
        self.assertIs(self.state("Y"), State.MASTER)
        self.assertEqual(self.addresses.asked, [])
        self.wire.ports["eth0"].receive(advert(200), 0)
        self.settle()
        self.assertIs(self.state("Y"), State.BACKUP)
        self.assertFalse(self.holds())
        self.wait(4)
        self.assertIs(self.state("Y"), State.MASTER)
        self.stop()

    # -- what is tracked ---------------------------------------------------------------------

    def test_an_interface_tracked_from_now_on_counts_as_it_is(self) -> None:
        self.start(config(), config(name="Z", interface="eth1", virtual_router_id=9))
        self.links.change(attrs.evolve(ETH1, running=False))
        self.reload(
            config(track_interface=(Tracked("eth1"),)),
            config(name="Z", interface="eth1", virtual_router_id=9),
        )
        self.assertIs(self.state(), State.FAULT)
        self.links.change(ETH1)
        self.settle()
        self.assertIs(self.state(), State.BACKUP)
        self.reload(config(), config(name="Z", interface="eth1", virtual_router_id=9))
        self.links.change(attrs.evolve(ETH1, running=False))
        self.assertIs(self.state(), State.BACKUP)
        self.stop()

    def test_a_script_s_verdict_outlives_the_reload(self) -> None:
        script = VrrpScript("fit", Script(("/fit",)), interval_us=5 * SECOND_US, weight=-30)
        tracking = config(track_script=(Tracked("fit"),))
        self.start(tracking, vrrp_scripts=(script,))
        self.scripts.runs.pop().end(ScriptResult(status=1))
        self.settle()
        self.assertEqual(self.service.router.instances["X"].priority, 70)
        other = config(name="Z", virtual_router_id=9, track_script=(Tracked("fit"),))
        self.reload(attrs.evolve(tracking, priority=90), other, vrrp_scripts=(script,))
        self.assertEqual(self.scripts.runs, [], "an unchanged script is not run again")
        self.assertEqual([self.service.router.instances[name].priority for name in ("X", "Z")], [60, 70])
        self.reload(tracking, vrrp_scripts=(attrs.evolve(script, weight=-50),))
        self.assertEqual(self.service.router.instances["X"].priority, 50)
        self.stop()

    # -- who comes and goes ------------------------------------------------------------------

    def test_another_file_of_a_name_is_weighed_as_it_is_configured_with_it(self) -> None:
        self.files = FakeWatchedFiles()
        self.files.write("/b", b"5")
        old, new = TrackFile("f", "/a", weight=0), TrackFile("f", "/b", weight=3)
        self.start(config(priority=150, track_file=(Tracked("f"),)), track_files=(old,))
        self.wait(4)
        self.forget()
        self.reload(config(name="Y", priority=150, track_file=(Tracked("f"),)), track_files=(new,))
        self.assertIs(self.state("Y"), State.MASTER)
        self.wait(1)
        self.assertEqual(self.sent, [150, 165])
        self.stop()

    def test_a_master_that_is_gone_resigns_lets_go_and_tells_fault(self) -> None:
        self.start(config(priority=150, notify={"notify": Script(("/n",))}), Z)
        self.wait(4)
        self.told()
        self.scripts.runs.clear()
        self.forget()
        before = self.wire.ports["eth0"]
        self.reload(Z)
        said = [priority_of(each) for each, _ in before.sent]
        self.assertEqual(said, [150, 100, 0], "every master speaks, then the one that goes resigns")
        self.assertTrue(before.closed)
        self.assertEqual(self.told(), [("/n", "INSTANCE", "X", "FAULT", "150")])
        self.assertEqual(list(self.service.router.instances), ["Z"])
        self.assertEqual(self.wire.ports["eth0"].vrids, {9})
        self.wire.ports["eth0"].receive(advert(200), 0)
        self.stop()

    def test_with_notify_deleted_it_is_told_to_be_deleted(self) -> None:
        scripts = {name: Script((f"/{name}",)) for name in ("notify", "notify_fault", "notify_deleted")}
        for state in ("MASTER", "FAULT"):
            self.master(notify=scripts, notify_deleted=True)
            if state == "FAULT":
                self.links.change(attrs.evolve(ETH0, running=False))
                self.settle()
            self.told()
            self.scripts.runs.clear()
            self.reload(Z)
            self.assertEqual(
                self.told(), [("/notify_deleted",), ("/notify", "INSTANCE", "X", "DELETED", "150")]
            )
            self.stop()

    def test_a_new_instance_starts_as_at_the_start(self) -> None:
        self.start(config(priority=150))
        self.wait(4)
        self.reload(config(priority=150), config(name="Z", interface="eth1", virtual_router_id=9))
        self.assertEqual((self.state(), self.state("Z")), (State.MASTER, State.BACKUP))
        self.wait(4)
        self.assertIs(self.state("Z"), State.MASTER)
        self.assertTrue(self.wire.ports["eth1"].sent)
        self.stop()

    def test_another_vrid_is_another_router_even_of_one_name(self) -> None:
        self.master()
        before = self.wire.ports["eth0"]
        self.reload(config(priority=150, virtual_router_id=52))
        self.assertEqual([priority_of(each) for each, _ in before.sent], [150, 0])
        self.assertIs(self.state(), State.BACKUP)
        self.assertFalse(self.holds())
        self.wait(4)
        self.assertIs(self.state(), State.MASTER)
        self.assertEqual(self.wire.ports["eth0"].vrids, {52})
        self.assertTrue(self.holds())
        self.stop()

    # -- sync groups -------------------------------------------------------------------------

    def test_routers_that_are_put_into_a_group_come_to_one_state(self) -> None:
        pair = (config(priority=150), config(name="Z", interface="eth1", virtual_router_id=51))
        self.start(*pair)
        self.wait(2)
        self.wire.ports["eth1"].receive(advert(200), 0)
        self.wait(2)
        self.assertEqual((self.state(), self.state("Z")), (State.MASTER, State.BACKUP))
        self.reload(*pair, vrrp_sync_groups=(VrrpSyncGroup("G", ("X", "Z")),))
        self.assertEqual((self.state(), self.state("Z")), (State.BACKUP, State.BACKUP))
        self.wait(5)
        self.assertEqual((self.state(), self.state("Z")), (State.MASTER, State.MASTER))
        self.stop()

    def test_who_leaves_a_group_shares_its_faults_no_more(self) -> None:
        pair = (config(priority=150), config(name="Z", interface="eth1", virtual_router_id=51))
        self.start(*pair, vrrp_sync_groups=(VrrpSyncGroup("G", ("X", "Z")),))
        self.links.change(attrs.evolve(ETH1, running=False))
        self.settle()
        self.assertIs(self.state(), State.FAULT)
        self.reload(*pair)
        self.assertEqual((self.state(), self.state("Z")), (State.BACKUP, State.FAULT))
        self.stop()

    # -- the end -----------------------------------------------------------------------------

    def test_a_stop_in_the_middle_ends_everything(self) -> None:
        self.start(config(priority=150), config(name="Z", virtual_router_id=9))
        self.wait(4)
        self.addresses.held = True
        done = Deferred.fromCoroutine(
            self.service.reconfigure(Configuration(vrrp_instances=(config(name="Z", virtual_router_id=9),)))
        )
        self.settle()
        self.assertNoResult(done)
        stopped = self.service.stopService()
        self.settle()
        self.addresses.held = False
        self.addresses.finish()
        self.settle()
        self.successResultOf(done)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertTrue(all(port.closed for port in self.wire.ports.values()))

    def test_a_stop_where_a_whole_sync_group_is_just_leaving(self) -> None:
        group = VrrpSyncGroup("G", ("X", "Z"))
        self.start(config(priority=150), Z, vrrp_sync_groups=(group,))
        self.wait(4)
        self.assertIs(self.state("Z"), State.MASTER)
        self.addresses.held = True
        stays = config(name="Y", virtual_router_id=77, virtual_ipaddress=())
        done = Deferred.fromCoroutine(self.service.reconfigure(Configuration(vrrp_instances=(stays,))))
        self.settle()
        self.assertNoResult(done)
        self.addresses.held = False
        stopped = self.service.stopService()
        self.addresses.finish()
        self.settle()
        self.successResultOf(done)
        self.successResultOf(stopped)
        self.assertFalse(self.holds() or self.holds(OTHER_VIP))

    def test_a_renamed_master_goes_on_while_interfaces_are_made(self) -> None:
        self.master()
        self.virtual_links.held = True
        renamed = Configuration(vrrp_instances=(config(name="Y", priority=150), attrs.evolve(Z, priority=90)))
        done = Deferred.fromCoroutine(self.service.reconfigure(renamed))
        self.wait(3)
        self.assertNoResult(done)
        self.assertEqual(self.sent, [150, 150, 150, 150])
        self.links.change(attrs.evolve(ETH0, up=False))
        self.settle()
        self.assertEqual(self.sent[-1], 0, "what happens meanwhile is acted on")
        self.links.change(ETH0)
        self.wait(4)
        self.virtual_links.held = False
        self.virtual_links.waiting.pop().callback(None)
        self.settle()
        self.successResultOf(done)
        self.assertIs(self.state("Y"), State.MASTER)
        self.forget()
        self.wait(3)
        self.assertEqual([each for each in self.sent if each == 150], [150, 150, 150])
        self.stop()

    def test_the_kernel_may_tell_late_that_a_gone_router_s_address_is_gone(self) -> None:
        self.start(config(priority=150), Z)
        self.wait(4)
        self.assertTrue(self.holds(OTHER_VIP))
        self.virtual_links.held = True
        done = Deferred.fromCoroutine(
            self.service.reconfigure(Configuration(vrrp_instances=(config(priority=150),)))
        )
        self.settle()
        self.links.appear(LinkAddress(2, OTHER_VIP, 32))
        self.links.vanish(LinkAddress(2, OTHER_VIP, 32))
        self.virtual_links.held = False
        self.virtual_links.waiting.pop().callback(None)
        self.settle()
        self.successResultOf(done)
        self.stop()

    def test_timers_of_a_renamed_router_end_with_it(self) -> None:
        self.master()
        self.reload(config(name="Y", priority=150))
        self.assertEqual(
            {which for name, which in self.service._countdowns._running if name == "Y"},
            {TimerName.ADVERT, TimerName.GARP_DELAY},
        )
        self.stop()
