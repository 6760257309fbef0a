"""``lvs_*`` of ``global_defs``: settings of the kernel's IPVS as a whole.

Ranges, and what is only logged, are those of keepalived 2.2.7 (tried with ``-t``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from kaltwisted.config.findings import Consequence
from kaltwisted.config.keywords.convert import (
    flag,
    missing_parameter,
    not_one_of,
    parse_address,
    whole_number,
)
from kaltwisted.config.keywords.table import KEEP, Again, Keep, Keyword, Problem, Problems
from kaltwisted.config.model_ipvs import FlushOnStop, LvsSyncDaemon
from kaltwisted.config.model_values import Address
from kaltwisted.config.option_words import LONGEST_NAME, is_interface_name

LONGEST_TIMEOUT_S: Final = 31 * 86_400

_RANGES: Final = {"id": (0, 255), "maxlen": (1, 65507), "port": (1, 65535), "ttl": (1, 255)}
_SYNC_OPTIONS: Final = ("inst", *_RANGES, "group")
_SYNC_EXPECTED: Final = "INTERFACE [INSTANCE] and, each with its value, id, maxlen, port, ttl or group"
_TIMEOUTS: Final = ("tcp", "tcpfin", "udp")
_TIMEOUTS_EXPECTED: Final = f"tcp, tcpfin or udp, each with seconds from 0 to {LONGEST_TIMEOUT_S}"


def _sync_daemon(words: list[str], problems: Problems) -> LvsSyncDaemon | Keep:
    """``INTERFACE [[inst] INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]``."""
    if len(words) < 2:
        log = "lvs_sync_daemon requires interface"
        problems.append(Problem(f"`{words[0]}` names no interface", 0, _SYNC_EXPECTED, log=log))
        return KEEP
    interface = words[1]
    if not is_interface_name(interface):
        log = f"lvs_sync_daemon interface name '{interface}' too long - ignoring"
        expected = f"1 to {LONGEST_NAME} characters, no `/`"
        problems.append(Problem(f"`{interface}` cannot be an interface's name", 1, expected, log=log))
        return KEEP
    found: dict[str, Any] = {}
    first = 2
    if len(words) > 2 and words[2] not in _SYNC_OPTIONS:
        found["inst"] = words[2]
        first = 3
        if len(words) > 3 and words[3] not in _SYNC_OPTIONS:
            first = 4
            log = 'Please use keyword "id" before lvs_sync_daemon SYNCID'
            problems.append(
                Problem(f"`id` must stand in front of `{words[3]}`", 3, "`id` and a number", log=log)
            )
            found["id"] = _sync_value("id", words[3], 3, [])
    for name, value, index in _options(words, first, _SYNC_OPTIONS, problems):
        if name == "inst" and name in found:
            log = f"lvs_sync_daemon vrrp instance has already been specified as {found[name]} - ignoring"
            problems.append(Problem(f"the instance is `{found[name]}` already", index, log=log))
        elif name == "inst" and value is None:
            problems[:] = [_no_instance(words[0], index)]
            return KEEP
        else:
            found[name] = value if name == "inst" else _sync_value(name, value, index, problems)
    return LvsSyncDaemon(interface, found.pop("inst", None), found.pop("id", None), **found)


def _no_instance(keyword: str, index: int) -> Problem:
    return Problem(
        "`inst` lacks its parameter",
        index,
        "the name of a vrrp_instance",
        consequence=Consequence.MISSING_PARAMETER,
        log=missing_parameter(keyword),
    )


def _sync_value(name: str, text: str | None, index: int, problems: Problems) -> int | Address | None:
    """What stands behind an option, at ``index``; None: what the kernel chooses, or the VRID for ``id``."""
    instead = "the VRID" if name == "id" else "the kernel's own"
    if text is None:
        problems.append(Problem(f"`{name}` lacks its value, {instead} is used", index))
        return None
    if name == "group":
        expected = "a multicast group such as 224.0.0.81"
        group = parse_address(text)
        if group is not None and group.is_multicast:
            return group
        log = f"Invalid lvs_sync_daemon group ({text}) - ignoring"
        problems.append(
            Problem(f"`{text}` is no multicast group, {instead} is used", index, expected, log=log)
        )
        return None
    low, high = _RANGES[name]
    value = whole_number(text, low, high)
    if isinstance(value, int):
        return value
    log = f"Invalid lvs_sync_daemon {name} ({text}) - ignoring"
    if name == "id":
        log = f"Invalid syncid ({text}) - defaulting to vrid"
    expected = f"a whole number from {low} to {high}"
    problems.append(Problem(f"`{text}` {value}, {instead} is used", index, expected, log=log))
    return None


def _timeouts(words: list[str], problems: Problems) -> dict[str, int] | Keep:
    """Seconds by name; those of several lines are all in force."""
    found: dict[str, int] = {}
    for name, text, index in _options(words, 1, _TIMEOUTS, problems):
        if text is None:
            problems.append(Problem(f"`{name}` lacks its seconds", index, _TIMEOUTS_EXPECTED))
            continue
        value = whole_number(text, 0, LONGEST_TIMEOUT_S)
        if isinstance(value, int):
            found[name] = value
        else:
            log = f"Invalid lvs_timeout {name} ({text}) - ignoring"
            problems.append(Problem(f"`{text}` {value}", index, _TIMEOUTS_EXPECTED, log=log))
    if not found and not problems:
        log = "lvs_timeouts requires at least one option"
        problems.append(Problem(f"`{words[0]}` sets no timeout", 0, _TIMEOUTS_EXPECTED, log=log))
    return found or KEEP


def _options(
    words: list[str], first: int, names: Sequence[str], problems: Problems
) -> Iterator[tuple[str, str | None, int]]:
    """From the word ``first`` on each option, its value (None: it has none), and where to point at."""
    rest = enumerate(words[first:], first)
    for index, name in rest:
        if name in names:
            at, value = next(rest, (index, None))
            yield name, value, at
        else:
            log = f"Unknown option {name} specified for {words[0]}"
            problems.append(attrs.evolve(not_one_of(name, list(names), index), log=log))


def _flush_on_stop(words: list[str], problems: Problems) -> FlushOnStop | Keep:
    if len(words) < 2:
        return FlushOnStop.ALL
    if words[1] == FlushOnStop.OURS.value:
        return FlushOnStop.OURS
    log = f"Unknown lvs_flush_on_stop type {words[1]}"
    problems.append(Problem(f"`{words[1]}` is not known here", 1, "VS, or nothing", log=log))
    return KEEP


_FLUSH_ON_STOP = Keyword(
    "empty the kernel's IPVS table at the stop; VS: of our virtual servers",
    "lvs_flush_on_stop",
    _flush_on_stop,
)

IPVS = {
    "lvs_flush": Keyword("empty the kernel's IPVS table at start", "lvs_flush", flag, words=1),
    "lvs_flush_on_stop": _FLUSH_ON_STOP,
    "lvs_flush_onstop": Keyword(
        "the old word for it", "lvs_flush_on_stop", _flush_on_stop, today="lvs_flush_on_stop"
    ),
    "lvs_sync_daemon": Keyword(
        "the kernel's IPVS connection sync, master or backup as a vrrp_instance is",
        "lvs_sync_daemon",
        _sync_daemon,
        words=None,
        again=Again.FIRST_WINS,
        takes="INTERFACE [INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]",
    ),
    "lvs_timeouts": Keyword(
        "how long IPVS keeps connections, in seconds",
        "lvs_timeouts",
        _timeouts,
        words=None,
        again=Again.APPENDS,
        takes="[tcp N] [tcpfin N] [udp N]",
    ),
}
