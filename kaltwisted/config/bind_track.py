"""What is tracked, to the model: scripts, processes and files, and the lines that name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from kaltwisted.config.drafts import TrackFileDraft, TrackProcessDraft, VrrpScriptDraft
from kaltwisted.config.findings import Consequence
from kaltwisted.config.keywords.convert import UINT_MAX, endpoint, not_one_of, signed_number, whole_number
from kaltwisted.config.keywords.table import Keep, Problem, Problems
from kaltwisted.config.keywords.track import (
    MOST_FILE_WEIGHT,
    MOST_PROCESS_WEIGHT,
    MOST_WEIGHT,
    TRACK_BFD,
    TRACK_FILE,
    TRACK_INTERFACE,
    TRACK_PROCESS,
    TRACK_SCRIPT,
    TRACK_VIRTUAL_SERVER,
    VRRP_SCRIPT,
    VRRP_TRACK_FILE,
    VRRP_TRACK_PROCESS,
)
from kaltwisted.config.model import (
    SECOND_US,
    ParamMatch,
    Protocol,
    Script,
    Tracked,
    TrackFile,
    VrrpScript,
    VrrpTrackProcess,
)
from kaltwisted.config.reader import nameless, says

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kaltwisted.config.keywords.table import Keyword
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

ANY_PROTOCOL = "*"
_PROTOCOLS = (Protocol.TCP, Protocol.UDP, Protocol.SCTP)
_REVERSE = {"reverse": True, "noreverse": False}


def script(reader: Reader, statement: Statement) -> VrrpScript | None:
    """One ``vrrp_script``; None when it has no name or no command."""
    if len(statement.words) < 2:
        nameless(reader, statement)
        return None
    draft = reader.read(statement.block or [], VRRP_SCRIPT, VrrpScriptDraft())
    command = draft.script
    if command is None:
        if not says(statement, "script"):
            reader.error(
                statement, "a vrrp_script without script is left out", expected='script "/path/check.sh"'
            )
        return None
    if draft.user is not None and command.user is None:
        command = Script(command.argv, *draft.user)
    weight, reverse = draft.weight
    return VrrpScript(
        name=statement.words[1],
        script=command,
        interval_us=draft.interval_us or SECOND_US,
        timeout_us=draft.timeout_us,
        weight=weight,
        rise=draft.rise,
        fall=draft.fall,
        init_fail=draft.init_fail,
        reverse=reverse,
        where=reader.source.where(statement),
    )


def track_process(reader: Reader, statement: Statement) -> VrrpTrackProcess | None:
    """One ``vrrp_track_process``; None when it has no name or looks for nothing."""
    if len(statement.words) < 2:
        nameless(reader, statement, Consequence.MISSING_PARAMETER)
        return None
    name = statement.words[1]
    draft = reader.read(statement.block or [], VRRP_TRACK_PROCESS, TrackProcessDraft())
    if not draft.process:
        if not says(statement, "process"):
            reader.error(
                statement,
                "a vrrp_track_process without process is left out",
                expected="process NAME",
                log=f"track process '{name}' process name not specified",
            )
        return None
    quorum, quorum_max = draft.quorum or 1, draft.quorum_max
    # A process that must not run at all has a quorum_max of 0.
    if quorum_max and quorum > quorum_max:
        reader.error(
            statement,
            f"quorum {quorum} is above quorum_max {quorum_max}, which is left out",
            expected=f"quorum_max {quorum} or more",
            log="quorum_max is less than quorum - ignoring",
        )
        quorum_max = None
    weight, reverse = draft.weight
    delay_us = draft.delay_us or 0
    return VrrpTrackProcess(
        name=name,
        process=draft.process,
        param_match=draft.param_match,
        weight=weight,
        reverse=reverse,
        quorum=quorum,
        quorum_max=quorum_max,
        terminate_delay_us=draft.terminate_delay_us or delay_us,
        fork_delay_us=draft.fork_delay_us or delay_us,
        full_command=draft.full_command or isinstance(draft.param_match, ParamMatch),
        where=reader.source.where(statement),
    )


def track_file(reader: Reader, statement: Statement) -> TrackFile | None:
    """One ``track_file``; None when it has no name or no file."""
    if len(statement.words) < 2:
        nameless(reader, statement, Consequence.MISSING_PARAMETER)
        return None
    name = statement.words[1]
    draft = reader.read(statement.block or [], VRRP_TRACK_FILE, TrackFileDraft())
    if not draft.file:
        if not says(statement, "file"):
            reader.error(
                statement,
                f"track_file `{name}` has no file, and is left out",
                word=1,
                expected="file /path in its block",
                log=f"No file set for track_file {name} - ignoring",
            )
        return None
    weight, reverse = draft.weight
    init, overwrite = draft.init_file or (None, False)
    return TrackFile(
        name=name,
        file=draft.file,
        weight=weight,
        reverse=reverse,
        init=init,
        overwrite=overwrite,
        where=reader.source.where(statement),
    )


class Trackers:
    """What the blocks of one instance or sync group track."""

    def __init__(self, reader: Reader, blocks: Iterable[tuple[Keyword, Statement]]) -> None:
        self.script: tuple[Tracked, ...] = ()
        self.interface: tuple[Tracked, ...] = ()
        self.process: tuple[Tracked, ...] = ()
        self.bfd: tuple[Tracked, ...] = ()
        self.file: tuple[Tracked, ...] = ()
        self.virtual_server: tuple[Tracked, ...] = ()
        for keyword, block in blocks:
            if keyword.block is TRACK_SCRIPT:
                self.script = tracked(reader, block, self.script)
            elif keyword.block is TRACK_INTERFACE:
                self.interface = tracked(reader, block, self.interface)
            elif keyword.block is TRACK_PROCESS:
                self.process = tracked(reader, block, self.process, MOST_PROCESS_WEIGHT)
            elif keyword.block is TRACK_FILE:
                self.file = tracked(reader, block, self.file, MOST_FILE_WEIGHT)
            elif keyword.block is TRACK_VIRTUAL_SERVER:
                self.virtual_server = virtual_servers(reader, block, self.virtual_server)
            elif keyword.block is TRACK_BFD:
                self.bfd = tracked(reader, block, self.bfd)


def tracked(
    reader: Reader, statement: Statement, earlier: tuple[Tracked, ...], most: int = MOST_WEIGHT
) -> tuple[Tracked, ...]:
    """Lines of ``name [weight N [reverse|noreverse]]``, each name once, behind those of blocks before."""
    found = {each.name: each for each in earlier}
    for line in statement.block or ():
        name = line.words[0]
        if name in found:
            reader.error(
                line,
                f"`{name}` stands here a second time: the first one counts",
                log=f"duplicate {statement.words[0]} {name} - ignoring",
            )
            continue
        found[name] = Tracked(name, *_weight(reader, line, 1, most))
    return tuple(found.values())


def virtual_servers(
    reader: Reader, statement: Statement, earlier: tuple[Tracked, ...]
) -> tuple[Tracked, ...]:
    """Lines of ``ADDRESS PORT [PROTOCOL]``, ``fwmark N [inet6]`` or ``group NAME [PROTOCOL]``, and a weight.

    They are called as the virtual servers are, with ``*`` for a protocol that is not said.
    """
    found = {each.name: each for each in earlier}
    for line in statement.block or ():
        end = line.words.index("weight") if "weight" in line.words else len(line.words)
        problems: Problems = []
        name = _service_name(line.words[:end], problems)
        if name is None:
            reader.problems(line, problems)
            continue
        if name in found:
            reader.error(line, f"{name} stands here a second time: the first one counts")
            continue
        found[name] = Tracked(name, *_weight(reader, line, end, MOST_WEIGHT))
    return tuple(found.values())


def _service_name(words: list[str], problems: Problems) -> str | None:
    """None, and a problem, where it names none."""
    expected = "ADDRESS PORT [PROTOCOL], fwmark N [inet6], or group NAME [PROTOCOL]"
    if len(words) < 2:
        problems.append(Problem("this names no virtual_server", 0, expected))
        return None
    more = ["inet6"] if words[0] == "fwmark" else [str(each) for each in _PROTOCOLS]
    for place, word in enumerate(words[2:], 2):
        if word.lower() not in more or place > 2:
            problems.append(not_one_of(word, [*more, "weight"], place))
            return None
    option = words[2].lower() if len(words) > 2 else ""
    match words[0]:
        case "group":
            return f"[{words[1]}]:{option or ANY_PROTOCOL}:0"
        case "fwmark":
            mark = whole_number(words[1], 1, UINT_MAX)
            if isinstance(mark, str):
                problems.append(Problem(f"firewall mark `{words[1]}` {mark}", 1, expected))
                return None
            return f"FWM {mark} {option}".rstrip()
        case _:
            of_address: Problems = []
            found = endpoint(["", *words[:2]], of_address)
            if isinstance(found, Keep):
                problems += (attrs.evolve(each, word=each.word - 1) for each in of_address)
                return None
            return f"[{found[0]}]:{option or ANY_PROTOCOL}:{found[1]}"


def _weight(reader: Reader, line: Statement, place: int, most: int) -> tuple[int | None, bool | None]:
    """``weight N [reverse|noreverse]`` from a word of a line on, or nothing."""
    words = line.words[place:]
    if not words:
        return None, None
    if words[0] != "weight":
        reader.problems(line, [not_one_of(words[0], ["weight"], place)])
        return None, None
    if len(words) == 1:
        reader.problems(line, [Problem("`weight` lacks its value", place)])
        return None, None
    weight: int | None = None
    number = signed_number(words[1].removeprefix("+"), -most, most)
    if isinstance(number, str):
        reader.error(line, f"weight `{words[1]}` {number}", word=place + 1, expected=f"-{most} to {most}")
    else:
        weight = number
    if len(words) < 3:
        return weight, None
    if words[2] not in _REVERSE:
        reader.problems(line, [not_one_of(words[2], list(_REVERSE), place + 2)])
    return weight, _REVERSE.get(words[2])
