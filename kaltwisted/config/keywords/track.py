"""What VRRP instances and sync groups track: ``vrrp_script``, ``vrrp_track_process``, and who names them."""

from __future__ import annotations

from typing import Final

import attrs

from kaltwisted.config.keywords.convert import (
    INT_MAX,
    AtLeastOne,
    Number,
    OneOf,
    Seconds,
    Word,
    flag,
    missing,
    not_one_of,
    signed_number,
)
from kaltwisted.config.keywords.scripts import checking_command, user
from kaltwisted.config.keywords.table import (
    KEEP,
    Again,
    Keep,
    Keyword,
    Problem,
    Problems,
    Table,
)
from kaltwisted.config.model import SECOND_US, ParamMatch

_LONGEST_INTERVAL_US = 4_294_967 * SECOND_US
# The largest weights: of a script or an interface, of a process, and of a file.
MOST_WEIGHT = 253
MOST_PROCESS_WEIGHT = 254
MOST_FILE_WEIGHT = 254


@attrs.frozen
class Weight:
    """``N [reverse]``.  ``fatal``: see ``missing``."""

    most: int
    fatal: bool = True

    def __call__(self, words: list[str], problems: Problems) -> tuple[int, bool] | Keep:
        number = Number(-self.most, self.most)
        if len(words) < 2:
            return missing(words, problems, number.expected, fatal=self.fatal)
        value = number(words, problems)
        if isinstance(value, Keep):
            return KEEP
        reverse = len(words) > 2 and words[2] == "reverse"
        if len(words) > 2 and not reverse:
            problems.append(not_one_of(words[2], ["reverse"], 2))
        return value, reverse


def _process(words: list[str], problems: Problems) -> tuple[str, ...] | Keep:
    if len(words) < 2:
        return missing(words, problems, "the name of a program, perhaps with arguments")
    return tuple(words[1:])


_param_match = OneOf({each.value: each for each in (ParamMatch.INITIAL, ParamMatch.PARTIAL)})


def _how_to_match(words: list[str], problems: Problems) -> ParamMatch | Keep:
    """``param_match [initial|partial]``."""
    return ParamMatch.EXACT if len(words) < 2 else _param_match(words, problems)


MOST_SENSIBLE: Final = 254
"""What a file may begin with; it is written as it stands if it is more, as keepalived does."""


def _init_file(words: list[str], problems: Problems) -> tuple[int, bool] | Keep:
    """``init_file [NUMBER] [overwrite]``, in any order."""
    number, overwrite = 0, False
    for index, word in enumerate(words[1:], 1):
        if word == "overwrite":
            overwrite = True
            continue
        value = signed_number(word.removeprefix("+"), -INT_MAX - 1, INT_MAX)
        if isinstance(value, str):
            problems.append(Problem(f"`{word}` {value}", index, "a whole number, or overwrite"))
            return KEEP
        if abs(value) > MOST_SENSIBLE:
            expected = f"-{MOST_SENSIBLE} to {MOST_SENSIBLE}: a priority has no more"
            problems.append(Problem(f"`{word}` is more than a priority can change by", index, expected))
        number = value
    return number, overwrite


def _user(words: list[str], problems: Problems) -> tuple[str, str | None] | Keep:
    return user(words, problems, fatal=True)


_SCRIPT_TIME = AtLeastOne(Seconds(0, _LONGEST_INTERVAL_US), SECOND_US)
_PROCESS_DELAY = Seconds(1, 3600 * SECOND_US)

VRRP_SCRIPT = Table(
    "vrrp_script",
    {
        "script": Keyword(
            "the command; exit status 0 is good",
            "script",
            checking_command,
            words=4,
            script=True,
            again=Again.OVERWRITES,
        ),
        "interval": Keyword("time from run to run", "interval_us", _SCRIPT_TIME),
        "timeout": Keyword("limit of a run", "timeout_us", _SCRIPT_TIME),
        "weight": Keyword("change of priority; 0: bad is FAULT", "weight", Weight(MOST_WEIGHT), words=3),
        "rise": Keyword("good results that make it good", "rise", Number(1, INT_MAX)),
        "fall": Keyword("bad results that make it bad", "fall", Number(1, INT_MAX)),
        "user": Keyword("who runs it: user, perhaps a group", "user", _user, words=3),
        "init_fail": Keyword("bad until it has been good", "init_fail", flag, words=1),
    },
    header=("name",),
)

VRRP_TRACK_PROCESS = Table(
    "vrrp_track_process",
    {
        "process": Keyword(
            "the program to look for, perhaps with arguments",
            "process",
            _process,
            words=None,
            again=Again.FIRST_WINS,
        ),
        "param_match": Keyword(
            "arguments: just these (no word), these come first (partial), or they begin so (initial)",
            "param_match",
            _how_to_match,
        ),
        "weight": Keyword(
            "change of priority; 0: bad is FAULT",
            "weight",
            Weight(MOST_PROCESS_WEIGHT, fatal=False),
            words=3,
            again=Again.FIRST_WINS,
        ),
        "quorum": Keyword("how many there must be", "quorum", Number(1, 65535)),
        "quorum_max": Keyword("how many there may be", "quorum_max", Number(0, 65535)),
        "delay": Keyword("both delays that follow", "delay_us", _PROCESS_DELAY),
        "terminate_delay": Keyword(
            "wait when their number has fallen, before it counts", "terminate_delay_us", _PROCESS_DELAY
        ),
        "fork_delay": Keyword(
            "wait when one has forked, before its child counts", "fork_delay_us", _PROCESS_DELAY
        ),
        "full_command": Keyword(
            "compare with the whole command line, not the name", "full_command", flag, words=1
        ),
    },
    header=("name",),
)

VRRP_TRACK_FILE = Table(
    "vrrp_track_file",
    {
        "file": Keyword("path of the file", "file", Word("a path", fatal=False), again=Again.FIRST_WINS),
        "weight": Keyword(
            "its number times this changes the priority; 0: FAULT unless it is 0",
            "weight",
            Weight(MOST_FILE_WEIGHT, fatal=False),
            words=3,
            again=Again.FIRST_WINS,
        ),
        "init_file": Keyword(
            "make the file at the start; overwrite: also where there is one",
            "init_file",
            _init_file,
            words=None,
        ),
    },
    header=("name",),
)

_OPTIONS = ("weight", "reverse")
TRACK_SCRIPT = Table("track_script", values=True, options=_OPTIONS)
TRACK_INTERFACE = Table("track_interface", values=True, options=_OPTIONS)
TRACK_PROCESS = Table("track_process", values=True, options=_OPTIONS)
TRACK_FILE = Table("track_file", values=True, options=_OPTIONS)
TRACK_VIRTUAL_SERVER = Table(
    "track_virtual_server", values=True, options=(*_OPTIONS, "fwmark", "group", "inet6")
)
TRACK_BFD = Table("track_bfd", values=True, options=_OPTIONS)

_interfaces = Keyword("interfaces it needs", block=TRACK_INTERFACE, words=1)
_scripts = Keyword("scripts that tell whether it is fit", block=TRACK_SCRIPT, words=1)
_processes = Keyword("processes it needs", block=TRACK_PROCESS, words=1)

_files = Keyword("files whose numbers change its priority", block=TRACK_FILE, words=1)
_services = Keyword("virtual servers whose pools it needs", block=TRACK_VIRTUAL_SERVER, words=1, ours=True)
_sessions = Keyword("BFD sessions that must be up", block=TRACK_BFD, words=1)

OF_INSTANCES = {
    "track_interface": _interfaces,
    "track_script": _scripts,
    "track_process": _processes,
    "track_file": _files,
    "track_virtual_server": _services,
    "track_bfd": _sessions,
}
OF_GROUPS = {
    name: attrs.evolve(
        keyword,
        doc=f"{keyword.doc}, for all members",
    )
    for name, keyword in OF_INSTANCES.items()
}
