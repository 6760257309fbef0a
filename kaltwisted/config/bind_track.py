"""What is tracked, to the model: ``vrrp_script``, ``vrrp_track_process``, and the lines that name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaltwisted.config.drafts import TrackProcessDraft, VrrpScriptDraft
from kaltwisted.config.findings import Consequence
from kaltwisted.config.keywords.convert import not_one_of, signed_number
from kaltwisted.config.keywords.table import Problem
from kaltwisted.config.keywords.track import (
    MOST_PROCESS_WEIGHT,
    MOST_WEIGHT,
    TRACK_BFD,
    TRACK_INTERFACE,
    TRACK_PROCESS,
    TRACK_SCRIPT,
    VRRP_SCRIPT,
    VRRP_TRACK_PROCESS,
)
from kaltwisted.config.model import SECOND_US, ParamMatch, Script, Tracked, VrrpScript, VrrpTrackProcess
from kaltwisted.config.reader import nameless, says

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kaltwisted.config.keywords.table import Keyword
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

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


class Trackers:
    """What the blocks of one instance or sync group track."""

    def __init__(self, reader: Reader, blocks: Iterable[tuple[Keyword, Statement]]) -> None:
        self.script: tuple[Tracked, ...] = ()
        self.interface: tuple[Tracked, ...] = ()
        self.process: tuple[Tracked, ...] = ()
        self.bfd: tuple[Tracked, ...] = ()
        for keyword, block in blocks:
            if keyword.block is TRACK_SCRIPT:
                self.script = tracked(reader, block, self.script)
            elif keyword.block is TRACK_INTERFACE:
                self.interface = tracked(reader, block, self.interface)
            elif keyword.block is TRACK_PROCESS:
                self.process = tracked(reader, block, self.process, MOST_PROCESS_WEIGHT)
            elif keyword.block is TRACK_BFD:
                self.bfd = tracked(reader, block, self.bfd)


def tracked(
    reader: Reader, statement: Statement, earlier: tuple[Tracked, ...], most: int = MOST_WEIGHT
) -> tuple[Tracked, ...]:
    """Lines of ``name [weight N [reverse|noreverse]]``, each name once, behind those of blocks before."""
    found = {each.name: each for each in earlier}
    for line in statement.block or ():
        name, *words = line.words
        if name in found:
            reader.error(
                line,
                f"`{name}` stands here a second time: the first one counts",
                log=f"duplicate {statement.words[0]} {name} - ignoring",
            )
            continue
        weight: int | None = None
        reverse: bool | None = None
        if words and words[0] != "weight":
            reader.problems(line, [not_one_of(words[0], ["weight"])])
        elif len(words) == 1:
            reader.problems(line, [Problem("`weight` lacks its value", 1)])
        elif words:
            number = signed_number(words[1].removeprefix("+"), -most, most)
            if isinstance(number, str):
                reader.error(line, f"weight `{words[1]}` {number}", word=2, expected=f"-{most} to {most}")
            else:
                weight = number
            reverse = _reverse(reader, line)
        found[name] = Tracked(name, weight, reverse)
    return tuple(found.values())


def _reverse(reader: Reader, line: Statement) -> bool | None:
    word = line.words[3] if len(line.words) > 3 else None
    if word is None:
        return None
    if word not in _REVERSE:
        reader.problems(line, [not_one_of(word, list(_REVERSE), 3)])
        return None
    return _REVERSE[word]
