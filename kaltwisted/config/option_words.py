"""Lines that are read word by word, as iproute2's are: options with their values, in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any, TypeAlias

from kaltwisted.config.findings import Consequence
from kaltwisted.config.keywords.convert import (
    missing_parameter,
    not_one_of,
    parse_address,
    whole_number,
)
from kaltwisted.config.keywords.table import Problem
from kaltwisted.config.model_routes import Network

if TYPE_CHECKING:
    from kaltwisted.config.iproute import Names
    from kaltwisted.config.model import Address
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

UINT32_MAX = 2**32 - 1
LONGEST_NAME = 15
"""IFNAMSIZ without its end."""

STATIC_OPTION = "track_group"
"""An option of static items only."""

_ANYTHING = frozenset(("default", "default6", "any", "all"))


class OptionWords:
    """The words of one line, one after the other; the first mistake is told and ends it (``failed``)."""

    def __init__(self, reader: Reader, line: Statement, names: Names) -> None:
        self.reader = reader
        self.line = line
        self.names = names
        self.failed = False
        self._index = 0

    @property
    def at_end(self) -> bool:
        """No word is left."""
        return self.failed or self._index >= len(self.line.words)

    def peek(self) -> str:
        """The next word, "" at the end."""
        return "" if self.at_end else self.line.words[self._index]

    def take(self) -> str:
        """The next word."""
        self._index += 1
        return self.line.words[self._index - 1]

    def follows(self, *words: str) -> str | None:
        """Take the next word if it is one of these."""
        return self.take() if self.peek() in words else None

    # -- what is wrong -------------------------------------------------------------------

    def fail(self, message: str, expected: str | None = None, log: str | None = None) -> None:
        """The word taken last is wrong, and the line is left out."""
        if not self.failed:
            problem = Problem(f"{message}; the line is left out", self._index - 1, expected, log=log)
            self.reader.problems(self.line, [problem])
        self.failed = True

    def pass_over(self, message: str, log: str, expected: str | None = None) -> None:
        """The option that the word taken last belongs to counts for nothing; the line does."""
        self.reader.error(self.line, message, word=self._index - 1, expected=expected, log=log)

    def warn(self, message: str, expected: str | None = None) -> None:
        """The word taken last is worth a word."""
        self.reader.warn(self.line, message, word=self._index - 1, expected=expected)

    def unknown(self, known: list[str], log: str) -> None:
        """The word taken last is no option."""
        if not self.failed:
            word = self.line.words[self._index - 1]
            problem = not_one_of(word, sorted(known), self._index - 1)
            message = f"`{word}` is not an option here; the line is left out"
            problem = Problem(message, problem.word, None, problem.suggestion, log=f"{log} {word}")
            self.reader.problems(self.line, [problem])
        self.failed = True

    # -- values --------------------------------------------------------------------------

    def value(self) -> str:
        """The value of the option taken last."""
        if not self.at_end:
            return self.take()
        if not self.failed:
            word = self.line.words[-1]
            message, log = f"`{word}` lacks its value", missing_parameter(word)
            consequence = Consequence.MISSING_PARAMETER
            self.reader.problems(
                self.line, [Problem(message, self._index - 1, consequence=consequence, log=log)]
            )
            self.failed = True
        return ""

    def number(self, low: int = 0, high: int = UINT32_MAX) -> int:
        """A number, decimal or as in C."""
        text = self.value()
        try:
            value = (
                int(text, 0) if text[:2].lower() == "0x" and len(text) < 20 else whole_number(text, low, high)
            )
        except ValueError:
            value = "is not a number"
        if isinstance(value, int) and not low <= value <= high:
            value = "is out of range"
        if isinstance(value, str):
            self.fail(f"`{text}` {value}", f"a number from {low} to {high}")
            return low
        return value

    def named(self, kind: str, high: int = 255) -> int:
        """A number, or its name in iproute2's file ``kind``."""
        text = self.peek()
        known: Mapping[str, int] = getattr(self.names, kind)
        if text in known and not text.isdecimal():
            self.take()
            return known[text]
        if text[:1].isdigit() or not text:
            return self.number(0, high)
        self.take()
        problem = not_one_of(text, list(known))
        self.fail(f"`{text}` is not in /etc/iproute2/{kind}", problem.suggestion or f"a number up to {high}")
        return 0

    def interface(self) -> str:
        """The name of an interface; it need not be there yet."""
        name = self.value()
        if not is_interface_name(name) and not self.failed:
            self.fail(f"`{name}` cannot be an interface's name", f"1 to {LONGEST_NAME} characters, no `/`")
        return name

    def address(self) -> Address | None:
        """``[inet|inet6] ADDRESS``."""
        self.follows("inet", "inet6")
        text = self.value()
        found = parse_address(text)
        if found is None and not self.failed:
            self.fail(f"`{text}` is not an IP address", "an IPv4 or IPv6 address")
        return found

    def network(self) -> Network | None:
        """``ADDRESS[/LENGTH]``; None for ``default``, ``any`` or ``all``, which are of either family."""
        text = self.value()
        if text in _ANYTHING or self.failed:
            return None
        where, slash, length = text.partition("/")
        address = parse_address(where)
        if address is None:
            self.fail(f"`{text}` is not a network", "ADDRESS/LENGTH or default")
            return None
        prefix = whole_number(length, 0, address.max_prefixlen) if slash else address.max_prefixlen
        if isinstance(prefix, str):
            self.fail(f"prefix length `{length}` {prefix}", f"0 to {address.max_prefixlen}")
            return None
        network: IPv4Network | IPv6Network = ip_network((address, prefix), strict=False)
        if network.network_address != address:
            self.warn(f"`{text}` has bits behind its prefix: {network} is used", str(network))
        return network

    def realms(self) -> int:
        """``[FROM/]TO`` as one number."""
        text = self.value()
        numbers = []
        for part in text.split("/")[:2]:
            known = self.names.rt_realms.get(part)
            number = whole_number(part, 0, 0xFFFF) if known is None else known
            if isinstance(number, str):
                self.fail(
                    f"realm `{part}` {number}", "[FROM/]TO, each 0 to 65535 or in /etc/iproute2/rt_realms"
                )
                return 0
            numbers.append(number)
        return numbers[-1] | (numbers[0] << 16 if len(numbers) > 1 else 0)


def is_interface_name(name: str) -> bool:
    """Whether the kernel would take it for an interface's name."""
    size = len(name.encode("utf-8", "surrogateescape"))
    return (
        0 < size <= LONGEST_NAME
        and name not in (".", "..")
        and not any(c in "/:" or c.isspace() for c in name)
    )


Take: TypeAlias = Callable[[OptionWords], Any]
Options: TypeAlias = Mapping[str, tuple[str, Take]]
"""Option to the field it fills, and what takes its value."""


def on(_: OptionWords) -> bool:
    """A flag, on by being there."""
    return True
