"""The lines of scenarios as patterns: what words may stand where, and what a line means.  Pure.

In a pattern a word in capitals is a slot, any other stands for itself.  What does not fit is told by
the pattern that fits furthest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_interface
from typing import Any, Final

import attrs

from kaltwisted.config.model import SECOND_US, Address
from kaltwisted.config.spelling import nearest
from kaltwisted.simulation import scenario as sc

_UNITS_US: Final = {
    "ms": 1000,
    "s": SECOND_US,
    "m": 60 * SECOND_US,
    "min": 60 * SECOND_US,
    "h": 3600 * SECOND_US,
    "d": 86400 * SECOND_US,
}
_PIECE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|min|s|m|h|d)")
LONGEST_US: Final = 366 * 86400 * SECOND_US
"""No rehearsal is longer."""
NOBODY: Final = "nobody"


@attrs.frozen
class Word:
    """A word of a line and its column, from 1."""

    text: str
    column: int


@attrs.frozen
class Names:
    """What a line may name."""

    interfaces: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    """By director, as the following are."""
    scripts: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    processes: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    sessions: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    files: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    instances: Sequence[str] = ()
    lans: Sequence[str] = ()
    addresses: Sequence[Address] = ()
    servers: Sequence[Address] = ()


class UnfitError(Exception):
    """A word that does not fit its slot.

    ``expected``: what would; ``choices``: those of them that have names.
    """

    def __init__(self, expected: str, choices: Iterable[str] = ()) -> None:
        super().__init__(expected)
        self.expected = expected
        self.choices = tuple(choices)


@attrs.frozen
class Misfit:
    """Why a line fits no pattern: the word (None: one is missing), what was expected, and did you mean."""

    word: Word | None
    expected: str
    suggestion: str | None


Read = Callable[[str, Names, Sequence[Any]], object]
"""Makes of a word, and of the values before it, the value of a slot; raises ``UnfitError``."""
Pattern = tuple[str, Callable[..., object]]


def read_time(text: str) -> int:
    """``90``, ``1.5s``, ``200ms``, ``2m``, ``1h30m``, ``1d`` in µs.

    :raises UnfitError: it is no time, or a longer one than any rehearsal.
    """
    whole = f"{text}s" if re.fullmatch(r"[0-9.]+", text) else text
    position, total = 0, 0.0
    for piece in _PIECE.finditer(whole):
        if piece.start() != position:
            break
        position = piece.end()
        total += float(piece[1]) * _UNITS_US[piece[2]]
    if not whole or position != len(whole) or total > LONGEST_US:
        raise UnfitError("a time such as 10s, 1.5s, 200ms, 2m, 1h30m or 1d, at most 366d")
    return round(total)


def _one_of(what: str, choices: Sequence[str], text: str) -> str:
    if text not in choices:
        raise UnfitError(f"{what}: {_listed(choices)}" if choices else f"{what}, and there is none", choices)
    return text


def _listed(choices: Sequence[str]) -> str:
    told = [str(each) for each in choices[:8]]
    return ", ".join(told) + (", …" if len(choices) > len(told) else "")


def _director(text: str, names: Names, _: Sequence[Any]) -> str:
    return _one_of("a director", tuple(names.interfaces), text)


def _of_director(what: str, table: str) -> Read:
    def read(text: str, names: Names, before: Sequence[Any]) -> str:
        return _one_of(f"{what} of {before[-1]}", tuple(getattr(names, table)[before[-1]]), text)

    return read


def _lan(text: str, names: Names, _: Sequence[Any]) -> str:
    return _one_of("a LAN", names.lans, text)


def _name(text: str, _: Names, __: Sequence[Any]) -> str:
    if not re.fullmatch(r"[\w.:/-]{1,64}", text):
        raise UnfitError("a name of letters, digits, and any of . : / - _")
    return text


def _time(text: str, _: Names, __: Sequence[Any]) -> int:
    return read_time(text)


def _share(text: str, _: Names, __: Sequence[Any]) -> float:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?%", text) or float(text[:-1]) > 100:
        raise UnfitError("a share from 0% to 100%")
    return float(text[:-1]) / 100


def _number(text: str, _: Names, __: Sequence[Any]) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise UnfitError("a whole number")
    return int(text)


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _integer(text: str, _: Names, __: Sequence[Any]) -> int:
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise UnfitError("a whole number, which may be negative")
    return int(text)


def _vip(text: str, names: Names, _: Sequence[Any]) -> Address:
    address = _address(text)
    if address is None or address not in names.addresses:
        raise UnfitError(
            f"a virtual address: {_listed([str(each) for each in names.addresses])}",
            map(str, names.addresses),
        )
    return address


def _own(text: str, _: Names, __: Sequence[Any]) -> object:
    try:
        own = ip_interface(text)
    except ValueError:
        own = None
    if own is None or "/" not in text:
        raise UnfitError("an address with its network, such as 192.168.200.5/24")
    return own


def _server(text: str, names: Names, _: Sequence[Any]) -> tuple[Address, int | None]:
    """``ADDRESS``, ``ADDRESS:PORT`` or ``[ADDRESS]:PORT``."""
    bracketed = re.fullmatch(r"\[(.*)\](?::([0-9]{1,5}))?|([0-9.]+):([0-9]{1,5})", text)
    plain, port = text, None
    if bracketed is not None:
        plain = bracketed[1] or bracketed[3] or ""
        port = bracketed[2] or bracketed[4]
    address = _address(plain)
    if address is None or address not in names.servers:
        choices = [str(each) for each in names.servers]
        raise UnfitError(
            f"a real server: {_listed(choices)}, or one with a port"
            if choices
            else "a real server, and there is none",
            choices,
        )
    return address, None if port is None else int(port)


def _subject(text: str, names: Names, before: Sequence[Any]) -> Address | str:
    if text in names.instances:
        return text
    choices = [*map(str, names.addresses), *names.instances]
    try:
        return _vip(text, names, before)
    except UnfitError:
        raise UnfitError(f"a virtual address or an instance: {_listed(choices)}", choices) from None


def _directors(text: str, names: Names, _: Sequence[Any]) -> frozenset[str]:
    if text == NOBODY:
        return frozenset()
    choices = (*names.interfaces, NOBODY)
    return frozenset(
        _one_of("directors, separated by commas without blanks, or nobody", choices, each)
        for each in text.split(",")
    )


_SLOTS: Final[Mapping[str, tuple[str, Read]]] = {
    "DIRECTOR": ("a director", _director),
    "INTERFACE": ("an interface", _of_director("an interface", "interfaces")),
    "SCRIPT": ("a vrrp_script", _of_director("a vrrp_script", "scripts")),
    "PROCESS": ("a vrrp_track_process", _of_director("a vrrp_track_process", "processes")),
    "SESSION": ("a bfd_instance", _of_director("a bfd_instance", "sessions")),
    "FILE": ("a track_file", _of_director("a track_file", "files")),
    "INTEGER": ("a whole number", _integer),
    "LAN": ("a LAN", _lan),
    "NAME": ("a name", _name),
    "TIME": ("a time such as 10s", _time),
    "SHARE": ("a share such as 10%", _share),
    "NUMBER": ("a whole number", _number),
    "ADDRESS": ("a virtual address", _vip),
    "OWN": ("an address with its network", _own),
    "SERVER": ("a real server", _server),
    "SUBJECT": ("a virtual address or an instance", _subject),
    "DIRECTORS": ("directors, separated by commas, or nobody", _directors),
}

ACTIONS: Final[tuple[Pattern, ...]] = (
    *((f"DIRECTOR {life.value}", lambda director, what=life: sc.Lives(director, what)) for life in sc.Life),
    ("DIRECTOR INTERFACE down", lambda director, name: sc.Cable(director, name, False)),
    ("DIRECTOR INTERFACE up", lambda director, name: sc.Cable(director, name, True)),
    ("DIRECTOR script SCRIPT fails", lambda director, name: sc.ScriptTurns(director, name, False)),
    ("DIRECTOR script SCRIPT works", lambda director, name: sc.ScriptTurns(director, name, True)),
    ("DIRECTOR process PROCESS fails", lambda director, name: sc.ProcessTurns(director, name, False)),
    ("DIRECTOR process PROCESS works", lambda director, name: sc.ProcessTurns(director, name, True)),
    ("DIRECTOR bfd SESSION down", lambda director, name: sc.SessionTurns(director, name, False)),
    ("DIRECTOR bfd SESSION up", lambda director, name: sc.SessionTurns(director, name, True)),
    ("DIRECTOR file FILE is INTEGER", sc.FileWritten),
    ("DIRECTOR clock TIME ahead", sc.ClockSet),
    ("DIRECTOR clock TIME behind", lambda director, time: sc.ClockSet(director, -time)),
    ("DIRECTOR clock right", lambda director: sc.ClockSet(director, 0)),
    ("DIRECTOR loses ADDRESS", sc.Deletes),
    ("cut DIRECTOR -> DIRECTOR", lambda one, other: sc.Cut(one, other, None, True)),
    ("cut DIRECTOR -> DIRECTOR on LAN", lambda one, other, lan: sc.Cut(one, other, lan, True)),
    ("heal DIRECTOR -> DIRECTOR", lambda one, other: sc.Cut(one, other, None, False)),
    ("heal DIRECTOR -> DIRECTOR on LAN", lambda one, other, lan: sc.Cut(one, other, lan, False)),
    ("lan LAN loses SHARE", sc.Loses),
    ("lan LAN delays TIME", sc.Delays),
    ("server SERVER dies", lambda server: sc.ServerTurns(server[0], server[1], False)),
    ("server SERVER returns", lambda server: sc.ServerTurns(server[0], server[1], True)),
    ("expect SUBJECT on DIRECTORS", sc.Expect),
)
"""What may follow ``at TIME:``."""


def match(words: Sequence[Word], patterns: Iterable[Pattern], names: Names) -> object | Misfit:
    """The meaning of the first pattern that fits, or why none does."""
    furthest = -1
    expected: list[str] = []
    choices: list[str] = []
    for pattern, make in patterns:
        values: list[Any] = []
        parts = pattern.split()
        for index, part in enumerate([*parts, None]):
            text = words[index].text if index < len(words) else None
            if part is None and text is None:
                return make(*values)
            try:
                _fit(part, text, names, values)
            except UnfitError as unfit:
                if index > furthest:
                    furthest, expected, choices = index, [], []
                if index == furthest:
                    expected.append(unfit.expected)
                    choices += unfit.choices
                break
    word = words[furthest] if furthest < len(words) else None
    meant = None if word is None else nearest(word.text, choices)
    return Misfit(
        word,
        _or(list(dict.fromkeys(expected))),
        None if meant is None else f"did you mean `{meant}`?",
    )


def _fit(part: str | None, text: str | None, names: Names, values: list[Any]) -> None:
    if part is None:
        raise UnfitError("nothing more")
    slot = _SLOTS.get(part)
    if text is None:
        raise UnfitError(f"`{part}`" if slot is None else slot[0])
    if slot is not None:
        values.append(slot[1](text, names, values))
    elif text != part:
        raise UnfitError(f"`{part}`", (part,))


def _or(expected: list[str]) -> str:
    if len(expected) == 1:
        return expected[0]
    return f"{', '.join(expected[:-1])} or {expected[-1]}"
