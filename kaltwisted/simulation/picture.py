"""Rehearsals as a picture, SVG: a panel for each, with a row for each address, and who had it when.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from kaltwisted.config.model import SECOND_US, Address
from kaltwisted.simulation.history import Happened, Span
from kaltwisted.simulation.rehearsal import Rehearsal
from kaltwisted.simulation.report import seconds
from kaltwisted.simulation.scenario import Expect

#: Colours that people who see few of them can tell apart (Okabe and Ito, 2008), but for the red one.
_COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#f0e442")
_RED: Final = "#d40000"
_WIDTH: Final = 1000
_LEFT: Final = 230
_RIGHT: Final = 20
_ROW: Final = 26
_BAR: Final = 18
_LINE: Final = 16
_LETTER: Final = 7
_HEADING: Final = 36
_MOST_ADDRESSES: Final = 3
_MOST_TICKS: Final = 10
_STEPS_S: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)
_STYLE: Final = "text { font: 12px sans-serif; fill: #222 } .title { font-weight: bold; font-size: 14px }"


def svg(rehearsals: Sequence[Rehearsal]) -> str:
    """One document with all of them, one below the other."""
    directors = dict.fromkeys(place.name for each in rehearsals for place in each.topology.places)
    colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(directors)}
    root = Element("svg", xmlns="http://www.w3.org/2000/svg", width=str(_WIDTH))
    SubElement(root, "style").text = _STYLE
    background = SubElement(root, "rect", width="100%", height="100%", fill="#fff")
    top = _legend(root, colours)
    for rehearsal in rehearsals:
        top = _panel(root, rehearsal, colours, top)
    root.set("height", str(top))
    root.set("viewBox", f"0 0 {_WIDTH} {top}")
    background.set("height", str(top))
    indent(root)
    return tostring(root, encoding="unicode") + "\n"


def _legend(root: Element, colours: Mapping[str, str]) -> int:
    left = _RIGHT
    for name, colour in (*colours.items(), ("nobody, or two", _RED)):
        hollow = colour == _RED
        fill = {"fill": "none", "stroke": _RED, "stroke-width": "2"} if hollow else {"fill": colour}
        SubElement(root, "rect", {"x": str(left), "y": "8", "width": "14", "height": "14"} | fill)
        _text(root, left + 20, 20, name)
        left += 40 + _LETTER * len(name)
    return 34


def _panel(root: Element, rehearsal: Rehearsal, colours: Mapping[str, str], top: int) -> int:
    """One rehearsal from ``top`` on; returns where it ends."""
    scenario = rehearsal.scenario
    panel = SubElement(root, "g", role="img")
    SubElement(panel, "title").text = f"{scenario.name}: {scenario.title}"
    heading = _text(panel, _RIGHT, top + 14, f"{scenario.name}: {scenario.title}")
    heading.set("class", "title")
    top += _HEADING
    scale = (_WIDTH - _LEFT - _RIGHT) / max(1, scenario.duration_us)
    rows = _rows(rehearsal)
    bottom = top + _ROW * len(rows)
    for number, (spans, addresses) in enumerate(rows):
        y = top + _ROW * number
        label = _text(panel, _RIGHT, y + 14, _label(addresses))
        SubElement(label, "title").text = " ".join(map(str, addresses))
        for span in spans:
            _bar(panel, span, colours, _LEFT + span.since * scale, y, span.length * scale)
    _axis(panel, scenario.duration_us, scale, top, bottom)
    return _events(panel, rehearsal, scale, top, bottom)


def _rows(rehearsal: Rehearsal) -> list[tuple[tuple[Span, ...], list[Address]]]:
    """Addresses that were always together share a row."""
    rows: dict[tuple[tuple[int, int, frozenset[str]], ...], tuple[tuple[Span, ...], list[Address]]] = {}
    for address in rehearsal.topology.addresses:
        spans = tuple(rehearsal.spans(address))
        key = tuple((span.since, span.until, frozenset(span.directors)) for span in spans)
        rows.setdefault(key, (spans, []))[1].append(address)
    return list(rows.values())


def _label(addresses: Sequence[Address]) -> str:
    told = " ".join(str(each) for each in addresses[:_MOST_ADDRESSES])
    fits = told if len(told) * _LETTER < _LEFT else str(addresses[0])
    shown = len(fits.split())
    return fits if shown == len(addresses) else f"{fits} +{len(addresses) - shown}"


def _bar(
    panel: Element, span: Span, colours: Mapping[str, str], left: float, top: float, width: float
) -> None:
    bar = SubElement(panel, "g")
    who = " and ".join(span.directors) or "nobody"
    SubElement(bar, "title").text = f"{who} from {seconds(span.since)} for {seconds(span.length)}"
    width = max(width, 1)
    share = _BAR / max(1, len(span.directors))
    for number, director in enumerate(span.directors):
        _box(bar, left, top + share * number, width, share, fill=colours[director])
    if len(span.directors) != 1:
        _box(bar, left, top, width, _BAR, **{"fill": "none", "stroke": _RED, "stroke-width": "2"})


def _box(parent: Element, left: float, top: float, width: float, height: float, **style: str) -> None:
    places = {"x": left, "y": top, "width": width, "height": height}
    SubElement(parent, "rect", {name: f"{value:.1f}" for name, value in places.items()}, **style)


def _axis(panel: Element, duration_us: int, scale: float, top: float, bottom: float) -> None:
    whole_s = duration_us / SECOND_US
    step_s = next((each for each in _STEPS_S if whole_s / each <= _MOST_TICKS), _STEPS_S[-1])
    while whole_s / step_s > _MOST_TICKS:
        step_s *= 2
    for at_s in range(0, int(whole_s) + 1, step_s):
        x = _LEFT + at_s * SECOND_US * scale
        _rule(panel, x, top, bottom + 4, "#ccc")
        _text(panel, x, bottom + 16, f"{at_s} s", anchor="middle")


def _events(panel: Element, rehearsal: Rehearsal, scale: float, top: float, bottom: float) -> int:
    """What the scenario does, as numbers in the picture, and in words below it."""
    missed = {id(each.event) for each in rehearsal.judgement.missed}
    y = bottom + 34
    happened = [each for each in rehearsal.history.happenings if isinstance(each, Happened)]
    numbers: dict[int, list[str]] = {}
    for number, each in enumerate(happened, 1):
        numbers.setdefault(each.at, []).append(str(number))
        _text(panel, _LEFT, y, f"{number}  {seconds(each.at)}  {each.words}")
        y += _LINE
    for at, those in numbers.items():
        x = _LEFT + at * scale
        _rule(panel, x, top - 4, bottom, "#222")
        _text(panel, x + 2, top - 4, " ".join(those))
    for event in rehearsal.scenario.events:
        if isinstance(event.action, Expect) and id(event) in missed:
            _text(panel, _LEFT, y, f"{seconds(event.at)}  not as expected: {event.words}").set("fill", _RED)
            y += _LINE
    return int(y) + 8


def _rule(parent: Element, x: float, top: float, bottom: float, colour: str) -> None:
    places = {"x1": x, "x2": x, "y1": top, "y2": bottom}
    SubElement(parent, "line", {name: f"{value:.1f}" for name, value in places.items()}, stroke=colour)


def _text(parent: Element, x: float, y: float, words: str, anchor: str = "start") -> Element:
    text = SubElement(parent, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor})
    text.text = "".join(letter if letter.isprintable() else "\ufffd" for letter in words)
    return text
