"""vrrp.status: why an instance is what it is, in the status document."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import SECOND_US, Script, Tracked, VirtualIpAddress, VrrpScript, VrrpSyncGroup
from kaltwisted.ports import Election, ScriptResult
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp.events import FaultKind
from kaltwisted.vrrp.status import status
from kaltwisted.vrrp.track import ScriptRuns
from tests.unit.vrrp_helpers import VIP, config
from tests.unit.vrrp_reports import EPOCH_US, Running

CHECK = Script(("/bin/check",))


def told(running: Running, numbers: dict[str, int] | None = None) -> Any:
    runs = [ScriptRuns(each, 3.0, 7.5) for each in running.scripts]
    return json.loads("".join(status(running.topology, runs, numbers or {}, lambda: running.now)))


def instance(running: Running, number: int = 0) -> Any:
    return told(running)["instances"][number]


class InstanceTests(SynchronousTestCase):
    def test_a_master_tells_since_when_and_what_comes_next(self) -> None:
        running = Running(config())
        running.become_master()
        found = instance(running)
        self.assertEqual((found["state"], found["master"]), ("MASTER", None))
        self.assertAlmostEqual(found["since"], (running.now + EPOCH_US) / SECOND_US, 3)
        self.assertEqual(found["next"], {"what": "advert", "in_s": 1.0})
        self.assertEqual(found["addresses"], [{"address": "10.0.0.100/32", "interface": "eth0", "set": True}])
        self.assertEqual(found["counters"]["became_master"], 1)

    def test_a_backup_tells_whom_it_follows_and_for_how_long(self) -> None:
        running = Running(config())
        running.hear(200)
        found = instance(running)
        self.assertEqual(found["master"], {"address": "10.0.0.9", "priority": 200})
        self.assertEqual(found["next"]["what"], "master_down")
        self.assertAlmostEqual(found["next"]["in_s"], found["master_down_s"])
        self.assertFalse(found["addresses"][0]["set"])

    def test_a_backup_that_waits_to_preempt_says_so(self) -> None:
        running = Running(config(preempt_delay_us=60 * SECOND_US))
        running.hear(50)
        self.assertEqual(instance(running)["next"], {"what": "preempt", "in_s": 60.0})

    def test_faults_are_in_words(self) -> None:
        running = Running(config())
        running.tell(ev.LinkChanged("eth0", False))
        found = instance(running)
        self.assertEqual((found["state"], found["faults"]), ("FAULT", ["interface eth0 down"]))
        self.assertEqual(found["next"], {"what": None, "in_s": None})

    def test_an_operator_s_word_is_a_reason(self) -> None:
        running = Running(config(priority=150))
        for election, points in ((Election.YIELD, -149), (Election.PREFER, 104)):
            running.tell(ev.Steered(election))
            (reason,) = instance(running)["reasons"]
            self.assertEqual(
                (reason["kind"], reason["name"], reason["points"]),
                ("override", election.name.lower(), points),
            )
            self.assertIn("an operator", reason["words"])

    def test_what_is_not_known_yet_is_waited_for(self) -> None:
        running = Running(config(track_script=(Tracked("s"),)), scripts=(VrrpScript("s", CHECK),))
        found = instance(running)
        self.assertEqual((found["state"], found["waits_for"]), ("INIT", ["script s"]))

    def test_another_master_beside_us_is_told_of(self) -> None:
        running = Running(config())
        running.become_master()
        self.assertIsNone(instance(running)["split_brain"])
        for _ in range(4):
            running.now += SECOND_US
            running.hear(50)
        self.assertIn("10.0.0.9 is master too, for 3.0 s", instance(running)["split_brain"])

    def test_excluded_addresses_are_listed_too(self) -> None:
        other = VirtualIpAddress(VIP.address + 1, 24, dev="eth1")
        found = instance(Running(config(virtual_ipaddress_excluded=(other,))))
        self.assertEqual(
            found["addresses"][1], {"address": "10.0.0.101/24", "interface": "eth1", "set": False}
        )


class ReasonTests(SynchronousTestCase):
    def of(self, weight: int, value: int | None, *, reverse: bool = False, priority: int = 100) -> Any:
        scripts = (VrrpScript("s", CHECK, weight=weight, reverse=reverse),)
        running = Running(config(track_script=(Tracked("s"),), priority=priority), scripts=scripts)
        running.tell(ev.Turned(FaultKind.SCRIPT, "s", value))
        found = instance(running)
        (reason,) = found["reasons"]
        if priority != 255:
            self.assertEqual(found["priority"], found["base_priority"] + reason["points"])
        return reason["points"], reason["words"]

    def test_a_weight_counts_or_it_does_not(self) -> None:
        self.assertEqual(self.of(20, 1), (20, "script s is good: 20 added"))
        self.assertEqual(self.of(20, 0), (0, "script s is bad: the 20 are not added"))
        self.assertEqual(self.of(-20, 0), (-20, "script s is bad: 20 subtracted"))
        self.assertEqual(self.of(-20, 1), (0, "script s is good: the 20 are not subtracted"))

    def test_in_reverse(self) -> None:
        self.assertEqual(self.of(20, 1, reverse=True), (-20, "script s is good: 20 subtracted"))
        self.assertEqual(self.of(20, 0, reverse=True), (0, "script s is bad: the 20 are not subtracted"))
        self.assertEqual(self.of(-20, 0, reverse=True), (20, "script s is bad: 20 added"))

    def test_nothing_known(self) -> None:
        self.assertEqual(self.of(20, None), (0, "script s is not known yet: nothing is added"))

    def test_an_owner_s_priority_stays(self) -> None:
        points, words = self.of(-20, 0, priority=255)
        self.assertEqual((points, words), (0, "script s is bad: an owner's priority never changes"))

    def test_a_file_holds_a_number(self) -> None:
        for number, words in (
            (5, "file f holds 5: 15 added"),
            (-2, "file f holds -2: 6 subtracted"),
            (0, "file f holds 0: 0 added"),
            (-99, "file f holds -99: FAULT"),
        ):
            running = Running(config(track_file=(Tracked("f", 3),)))
            running.tell(ev.Turned(FaultKind.FILE, "f", number))
            (reason,) = instance(running)["reasons"]
            self.assertEqual(reason["words"], words)
            (tracker,) = (each for each in told(running)["trackers"] if each["kind"] == "file")
            self.assertEqual((tracker["value"], tracker["up"]), (number, None))

    def test_a_virtual_server_has_quorum_or_has_none(self) -> None:
        running = Running(config(track_virtual_server=(Tracked("FWM 7", 20),)))
        running.tell(ev.Turned(FaultKind.VIRTUAL_SERVER, "FWM 7", 0))
        (reason,) = instance(running)["reasons"]
        self.assertEqual(reason["words"], "virtual server FWM 7 is without quorum: the 20 are not added")


class GroupAndTrackerTests(SynchronousTestCase):
    def test_a_group_tells_whose_fault_it_is(self) -> None:
        members = config(name="A"), config(name="B", virtual_router_id=52, interface="eth1")
        running = Running(*members, groups=[VrrpSyncGroup("G", ("A", "B"))])
        running.tell(ev.LinkChanged("eth1", False))
        (group,) = told(running)["groups"]
        self.assertEqual((group["state"], group["instances"]), ("FAULT", ["A", "B"]))
        self.assertEqual(group["faults"], ["B: interface eth1 down"])
        self.assertEqual(instance(running)["group"], "G")
        self.assertEqual(instance(running)["faults"], ["a member of sync group G failed"])

    def test_a_script_tells_when_it_ran_and_how_it_ended(self) -> None:
        running = Running(
            config(track_script=(Tracked("s"), Tracked("s"))), scripts=(VrrpScript("s", CHECK),)
        )
        running.scripts[0].due()
        running.scripts[0].finished(ScriptResult(3, None, False))
        running.tell(ev.Turned(FaultKind.SCRIPT, "s", 0))
        trackers = {each["kind"]: each for each in told(running)["trackers"]}
        self.assertEqual(trackers["interface"]["up"], True)
        script = trackers["script"]
        self.assertEqual((script["up"], script["last_result"]), (False, "exited with status 3"))
        self.assertEqual(script["next_in_s"], 7.5 - running.now / SECOND_US)
        self.assertAlmostEqual(script["last_run"], 3 + EPOCH_US / SECOND_US, 3)

    def test_a_process_tells_how_many_there_are(self) -> None:
        running = Running(config(track_process=(Tracked("p"),)))
        running.tell(ev.Turned(FaultKind.PROCESS, "p", 0))
        found = [each for each in told(running, {"p": 1})["trackers"] if each["kind"] == "process"]
        self.assertEqual((found[0]["up"], found[0]["last_result"]), (False, "1 process"))
