"""Tracked processes: which ones match, how many there must be, and what follows in virtual routers."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import (
    SECOND_US,
    Configuration,
    ParamMatch,
    Script,
    Tracked,
    VrrpInstance,
    VrrpScript,
    VrrpSyncGroup,
    VrrpTrackProcess,
)
from kaltwisted.ports import Process, ScriptResult
from kaltwisted.testing.processes import FakeProcesses
from kaltwisted.vrrp.actions import State
from kaltwisted.vrrp.processes import Census, Quorum, matches
from tests.unit.test_vrrp_service import ETH1, World
from tests.unit.vrrp_helpers import config

LONG = "/tmp/kwtlongnameofprocess"
RUNNING = Process("kwtlongnameofpr", (LONG, "30", "7"))
EXACT, INITIAL, PARTIAL = ParamMatch.EXACT, ParamMatch.INITIAL, ParamMatch.PARTIAL


def wants(*process: str, how: ParamMatch | None = None, full: bool = False) -> VrrpTrackProcess:
    return VrrpTrackProcess("p", process, how, full_command=full or how is not None)


class MatchingTests(SynchronousTestCase):
    def test_as_keepalived_2_2_7_matched_them(self) -> None:
        """Each tried with ``kwtlongnameofprocess 30 7`` running."""
        for definition in (
            wants(LONG, "30", "7"),
            wants(LONG, "30", "7", how=EXACT),
            wants(LONG, "30", how=INITIAL),
            wants(LONG, "3", how=INITIAL),
            wants(LONG, "30", "7", how=INITIAL),
            wants(LONG, "30", how=PARTIAL),
            wants(LONG, "30", "7", how=PARTIAL),
            wants(LONG, how=PARTIAL),
            wants(LONG, full=True),
            wants(LONG, "30", "7", full=True),
            wants("kwtlongnameofpr"),
        ):
            self.assertTrue(matches(definition, RUNNING), definition)
        for definition in (
            wants(LONG, "99"),
            wants(LONG, "30", how=EXACT),
            wants(LONG, how=EXACT),
            wants(LONG, "30", "7", "8", how=INITIAL),
            wants(LONG, "7", how=INITIAL),
            wants(LONG, "3", how=PARTIAL),
            wants(LONG, "3", "7", how=PARTIAL),
            wants(LONG, "7", how=PARTIAL),
            wants(LONG, "7", "30", how=PARTIAL),
            wants(LONG, "30", "7", "8", how=PARTIAL),
            wants(LONG, "99", full=True),
            wants("kwtlongnameofprocess", full=True),
            wants("kwtlongnameofprocess"),
            wants(LONG),
            wants("kwtlongnameofpr", "30", "7", how=EXACT),
        ):
            self.assertFalse(matches(definition, RUNNING), definition)

    @given(st.lists(st.text("ab/", max_size=3), min_size=1, max_size=4), st.data())
    def test_what_matches_more_closely_matches_less_closely(
        self, command: list[str], data: st.DataObject
    ) -> None:
        process = Process("a", tuple(command))
        wanted = data.draw(st.sampled_from([command, command[:-1] or command, [*command, "b"]]))
        exact, partial, initial = (
            matches(wants(*wanted, how=how), process) for how in (EXACT, PARTIAL, INITIAL)
        )
        self.assertLessEqual(exact, partial)
        self.assertLessEqual(partial, initial)
        self.assertEqual(exact, wanted == command)

    def test_a_kernel_thread_has_no_command_line(self) -> None:
        self.assertFalse(matches(wants("kthreadd", full=True), Process("kthreadd")))
        self.assertTrue(matches(wants("kthreadd"), Process("kthreadd")))


class CensusTests(SynchronousTestCase):
    @given(st.lists(st.tuples(st.sampled_from(["see", "fork", "go"]), st.integers(1, 5), st.integers(1, 5))))
    def test_it_counts_what_is_there(self, events: list[tuple[str, int, int]]) -> None:
        census = Census([VrrpTrackProcess(name, (name,)) for name in "ab"])
        there: dict[int, str] = {}
        for what, pid, other in events:
            before = sorted(there.items())
            if what == "see":
                there[pid] = "abc"[other % 3]
                changed = census.seen(pid, Process(there[pid]))
            elif what == "fork":
                there[other] = there.get(pid, "c")
                changed = census.forked(pid, other)
            else:
                there.pop(pid, None)
                changed = census.seen(pid, None)
            self.assertEqual(census.numbers, {name: list(there.values()).count(name) for name in "ab"})
            was = [each for each in before if each[1] != "c"]
            self.assertEqual(changed, was != [each for each in sorted(there.items()) if each[1] != "c"])


class QuorumTests(SynchronousTestCase):
    def good(self, *numbers: int, **fields: int) -> list[bool | None]:
        """What it says after each number, a second apart."""
        quorum = Quorum(VrrpTrackProcess("p", ("a",), **fields))  # type: ignore[arg-type]
        said = []
        for second, number in enumerate(numbers):
            if number != quorum.number or quorum.good is None:
                quorum.count(number, second * SECOND_US, forked=True)
            quorum.turn(second * SECOND_US)
            said.append(quorum.good)
        return said

    def test_numbers(self) -> None:
        self.assertEqual(self.good(0, 1, 2, 0), [False, True, True, False])
        self.assertEqual(self.good(1, 2, 3, 4, 3, quorum=2, quorum_max=3), [False, True, True, False, True])
        self.assertEqual(self.good(0, 1, 0, quorum_max=0), [True, False, True])

    def test_delays(self) -> None:
        """The first count has none; a number that comes back in time has changed nothing."""
        self.assertEqual(self.good(0, 1, 1, 1, fork_delay_us=2 * SECOND_US), [False, False, False, True])
        self.assertEqual(self.good(1, 0, 0, 1, terminate_delay_us=3 * SECOND_US), [True] * 4)
        self.assertEqual(
            self.good(1, 0, 0, 0, 0, terminate_delay_us=3 * SECOND_US), [True, True, True, True, False]
        )
        # It is the direction that counts, not what follows from it.
        self.assertEqual(
            self.good(1, 2, 1, 1, quorum_max=1, terminate_delay_us=SECOND_US), [True, False, False, True]
        )

    def test_a_program_that_is_run_waits_for_nothing(self) -> None:
        quorum = Quorum(VrrpTrackProcess("p", ("a",), fork_delay_us=SECOND_US))
        quorum.count(0, 0)
        quorum.count(1, 0)
        self.assertTrue(quorum.turn(0))


class TracksProcessesTests(World):
    named = VrrpTrackProcess("p", ("named",))

    def begin(self, *instances: VrrpInstance, running: int = 1, **more: object) -> None:
        self.processes = self.host = FakeProcesses()
        for pid in range(1, running + 1):
            self.host.there[pid] = Process("named", ("named",))
        self.host.there[1000] = Process("other", ("other",))
        more.setdefault("vrrp_track_processes", (self.named,))
        self.start(*instances, **more)
        self.wait(0.1)

    def priority(self, name: str = "X") -> int:
        return self.service.router.instances[name].priority

    def test_too_few_are_fault_until_there_are_enough(self) -> None:
        with capturedLogs() as logs:
            self.begin(config(track_process=(Tracked("p"),)), running=0)
        said = [str(event.get("line")) for event in logs]
        self.assertIn("(X) entering FAULT state (tracked process p quorum not achieved)", said)
        self.assertIs(self.state(), State.FAULT)
        with capturedLogs() as logs:
            self.host.run(7, "/usr/sbin/named")
            self.settle()
            self.host.fork(7, 8)
            self.host.kill(7)
            self.settle()
            self.host.kill(8)
            self.settle()
        said = [str(event.get("line") or event["log_format"].format(**event)) for event in logs]
        self.assertEqual(
            said,
            [
                "Quorum gained for tracked process p",
                "(X) Entering BACKUP STATE",
                "Quorum lost for tracked process p",
                "(X) Entering FAULT STATE",
            ],
        )
        self.stop()

    def test_a_weight_counts_and_the_line_s_own_before_the_definition_s(self) -> None:
        self.begin(
            config(track_process=(Tracked("p"),)),
            config(name="Z", virtual_router_id=9, track_process=(Tracked("p", -5),)),
            vrrp_track_processes=(VrrpTrackProcess("p", ("named",), weight=20),),
        )
        self.assertEqual((self.priority(), self.priority("Z")), (120, 100))
        self.host.kill(1)
        self.assertEqual((self.priority(), self.priority("Z")), (100, 95))
        self.stop()

    def test_one_that_is_replaced_between_two_looks_is_not_missed(self) -> None:
        self.begin(config(track_process=(Tracked("p"),)))
        with capturedLogs() as logs:
            self.host.there[5] = self.host.there.pop(1)
            self.host.lose()
            self.wait(0.1)
            self.assertEqual(list(logs), [])
            del self.host.there[5]
            self.host.lose()
            self.wait(0.1)
        self.assertIs(self.state(), State.FAULT)
        self.stop()

    def test_a_delay_is_waited_for(self) -> None:
        slow = VrrpTrackProcess("p", ("named",), terminate_delay_us=2 * SECOND_US)
        self.begin(config(track_process=(Tracked("p"),)), vrrp_track_processes=(slow,))
        self.host.kill(1)
        self.wait(1.9)
        self.assertIs(self.state(), State.BACKUP)
        self.wait(0.1)
        self.assertIs(self.state(), State.FAULT)
        self.stop()

    def test_a_reload_counts_anew_and_forgets_what_nobody_tracks(self) -> None:
        self.begin(config())
        self.assertIsNone(self.host.heard)
        for track, heard in (((Tracked("p", 7),), True), ((), False)):
            changed = Configuration(
                vrrp_instances=(config(track_process=track),), vrrp_track_processes=(self.named,)
            )
            done = Deferred.fromCoroutine(self.service.reconfigure(changed))
            self.wait(0.1)
            self.successResultOf(done)
            self.assertEqual(self.host.heard is not None, heard)
            self.assertEqual(self.priority(), 107 if heard else 100)
        self.stop()

    def test_a_reload_with_another_quorum_is_counted_anew(self) -> None:
        self.begin(config(track_process=(Tracked("p"),)))
        two = Configuration(
            vrrp_instances=(config(track_process=(Tracked("p"),)),),
            vrrp_track_processes=(VrrpTrackProcess("p", ("named",), quorum=2),),
        )
        done = Deferred.fromCoroutine(self.service.reconfigure(two))
        self.wait(0.1)
        self.successResultOf(done)
        self.assertIs(self.state(), State.FAULT)
        self.stop()

    def test_events_that_are_lost_while_all_are_looked_at_are_made_up_for(self) -> None:
        self.begin(config(track_process=(Tracked("p"),)))
        self.host.lose()
        del self.host.there[1]
        self.host.lose()
        self.wait(0.1)
        self.assertIs(self.state(), State.FAULT)
        self.stop()

    def test_what_a_sync_group_tracks_every_member_does(self) -> None:
        """Weights of the group's lines and of processes count, those of the members' scripts do not."""
        script = VrrpScript("s", Script(("/bin/check",)), weight=-30)
        group = VrrpSyncGroup(
            "G",
            ("X", "Z"),
            track_script=(Tracked("s"),),
            track_interface=(Tracked("eth1", 3),),
            track_process=(Tracked("p", 9),),
        )
        self.begin(
            config(track_process=(Tracked("q", 7),), track_script=(Tracked("s", -5),)),
            config(name="Z", virtual_router_id=9),
            vrrp_track_processes=(self.named, VrrpTrackProcess("q", ("other",))),
            vrrp_scripts=(script,),
            vrrp_sync_groups=(group,),
        )
        self.assertEqual((self.priority(), self.priority("Z")), (119, 112))
        self.scripts.runs[0].end(ScriptResult(status=1))
        self.assertEqual((self.priority(), self.priority("Z")), (89, 82))
        self.links.change(attrs.evolve(ETH1, running=False))
        self.host.kill(1)
        self.assertEqual((self.priority(), self.priority("Z")), (77, 70))
        self.stop()
