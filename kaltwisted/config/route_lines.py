"""The lines of ``virtual_routes``: ``[to] [TYPE] DESTINATION`` and options, in iproute2's words."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

from kaltwisted.config.findings import Consequence
from kaltwisted.config.keywords.convert import (
    missing_parameter,
    not_one_of,
    parse_address,
    whole_number,
)
from kaltwisted.config.keywords.route import DEFAULTS, OPTIONS, TYPES, Option
from kaltwisted.config.keywords.table import Keep, Problem, Problems
from kaltwisted.config.model import VirtualRoute

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

_EXPECTED = "a destination such as 10.1.0.0/24 or default, then via ADDRESS, dev IF and the like"


def routes(reader: Reader, statement: Statement) -> list[VirtualRoute]:
    """The routes of a block, without those that are none."""
    found = []
    for line in statement.block or ():
        route = _Line(reader, line, statement.words[0]).route()
        if route is not None:
            found.append(route)
    return found


class _Line:
    """One line on its way to a route: what it says, and the first of what is wrong with it."""

    def __init__(self, reader: Reader, line: Statement, block: str) -> None:
        self._reader = reader
        self._line = line
        self._block = block
        self._said: dict[str, Any] = {}
        self._problems: Problems = []

    def route(self) -> VirtualRoute | None:
        """The route, None when it goes nowhere."""
        words = self._line.words
        index = 0
        while index < len(words) and not self._problems:
            word = words[index]
            if word in OPTIONS:
                index = self._option(OPTIONS[word], index)
            elif word in TYPES or word == "to":
                index = self._put_in_front(index)
            else:
                index = self._destination(index)
        if not self._problems:
            self._judge()
        if self._problems:
            self._reader.problems(self._line, self._problems)
        if "destination" not in self._said:
            return None
        destination, default6 = self._said.pop("destination"), self._said.pop("default6", None)
        families = self._families(destination)
        return VirtualRoute(destination, default6 or 6 in families, **self._said)

    def _families(self, destination: IPv4Network | IPv6Network | None) -> set[int]:
        addresses = (destination, self._said.get("src"), self._said.get("via"))
        return {address.version for address in addresses if address is not None}

    def _put_in_front(self, index: int) -> int:
        """``to`` and the type of a route, which stand in front of the destination."""
        word = self._line.words[index]
        if index + 1 == len(self._line.words):
            self._lacks(index, "the destination")
        elif word != "to":
            self._said["type"] = word
        return index + 1

    def _destination(self, index: int) -> int:
        word = self._line.words[index]
        if word in DEFAULTS:
            self._say_destination(None, index)
            self._said["default6"] = DEFAULTS[word]
            return index + 1
        text, slash, length = word.partition("/")
        address = parse_address(text)
        if address is None:
            what = not_one_of(word, list(OPTIONS), index)
            message = f"`{word}` is neither a destination nor a word of a route"
            self._problems.append(Problem(message, index, _EXPECTED, what.suggestion))
            return index + 1
        prefix = whole_number(length, 0, address.max_prefixlen) if slash else address.max_prefixlen
        if isinstance(prefix, str):
            expected = f"0 to {address.max_prefixlen}"
            self._problems.append(Problem(f"prefix length `{length}` {prefix}", index, expected))
            prefix = address.max_prefixlen
        self._say_destination(ip_network((address, prefix), strict=False), index)
        return index + 1

    def _say_destination(self, destination: IPv4Network | IPv6Network | None, index: int) -> None:
        if "destination" in self._said:
            word = self._line.words[index]
            self._reader.warn(self._line, f"`{word}` is a second destination, and counts", word=index)
        self._said["destination"] = destination

    def _option(self, option: Option, index: int) -> int:
        """Read one option; where the next word stands."""
        words = self._line.words
        name, value = words[index], index + 1
        if option.today is not None:
            self._tell_once(index, f"`{name}` is accepted; today it is `{option.today}`")
        if option.values is None:
            self._tell_once(index)
            return len(words)
        while value < len(words) and words[value] in option.before:
            value += 1
        end = value + option.values
        if end > len(words):
            self._lacks(index, "its value")
        elif option.convert is None:
            self._tell_once(index)
        else:
            problems: Problems = []
            found = option.convert([name, *words[value:end]], problems)
            self._problems += (
                Problem(each.message, value - 1 + each.word, each.expected, each.suggestion)
                for each in problems
            )
            if not isinstance(found, Keep):
                self._said[option.field] = found
        return end

    def _lacks(self, index: int, what: str) -> None:
        word = self._line.words[index]
        self._problems.append(
            Problem(
                f"`{word}` lacks {what}",
                index,
                consequence=Consequence.MISSING_PARAMETER,
                log=missing_parameter(word),
            )
        )

    def _tell_once(self, index: int, message: str | None = None) -> None:
        message = message or f"`{self._line.words[index]}` of a route is understood, not acted on yet"
        self._reader.tell_once(self._line, self._block, message, word=index)

    def _judge(self) -> None:
        """What only the whole line tells."""
        said = self._said
        if "destination" not in said:
            self._problems.append(
                Problem("this route has no destination", 0, _EXPECTED, log="Route must have a destination")
            )
            return
        destination = said["destination"]
        families = self._families(destination) | ({6} if said.get("default6") else set())
        if len(families) > 1:
            message = "a route has addresses of IPv4 or of IPv6, not of both"
            log = "Cannot mix IPv4 and IPv6 addresses for route"
            self._problems.append(Problem(message, 0, log=log))
        elif "dev" not in said and not said.get("no_track"):
            shown = "default" if destination is None else destination
            self._problems.append(
                Problem(
                    f"this route names no interface, so nobody notices when it is gone: {shown}",
                    0,
                    "dev INTERFACE, or no_track",
                    log=f"Warning - cannot track route {shown} with no interface specified, not tracking",
                )
            )
