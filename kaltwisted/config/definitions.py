"""``$NAME=value`` and its uses ``$NAME`` and ``${NAME}``, and the names that keepalived defines itself.

A definition is put in where it is used, and what it is made of is looked up
then: ``$CHECK`` may name a ``$TMO`` that is defined later.  Of a definition of
several lines the first is put in, the rest are read as the next lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

import attrs

from kaltwisted.config.lexer import LONGEST_LINE
from kaltwisted.config.model import Position
from kaltwisted.config.source import Explains, Use, original_end, original_start

MOST_REPLACEMENTS = 1_000
"""In one line: more is a definition that is made of itself in some way."""

HIGHEST_RANDOM = 32_767

DEFINITION = re.compile(r"[ \t]*\$([A-Za-z_][A-Za-z0-9_]*)=[ \t]*", re.ASCII).match
UNDEFINED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)[^{}]*\}").search
_USE = re.compile(
    r"""\$ (?: \{ (?P<braced> [A-Za-z_][A-Za-z0-9_]* ) (?P<arguments> (?: [ \t]+ [^{}\s]+ )* ) [ \t]* \}
             | (?P<bare> [A-Za-z_][A-Za-z0-9_]* ) )""",
    re.VERBOSE,
)
_BEHIND_NAME = ("", " ", "\t", ",", ")")


@attrs.frozen(eq=False)
class Definition:
    """What a name stands for: one line or several, each as it stands in the file.

    ``places``: of each line.  ``chosen``: a value that ``~SEQ`` or ``~LST`` gives for one round.
    """

    name: str
    lines: tuple[str, ...]
    places: tuple[Position, ...]
    chosen: bool = False

    @property
    def where(self) -> Position:
        """Where it is defined."""
        return self.places[0]

    @property
    def note(self) -> str:
        """For people; never the value itself, which may be a password."""
        return f"`${self.name}` {'has its values from' if self.chosen else 'is defined'} here"


@attrs.frozen(eq=False)
class BodyLine:
    """A further line of a definition of several."""

    definition: Definition
    index: int

    @property
    def where(self) -> Position:
        """Its place."""
        return self.definition.places[self.index]

    @property
    def note(self) -> str:
        """For people."""
        return f"this line of `${self.definition.name}`"


Values = Mapping[str, Definition]


class Trouble(NamedTuple):
    """A use that cannot be done, and the columns of the file that it stands at, from 0."""

    column: int
    width: int
    message: str
    made_by: tuple[Explains, ...] = ()


class Replaced(NamedTuple):
    """A line with its definitions put in.

    ``replacements``: how many.  ``bodies``: definitions of several lines, whose first is put in; the rest of
    the last comes next, then that of the one before.
    """

    text: str
    uses: tuple[Use, ...]
    bodies: tuple[tuple[Definition, Use], ...] = ()
    trouble: Trouble | None = None
    replacements: int = 0


@attrs.frozen
class Surroundings:
    """What a configuration can ask about the world it is read in.

    ``config_id``: of ``@`` lines (keepalived: ``-i``).  ``environment``: for ``${_ENV NAME}``.
    """

    config_id: str = ""
    environment: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    random: Random = attrs.field(factory=Random, eq=False, repr=False)

    def built_in(self, name: str, arguments: list[str], folder: Callable[[], str]) -> str | None:
        """A name of keepalived's own; None if it is none.

        :raises ValueError: its arguments cannot be.
        """
        match name:
            case "_PWD":
                return folder()
            case "_INSTANCE":
                return self.config_id
            case "_HASH":
                return "#"
            case "_BANG":
                return "!"
            case "_RANDOM":
                return str(self._random(arguments))
            case "_ENV":
                if len(arguments) != 1:
                    raise ValueError("${_ENV NAME} takes the name of one variable")
                return self.environment.get(arguments[0], "").partition("\n")[0]
        return None

    def _random(self, arguments: list[str]) -> int:
        if len(arguments) > 2 or not all(re.fullmatch("[0-9]{1,9}", word) for word in arguments):
            raise ValueError("${_RANDOM MIN MAX} takes two whole numbers at most")
        least, most = ([int(word) for word in arguments] + [0, HIGHEST_RANDOM][len(arguments) :])[:2]
        if least > most:
            raise ValueError(f"${{_RANDOM}} has nothing between {least} and {most}")
        return self.random.randint(least, most)


def replace(
    text: str,
    uses: tuple[Use, ...],
    values: Values,
    chosen: Values,
    built_in: Callable[[str, list[str]], str | None],
    replaying: frozenset[str] = frozenset(),
) -> Replaced:
    """Put definitions into a line, and into what was put in, from left to right as keepalived does.

    :param uses: what of the line was put in before.
    :param chosen: values of the round of a repetition, which go before ``values``.
    :param replaying: definitions of several lines that this line is one of.
    """
    given, at, count = text, 0, 0
    bodies: list[tuple[Definition, Use]] = []
    inside: list[tuple[int, str]] = []  # ends and names of the definitions around the place where we are
    start = uses
    what: str | None
    waiting, before = False, 0
    while True:
        match = _USE.search(text, at)
        if match is None:
            if not (waiting and count > before):
                break
            # What stands behind a name may have become a blank since: keepalived looks again.
            at, inside, waiting, before = 0, [], False, count
            continue
        name, begin, end = match["braced"] or match["bare"], match.start(), match.end()
        definition = chosen.get(name) or values.get(name)
        if match["bare"] and text[end : end + 1] not in _BEHIND_NAME and name not in chosen:
            at = end
            waiting = waiting or definition is not None
            continue
        what = None
        if definition is None:
            try:
                value = built_in(name, (match["arguments"] or "").split())
            except ValueError as error:
                value, what = None, str(error)
            if value is None and what is None:
                at = begin + 2 if match["braced"] else end
                continue
            if value in ("#", "!") and text.count('"', 0, begin) % 2 == 0:
                value = "\\" + value
        else:
            value = definition.lines[0]
            inside = [(limit, around) for limit, around in inside if limit > begin]
            if any(around == name for _, around in inside) or name in replaying:
                what = f"`${name}` is made of itself"
            elif len(definition.lines) > 1 and text[end:].strip(" \t\r"):
                what = f"`${name}` has several lines, and something stands behind it"
        if what is None and count >= MOST_REPLACEMENTS:
            what = f"more than {MOST_REPLACEMENTS} definitions are put into this line"
        if what is None and value is not None and _too_long(text, begin, end, value):
            what = f"the line is longer than {LONGEST_LINE} bytes with `${name}` put in"
        if what is not None or value is None:
            first, last = original_start(uses, begin), original_end(uses, end)
            makers = [maker for use in uses if use.start < end and begin < use.end for maker in use.made_by]
            if definition is not None:
                makers.append(definition)
            trouble = Trouble(first, last - first, what or "", tuple(dict.fromkeys(makers)))
            return Replaced(given, start, (), trouble, count)
        count += 1
        grown = len(value) - (end - begin)
        inside = [(max(limit, end) + grown, around) for limit, around in inside]
        inside.append((begin + len(value), name))
        text = text[:begin] + value + text[end:]
        uses, use = _put_in(uses, begin, end, len(value), (definition,) if definition is not None else ())
        if definition is not None and len(definition.lines) > 1:
            bodies.append((definition, use))
        # A name may be put together: ``${SERVER${n}}``.
        opened = text.rfind("${", 0, begin)
        at = opened if opened >= 0 and "}" not in text[opened:begin] else begin
    return Replaced(text, uses, tuple(bodies), None, count)


def _too_long(text: str, begin: int, end: int, value: str) -> bool:
    length = len(text) - (end - begin) + len(value)
    if length <= LONGEST_LINE // 4:
        return False
    return len((text[:begin] + value + text[end:]).encode("utf-8", "surrogateescape")) > LONGEST_LINE


def _put_in(
    uses: tuple[Use, ...], begin: int, end: int, size: int, made_by: tuple[Explains, ...]
) -> tuple[tuple[Use, ...], Use]:
    """The uses of a line in which ``size`` characters stand instead of those from ``begin`` to ``end``."""
    grown = size - (end - begin)
    before = [use for use in uses if use.end <= begin and use.start != begin]
    behind = [use for use in uses if use.start >= end and not use.start == use.end == end]
    touched = uses[len(before) : len(uses) - len(behind)]
    first = min([begin, *(use.start for use in touched)])
    last = max([end, *(use.end for use in touched)])
    column = original_start(uses, first)
    width = original_end(uses, last) - column
    known = tuple(dict.fromkeys(maker for use in touched for maker in use.made_by))
    made = Use(first, last + grown, column, width, (known + made_by)[-8:])
    moved = [use._replace(start=use.start + grown, end=use.end + grown) for use in behind]
    return (*before, made, *moved), made
