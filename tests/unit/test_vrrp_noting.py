"""vrrp.noting: what operators hear of instances, groups, split brains and trackers."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import VrrpSyncGroup
from kaltwisted.ports import StateChange
from kaltwisted.vrrp import events as ev
from kaltwisted.vrrp.actions import Alarm, Notify, State, Subject
from kaltwisted.vrrp.events import FaultKind
from kaltwisted.vrrp.noting import Noting
from tests.unit.vrrp_helpers import config
from tests.unit.vrrp_reports import Running


class NotingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.noted: list[StateChange] = []
        self.noting = Noting(self.noted.append)

    def tell(self, running: Running, state: State, name: str = "X") -> StateChange:
        self.noting.action(running.router, Notify(Subject.INSTANCE, name, state, 100))
        return self.noted[-1]

    def test_states_with_why(self) -> None:
        running = Running(config())
        running.hear(200)
        change = self.tell(running, State.BACKUP)
        self.assertEqual((change.kind, change.before, change.after), ("instance", "INIT", "BACKUP"))
        self.assertEqual(change.why, "10.0.0.9 is master with priority 200")
        running.tell(ev.LinkChanged("eth0", False))
        change = self.tell(running, State.FAULT)
        self.assertEqual((change.before, change.why), ("BACKUP", "interface eth0 down"))

    def test_the_same_state_again_is_no_change(self) -> None:
        running = Running(config())
        self.tell(running, State.BACKUP)
        self.tell(running, State.BACKUP)
        self.assertEqual(len(self.noted), 1)

    def test_a_group_names_the_member(self) -> None:
        members = config(name="A"), config(name="B", virtual_router_id=52, interface="eth1")
        running = Running(*members, groups=[VrrpSyncGroup("G", ("A", "B"))])
        running.tell(ev.LinkChanged("eth1", False))
        self.noting.action(running.router, Notify(Subject.GROUP, "G", State.FAULT, 0))
        self.assertEqual(self.noted, [StateChange("group", "G", "INIT", "FAULT", "B: interface eth1 down")])

    def test_a_split_brain_begins_and_ends(self) -> None:
        running = Running(config())
        for headline in ("Split brain", "Split brain is over", "Mismatch with a peer"):
            self.noting.action(running.router, Alarm("X", headline, "words"))
        self.assertEqual(
            [(each.kind, each.before, each.after) for each in self.noted],
            [("split_brain", "no", "yes"), ("split_brain", "yes", "no"), ("mismatch", None, "seen")],
        )

    def test_what_is_tracked(self) -> None:
        self.noting.turned(FaultKind.SCRIPT, "s", False)
        self.noting.turned(FaultKind.INTERFACE, "eth0", True)
        self.noting.turned(FaultKind.INTERFACE, "eth0", False)
        self.assertEqual(
            self.noted,
            [
                StateChange("tracker", "script s", None, "bad"),
                StateChange("tracker", "interface eth0", None, "up"),
                StateChange("tracker", "interface eth0", "up", "down"),
            ],
        )

    def test_other_names_take_their_states_along(self) -> None:
        running = Running(config(name="Y"))
        self.tell(Running(config()), State.MASTER)
        self.noting.rename({"X": "Y"})
        self.assertEqual(self.tell(running, State.BACKUP, "Y").before, "MASTER")
