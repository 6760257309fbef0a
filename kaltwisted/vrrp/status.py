"""VRRP's part of the status document (``GET /api/v1/status``): pieces of one JSON text.  Pure.

It tells why things are as they are: what makes the priority, what makes a
FAULT, which timer is next.  Each piece is made when it is asked for, so that a
large configuration can be gone through in slices.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from kaltwisted.config.model import SECOND_US
from kaltwisted.ports import Election
from kaltwisted.vrrp.actions import State, TimerName
from kaltwisted.vrrp.events import FaultKind
from kaltwisted.vrrp.group import SyncGroup
from kaltwisted.vrrp.instance import Instance
from kaltwisted.vrrp.packet import unpacked
from kaltwisted.vrrp.report_statistics import counters
from kaltwisted.vrrp.report_words import Topology
from kaltwisted.vrrp.statistics import Statistics
from kaltwisted.vrrp.track import ScriptRuns, Thing, Weighing, how_it_ended

_STATES: Final[Mapping[FaultKind, tuple[str, str]]] = {
    FaultKind.INTERFACE: ("up", "down"),
    FaultKind.BFD: ("up", "down"),
    FaultKind.VIRTUAL_SERVER: ("with quorum", "without quorum"),
    FaultKind.SOURCE: ("there", "not there"),
    FaultKind.PROCESS: ("running as it should", "not running as it should"),
}
"""What a thing is called that is good and that is bad; of other kinds ``good`` and ``bad``."""


_ELECTIONS: Final[Mapping[Election, str]] = {
    Election.YIELD: "an operator has it yield: it leaves the election to any other router that is there",
    Election.PREFER: "an operator prefers it: it preempts, whatever the configuration says",
}


def status(
    topology: Topology,
    runs: Iterable[ScriptRuns],
    numbers: Mapping[str, int],
    now_us: Callable[[], int],
) -> Iterator[str]:
    """The object ``vrrp``, in pieces that make one text.

    :param runs: the tracked scripts.
    :param numbers: how many processes there are of each that is tracked.
    :param now_us: the instances' clock.
    """
    yield '{"instances":['
    before = ""
    instances = tuple(topology.router.instances.values())
    for instance in instances:
        yield before + json.dumps(_instance(instance, topology, now_us()))
        before = ","
    yield '],"groups":'
    groups = [_group(group, topology.epoch_us) for group in tuple(topology.router.groups)]
    yield json.dumps(groups)
    yield ',"trackers":['
    before = ""
    for tracker in _trackers(instances, {each.state.script.name: each for each in runs}, numbers):
        yield before + json.dumps(_timed(tracker, topology.epoch_us, now_us()))
        before = ","
    yield "]}"


# --- instances ---------------------------------------------------------------------------


def _instance(instance: Instance, topology: Topology, now: int) -> dict[str, Any]:
    config, router = instance.config, instance.router
    group = topology.router.group_of(instance.name)
    return {
        "name": instance.name,
        "group": None if group is None else group.name,
        "interface": config.interface,
        "vrid": config.virtual_router_id,
        "family": "inet" if config.ip_version == 4 else "inet6",
        "version": config.version,
        "state": instance.state.value,
        "since": _moment(router.last_transition, topology.epoch_us),
        "wanted": config.state,
        "priority": instance.priority,
        "base_priority": config.priority,
        "reasons": list(_reasons(instance)),
        "faults": sorted(str(fault) for fault in instance.faults),
        "waits_for": [
            f"{kind.name.lower()} {name}"
            for kind, name, weighing, value in instance.tracking.things()
            if weighing.decides and value is None
        ],
        "preempt": router.preempts,
        "preempt_delay_s": router.preempt_delay_us / SECOND_US,
        "source": None if router.source is None else str(router.source),
        "peers": [str(peer) for peer in config.peers],
        "master": _master(instance),
        "interval_s": config.advert_int_us / SECOND_US,
        "master_down_s": router.master_down_us() / SECOND_US,
        "next": _next(instance, now),
        "addresses": [
            {
                "address": f"{vip.address}/{vip.prefix}",
                "interface": vip.dev or config.interface,
                "set": topology.stands(instance.name, vip),
            }
            for vip in router.addresses
        ],
        "split_brain": instance.split_brain(now),
        "counters": _counters(instance.statistics),
    }


def _reasons(instance: Instance) -> Iterator[dict[str, Any]]:
    """What the priority is made of beside the configured one, with what adds nothing at present."""
    for kind, name, weighing, value in instance.tracking.things():
        if not weighing.decides:
            yield {
                "kind": kind.name.lower(),
                "name": name,
                "value": value,
                "points": 0 if instance.router.is_owner else weighing.share(value),
                "words": _words((kind, name), weighing, value, owner=instance.router.is_owner),
            }
    election = instance.tracking.election
    if election is not None:
        yield {
            "kind": "override",
            "name": election.name.lower(),
            "value": int(election),
            "points": instance.priority - instance.tracking.unsteered_priority,
            "words": _ELECTIONS[election],
        }


def _words(thing: Thing, weighing: Weighing, value: int | None, *, owner: bool) -> str:
    kind, name = thing
    what = f"{kind.name.lower().replace('_', ' ')} {name}"
    if value is None:
        return f"{what} is not known yet: nothing is added"
    if kind is FaultKind.FILE:
        return _number_words(f"{what} holds {value}", weighing, value, owner=owner)
    good, bad = _STATES.get(kind, ("good", "bad"))
    how = f"{what} is {good if value else bad}"
    share = weighing.share(value)
    if owner:
        return f"{how}: an owner's priority never changes"
    if share:
        return f"{how}: {abs(share)} {'added' if share > 0 else 'subtracted'}"
    missed = -weighing.weight if weighing.reverse else weighing.weight
    return f"{how}: the {abs(missed)} are not {'added' if missed > 0 else 'subtracted'}"


def _master(instance: Instance) -> dict[str, Any] | None:
    """Whom it follows."""
    router = instance.router
    if instance.state is not State.BACKUP or router.master is None:
        return None
    return {"address": str(unpacked(router.master)), "priority": router.master_priority}


def _next(instance: Instance, now: int) -> dict[str, Any]:
    """What it does next if nothing happens."""
    router = instance.router
    advert, silence = router.deadline(TimerName.ADVERT), router.deadline(TimerName.MASTER_DOWN)
    what, due = None, None
    if instance.state is State.MASTER and advert is not None:
        what, due = "advert", advert
    elif router.preempt_at is not None:
        what, due = "preempt", router.preempt_at
    elif silence is not None:
        what, due = "master_down", silence
    return {"what": what, "in_s": None if due is None else (due - now) / SECOND_US}


def _counters(statistics: Statistics) -> dict[str, Any]:
    return {
        "adverts_received": statistics.adverts_received,
        "adverts_sent": statistics.adverts_sent,
        "became_master": statistics.became_master,
        "released_master": statistics.released_master,
        "priority_zero_received": statistics.priority_zero_received,
        "priority_zero_sent": statistics.priority_zero_sent,
        "address_list_errors": statistics.address_list_errors,
        "interval_mismatches": statistics.interval_mismatches,
        "split_brains": statistics.split_brains,
        "keepalived": counters(statistics),
        "packet_errors": {reason.name.lower(): count for reason, count in statistics.packet_errors.items()},
    }


def _number_words(how: str, weighing: Weighing, value: int, *, owner: bool) -> str:
    share = weighing.share(value)
    if weighing.is_fault(value):
        return f"{how}: FAULT"
    if owner:
        return f"{how}: an owner's priority never changes"
    return f"{how}: {abs(share)} {'subtracted' if share < 0 else 'added'}"


# --- sync groups -------------------------------------------------------------------------


def _group(group: SyncGroup, epoch_us: int) -> dict[str, Any]:
    """Its state is as old as the last member's."""
    entered = [each.router.last_transition for each in group.members]
    last = max((each for each in entered if each is not None), default=None)
    return {
        "name": group.name,
        "state": group.state.value,
        "since": _moment(last, epoch_us),
        "instances": [member.name for member in group.members],
        "faults": group.faults,
    }


# --- what is tracked -----------------------------------------------------------------------


def _trackers(
    instances: Iterable[Instance], runs: Mapping[str, ScriptRuns], numbers: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    """Everything that an instance tracks, once; a script's times are of the instances' clock in seconds."""
    values: dict[Thing, int | None] = {}
    for instance in instances:
        for kind, name, _, value in instance.tracking.things():
            if values.get((kind, name)) is None:
                values[kind, name] = value
    for (kind, name), value in values.items():
        tracker: dict[str, Any] = {
            "kind": kind.name.lower(),
            "name": name,
            "value": value,
            # A file holds a number, which is good or bad to nobody by itself.
            "up": None if value is None or kind is FaultKind.FILE else bool(value),
            "last_run": None,
            "next_in_s": None,
            "last_result": None,
            "running": False,
        }
        if kind is FaultKind.SCRIPT and name in runs:
            script = runs[name]
            result = script.state.last_result
            tracker["last_run"], tracker["next_in_s"] = script.last_run, script.next_run
            tracker["last_result"] = None if result is None else how_it_ended(result)
            tracker["running"] = script.state.is_running
        elif kind is FaultKind.PROCESS and name in numbers:
            number = numbers[name]
            tracker["last_result"] = f"{number} {'process' if number == 1 else 'processes'}"
        yield tracker


def _timed(tracker: dict[str, Any], epoch_us: int, now: int) -> dict[str, Any]:
    if tracker["last_run"] is not None:
        tracker["last_run"] = round(tracker["last_run"] + epoch_us / SECOND_US, 3)
    if tracker["next_in_s"] is not None:
        tracker["next_in_s"] = round(tracker["next_in_s"] - now / SECOND_US, 3)
    return tracker


def _moment(at: int | None, epoch_us: int) -> float | None:
    """Seconds since 1970 of a moment of the instances' clock."""
    return None if at is None else (at + epoch_us) / SECOND_US
