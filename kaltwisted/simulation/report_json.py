"""Rehearsals as one JSON document, for programs.  Pure; docs/rehearsal.schema.json describes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, assert_never

from kaltwisted.config.model import SECOND_US
from kaltwisted.simulation.history import Happened, Happening, Lived, Mailed, PoolChanged, Ran, Turned
from kaltwisted.simulation.judgement import Missed, Trouble
from kaltwisted.simulation.rehearsal import Masters, Rehearsal
from kaltwisted.simulation.topology import Topology
from kaltwisted.vrrp.actions import Subject

VERSION = 1
"""Of the form; it changes when programs that read it have to."""


def document(rehearsals: Iterable[Rehearsal], program: str, *, log: bool = False) -> dict[str, object]:
    """All of them.  ``program``: our version.  Times are seconds from the beginning of each."""
    told = list(rehearsals)
    return {
        "version": VERSION,
        "tool": {"name": "kaltwisted", "version": program},
        "good": all(each.judgement.good for each in told),
        "rehearsals": [_rehearsal(each, log=log) for each in told],
    }


def _rehearsal(rehearsal: Rehearsal, *, log: bool) -> dict[str, object]:
    scenario, judgement = rehearsal.scenario, rehearsal.judgement
    told: dict[str, object] = {
        "name": scenario.name,
        "title": scenario.title,
        "duration": _seconds(scenario.duration_us),
        "good": judgement.good,
        "directors": [place.name for place in rehearsal.topology.places],
        "lans": _lans(rehearsal.topology),
        "masters_meanwhile": _masters(rehearsal.meanwhile),
        "masters": _masters(rehearsal.masters),
        "addresses": {
            str(address): [
                {
                    "since": _seconds(span.since),
                    "until": _seconds(span.until),
                    "directors": list(span.directors),
                }
                for span in rehearsal.spans(address)
            ]
            for address in rehearsal.topology.addresses
        },
        "troubles": [_trouble(each) for each in judgement.troubles],
        "missed": [_missed(each) for each in judgement.missed],
        "events": [{"at": _seconds(each.at), **_event(each)} for each in rehearsal.history.happenings],
    }
    if log:
        told["log"] = [
            {"at": _seconds(each.at), "director": each.director, "line": each.line}
            for each in rehearsal.history.log
        ]
    return told


def _seconds(us: int) -> float:
    return us / SECOND_US


def _masters(masters: Masters) -> dict[str, list[str]]:
    return {director: list(names) for director, names in masters.items()}


def _lans(topology: Topology) -> dict[str, list[dict[str, object]]]:
    places = {place.name: place for place in topology.places}
    return {
        lan: [
            {
                "director": director,
                "interface": interface,
                "addresses": [str(each) for each in places[director].plugs[interface].addresses],
                "made_up": interface in places[director].made_up,
            }
            for director, interface in ends
        ]
        for lan, ends in topology.lans.items()
    }


def _trouble(trouble: Trouble) -> dict[str, object]:
    return {
        "kind": trouble.kind.value,
        "subject": trouble.subject,
        "since": _seconds(trouble.span.since),
        "until": _seconds(trouble.span.until),
        "directors": list(trouble.span.directors),
        "allowed": _seconds(trouble.allowed_us),
        "too_long": trouble.too_long,
        "by_cut": trouble.by_cut,
        "cause": trouble.cause,
    }


def _missed(missed: Missed) -> dict[str, object]:
    where = missed.event.where
    return {
        "at": _seconds(missed.event.at),
        "place": None if where is None else str(where),
        "words": missed.event.words,
        "found": list(missed.found),
    }


def _event(happening: Happening) -> Mapping[str, Any]:
    match happening:
        case Happened(_, words):
            return {"kind": "scenario", "words": words}
        case Lived(_, director, runs):
            return {"kind": "daemon", "director": director, "runs": runs}
        case Turned(_, director, notify, why):
            group = notify.subject is Subject.GROUP
            return {
                "kind": "group" if group else "instance",
                "director": director,
                "name": notify.name,
                "state": notify.state.value,
                **({} if group else {"priority": notify.priority, "why": why}),
            }
        case Mailed(_, director, mail):
            return {"kind": "mail", "director": director, "subject": mail.subject, "body": mail.body}
        case Ran(_, director, command):
            return {"kind": "script", "director": director, "command": command}
        case PoolChanged(_, director, service, servers):
            return {"kind": "pool", "director": director, "service": service, "servers": list(servers)}
        case _:
            assert_never(happening)
