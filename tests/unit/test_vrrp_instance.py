"""An instance by itself: its order of doing things, keepalived's own rules, and its log, word for word."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import Script, Tracked, UnicastPeer, VirtualIpAddress, VrrpScript
from kaltwisted.ports import Election
from kaltwisted.vrrp import actions as act
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp import packet
from kaltwisted.vrrp.actions import State, TimerName
from kaltwisted.vrrp.packet import Reason

from .vrrp_helpers import OURS, SECRET, VIP, Driven, config, kinds, lines, notified, seconds, sent

FIT = VrrpScript("fit", Script(("/bin/true",)))


class BeginningTests(SynchronousTestCase):
    def test_begins_as_backup_whatever_the_state_configured(self) -> None:
        for state in ("BACKUP", "MASTER"):
            driven = Driven(state=state, priority=150)
            self.assertEqual(driven.state, State.BACKUP)
            self.assertEqual(
                lines(driven.actions), ["(X) removing VIPs.", "(X) Entering BACKUP STATE (init)"]
            )
            self.assertEqual(kinds(driven.actions), [act.RemoveAddresses, act.Notify])
            self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_414_062)

    def test_an_owner_in_state_master_waits_a_microsecond(self) -> None:
        self.assertEqual(Driven(priority=255, state="MASTER").waits_us(TimerName.MASTER_DOWN), 1)
        self.assertEqual(Driven(priority=255).waits_us(TimerName.MASTER_DOWN), 3_003_906)

    def test_is_held_back_at_the_start(self) -> None:
        driven = Driven(begin=False)
        actions = driven.do(ev.Start(seconds(10)))
        self.assertEqual(lines(actions)[-1], "(X) Entering BACKUP STATE (init)")
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), seconds(10) + 3_609_375)
        driven.after(seconds(9))
        self.assertEqual(driven.hear(200) + driven.hear(0), [])
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), seconds(1) + 3_609_375)
        driven.after(seconds(1))
        driven.hear(200)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_609_375)
        owner = Driven(begin=False, priority=255, state="MASTER")
        owner.do(ev.Start(seconds(10)))
        self.assertEqual(owner.waits_us(TimerName.MASTER_DOWN), seconds(10) + 1)

    def test_a_script_s_fault_while_it_is_held_back(self) -> None:
        driven = Driven({"fit": FIT}, begin=False, track_script=(Tracked("fit"),))
        driven.do(ev.Start(seconds(10)))
        driven.after(seconds(4))
        driven.do(ev.Turned(ev.FaultKind.SCRIPT, "fit", 1))
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), seconds(6) + 3_609_375)

    def test_waits_for_a_script_that_decides_about_fault(self) -> None:
        driven = Driven({"fit": FIT}, track_script=(Tracked("fit"),))
        self.assertEqual((driven.state, driven.timers), (State.INIT, {}))
        driven.do(ev.Turned(ev.FaultKind.SCRIPT, "fit", 1))
        self.assertEqual(driven.state, State.BACKUP)

    def test_waits_for_the_script_after_a_fault_too(self) -> None:
        driven = Driven({"fit": FIT}, track_script=(Tracked("fit"),))
        driven.do(ev.LinkChanged("eth0", False))
        driven.do(ev.LinkChanged("eth0", True))
        self.assertEqual(driven.state, State.FAULT)
        driven.do(ev.Turned(ev.FaultKind.SCRIPT, "fit", 1))
        self.assertEqual(driven.state, State.BACKUP)

    def test_begins_in_fault(self) -> None:
        driven = Driven(begin=False)
        driven.do(ev.LinkChanged("eth0", False))
        actions = driven.do(ev.Start())
        self.assertEqual(lines(actions), ["(X) removing VIPs.", "(X) Entering FAULT STATE (init)"])
        self.assertEqual(notified(actions), [State.FAULT])

    def test_starts_once(self) -> None:
        driven = Driven()
        self.assertEqual(driven.do(ev.Start()), [])


class MasterTests(SynchronousTestCase):
    def test_advert_first_then_addresses_then_announcements_then_scripts(self) -> None:
        driven = Driven()
        actions = driven.become_master()
        self.assertIsInstance(actions[0], act.SendAdvert)
        self.assertEqual(kinds(actions), [act.SendAdvert, act.AddAddresses, act.Announce, act.Notify])
        self.assertEqual(
            lines(actions),
            ["(X) Receive advertisement timeout", "(X) Entering MASTER STATE", "(X) setting VIPs."],
        )

    def test_announces_again_after_the_delay_and_refreshes(self) -> None:
        excluded = VirtualIpAddress(ip_address("10.0.0.101"), 32)
        driven = Driven(
            virtual_ipaddress_excluded=(excluded,),
            garp_master_refresh_us=seconds(60),
            garp_master_refresh_repeat=2,
        )
        first = driven.become_master()
        self.assertIn(act.Announce((VIP, excluded), 5), first)
        self.assertEqual(driven.waits_us(TimerName.GARP_DELAY), seconds(5))
        self.assertEqual(driven.expire(TimerName.GARP_DELAY), [act.Announce((VIP, excluded), 5)])
        self.assertIn(act.Announce((VIP, excluded), 2), driven.expire(TimerName.GARP_REFRESH))
        self.assertEqual(driven.waits_us(TimerName.GARP_REFRESH), seconds(60))

    def test_adverts_keep_to_their_schedule(self) -> None:
        driven = Driven()
        driven.become_master()
        due = driven.timers[TimerName.ADVERT].at
        driven.expire(TimerName.ADVERT, late_us=300_000)
        self.assertEqual(driven.timers[TimerName.ADVERT].at, due + seconds(1))
        driven.expire(TimerName.ADVERT, late_us=seconds(2.5))
        self.assertEqual(driven.waits_us(TimerName.ADVERT), seconds(1))

    def test_a_master_too_late_steps_back_if_so_configured(self) -> None:
        for rival, state in ((None, State.MASTER), (254, State.BACKUP)):
            driven = Driven(timer_expired_backup=rival)
            driven.become_master()
            actions = driven.expire(TimerName.ADVERT, late_us=seconds(2.1))
            self.assertEqual(driven.state, state)
            self.assertEqual(sent(actions), [] if rival else [100])

    def test_a_master_runs_no_backups_timer(self) -> None:
        driven = Driven()
        driven.do(ev.Sync.TO_MASTER)
        self.assertEqual(set(driven.timers), {TimerName.ADVERT, TimerName.GARP_DELAY})
        driven.do(ev.Sync.TO_BACKUP)
        self.assertEqual(set(driven.timers), {TimerName.MASTER_DOWN})

    def test_stale_expiries_are_ignored(self) -> None:
        driven = Driven()
        stale = driven.timers[TimerName.MASTER_DOWN].generation
        driven.hear(200)
        self.assertEqual(driven.do(ev.TimerExpired(TimerName.MASTER_DOWN, stale)), [])
        self.assertEqual(driven.state, State.BACKUP)

    def test_stop_hands_over(self) -> None:
        driven = Driven()
        driven.become_master()
        actions = driven.do(ev.Stop())
        self.assertEqual(kinds(actions), [act.SendAdvert, act.RemoveAddresses, act.Notify])
        self.assertEqual((sent(actions), notified(actions)), ([0], [State.STOP]))
        self.assertEqual(lines(actions), ["(X) sent 0 priority", "(X) removing VIPs."])
        self.assertEqual(driven.timers, {})
        self.assertEqual(driven.do(ev.Stop()), [])

    def test_an_address_removed_by_hand_costs_a_skew_time(self) -> None:
        driven = Driven()
        driven.become_master()
        actions = driven.do(ev.AddressLost(VIP.address))
        self.assertEqual(
            lines(actions), ["(X) Entering BACKUP STATE", "(X) sent 0 priority", "(X) removing VIPs."]
        )
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 609_375)
        driven.become_master()

    def test_an_address_with_no_track_may_go(self) -> None:
        address = VirtualIpAddress(VIP.address, 32, no_track=True)
        driven = Driven(virtual_ipaddress=(address,))
        driven.become_master()
        self.assertEqual(driven.do(ev.AddressLost(VIP.address)), [])

    def test_unicast_goes_to_each_peer(self) -> None:
        peers = (UnicastPeer(ip_address("10.0.0.6")), UnicastPeer(ip_address("10.0.0.7")))
        driven = Driven(unicast_peer=peers, unicast_src_ip=ip_address("10.0.0.4"), authentication=SECRET)
        adverts = [a for a in driven.become_master() if isinstance(a, act.SendAdvert)]
        self.assertEqual([advert.destination for advert in adverts], [peer.address for peer in peers])
        self.assertEqual({str(advert.source) for advert in adverts}, {"10.0.0.4"})

    def test_a_storm_of_other_masters_makes_no_storm_of_ours(self) -> None:
        driven = Driven()
        driven.become_master()
        driven.after(seconds(0.5))
        actions = []
        for number in range(1000):
            actions += driven.hear(number % 100)
            driven.after(100)
        self.assertLessEqual(len(sent(actions)), 2)
        self.assertLessEqual(len(lines(actions)), 3)
        self.assertEqual(len([a for a in actions if isinstance(a, act.Announce)]), 1)

    def test_wins_the_neighbours_back_from_a_lesser_master(self) -> None:
        driven = Driven(garp_lower_prio_repeat=3, garp_lower_prio_delay_us=seconds(2))
        driven.become_master()
        driven.after(seconds(0.5))
        actions = driven.hear(90)
        self.assertEqual(sent(actions), [100])
        self.assertIn(act.Announce((VIP,), 3), actions)
        self.assertEqual(driven.waits_us(TimerName.GARP_DELAY), seconds(2))
        self.assertEqual(
            lines(actions),
            ["(X) Received advert from 10.0.0.9 with lower priority 90, ours 100, forcing new election"],
        )

    def test_lower_prio_no_advert_and_higher_prio_send_advert(self) -> None:
        driven = Driven(lower_prio_no_advert=True, higher_prio_send_advert=True)
        driven.become_master()
        driven.after(seconds(0.5))
        self.assertEqual(sent(driven.hear(90)), [])
        self.assertEqual(sent(driven.hear(200)), [100])
        self.assertEqual(driven.state, State.BACKUP)

    def test_of_two_owners_the_lower_address_backs_off(self) -> None:
        for source, state in (("10.0.0.4", State.MASTER), ("10.0.0.9", State.BACKUP)):
            driven = Driven(priority=255, state="MASTER")
            driven.become_master()
            said = lines(driven.hear(255, source))
            self.assertEqual(said[0], f"(X) we and {source} are both configured as address owner")
            self.assertEqual(driven.state, state)

    def test_an_owner_that_shall_ignore_adverts_hears_none_while_it_is_master(self) -> None:
        driven = Driven(priority=255, state="MASTER", owner_ignore_adverts=True)
        driven.become_master()
        for priority in (255, 254, 0):
            driven.after(seconds(0.5))
            self.assertEqual(driven.hear(priority), [], priority)
        self.assertEqual(driven.do(ev.PacketReceived(bytes(40))), [])
        self.assertEqual(driven.instance.statistics.adverts_received, 0)
        new = config(priority=255, state="MASTER")
        driven.take(driven.instance.reconfigure(new, {}, keeps_weights=True, known={}, now=driven.now))
        driven.hear(255)
        self.assertEqual(driven.state, State.BACKUP)

    def test_nobody_else_ignores_adverts(self) -> None:
        # Neither a master that is no owner, nor an owner that has not begun to be master.
        driven = Driven(priority=254, owner_ignore_adverts=True)
        driven.become_master()
        driven.hear(255)
        self.assertEqual(driven.state, State.BACKUP)
        driven = Driven(priority=255, owner_ignore_adverts=True)
        driven.hear(255)
        self.assertEqual(driven.instance.statistics.adverts_received, 1)

    def test_an_owner_that_an_operator_made_yield_hears_adverts(self) -> None:
        driven = Driven(priority=255, state="MASTER", owner_ignore_adverts=True)
        driven.become_master()
        driven.do(ev.Steered(Election.YIELD))
        driven.hear(100)
        self.assertEqual(driven.state, State.BACKUP)

    def test_our_own_advert_is_no_rival(self) -> None:
        driven = Driven()
        driven.become_master()
        self.assertEqual(
            lines(driven.hear(100, OURS)), [f"(X) received an advert from our own address {OURS}"]
        )
        self.assertEqual(driven.state, State.MASTER)


class BackupTests(SynchronousTestCase):
    def test_says_whom_it_follows(self) -> None:
        driven = Driven()
        self.assertEqual(lines(driven.hear(150)), ["(X) master set to 10.0.0.9"])
        self.assertEqual(lines(driven.hear(150)), [])
        self.assertEqual(
            lines(driven.hear(150, "10.0.0.8")), ["(X) master changed from 10.0.0.9 to 10.0.0.8"]
        )

    def test_nopreempt_follows_anybody(self) -> None:
        driven = Driven(nopreempt=True)
        driven.after(seconds(3))
        driven.hear(1)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_609_375)

    def test_state_master_cancels_nopreempt_and_preempt_delay(self) -> None:
        for fields in ({"nopreempt": True}, {"preempt_delay_us": seconds(9)}):
            driven = Driven(state="MASTER", **fields)
            driven.after(seconds(3))
            driven.hear(1)
            self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 609_375)

    def test_preempt_delay_begins_with_the_first_lower_priority(self) -> None:
        driven = Driven(preempt_delay_us=seconds(2), priority=150)
        driven.after(seconds(1))
        self.assertIn("(X) start preempt delay (2.000000)", lines(driven.hear(100)))
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_414_062)
        driven.after(seconds(1.9))
        driven.hear(100)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_414_062)
        driven.after(seconds(1))
        self.assertEqual(
            lines(driven.hear(100)), ["(X) received lower priority (100) advert from 10.0.0.9 - discarding"]
        )
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 2_414_062)

    def test_preempt_delay_does_not_delay_takeover_from_silence(self) -> None:
        driven = Driven(preempt_delay_us=seconds(1000))
        driven.hear(200)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_609_375)
        driven.become_master()

    def test_without_an_address_of_its_own_it_hears_who_has_none(self) -> None:
        alone = Driven(version=3, virtual_ipaddress=(), no_virtual_ipaddress=True)
        alone.after(seconds(1))
        alone.hear(200, block=b"")
        self.assertEqual(alone.instance.statistics.packet_errors, {})
        self.assertEqual(alone.waits_us(TimerName.MASTER_DOWN), 3_609_375)
        with_one = Driven(version=3, no_virtual_ipaddress=True)
        with_one.hear(200, block=b"")
        self.assertEqual(with_one.instance.statistics.packet_errors, {Reason.ADDRESS_COUNT: 1})

    def test_another_address_list_is_told_counted_and_followed(self) -> None:
        driven = Driven()
        two = VIP.address.packed + ip_address("10.0.0.7").packed
        self.assertIn("(X) expected 1 VIPs but received 2", lines(driven.hear(150, block=two)))
        other = ip_address("10.0.0.7").packed
        driven.after(seconds(61))
        self.assertEqual(
            lines(driven.hear(150, block=other)),
            ["(X) ip address associated with VRID 51 not present in advert from 10.0.0.9: 10.0.0.100"],
        )
        self.assertEqual(driven.instance.statistics.address_list_errors, 2)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_609_375)

    def test_the_order_of_addresses_does_not_matter(self) -> None:
        second = VirtualIpAddress(ip_address("10.0.0.101"), 32)
        driven = Driven(virtual_ipaddress=(VIP, second))
        driven.hear(150, block=second.address.packed + VIP.address.packed)
        self.assertEqual(driven.instance.statistics.address_list_errors, 0)


class PriorityTests(SynchronousTestCase):
    def test_a_change_shifts_the_running_timer_by_the_skews_difference(self) -> None:
        script = VrrpScript("fit", Script(("/bin/true",)), weight=-60)
        driven = Driven({"fit": script}, track_script=(Tracked("fit"),), priority=150)
        driven.after(seconds(1))
        actions = driven.do(ev.Turned(ev.FaultKind.SCRIPT, "fit", 0))
        self.assertEqual(lines(actions), ["(X) Changing effective priority from 150 to 90"])
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 2_648_437)
        driven.do(ev.Turned(ev.FaultKind.SCRIPT, "fit", 1))
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 2_414_062)

    def test_a_master_advertises_the_new_priority(self) -> None:
        script = VrrpScript("fit", Script(("/bin/true",)), weight=20)
        driven = Driven({"fit": script}, track_script=(Tracked("fit"),))
        driven.become_master()
        driven.do(ev.Turned(ev.FaultKind.SCRIPT, "fit", 1))
        self.assertEqual(sent(driven.expire(TimerName.ADVERT)), [120])


class VersionThreeTests(SynchronousTestCase):
    def test_authentication_is_not_used(self) -> None:
        driven = Driven(version=3, advert_int_us=100_000, authentication=SECRET)
        advert = driven.become_master()[0]
        assert isinstance(advert, act.SendAdvert)
        self.assertEqual((advert.packet[9], len(advert.packet)), (112, 32))

    def test_the_checksum_follows_a_new_source_address(self) -> None:
        driven = Driven(version=3)
        driven.become_master()
        driven.do(ev.SourceChanged(ip_address("10.0.0.44")))
        (advert,) = [a for a in driven.expire(TimerName.ADVERT) if isinstance(a, act.SendAdvert)]
        heard = packet.decode(advert.packet, packet.Expected(51, 3))
        assert isinstance(heard, packet.Advert)
        self.assertEqual(heard.source, ip_address("10.0.0.44").packed)

    def test_what_was_learned_is_forgotten_with_the_master(self) -> None:
        driven = Driven(version=3)
        driven.hear(200, interval_us=100_000)
        driven.become_master()
        driven.do(ev.AddressLost(VIP.address))
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 609_375)
        driven.hear(200, interval_us=100_000)
        driven.do(ev.LinkChanged("eth0", False))
        driven.do(ev.LinkChanged("eth0", True))
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_609_375)

    def test_an_interval_of_nothing_is_not_learned(self) -> None:
        driven = Driven(version=3)
        driven.hear(150, interval_us=0)
        self.assertEqual(driven.waits_us(TimerName.MASTER_DOWN), 3_609_375)


class AnythingTests(SynchronousTestCase):
    """Any events in any order: what goes with a state is there, and nothing else."""

    EVENTS = st.sampled_from(
        [
            *(("hear", priority) for priority in (0, 50, 100, 200, 255)),
            *(("expire", which) for which in TimerName),
            *(("link", up) for up in (True, False)),
            *(("source", address) for address in (None, ip_address(OURS))),
            *(("script", good) for good in (True, False)),
            *(("sync", order) for order in ev.Sync),
            *(("group", faulty) for faulty in (True, False)),
            ("lost", VIP.address),
            ("stop", None),
        ]
    )

    BEGINNINGS = (
        (),
        (("script", True),),
        (("script", True), ("expire", TimerName.MASTER_DOWN)),
    )

    @given(
        st.sampled_from(BEGINNINGS),
        st.lists(st.tuples(EVENTS, st.integers(0, 5_000_000)), max_size=40),
        st.booleans(),
    )
    def test_state_timers_and_addresses_agree(
        self,
        beginning: tuple[tuple[str, object], ...],
        story: list[tuple[tuple[str, object], int]],
        sealed: bool,
    ) -> None:
        driven = Driven(
            {"fit": FIT}, track_script=(Tracked("fit"),), authentication=SECRET if sealed else None
        )
        sequence = 0
        for (kind, value), pause in [*((event, 0) for event in beginning), *story]:
            driven.after(pause)
            match kind, value:
                case "hear", int():
                    sequence += 1
                    driven.hear(value, sequence=sequence)
                case "expire", TimerName():
                    if value in driven.timers:
                        driven.now = max(driven.now, driven.timers[value].at)
                        driven.expire(value)
                case "link", bool():
                    driven.do(ev.LinkChanged("eth0", value))
                case "source", _:
                    driven.do(ev.SourceChanged(value))  # type: ignore[arg-type]
                case "script", bool():
                    driven.do(ev.Turned(ev.FaultKind.SCRIPT, "fit", int(value)))
                case "group", bool():
                    driven.do(ev.GroupFault("G", value))
                case "sync", ev.Sync():
                    driven.do(value)
                case "lost", _:
                    driven.do(ev.AddressLost(VIP.address))
                case "stop", _:
                    driven.do(ev.Stop())
            self.check(driven)

    def check(self, driven: Driven) -> None:
        last = [a for a in driven.actions if isinstance(a, act.AddAddresses | act.RemoveAddresses)][-1]
        self.assertEqual(isinstance(last, act.AddAddresses), driven.state is State.MASTER)
        self.assertEqual(TimerName.ADVERT in driven.timers, driven.state is State.MASTER)
        self.assertEqual(TimerName.MASTER_DOWN in driven.timers, driven.state is State.BACKUP)
        self.assertEqual(
            {(t.which, t.generation) for t in driven.instance.running_timers()},
            {(t.which, t.generation) for t in driven.timers.values()},
        )
        if driven.state in (State.BACKUP, State.MASTER):
            self.assertEqual(driven.instance.faults, frozenset())
        statistics = driven.instance.statistics
        self.assertEqual(statistics.became_master - statistics.released_master, driven.state is State.MASTER)
