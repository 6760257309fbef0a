"""Rehearsals in text: one's story line by line, many in a table, what is wrong in sentences.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, assert_never

from kaltwisted.config.model import SECOND_US
from kaltwisted.simulation.history import (
    Happened,
    Happening,
    Lived,
    Mailed,
    PoolChanged,
    Ran,
    Turned,
)
from kaltwisted.simulation.judgement import Kind, Missed, Trouble
from kaltwisted.simulation.rehearsal import Rehearsal
from kaltwisted.simulation.topology import Topology
from kaltwisted.vrrp.actions import Subject

MOST_NAMES: Final = 4
"""Instances of a director that a table names; of more it tells their number."""
MADE_UP: Final = "*"
_Mistake = tuple[Kind, tuple[str, ...], str]


def seconds(us: int) -> str:
    """A length of time."""
    if us and us < 1000:
        return f"{us / 1000:.1f} ms"
    return f"{us / SECOND_US:.3f} s"


# -- the site ------------------------------------------------------------------------------


def site(topology: Topology) -> Iterator[str]:
    """Which interfaces are on which LAN, and by which addresses."""
    places = {place.name: place for place in topology.places}
    width = max((len(name) for name in topology.lans), default=0)
    made_up = False
    for lan, ends in topology.lans.items():
        told = []
        for director, interface in ends:
            place = places[director]
            addresses = place.plugs[interface].addresses
            own = [str(each.ip) for each in addresses if not each.ip.is_link_local or len(addresses) == 1]
            mark = MADE_UP if interface in place.made_up else ""
            made_up = made_up or bool(mark)
            told.append(f"{director} {interface} {' '.join(own)}{mark}".rstrip())
        yield f"LAN {lan:{width}}  {', '.join(told)}"
    if made_up:
        yield f"{MADE_UP} made up; a scenario may say: DIRECTOR INTERFACE has ADDRESS/PREFIX"


# -- many of them --------------------------------------------------------------------------


def table(rehearsals: Iterable[Rehearsal]) -> Iterator[str]:
    """A line for each, in columns as wide as need be."""
    head = ("scenario", "nobody", "two", "mails", "scripts", "masters meanwhile", "masters at the end", "")
    rows = [head, *map(_row, rehearsals)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        cells = [
            cell.rjust(width) if 0 < column < 5 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _row(rehearsal: Rehearsal) -> tuple[str, ...]:
    judgement = rehearsal.judgement
    since = rehearsal.failure_at
    happenings = rehearsal.history.happenings
    later = [each for each in happenings if each.at >= since]
    verdict = "ok" if judgement.good else "BAD"
    if judgement.good and any(trouble.by_cut for trouble in judgement.troubles):
        verdict = "cut off"
    return (
        rehearsal.scenario.name,
        _length(judgement.longest_us(Kind.NOBODY, since)),
        _length(judgement.longest_us(Kind.TWO, since)),
        str(sum(isinstance(each, Mailed) for each in later)),
        str(sum(isinstance(each, Ran) for each in later)),
        masters(rehearsal.meanwhile),
        masters(rehearsal.masters),
        verdict,
    )


def _length(us: int) -> str:
    return seconds(us) if us else "-"


def masters(by_director: Mapping[str, Sequence[str]]) -> str:
    """Whose instances are MASTER."""
    told = [
        f"{director}: {' '.join(names) if len(names) <= MOST_NAMES else f'{len(names)} instances'}"
        for director, names in by_director.items()
        if names
    ]
    return ", ".join(told) or "nobody"


# -- what is wrong -------------------------------------------------------------------------


def mistakes(rehearsals: Iterable[Rehearsal]) -> Iterator[str]:
    """What is wrong, each thing once; where else it is so is counted."""
    first: dict[_Mistake, str] = {}
    others: dict[_Mistake, list[str]] = {}
    missed: list[str] = []
    for rehearsal in rehearsals:
        name = rehearsal.scenario.name
        here: set[_Mistake] = set()
        for troubles in _alike(rehearsal.judgement.troubles):
            mistake = troubles[0].kind, tuple(each.subject for each in troubles), troubles[0].cause
            if mistake in here:
                continue
            here.add(mistake)
            if mistake in first:
                others[mistake].append(name)
            else:
                first[mistake] = f"{name}: {sentence(troubles, rehearsal.scenario.duration_us)}"
                others[mistake] = []
        missed += (f"{name}: {unmet(each)}" for each in rehearsal.judgement.missed)
    for mistake, words in first.items():
        more = others[mistake]
        yield words + (f" (so also in {_some(more)})" if more else "")
    yield from missed


def _alike(troubles: Iterable[Trouble]) -> list[list[Trouble]]:
    """Those that last too long; what is so of several addresses, at one time and for one cause, together."""
    found: dict[object, list[Trouble]] = {}
    for each in troubles:
        if each.too_long:
            found.setdefault((each.kind, each.span, each.cause), []).append(each)
    return list(found.values())


def _some(names: Sequence[str]) -> str:
    told = ", ".join(names[:3])
    return told if len(names) <= 3 else f"{told} and {len(names) - 3} more"


def sentence(troubles: Sequence[Trouble], duration_us: int) -> str:
    """Troubles of one kind, time and cause in words."""
    trouble, span = troubles[0], troubles[0].span
    subjects = _some([each.subject for each in troubles])
    until = "on" if span.until >= duration_us else f"to {seconds(span.until)}"
    when = f"from {seconds(span.since)} {until}"
    length = f"{seconds(span.length)}, allowed are {seconds(trouble.allowed_us)}"
    match trouble.kind:
        case Kind.NOBODY:
            what = f"nobody has {subjects}"
        case Kind.TWO:
            what = f"{' and '.join(span.directors)} both have {subjects}"
        case Kind.SPLIT:
            what = f"sync group {subjects} is torn"
        case other:
            assert_never(other)
    return f"{what} {when} ({length}): {trouble.cause}"


def unmet(missed: Missed) -> str:
    """One expectation that was not met, in words."""
    found = " and ".join(missed.found) or "nobody"
    place = f"{missed.event.where}: " if missed.event.where is not None else ""
    return f"{place}{missed.event.words}, at {seconds(missed.event.at)}: it is on {found}"


# -- the story of one ----------------------------------------------------------------------


def story(rehearsal: Rehearsal, *, log: bool = False) -> Iterator[str]:
    """Everything that happens, in order; with ``log`` what the daemons write, too."""
    scenario = rehearsal.scenario
    yield f"{scenario.name}: {scenario.title}"
    told = [(at, order, who, what) for order, (at, who, what) in enumerate(_told(rehearsal, log=log))]
    told.sort()
    width = max((len(who) for _, _, who, _ in told), default=0)
    time_width = len(seconds(scenario.duration_us))
    for at, _, who, what in told:
        yield f"{f'{at / SECOND_US:.3f} s':>{time_width}}  {who:{width}}  {what}".rstrip()
    yield ""
    yield from _addresses(rehearsal)


def _told(rehearsal: Rehearsal, *, log: bool) -> Iterator[tuple[int, str, str]]:
    yield from _merged(rehearsal.history.happenings)
    ends: dict[tuple[int, str, str], list[str]] = {}
    for holding in rehearsal.history.holdings:
        address = str(holding.address)
        ends.setdefault((holding.since, holding.director, "has"), []).append(address)
        if holding.until is not None:
            ends.setdefault((holding.until, holding.director, "has no longer"), []).append(address)
    for (at, director, verb), addresses in ends.items():
        yield at, director, f"{verb} {', '.join(addresses)}"
    if log:
        for line in rehearsal.history.log:
            yield line.at, line.director, f"| {line.line}"


def _merged(happenings: Iterable[Happening]) -> Iterator[tuple[int, str, str]]:
    """What becomes the same at one time is one line."""
    names: dict[tuple[int, str, str], list[str]] = {}
    for each in happenings:
        if isinstance(each, Turned):
            names.setdefault((each.at, each.director, _state(each)), []).append(each.notify.name)
    for each in happenings:
        if not isinstance(each, Turned):
            yield each.at, _who(each), _what(each)
        elif key_names := names.pop((each.at, each.director, _state(each)), None):
            yield each.at, each.director, f"{' '.join(key_names)}: {_state(each)}"


def _state(turned: Turned) -> str:
    notify = turned.notify
    if notify.subject is Subject.GROUP:
        return notify.state.value
    return f"{notify.state.value}, priority {notify.priority}" + (f" ({turned.why})" if turned.why else "")


def _who(happening: Happening) -> str:
    return "--" if isinstance(happening, Happened) else happening.director


def _what(happening: Happened | Lived | Mailed | Ran | PoolChanged) -> str:
    match happening:
        case Happened(_, words):
            return words
        case Lived(_, _, runs):
            return "daemon runs" if runs else "daemon does not run"
        case Mailed(_, _, mail):
            return f"would mail {mail.subject}"
        case Ran(_, _, command):
            return f"would run {command}"
        case PoolChanged(_, _, service, servers):
            return f"{service} is served by {', '.join(servers) or 'nobody'}"
        case _:
            assert_never(happening)


def _addresses(rehearsal: Rehearsal) -> Iterator[str]:
    """A line for each address: who had it for how long."""
    addresses = rehearsal.topology.addresses
    width = max((len(str(each)) for each in addresses), default=0)
    for address in addresses:
        spans = [
            f"{' and '.join(span.directors) or 'nobody'} {seconds(span.length)}"
            for span in rehearsal.spans(address)
        ]
        yield f"{address!s:{width}}  {', '.join(spans)}"
