"""What operators are told of that has happened: states, split brains, what is tracked.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kaltwisted.ports import Note, StateChange
from kaltwisted.vrrp.actions import Action, Alarm, Notify, State, Subject
from kaltwisted.vrrp.events import FaultKind
from kaltwisted.vrrp.group import Router
from kaltwisted.vrrp.instance import Instance
from kaltwisted.vrrp.packet import unpacked

#: Headlines of alarms that tell of another master beside us, and what they make of it.
_SPLITS: Final[Mapping[str, tuple[str, str]]] = {
    "Split brain": ("no", "yes"),
    "Split brain is over": ("yes", "no"),
}


class Noting:
    """Tells ``note`` of changes of one configuration's instances and groups."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._states: dict[tuple[Subject, str], State] = {}
        self._things: dict[str, str] = {}

    def action(self, router: Router, action: Action) -> None:
        """Something is to be carried out; it may be that a state has changed."""
        match action:
            case Notify(subject, name, state):
                before = self._states.get((subject, name), State.INIT)
                if before is not state:
                    self._states[subject, name] = state
                    why = _why(router, subject, name)
                    self._note(StateChange(subject.value.lower(), name, before.value, state.value, why))
            case Alarm(name, headline, words):
                before_and_after = _SPLITS.get(headline)
                if before_and_after is None:
                    self._note(StateChange("mismatch", name, None, "seen", words))
                else:
                    self._note(StateChange("split_brain", name, *before_and_after, words))

    def turned(self, kind: FaultKind, name: str, good: bool) -> None:
        """Something that is tracked has turned."""
        words = ("down", "up") if kind is FaultKind.INTERFACE else ("bad", "good")
        what = f"{kind.name.lower()} {name}"
        before, self._things[what] = self._things.get(what), words[good]
        self._note(StateChange("tracker", what, before, words[good]))

    def rename(self, names: Mapping[str, str]) -> None:
        """Instances have other names; those that are gone are forgotten."""
        self._states = {
            (subject, names.get(name, name)): state
            for (subject, name), state in self._states.items()
            if subject is Subject.GROUP or name in names
        }


def _why(router: Router, subject: Subject, name: str) -> str | None:
    if subject is Subject.GROUP:
        faults = [fault for group in router.groups if group.name == name for fault in group.faults]
        return "; ".join(faults) or None
    instance: Instance | None = router.instances.get(name)
    if instance is None:
        return None
    if instance.state is State.FAULT:
        return "; ".join(sorted(map(str, instance.faults))) or None
    master = instance.router.master
    if instance.state is State.BACKUP and master is not None:
        return f"{unpacked(master)} is master with priority {instance.router.master_priority}"
    return None
