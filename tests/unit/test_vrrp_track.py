"""Tracking: scripts' rise and fall, weights, and what becomes FAULT."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import Script, Tracked, VrrpScript
from kaltwisted.ports import ScriptResult
from kaltwisted.vrrp.events import FaultKind
from kaltwisted.vrrp.timers import master_down_us, skew_us
from kaltwisted.vrrp.track import ScriptState, Tracking, Verdict

from .vrrp_helpers import config

GOOD = ScriptResult(status=0)
BAD = ScriptResult(status=1)


def script(weight: int = 0, **fields: object) -> VrrpScript:
    return VrrpScript("chk", Script(("/bin/check",)), weight=weight, **fields)  # type: ignore[arg-type]


def tracking(priority: int = 100, **fields: object) -> Tracking:
    tracker = Tracking(config(priority=priority, **fields), {"chk": script(int(fields.pop("weight", 0)))})  # type: ignore[call-overload]
    tracker.source(True)
    return tracker


class TimersTests(SynchronousTestCase):
    def test_skew_and_silence(self) -> None:
        # (version, priority, interval) -> skew, master down: reckoned by hand from the RFCs' formulas.
        for version, priority, interval, skew, down in [
            (2, 100, 1_000_000, 609_375, 3_609_375),
            (2, 150, 1_000_000, 414_062, 3_414_062),
            (2, 100, 10_000_000, 609_375, 30_609_375),
            (2, 255, 1_000_000, 3_906, 3_003_906),
            (3, 100, 100_000, 60_937, 360_937),
            (3, 254, 10_000, 78, 30_078),
            (3, 1, 40_950_000, 40_790_039, 163_640_039),
        ]:
            self.assertEqual(skew_us(version, priority, interval), skew)
            self.assertEqual(master_down_us(version, priority, interval), down)
        self.assertEqual(master_down_us(2, 100, 1_000_000, adverts=5), 5_609_375)


class ScriptStateTests(SynchronousTestCase):
    def results(self, state: ScriptState, text: str) -> str:
        """Verdicts of results, one letter each: g good, b bad; . for nothing."""
        letters = {Verdict.NONE: ".", Verdict.GOOD: "G", Verdict.BAD: "B"}
        return "".join(letters[state.finished(GOOD if letter == "g" else BAD)] for letter in text)

    def test_the_first_result_decides_at_once(self) -> None:
        self.assertEqual(self.results(ScriptState(script(rise=3, fall=3)), "g"), "G")
        self.assertEqual(self.results(ScriptState(script(rise=3, fall=3)), "b"), "B")

    def test_then_it_takes_rise_or_fall_in_a_row(self) -> None:
        self.assertEqual(self.results(ScriptState(script(rise=2, fall=3)), "gbbgbbbggbgg"), "G.....B.G...")

    def test_init_fail_is_bad_until_the_first_success(self) -> None:
        state = ScriptState(script(rise=3, init_fail=True))
        self.assertFalse(state.good)
        self.assertEqual(self.results(state, "g"), "G")

    def test_says_what_keepalived_says(self) -> None:
        state = ScriptState(script())
        for result in (
            GOOD,
            ScriptResult(status=7),
            ScriptResult(status=7),
            GOOD,
            ScriptResult(signal=9, timed_out=True),
            GOOD,
            ScriptResult(signal=11),
        ):
            state.finished(result)
        self.assertEqual(
            state.lines,
            [
                "VRRP_Script(chk) succeeded",
                "Script `chk` now returning 7",
                "VRRP_Script(chk) failed (exited with status 7)",
                "Script `chk` now returning 0",
                "VRRP_Script(chk) succeeded",
                "VRRP_Script(chk) failed (timed out)",
                "VRRP_Script(chk) succeeded",
                "VRRP_Script(chk) failed (due to signal 11)",
            ],
        )

    def test_is_skipped_while_it_runs(self) -> None:
        state = ScriptState(script())
        self.assertEqual((state.due(), state.due()), (True, False))
        self.assertEqual(state.lines, ["Script `chk` is still running, skipping this run"])
        state.finished(GOOD)
        self.assertTrue(state.due())


class TrackingTests(SynchronousTestCase):
    def test_weights(self) -> None:
        for weight, unknown, good, bad in [(20, 100, 120, 100), (-20, 100, 100, 80), (0, 100, 100, 100)]:
            tracker = Tracking(config(track_script=(Tracked("chk"),)), {"chk": script(weight)})
            self.assertEqual(tracker.priority, unknown)
            tracker.turn(FaultKind.SCRIPT, "chk", 1)
            self.assertEqual(tracker.priority, good)
            tracker.turn(FaultKind.SCRIPT, "chk", 0)
            self.assertEqual(tracker.priority, bad)

    def test_the_weight_at_the_instance_beats_the_definitions(self) -> None:
        tracker = Tracking(config(track_script=(Tracked("chk", -7),)), {"chk": script(20)})
        tracker.turn(FaultKind.SCRIPT, "chk", 0)
        self.assertEqual(tracker.priority, 93)

    def test_the_sum_is_clamped_and_an_owner_never_changes(self) -> None:
        for priority, weight, effective in [(250, -253, 1), (200, 253, 254), (255, -100, 255)]:
            tracker = tracking(priority, track_interface=(Tracked("eth7", weight),))
            tracker.turn(FaultKind.INTERFACE, "eth7", int(weight > 0))
            self.assertEqual(tracker.priority, effective)

    def test_an_interface_counts_by_weight_or_is_a_fault(self) -> None:
        tracker = tracking(track_interface=(Tracked("eth7", 10), Tracked("eth8")))
        self.assertEqual((tracker.priority, tracker.faults), (110, set()))
        tracker.turn(FaultKind.INTERFACE, "eth7", 0)
        self.assertEqual((tracker.priority, tracker.faults), (100, set()))
        tracker.turn(FaultKind.INTERFACE, "eth8", 0)
        self.assertEqual([str(fault) for fault in tracker.faults], ["interface eth8 down"])

    def test_sync_groups_cancel_weights(self) -> None:
        fields = {"track_script": (Tracked("chk"),), "track_interface": (Tracked("eth7", 5),)}
        tracker = Tracking(config(**fields), {"chk": script(20)}, keeps_weights=False)
        tracker.source(True)
        tracker.turn(FaultKind.SCRIPT, "chk", 0)
        self.assertEqual((tracker.priority, tracker.faults), (100, set()))
        tracker.turn(FaultKind.INTERFACE, "eth7", 0)
        self.assertEqual(len(tracker.faults), 1)
        self.assertEqual(
            tracker.notices,
            [
                "ignoring eth7 tracked interface weight due to SYNC group",
                "ignoring tracked script chk with weights due to SYNC group",
            ],
        )

    def test_init_fail_is_a_fault_from_the_start(self) -> None:
        tracker = Tracking(config(track_script=(Tracked("chk"),)), {"chk": script(init_fail=True)})
        tracker.source(True)
        self.assertFalse(tracker.is_pending)
        self.assertEqual([str(fault) for fault in tracker.faults], ["script chk failed"])

    def test_weights_and_reverse_as_keepalived_reckons_them(self) -> None:
        """(weight, reverse): priority and whether it is FAULT, while up and while down; tried with 2.2.7."""
        for weight, reverse, up, down in [
            (7, False, (107, False), (100, False)),
            (10, True, (90, False), (100, False)),
            (-10, False, (100, False), (90, False)),
            (-20, True, (100, False), (120, False)),
            (0, False, (100, False), (100, True)),
            (0, True, (100, True), (100, False)),
        ]:
            tracker = tracking(track_bfd=(Tracked("far", weight, reverse),))
            seen = [(tracker.priority, bool(tracker.faults))]
            for value in (1, 0, 1, None):
                tracker.turn(FaultKind.BFD, "far", value)
                seen.append((tracker.priority, bool(tracker.faults)))
            self.assertEqual(seen, [down, up, down, up, down], (weight, reverse))
            self.assertFalse(tracker.is_pending)

    def test_a_bfd_session_with_a_weight_is_not_tracked_in_a_sync_group(self) -> None:
        tracker = Tracking(config(track_bfd=(Tracked("far", 5), Tracked("near"))), keeps_weights=False)
        self.assertEqual(list(tracker.of(FaultKind.BFD)), ["near"])
        self.assertEqual(tracker.notices, ["ignoring tracked bfd far with weight 5 due to SYNC group"])

    def test_only_what_is_tracked_and_differs_is_news(self) -> None:
        tracker = tracking(track_bfd=(Tracked("far"),))
        news = [
            tracker.turn(FaultKind.BFD, name, value) for name, value in [("far", 0), ("far", 1), ("x", 1)]
        ]
        self.assertEqual(news, [False, True, False])
        self.assertFalse(tracker.turn(FaultKind.SCRIPT, "far", 0))
