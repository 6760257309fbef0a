"""Converters: the words of a statement to a typed value, or a Problem and the default stays.

Every converter takes the words (keyword first) and a list to put problems on.
Ranges and tolerance are keepalived's: rubbish behind a valid number is an
error to ``-t``, and the number is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Generic, TypeVar

import attrs

from kaltwisted.config.findings import Consequence
from kaltwisted.config.keywords.table import KEEP, Keep, Problem, Problems
from kaltwisted.config.model import SECOND_US, Address

UINT_MAX = 2**32 - 1
INT_MAX = 2**31 - 1
LONGEST_SECONDS_US = 4294 * SECOND_US
_NUMBER = re.compile(r"([+-]?[0-9]+)(.*)", re.DOTALL)
_DECIMAL = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(.*)", re.DOTALL)
# Beyond this many digits no number is in any range, and int() may refuse.
MOST_DIGITS = 18

T = TypeVar("T")


def missing_parameter(keyword: str) -> str:
    """keepalived's wording, which ends it."""
    return f"*** Configuration line starting `{keyword}` is missing a parameter after keyword `{keyword}`"


def missing(words: list[str], problems: Problems, expected: str, *, fatal: bool = True) -> Keep:
    """Report a missing parameter, at which keepalived ends with status 2 or, not ``fatal``, only logs."""
    problems.append(
        Problem(
            f"`{words[0]}` lacks its parameter",
            0,
            expected,
            consequence=Consequence.MISSING_PARAMETER if fatal else Consequence.LOGGED,
            log=missing_parameter(words[0]),
        )
    )
    return KEEP


def whole_number(text: str, low: int, high: int) -> int | str:
    """A decimal number in a range; a str is what is wrong with it."""
    if text.isdecimal() and text.isascii() and len(text) <= MOST_DIGITS:
        value = int(text)
        if low <= value <= high:
            return value
    match = _NUMBER.fullmatch(text)
    if match is None or match[2]:
        return "is not a number"
    return "is out of range"


def signed_number(text: str, low: int, high: int) -> int | str:
    """``whole_number`` with a sign."""
    size = whole_number(text.removeprefix("-"), 0, max(-low, high))
    if isinstance(size, str):
        return size
    value = -size if text.startswith("-") else size
    return value if low <= value <= high else "is out of range"


@attrs.frozen
class Number:
    """A whole number.  ``strict``: nothing may follow the digits, as for virtual_router_id.

    ``fatal``: see ``missing``.
    """

    low: int = 0
    high: int = UINT_MAX
    strict: bool = False
    optional: int | None = None
    fatal: bool = True

    def __call__(self, words: list[str], problems: Problems) -> int | Keep:
        if len(words) < 2:
            if self.optional is not None:
                return self.optional
            return missing(words, problems, self.expected, fatal=self.fatal)
        text = words[1]
        if text.isdecimal() and len(text) <= MOST_DIGITS and text.isascii():
            value = int(text)
            if self.low <= value <= self.high:
                return value
            problems.append(Problem(f"{text} is out of range", expected=self.expected))
            return KEEP
        return self._odd(text, problems)

    def _odd(self, text: str, problems: Problems) -> int | Keep:
        match = _NUMBER.fullmatch(text)
        if match is None:
            problems.append(Problem(f"`{text}` is not a number", expected=self.expected))
            return KEEP
        value = int(match[1][: MOST_DIGITS + 1])
        if not self.low <= value <= self.high or len(match[1]) > MOST_DIGITS:
            problems.append(Problem(f"{text} is out of range", expected=self.expected))
            return KEEP
        if match[2]:
            used = "not used" if self.strict else f"{value} is used"
            message = f"`{match[2]}` stands behind the number {match[1]}, {used}"
            problems.append(Problem(message, expected=self.expected))
            return KEEP if self.strict else value
        return value

    @property
    def expected(self) -> str:
        """What would be right."""
        if (self.low, self.high) == (0, UINT_MAX):
            return "a whole number, 0 or more"
        if self.high >= INT_MAX:
            return f"a whole number, {self.low} or more"
        return f"a whole number from {self.low} to {self.high}"


@attrs.frozen
class Seconds:
    """Seconds with up to six decimals, as microseconds.  ``whole``: no decimals.

    ``unit_us``: what is counted in; for milliseconds 1000, with up to three decimals.
    """

    low_us: int = 0
    high_us: int = LONGEST_SECONDS_US
    whole: bool = False
    unit_us: int = SECOND_US

    def __call__(self, words: list[str], problems: Problems) -> int | Keep:
        if len(words) < 2:
            return missing(words, problems, self.expected)
        text = words[1]
        if text.isdecimal() and len(text) <= MOST_DIGITS and text.isascii():
            value = int(text) * self.unit_us
        else:
            odd = self._odd(text, problems)
            if isinstance(odd, Keep):
                return odd
            value = odd
        if self.low_us <= value <= self.high_us:
            return value
        problems[:] = [Problem(f"{text} is out of range", expected=self.expected)]
        return KEEP

    def _odd(self, text: str, problems: Problems) -> int | Keep:
        match = _DECIMAL.fullmatch(text)
        if match is None or not (match[2] or match[3]) or (self.whole and match[3] is not None):
            problems.append(Problem(f"`{text}` is not a number of {self._unit}", expected=self.expected))
            return KEEP
        sign, before, after, behind = match[1], match[2] or "0", match[3] or "", match[4]
        if sign == "-" or len(before) > MOST_DIGITS:
            problems.append(Problem(f"{text} is out of range", expected=self.expected))
            return KEEP
        decimals = len(str(self.unit_us)) - 1
        value = int(before) * self.unit_us + int(after[:decimals].ljust(decimals, "0"))
        if len(after) > decimals and after[decimals] >= "5":
            value += 1
        if len(after.rstrip("0")) > decimals:
            problems.append(Problem(f"{text} is rounded to a microsecond", expected=self.expected))
        elif behind:
            message = f"`{behind}` stands behind the number, {value / self.unit_us:g} is used"
            problems.append(Problem(message, expected=self.expected))
        return value

    @property
    def expected(self) -> str:
        """What would be right."""
        low = (
            f"{self.low_us / self.unit_us:.7g}"
            if self.low_us >= self.unit_us // 100
            else ("0" if not self.low_us else "more than 0")
        )
        kind = f"whole {self._unit}" if self.whole else f"{self._unit}, decimals allowed"
        return f"{kind}, {low} to {self.high_us / self.unit_us:.7g}"

    @property
    def _unit(self) -> str:
        return "seconds" if self.unit_us == SECOND_US else "milliseconds"


@attrs.frozen
class AtLeastOne:
    """A number of which 0 is told and taken as ``one``."""

    convert: Number | Seconds
    one: int = 1

    def __call__(self, words: list[str], problems: Problems) -> int | Keep:
        value = self.convert(words, problems)
        if value != 0:
            return value
        problems.append(Problem("0 is too little, 1 is used", expected="1 or more"))
        return self.one


def flag(words: list[str], problems: Problems) -> bool:
    """On by being there."""
    return True


_TRUE = ("on", "true", "yes")
_FALSE = ("off", "false", "no")
BOOLEANS = (*_TRUE, *_FALSE)


def boolean(words: list[str], problems: Problems) -> bool | Keep:
    """On when it stands alone, else ``on true yes`` or ``off false no``."""
    if len(words) < 2 or words[1] in _TRUE:
        return True
    if words[1] in _FALSE:
        return False
    problems.append(Problem(f"`{words[1]}` is neither yes nor no", expected=one_of(list(BOOLEANS))))
    return KEEP


@attrs.frozen
class Word:
    """One word as it stands; ``fatal``: see ``missing``."""

    expected: str = "a word"
    fatal: bool = True

    def __call__(self, words: list[str], problems: Problems) -> str | Keep:
        return words[1] if len(words) > 1 else missing(words, problems, self.expected, fatal=self.fatal)


@attrs.frozen
class OneOf(Generic[T]):
    """One of a few words, each standing for a value; ``fold``: in any case; ``fatal``: see ``missing``."""

    choices: Mapping[str, T]
    fold: bool = False
    fatal: bool = True

    def __call__(self, words: list[str], problems: Problems) -> T | Keep:
        if len(words) < 2:
            return missing(words, problems, self.expected, fatal=self.fatal)
        text = words[1].upper() if self.fold else words[1]
        try:
            return self.choices[text]
        except KeyError:
            problems.append(not_one_of(words[1], list(self.choices)))
            return KEEP

    @property
    def expected(self) -> str:
        """What would be right."""
        return one_of(list(self.choices))


def one_of(choices: list[str]) -> str:
    """``a, b or c``."""
    return " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))


def not_one_of(text: str, choices: list[str], word: int = 1) -> Problem:
    """A word that should be one of a few, with the nearest of them as a suggestion."""
    from kaltwisted.config.spelling import nearest

    near = nearest(text, choices)
    return Problem(
        f"`{text}` is not known here",
        word,
        one_of(choices),
        suggestion=f"did you mean `{near}`?" if near else None,
    )


def parse_address(text: str) -> Address | None:
    """An IPv4 or IPv6 address, None when it is neither."""
    try:
        return IPv6Address(text) if ":" in text else IPv4Address(text)
    except AddressValueError:
        return None


@attrs.frozen
class IpAddress:
    """``10.0.0.1`` or ``2001:db8::1``."""

    expected: str = "an IPv4 or IPv6 address"

    def __call__(self, words: list[str], problems: Problems) -> Address | Keep:
        if len(words) < 2:
            return missing(words, problems, self.expected)
        address = parse_address(words[1])
        if address is None:
            problems.append(Problem(f"`{words[1]}` is not an IP address", expected=self.expected))
            return KEEP
        return address


@attrs.frozen
class Group:
    """A multicast address; ``version``: of that family only."""

    version: int | None = None

    def __call__(self, words: list[str], problems: Problems) -> Address | Keep:
        address = IpAddress(self.expected)(words, problems)
        if isinstance(address, Keep):
            return KEEP
        if self.version not in (None, address.version):
            problems.append(Problem(f"`{address}` is not IPv{self.version}", expected=self.expected))
            return KEEP
        if not address.is_multicast:
            log = f"{words[0]} [{address}] is not multicast. Skipping"
            problems.append(Problem(f"{address} is no multicast group", expected=self.expected, log=log))
            return KEEP
        return address

    @property
    def expected(self) -> str:
        """What would be right."""
        groups = {4: "224.0.0.18", 6: "ff02::12", None: "224.0.0.18 or ff02::12"}
        return f"a multicast group such as {groups[self.version]}"


def endpoint(words: list[str], problems: Problems, lowest_port: int = 0) -> tuple[Address, int | None] | Keep:
    """``IP [port]``; no port is None."""
    expected = "an IP address and a port"
    if len(words) < 2:
        return missing(words, problems, expected)
    address = parse_address(words[1])
    if address is None:
        problems.append(Problem(f"`{words[1]}` is not an IP address", expected=expected))
        return KEEP
    if len(words) < 3:
        return address, None
    port = whole_number(words[2], lowest_port, 65535)
    if isinstance(port, str):
        problems.append(Problem(f"port `{words[2]}` {port}", 2, f"a port from {lowest_port} to 65535"))
        return KEEP
    return address, port
