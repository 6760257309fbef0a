"""RFC 5880 (BFD), with 5881 (one hop) and 5883 (several) where they rule: each rule by its section.

How packets find their session (§6.8.6, RFC 5881 §3, §5) is in tests/unit/test_bfd_service.py, source
ports and hops on real interfaces in tests/network/test_bfd.py.

As in keepalived there is no authentication (§6.7: packets that have it are discarded), no Echo, no
Demand mode of our own, nothing that tells a reset forwarding plane or concatenated paths (§6.8.15,
§6.8.17), and no congestion control over several hops (§7): intervals are what is configured.  A
session over one hop may be configured passive (RFC 5881 §3 has both ends active), and one that falls
from Up begins no poll for its slower interval (§6.8.3), which its state tells of.
"""

from __future__ import annotations

import struct
from itertools import pairwise

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.bfd import packet as wire
from kaltwisted.bfd.packet import Reason, decode, encode
from tests.unit.bfd_helpers import HERE, THERE, Control, Diagnostic, Driven, State, chance, config, packet

SECOND = 1_000_000


def states(sent: list[Control]) -> list[State]:
    return [control.state for control in sent]


class Section4PacketFormat(SynchronousTestCase):
    def test_4_1_layout(self) -> None:
        control = Control(
            State.UP, 3, 0x01020304, 0x05060708, 10_000, 20_000, Diagnostic.EXPIRED, poll=True, demand=True
        )
        self.assertEqual(encode(control).hex(" ", 4), "21e20318 01020304 05060708 00002710 00004e20 00000000")
        self.assertEqual(decode(encode(control)), control)

    def test_4_1_each_state_diagnostic_and_flag_goes_there_and_back(self) -> None:
        for state in State:
            for diagnostic in Diagnostic:
                for flags in ({}, {"poll": True}, {"final": True}, {"demand": True}):
                    control = packet(state, diagnostic=diagnostic, **flags)
                    self.assertEqual(decode(encode(control)), control)

    def test_4_1_diagnostics_without_a_meaning_are_no_mistake(self) -> None:
        data = bytearray(encode(packet()))
        data[0] |= 31
        control = decode(bytes(data))
        assert isinstance(control, Control)
        self.assertIs(control.diagnostic, Diagnostic.RESERVED)


class Section6Sessions(SynchronousTestCase):
    def test_6_1_the_passive_role_waits_for_the_first_packet(self) -> None:
        driven = Driven(passive=True)
        self.assertEqual(driven.wait(10 * SECOND), [])
        self.assertEqual(states(driven.hear(packet(your_discriminator=0))), [State.INIT])
        driven.wait(4 * SECOND)
        self.assertEqual(driven.wait(10 * SECOND), [])

    def test_6_2_three_way_handshake(self) -> None:
        driven = Driven()
        self.assertEqual(states([control for _, control in driven.sent]), [State.DOWN])
        driven.hear(packet(your_discriminator=0))
        self.assertIs(driven.state, State.INIT)
        driven.hear(packet(State.INIT))
        self.assertIs(driven.state, State.UP)
        self.assertEqual(driven.turns, [True])

    def test_6_2_init_also_rises_by_up_and_down_never_does(self) -> None:
        driven = Driven()
        driven.hear(packet(State.UP))
        self.assertIs(driven.state, State.DOWN)
        driven.hear(packet(), packet(State.UP))
        self.assertIs(driven.state, State.UP)

    def test_6_2_down_from_up_is_told_and_torn_down(self) -> None:
        driven = Driven().rise()
        [answer] = driven.hear(packet(diagnostic=Diagnostic.EXPIRED))
        self.assertEqual((answer.state, answer.diagnostic), (State.DOWN, Diagnostic.NEIGHBOR_DOWN))
        self.assertEqual(driven.turns, [True, False])
        self.assertEqual(
            driven.lines()[-1],
            "(far) Entering Down state (Local diagnostic - Neighbor Signaled Session Down,"
            " Remote diagnostic - Control Detection Time Expired)",
        )

    def test_6_2_a_neighbour_held_down_on_purpose_keeps_us_down(self) -> None:
        driven = Driven().rise()
        driven.hear(packet(State.ADMIN_DOWN, diagnostic=Diagnostic.ADMIN_DOWN))
        self.assertIs(driven.state, State.DOWN)
        driven.hear(packet(State.ADMIN_DOWN))
        self.assertIs(driven.state, State.DOWN)
        init = Driven()
        init.hear(packet(), packet(State.ADMIN_DOWN))
        self.assertIs(init.state, State.DOWN)

    def test_6_3_the_neighbours_discriminator_is_given_back(self) -> None:
        driven = Driven()
        self.assertEqual(driven.sent[0][1].your_discriminator, 0)
        [answer] = driven.hear(packet())
        self.assertEqual((answer.my_discriminator, answer.your_discriminator), (HERE, THERE))

    def test_6_5_a_poll_is_answered_at_once_and_with_no_poll(self) -> None:
        driven = Driven().rise()
        [answer] = driven.hear(packet(State.UP, poll=True))
        self.assertEqual((answer.final, answer.poll), (True, False))
        self.assertEqual(driven.hear(packet(State.UP)), [])
        first = Driven()
        first.hear(packet())
        # We poll ourselves when we come up; the answer to a poll is no poll all the same.
        up, final = first.hear(packet(State.INIT, poll=True))
        self.assertEqual([(up.poll, up.final), (final.poll, final.final)], [(True, False), (False, True)])

    def test_6_5_a_poll_is_repeated_until_its_final(self) -> None:
        driven = Driven()
        driven.hear(packet(), packet(State.UP))
        for _ in range(2):
            self.assertEqual({control.poll for _, control in driven.wait(20_000)}, {True})
            driven.hear(packet(State.UP))
        driven.hear(packet(State.UP, final=True))
        self.assertEqual({control.poll for _, control in driven.wait(20_000)}, {False})

    def test_6_6_a_neighbour_in_demand_mode_is_left_in_peace(self) -> None:
        driven = Driven().rise()
        driven.hear(packet(State.UP, demand=True))
        self.assertEqual(driven.wait(29_000), [])
        [answer] = driven.hear(packet(State.UP, demand=True, poll=True))
        self.assertTrue(answer.final)
        driven.hear(packet(State.UP))
        self.assertTrue(driven.wait(20_000))


class Section68Procedures(SynchronousTestCase):
    def test_6_8_1_initial_values(self) -> None:
        driven = Driven()
        variables = driven.session.variables
        self.assertEqual((driven.state, variables.remote_state), (State.DOWN, State.DOWN))
        self.assertEqual((variables.remote_discriminator, variables.remote_min_rx_us), (0, 1))
        [(_, first)] = driven.sent
        self.assertEqual(
            (first.state, first.diagnostic, first.my_discriminator, first.desired_min_tx_us),
            (State.DOWN, Diagnostic.NONE, HERE, SECOND),
        )

    def test_6_8_1_what_the_lost_neighbour_said_is_forgotten(self) -> None:
        driven = Driven().rise()
        driven.wait(30_000)
        _, last = driven.sent[-1]
        self.assertEqual((last.state, last.your_discriminator), (State.DOWN, 0))

    def test_6_8_1_in_down_too(self) -> None:
        driven = Driven()
        driven.hear(packet(State.UP))
        driven.wait(3 * SECOND)
        self.assertEqual(driven.sent[-1][1].your_discriminator, 0)
        self.assertEqual(driven.turns, [])

    def test_6_8_2_the_slower_of_both_decides(self) -> None:
        driven = Driven().rise()
        count = len(driven.sent)
        for _ in range(25):
            driven.hear(packet(State.UP, required_min_rx_us=50_000))
            driven.wait(20_000)
        times = [at for at, _ in driven.sent[count:]]
        # The interval that ran already is not made longer.
        self.assertEqual({after - before for before, after in pairwise(times)}, {50_000})

    def test_6_8_3_one_that_wants_more_gets_it_at_once(self) -> None:
        driven = Driven().rise()
        driven.hear(packet(State.UP, required_min_rx_us=500_000, desired_min_tx_us=500_000))
        driven.wait(10_000)
        self.assertEqual(driven.wait(400_000), [])
        driven.hear(packet(State.UP))
        self.assertEqual([at for at, _ in driven.wait(10_000)], [10_000])

    def test_6_8_3_a_second_from_packet_to_packet_while_not_up(self) -> None:
        driven = Driven()
        times = [at for at, _ in driven.wait(3 * SECOND)]
        self.assertEqual(times, [SECOND, 2 * SECOND, 3 * SECOND])
        self.assertEqual({control.desired_min_tx_us for _, control in driven.sent}, {SECOND})

    def test_6_8_3_up_begins_with_a_poll_and_the_fast_interval(self) -> None:
        driven = Driven()
        driven.hear(packet())
        [up] = driven.hear(packet(State.UP))
        self.assertEqual((up.poll, up.desired_min_tx_us), (True, 10_000))
        self.assertEqual([at for at, _ in driven.wait(20_000)], [10_000, 20_000])

    def test_6_8_3_a_slower_interval_waits_for_the_end_of_the_poll(self) -> None:
        driven = Driven().rise()
        driven.reconfigure(min_tx_us=40_000)
        driven.hear(packet(State.UP))
        sent = driven.wait(20_000)
        self.assertEqual([at for at, _ in sent], [10_000, 20_000])
        self.assertEqual({(control.poll, control.desired_min_tx_us) for _, control in sent}, {(True, 40_000)})
        driven.hear(packet(State.UP, final=True))
        driven.wait(10_000)
        driven.hear(packet(State.UP))
        self.assertEqual(driven.wait(29_000), [])

    def test_6_8_3_what_we_ask_for_less_of_is_not_expected_before_the_end_of_the_poll(self) -> None:
        driven = Driven(min_rx_us=40_000).rise()
        driven.reconfigure(min_rx_us=10_000)
        driven.hear(packet(State.UP))
        driven.wait(119_000)
        self.assertIs(driven.state, State.UP)
        driven.hear(packet(State.UP, final=True))
        driven.wait(30_000)
        self.assertIs(driven.state, State.DOWN)

    def test_6_8_3_a_second_change_has_a_poll_of_its_own(self) -> None:
        """It waits for the first one's answer and a packet that answers none: no final can be mistaken."""
        driven = Driven().rise()
        driven.hear(packet(State.UP))
        driven.reconfigure(min_tx_us=40_000)
        driven.reconfigure(min_tx_us=20_000)
        [(_, first)] = driven.wait(10_000)
        self.assertEqual((first.poll, first.desired_min_tx_us), (True, 40_000))
        for _ in range(2):
            # More than one packet had the poll bit, and each is answered.
            driven.hear(packet(State.UP, final=True))
        [(_, between)] = driven.wait(10_000)
        self.assertEqual((between.poll, between.desired_min_tx_us), (False, 40_000))
        driven.hear(packet(State.UP))
        [(_, second)] = driven.wait(20_000)
        self.assertEqual((second.poll, second.desired_min_tx_us), (True, 20_000))
        driven.hear(packet(State.UP, final=True))
        [(_, last)] = driven.wait(20_000)
        self.assertEqual((last.poll, last.desired_min_tx_us), (False, 20_000))

    def test_6_8_4_detection_time(self) -> None:
        """(their multiplier, their interval, what we ask for): how long they may be silent."""
        for multiplier, theirs, ours, detection in [
            (3, 10_000, 10_000, 30_000),
            (5, 10_000, 50_000, 250_000),
            (2, 70_000, 50_000, 140_000),
        ]:
            driven = Driven(min_rx_us=ours).rise()
            driven.hear(packet(State.UP, multiplier=multiplier, desired_min_tx_us=theirs))
            driven.wait(detection - 1)
            self.assertIs(driven.state, State.UP)
            driven.wait(1)
            self.assertIs(driven.state, State.DOWN)
            last = driven.sent[-1][1]
            self.assertEqual((last.state, last.diagnostic), (State.DOWN, Diagnostic.EXPIRED))
            self.assertIn(f"(far) Expired after {detection // 1000} ms (0 usec overdue)", driven.lines())

    def test_6_8_5_a_session_that_was_lost_comes_back(self) -> None:
        driven = Driven().rise()
        driven.wait(30_000)
        driven.hear(packet(your_discriminator=0), packet(State.INIT))
        self.assertEqual(driven.turns, [True, False, True])

    def test_6_8_6_what_is_discarded(self) -> None:
        good = encode(packet())
        for at, value, reason in [
            (0, 0x40, Reason.VERSION),
            (0, 0x00, Reason.VERSION),
            (3, 23, Reason.LENGTH),
            (3, 25, Reason.LENGTH),
            (2, 0, Reason.MULTIPLIER),
            (1, 0x41, Reason.MULTIPOINT),
            (1, 0x44, Reason.AUTHENTICATION),
            (1, 0x70, Reason.POLL_AND_FINAL),
        ]:
            data = bytearray(good)
            data[at] = value
            self.assertIs(decode(bytes(data)), reason, (at, value))
        self.assertIs(decode(good[:23]), Reason.SHORT)
        self.assertIs(decode(good[:4] + bytes(4) + good[8:]), Reason.MY_DISCRIMINATOR)
        for state in State:
            unaddressed = decode(encode(packet(state, your_discriminator=0)))
            if state in (State.INIT, State.UP):
                self.assertIs(unaddressed, Reason.YOUR_DISCRIMINATOR)
            else:
                self.assertIsInstance(unaddressed, Control)

    def test_6_8_6_bytes_behind_the_end_are_ignored(self) -> None:
        self.assertEqual(decode(encode(packet()) + b"more"), packet())

    def test_6_8_7_jitter_of_a_quarter(self) -> None:
        driven = Driven(chance(1)).rise()
        gaps = self.gaps(driven, 200)
        self.assertGreaterEqual(min(gaps), 7_500)
        self.assertLessEqual(max(gaps), 10_000)
        self.assertGreater(max(gaps) - min(gaps), 2_000)

    def test_6_8_7_with_a_multiplier_of_one_at_most_nine_tenths(self) -> None:
        driven = Driven(chance(1), multiplier=1).rise()
        gaps = self.gaps(driven, 200)
        self.assertGreaterEqual(min(gaps), 7_500)
        self.assertLessEqual(max(gaps), 9_000)

    @staticmethod
    def gaps(driven: Driven, count: int) -> list[int]:
        for _ in range(count):
            driven.wait(10_000)
            driven.hear(packet(State.UP))
        times = [at for at, _ in driven.sent[-count:]]
        return [after - before for before, after in pairwise(times)]

    def test_6_8_7_one_that_wants_nothing_gets_nothing_but_changes(self) -> None:
        driven = Driven().rise()
        driven.hear(packet(State.UP, required_min_rx_us=0))
        self.assertEqual(driven.wait(29_000), [])
        [answer] = driven.hear(packet(required_min_rx_us=0))
        self.assertIs(answer.state, State.DOWN)

    def test_6_8_9_no_echo_is_sent_or_asked_for(self) -> None:
        data = encode(packet())
        offered = decode(data[:20] + struct.pack("!I", 50_000))
        self.assertEqual(offered, decode(data))
        driven = Driven().rise()
        for _, control in driven.sent:
            self.assertEqual(encode(control)[20:], bytes(4))
            self.assertFalse(control.demand)

    def test_6_8_18_one_that_wanted_nothing_and_is_silent_is_sent_to_again(self) -> None:
        driven = Driven()
        driven.hear(packet(State.DOWN, required_min_rx_us=0))
        self.assertEqual(driven.wait(2_900_000), [])
        self.assertTrue(driven.wait(2 * SECOND))

    def test_6_8_16_leaving_is_told(self) -> None:
        # Once; the RFC would have it said for a Detection Time, after which its loss is noticed anyway.
        driven = Driven().rise()
        [last] = driven.stop()
        self.assertEqual((last.state, last.diagnostic), (State.ADMIN_DOWN, Diagnostic.ADMIN_DOWN))
        self.assertEqual(driven.turns, [True, False])
        self.assertIsNone(driven.session.next_at)
        self.assertEqual(driven.hear(packet(State.UP, poll=True)), [])

    def test_9_sequences_of_bytes_are_never_trusted(self) -> None:
        for size in range(64):
            self.assertIsInstance(decode(bytes(size)), Reason)
            self.assertIsInstance(decode(b"\xff" * size), Reason)


class OtherRfcs(SynchronousTestCase):
    def test_5881_4_and_5883_5_ports(self) -> None:
        self.assertEqual((wire.SINGLE_HOP_PORT, wire.MULTIHOP_PORT), (3784, 4784))

    def test_5881_5_the_ttl_of_who_is_next_door(self) -> None:
        self.assertEqual((config().ttl, config().least_ttl), (255, 255))
        self.assertEqual(config(max_hops=3).least_ttl, 252)
        self.assertEqual(config(max_hops=-1).least_ttl, 0)

    def test_the_layout_is_24_bytes(self) -> None:
        self.assertEqual(len(encode(packet())), struct.calcsize("!4B5I"))
