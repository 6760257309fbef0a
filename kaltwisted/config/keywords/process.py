"""``global_defs``: how the processes run, what they are called, and the files they write.

Ranges, and what is only logged, are those of keepalived 2.2.7 (tried with
``-t``).  Which processors there are is not known here: a process that cannot
have those it is told says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import attrs

from kaltwisted.config.findings import Severity
from kaltwisted.config.keywords.convert import Number, Word, flag, missing, signed_number
from kaltwisted.config.keywords.table import KEEP, Keep, Keyword, Problem, Problems

ROLES = {"vrrp": "the VRRP process", "checker": "the process of the health checks", "bfd": "the BFD process"}
# TASK_COMM_LEN of the kernel, without the zero at its end.
LONGEST_NAME = 15
# CPU_SETSIZE of the C library.
MOST_PROCESSORS = 1024
_LONGEST_NUMBER = 2**63 - 1

_PERMISSIONS: Final = {
    f"I{action}{who}": bit << shift
    for who, shift in (("USR", 6), ("GRP", 3), ("OTH", 0))
    for action, bit in (("R", 4), ("W", 2), ("X", 1))
}
_C_NUMBER = re.compile("(0[0-7]{0,9})|0[xX]([0-9a-fA-F]{1,9})|([1-9][0-9]{0,9})")
_BITS_EXPECTED = "an octal, hexadecimal or decimal number up to 0777, or bits such as IWGRP|IWOTH"


@attrs.frozen
class Signed:
    """A whole number that may have a sign.  ``clamp``: the nearest that is allowed counts instead."""

    low: int
    high: int
    clamp: bool = False

    def __call__(self, words: list[str], problems: Problems) -> int | Keep:
        expected = f"a whole number from {self.low} to {self.high}"
        if len(words) < 2:
            return missing(words, problems, expected, fatal=False)
        text = words[1].removeprefix("+")
        value = signed_number(text, self.low, self.high)
        if isinstance(value, int):
            return value
        nearest = signed_number(text, -_LONGEST_NUMBER, _LONGEST_NUMBER)
        if isinstance(nearest, str) or not self.clamp:
            problems.append(Problem(f"`{words[1]}` {value}", expected=expected))
            return KEEP
        used = self.low if nearest < self.low else self.high
        problems.append(Problem(f"{words[1]} is out of range, {used} is used", expected=expected))
        return used


_LONGEST_DELAY_US: Final = 10_000_000
_auto_priority = Signed(-1, 99)


def _most_auto_priority(words: list[str], problems: Problems) -> int | Keep:
    """``[N]``: the highest there is, unless said; -1 and 0 are off."""
    return _auto_priority.high if len(words) < 2 else _auto_priority(words, problems)


def _processors(words: list[str], problems: Problems) -> tuple[int, ...] | Keep:
    """Numbers of processors; one wrong number leaves all of them."""
    expected = "numbers of processors, the first is 0"
    if len(words) < 2:
        return missing(words, problems, expected, fatal=False)
    found = set()
    for index, word in enumerate(words[1:], 1):
        number = signed_number(word.removeprefix("+"), 0, MOST_PROCESSORS - 1)
        if isinstance(number, str):
            problems.append(Problem(f"`{word}` {number}", index, expected))
            return KEEP
        found.add(number)
    return tuple(sorted(found))


def _name(words: list[str], problems: Problems) -> str | Keep:
    if len(words) < 2:
        return missing(words, problems, "a name for the process")
    encoded = words[1].encode(errors="surrogateescape")
    if len(encoded) <= LONGEST_NAME:
        return words[1]
    used = encoded[:LONGEST_NAME].decode(errors="ignore")
    problems.append(
        Problem(f"a process has a name of {LONGEST_NAME} characters at most, `{used}` is used", expected=None)
    )
    return used


def _umask(words: list[str], problems: Problems) -> int | Keep:
    """A number in C's notation, or names of permissions with ``|`` between them."""
    if len(words) < 2:
        return missing(words, problems, _BITS_EXPECTED)
    if words[1][:1].isdigit():
        return _umask_number(words, problems)
    text = " ".join(words[1:])
    mask = 0
    for name in re.split(r" ?\| ?", text):
        if name not in _PERMISSIONS:
            problems.append(Problem(f"`{name}` is no permission", expected=_BITS_EXPECTED))
            return KEEP
        mask |= _PERMISSIONS[name]
    return mask


def _umask_number(words: list[str], problems: Problems) -> int | Keep:
    if len(words) > 2:
        problems.append(
            Problem(f"`{words[2]}` stands behind the number", 2, "one number, or bits with | between them")
        )
        return KEEP
    text = words[1]
    match = _C_NUMBER.fullmatch(text)
    if match is not None:
        octal, hexadecimal, decimal = match.groups()
        mask = int(octal, 8) if octal else int(hexadecimal, 16) if hexadecimal else int(decimal)
        if mask <= 0o777:
            return mask
    problems.append(Problem(f"`{text}` is no umask", expected=_BITS_EXPECTED))
    return KEEP


def _already_so(words: list[str], problems: Problems) -> Keep:
    """``reload_check_config [FILE]``: there is nothing to switch on."""
    if len(words) > 1:
        problems.append(
            Problem(
                f"every reload checks the file first, and the findings are in the log, not in `{words[1]}`",
                severity=Severity.WARNING,
            )
        )
    return KEEP


def _of_a_role(role: str, what: str) -> Iterator[tuple[str, Keyword]]:
    limit = Number(1)
    for name, doc, convert in (
        ("priority", "nice value", Signed(-20, 19)),
        ("no_swap", "memory stays in RAM", flag),
        ("rt_priority", "real-time priority (SCHED_RR)", Signed(1, 99, clamp=True)),
        ("cpu_affinity", "the processors that may be used", _processors),
        ("rlimit_rttime", "longest real-time turn, in microseconds", limit),
        ("process_name", "name", _name),
    ):
        words = {"cpu_affinity": None, "no_swap": 1}.get(name, 2)
        yield f"{role}_{name}", Keyword(f"{doc} of {what}", f"{role}_{name}", convert, words)
    today = f"{role}_rlimit_rttime"
    yield f"{role}_rlimit_rtime", Keyword("the old word for it", today, limit, today=today)


PROCESSES = {
    **{name: keyword for role, what in ROLES.items() for name, keyword in _of_a_role(role, what)},
    "lvs_process_name": Keyword(
        "the old word for it", "checker_process_name", _name, today="checker_process_name"
    ),
    "process_names": Keyword("a name of its own for each process", "process_names", flag, words=1),
    "process_name": Keyword("name of the first process, and of others that have none", "process_name", _name),
    "max_auto_priority": Keyword(
        "how far VRRP's real-time priority may rise by itself after late timers",
        "max_auto_priority",
        _most_auto_priority,
    ),
    "min_auto_priority_delay": Keyword(
        "how late, in microseconds, a timer must be for that, and to be logged",
        "min_auto_priority_delay",
        Signed(1, _LONGEST_DELAY_US),
    ),
    "umask": Keyword("permissions that files of ours do not get; -u wins", "umask", _umask, words=None),
    "json_version": Keyword("layout of the JSON dump", "json_version", Number(1, 2)),
    "state_dump_file": Keyword("file of the SIGUSR1 dump", "state_dump_file", Word("a path")),
    "stats_dump_file": Keyword("file of the SIGUSR2 dump", "stats_dump_file", Word("a path")),
    "json_dump_file": Keyword("file of the JSON dump", "json_dump_file", Word("a path")),
    "reload_check_config": Keyword("done at every reload", "", _already_so),
}
