"""A BFD session under any packets, two of them on one wire, and what it logs."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.bfd.packet import SIZE, Control, Diagnostic, Reason, State, decode, encode
from kaltwisted.bfd.session import Session
from kaltwisted.bfd.variables import Action, Level, Send, Turned
from tests.unit.bfd_helpers import Driven, chance, config, packet

U32 = st.one_of(st.sampled_from([0, 1, 10_000, 1_000_000, 2**32 - 1]), st.integers(0, 2**32 - 1))
CONTROLS = st.builds(
    Control,
    st.sampled_from(State),
    st.integers(1, 255),
    st.integers(1, 2**32 - 1),
    U32,
    U32,
    U32,
    st.sampled_from(Diagnostic),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
STEPS = st.lists(st.one_of(CONTROLS, st.integers(0, 5_000_000), st.just("stop")), max_size=40)


class FuzzTests(SynchronousTestCase):
    @given(st.binary(max_size=80))
    def test_any_bytes_are_a_packet_or_a_reason(self, data: bytes) -> None:
        found = decode(data)
        if isinstance(found, Control):
            again = decode(encode(found))
            self.assertEqual(found, again)
        else:
            self.assertIsInstance(found, Reason)

    @given(st.binary(min_size=SIZE, max_size=SIZE), st.integers(1, 255), st.integers(0, 3))
    def test_bytes_that_look_like_one(self, data: bytes, multiplier: int, state: int) -> None:
        head = bytes((0x20, state << 6, multiplier, SIZE))
        self.assertIsInstance(decode(head + data[4:]), (Control, Reason))

    @settings(max_examples=200)
    @given(STEPS, st.booleans(), st.integers(1, 255))
    def test_any_packets_leave_a_session_that_can_be_lived_with(
        self, steps: list[Control | int | str], passive: bool, multiplier: int
    ) -> None:
        driven = Driven(chance(7), passive=passive, multiplier=multiplier)
        for step in steps:
            if isinstance(step, Control):
                # Two at the most: that its state has changed, and the answer to a poll.
                self.assertLessEqual(len(driven.hear(step)), 2)
            elif step == "stop":
                driven.stop()
            else:
                assert isinstance(step, int)
                sent = driven.wait(step)
                # However it is asked, it never sends more than our own interval allows.
                self.assertLessEqual(len(sent), step // 7_500 + 2)
            variables = driven.session.variables
            self.assertIn(driven.state, State)
            self.assertGreaterEqual(variables.interval_us, 10_000)
            if driven.state is not State.UP:
                self.assertGreaterEqual(variables.interval_us, 1_000_000)
            if driven.state in (State.INIT, State.UP):
                self.assertIsNotNone(driven.session.expires_at)
            due = driven.session.next_at
            self.assertTrue(due is None or due > driven.now)
        # What is told of it is up and down in turn.
        self.assertEqual(driven.turns, [index % 2 == 0 for index in range(len(driven.turns))])
        self.assertEqual(driven.turns[-1:] == [True], driven.state is State.UP)


class Wire:
    """Two sessions, and what carries packets between them; ``passes`` says which get through, and when."""

    def __init__(self, latency_us: int = 200, **fields: object) -> None:
        self.now = 0
        self.latency_us = latency_us
        self.passes: Callable[[int], bool] = lambda end: True
        self.turns: list[tuple[int, int, bool]] = []
        self.on_the_way: list[tuple[int, int, bytes]] = []
        self.sent = [0, 0]
        self.ends = [Session(config(**fields), 11 + end, chance(end)) for end in (0, 1)]
        for end, session in enumerate(self.ends):
            self.do(end, session.start(0))

    def do(self, end: int, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self.sent[end] += 1
                if self.passes(end):
                    self.on_the_way.append((self.now + self.latency_us, 1 - end, action.packet))
            elif isinstance(action, Turned):
                self.turns.append((self.now, end, action.up))

    def run(self, us: int) -> None:
        until = self.now + us
        while True:
            times = [(at, 0) for at, _, _ in self.on_the_way[:1]]
            times += [(session.next_at, 1) for session in self.ends if session.next_at is not None]
            if not times or min(times)[0] > until:
                break
            at, kind = min(times)
            self.now = max(self.now, at)
            if kind == 0:
                _, end, data = self.on_the_way.pop(0)
                control = decode(data)
                assert isinstance(control, Control)
                self.do(end, self.ends[end].receive(control, self.now))
            else:
                for end, session in enumerate(self.ends):
                    self.do(end, session.tick(self.now))
        self.now = until

    @property
    def states(self) -> list[State]:
        return [session.state for session in self.ends]


class TwoEndsTests(SynchronousTestCase):
    def test_they_come_up_in_milliseconds_and_stay(self) -> None:
        wire = Wire()
        wire.run(5_000)
        self.assertEqual(wire.states, [State.UP, State.UP])
        wire.run(10_000_000)
        self.assertEqual(len(wire.turns), 2)
        # A packet every 8.75 ms on average.
        for count in wire.sent:
            self.assertLess(abs(count - 10_000_000 // 8_750), 60)

    def test_a_cut_wire_is_noticed_at_both_ends_within_the_detection_time(self) -> None:
        wire = Wire()
        wire.run(1_000_000)
        cut = wire.now
        wire.passes = lambda end: False
        wire.run(40_000)
        ends = [(end, up) for _, end, up in wire.turns[2:]]
        self.assertEqual(sorted(ends), [(0, False), (1, False)])
        for at, _, _ in wire.turns[2:]:
            self.assertTrue(20_000 <= at - cut <= 30_200, at - cut)

    def test_a_wire_cut_one_way_is_down_both_ways_until_it_is_mended(self) -> None:
        wire = Wire()
        wire.run(1_000_000)
        wire.passes = lambda end: end == 0
        wire.run(10_000_000)
        # End 0 hears nothing, says so, and is believed; it must not come up on its own word.
        self.assertEqual([(end, up) for _, end, up in wire.turns[2:]], [(0, False), (1, False)])
        wire.passes = lambda end: True
        wire.run(2_000_000)
        self.assertEqual(wire.states, [State.UP, State.UP])

    def test_a_lost_packet_or_two_in_a_row_are_nothing(self) -> None:
        wire = Wire()
        wire.run(1_000_000)
        lost = [0, 0]

        def passes(end: int) -> bool:
            lost[end] = (lost[end] + 1) % 3
            return lost[end] == 0

        wire.passes = passes
        wire.run(2_000_000)
        self.assertEqual(len(wire.turns), 2)

    def test_goodbye_is_heard_at_once(self) -> None:
        wire = Wire()
        wire.run(1_000_000)
        wire.do(0, wire.ends[0].stop(wire.now))
        wire.run(300)
        self.assertEqual(wire.states, [State.ADMIN_DOWN, State.DOWN])

    def test_one_that_starts_anew_with_another_number_is_taken_up(self) -> None:
        wire = Wire()
        wire.run(1_000_000)
        wire.ends[1] = Session(config(), 99, chance(3))
        wire.do(1, wire.ends[1].start(wire.now))
        wire.run(2_000_000)
        self.assertEqual(wire.states, [State.UP, State.UP])
        self.assertEqual(wire.ends[0].variables.remote_discriminator, 99)


class LogTests(SynchronousTestCase):
    def test_details_as_keepalived_lays_them_out(self) -> None:
        driven = Driven()
        driven.hear(packet())
        self.assertEqual(
            driven.lines(Level.DETAIL),
            [
                "(far) ---------------< Session parameters >--------------",
                "               min_tx  min_rx  tx_intv  mult  detect_time",
                "      local   1000000   10000  1000000     3      3000000",
                "      remote  1000000   10000  1000000     3      3000000",
                "      Detection time is 3000000 us (was 0 us)",
            ],
        )
        driven.hear(packet(State.UP))
        self.assertIn("(far) Starting poll sequence", driven.lines(Level.DETAIL))
        self.assertEqual(driven.lines(), ["(far) Entering Up state"])

    def test_a_reload_that_changes_nothing_does_nothing(self) -> None:
        driven = Driven().rise()
        due, count = driven.session.next_at, len(driven.done)
        driven.reconfigure()
        self.assertEqual((driven.session.next_at, len(driven.done)), (due, count))

    def test_a_reload_before_it_is_up_takes_effect_at_once(self) -> None:
        driven = Driven()
        driven.reconfigure(idle_tx_us=2_000_000, min_rx_us=20_000)
        driven.wait(1_000_000)
        _, control = driven.wait(2_000_000)[0]
        self.assertEqual((control.desired_min_tx_us, control.required_min_rx_us), (2_000_000, 20_000))
        self.assertFalse(control.poll)
