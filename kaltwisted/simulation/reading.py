"""A scenario file to a ``Scenario``, a ``Site`` and all that is wrong with it.  Pure.

::

    duration 2m
    at 30s: director1 eth0 down
    at 60s: director1 eth0 up
    at 59s: expect 192.168.200.10 on director2
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

import attrs

from kaltwisted.config.findings import Finding, Severity
from kaltwisted.config.model import SECOND_US, BfdCheck, Configuration, FileCheck, MiscCheck, Position
from kaltwisted.simulation.grammar import (
    ACTIONS,
    Misfit,
    Names,
    Pattern,
    Word,
    match,
)
from kaltwisted.simulation.scenario import Event, Scenario
from kaltwisted.simulation.topology import End, Own, Site, Topology, interfaces, lay_out

MOST_FINDINGS: Final = 100
AFTERWARDS_US: Final = 60 * SECOND_US
"""How long a rehearsal without a ``duration`` goes on after its last event."""

_WORD = re.compile(r"->|(?:(?!->)\S)+")


@attrs.frozen
class Script:
    """What a scenario file says.  ``scenario`` None: it has no ``at`` line, and is about the site only."""

    site: Site
    topology: Topology
    scenario: Scenario | None
    findings: tuple[Finding, ...] = ()


@attrs.frozen
class _Setting:
    name: str
    value: Any


_SETTINGS: Final[tuple[Pattern, ...]] = (
    ("duration TIME", lambda time: _Setting("duration_us", time)),
    ("allow nobody TIME", lambda time: _Setting("allow_nobody_us", time)),
    ("allow two TIME", lambda time: _Setting("allow_two_us", time)),
    ("seed NUMBER", lambda number: _Setting("seed", number)),
)


def names_of(topology: Topology) -> Names:
    """What lines about these directors may name."""
    configurations = {place.name: place.configuration for place in topology.places}
    servers = {
        address
        for configuration in configurations.values()
        for service in configuration.virtual_servers
        for server in service.real_servers
        for address in (
            server.address,
            *(
                check.connection.ip
                for check in server.checks
                if not isinstance(check, MiscCheck | BfdCheck | FileCheck)
            ),
        )
    }
    return Names(
        interfaces={place.name: tuple(place.plugs) for place in topology.places},
        scripts=_names(configurations, "vrrp_scripts"),
        processes=_names(configurations, "vrrp_track_processes"),
        sessions=_names(configurations, "bfd_instances"),
        files=_names(configurations, "track_files"),
        instances=tuple(
            dict.fromkeys(
                instance.name
                for configuration in configurations.values()
                for instance in configuration.vrrp_instances
            )
        ),
        lans=tuple(topology.lans),
        addresses=tuple(topology.addresses),
        servers=sorted(servers, key=lambda each: (each.version, int(each))),
    )


def _names(configurations: Mapping[str, Configuration], field: str) -> dict[str, tuple[str, ...]]:
    return {
        director: tuple(each.name for each in getattr(configuration, field))
        for director, configuration in configurations.items()
    }


def read_scenario(
    text: str, file: str, configurations: Mapping[str, Configuration], site: Site | None = None
) -> Script:
    """Read a scenario about these directors; ``file`` is its name in the findings.

    :param site: what another file has said of the site.
    """
    reader = _Reader(text, file)
    site = (site or Site()) | reader.site(configurations)
    topology = lay_out(configurations, site)
    names = names_of(topology)
    title = PurePath(file).stem
    settings: dict[str, Any] = {}
    events: list[Event] = []
    for number, line, words in reader.others:
        match words[0].text:
            case "title":
                title = " ".join(word.text for word in words[1:]) or title
            case "at":
                event = reader.event(number, line, words, names)
                if event is not None:
                    events.append(event)
            case _:
                setting = reader.fit(number, line, words, (*_SETTINGS, *_BEGINNINGS), names)
                if isinstance(setting, _Setting):
                    settings[setting.name] = setting.value
    events.sort(key=lambda event: event.at)
    last = events[-1].at if events else 0
    settings.setdefault("duration_us", last + AFTERWARDS_US)
    reader.complain_of_late(events, settings["duration_us"])
    scenario = Scenario(PurePath(file).stem, title, events=tuple(events), **settings)
    return Script(site, topology, scenario if events else None, tuple(reader.findings))


def _nothing(*_: object) -> None:
    """A line that was read already."""


_BEGINNINGS: Final[tuple[Pattern, ...]] = (
    ("title NAME", _nothing),
    ("at TIME", _nothing),
    ("lan NAME is", _nothing),
    ("DIRECTOR INTERFACE has OWN", _nothing),
)
"""What else a line may begin with, for who has mistyped it."""


class _Reader:
    """The lines of one file, and what is wrong with them."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self.findings: list[Finding] = []
        self.others: list[tuple[int, str, list[Word]]] = []
        self._about_site: list[tuple[int, str, list[Word]]] = []
        for number, line in enumerate(text.splitlines(), 1):
            words = list(_words(line))
            if not words:
                continue
            texts = [word.text for word in words]
            place = texts[:1] == ["lan"] or (len(texts) > 2 and texts[2] == "has")
            (self._about_site if place else self.others).append((number, line, words))

    def site(self, configurations: Mapping[str, Configuration]) -> Site:
        """What is said of LANs and addresses."""
        names = Names(interfaces={name: interfaces(each) for name, each in configurations.items()})
        lans: list[tuple[str, tuple[End, ...]]] = []
        addresses: list[tuple[End, Own]] = []
        placed: set[End] = set()
        for number, line, words in self._about_site:
            if words[0].text == "lan":
                name, ends = self._lan(number, line, words, names)
                for end in ends:
                    if end in placed:
                        self.complain(
                            number, line, words[0], f"{' '.join(end)} is on a LAN already", "one LAN"
                        )
                placed.update(ends)
                lans.append((name, ends))
                continue
            told = self.fit(number, line, words, (("DIRECTOR INTERFACE has OWN", lambda *all_: all_),), names)
            if isinstance(told, tuple):
                addresses.append(((told[0], told[1]), told[2]))
        return Site(tuple(lans), tuple(addresses))

    def _lan(self, number: int, line: str, words: list[Word], names: Names) -> tuple[str, tuple[End, ...]]:
        """``lan NAME is DIRECTOR INTERFACE, DIRECTOR INTERFACE, …``."""
        split = [
            piece
            for word in words
            for piece in (
                [Word(word.text[:-1], word.column), Word(",", word.column + len(word.text) - 1)]
                if len(word.text) > 1 and word.text.endswith(",")
                else [word]
            )
        ]
        count = 1 + sum(word.text == "," for word in split)
        pattern = "lan NAME is " + " , ".join(["DIRECTOR INTERFACE"] * count)
        told = self.fit(number, line, split, ((pattern, lambda *all_: all_),), names)
        if not isinstance(told, tuple):
            return "", ()
        return told[0], tuple(zip(told[1::2], told[2::2], strict=True))

    def event(self, number: int, line: str, words: list[Word], names: Names) -> Event | None:
        """``at TIME: ACTION``."""
        if len(words) > 1 and words[1].text.endswith(":"):
            words = [words[0], attrs.evolve(words[1], text=words[1].text[:-1]), *words[2:]]
        at = self.fit(number, line, words[:2], (("at TIME", lambda time: time),), names)
        if not isinstance(at, int):
            return None
        action = self.fit(number, line, words[2:], ACTIONS, names)
        if action is None:
            return None
        said = " ".join(word.text for word in words[2:])
        return Event(at, action, said, where=Position(self._file, number, words[0].column))  # type: ignore[arg-type]

    def complain_of_late(self, events: Sequence[Event], duration_us: int) -> None:
        """An event that is never reached is a mistake."""
        for event in events:
            if event.at > duration_us and event.where is not None:
                self._tell(
                    event.where,
                    f"`{event.words}` comes after the end",
                    f"a time up to {duration_us / SECOND_US:g}s, or a longer duration",
                )

    def fit(
        self, number: int, line: str, words: Sequence[Word], patterns: Sequence[Pattern], names: Names
    ) -> object | None:
        """What a line means; None, and a finding, if it means nothing."""
        found = match(words, patterns, names)
        if not isinstance(found, Misfit):
            return found
        if found.word is None:
            last = Word("", len(line.rstrip()) + 1)
            self.complain(number, line, last, "the line is not complete", found.expected, found.suggestion)
        else:
            what = f"`{found.word.text[:64]}` is not what may stand here"
            self.complain(number, line, found.word, what, found.expected, found.suggestion)
        return None

    def complain(
        self, number: int, line: str, word: Word, message: str, expected: str, suggestion: str | None = None
    ) -> None:
        """One mistake."""
        position = Position(self._file, number, word.column)
        self._tell(position, message, expected, suggestion, line, max(1, len(word.text)))

    def _tell(
        self,
        position: Position,
        message: str,
        expected: str,
        suggestion: str | None = None,
        line: str | None = None,
        width: int = 1,
    ) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(
                Finding(
                    Severity.ERROR,
                    position,
                    message,
                    expected=expected,
                    suggestion=suggestion,
                    source_line=line,
                    width=width,
                )
            )


def _words(line: str) -> Iterator[Word]:
    """The words of a line up to a comment, which begins with ``#`` or ``!``."""
    for found in _WORD.finditer(line):
        if found[0][0] in "#!":
            return
        yield Word(found[0], found.start() + 1)
