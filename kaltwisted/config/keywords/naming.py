"""Names of the daemon's own, so that several run side by side; all but one stand outside all blocks."""

from __future__ import annotations

from typing import Final

from kaltwisted.config.keywords.convert import boolean, flag, missing
from kaltwisted.config.keywords.table import KEEP, Again, Keep, Keyword, Problem, Problems

_EXPECTED: Final = "a name that can be part of a file's, without /"


def _name(words: list[str], problems: Problems) -> str | Keep:
    if len(words) < 2:
        return missing(words, problems, _EXPECTED, fatal=False)
    if "/" in words[1] or words[1] in ("", ".", ".."):
        problems.append(Problem(f"`{words[1]}` cannot be part of a file's name", expected=_EXPECTED))
        return KEEP
    return words[1]


AT_THE_TOP: Final = {
    "instance": Keyword(
        "name of this daemon: in its log, pid files and folders", "instance", _name, again=Again.FIRST_WINS
    ),
    "use_pid_dir": Keyword("pid files are in /run/keepalived", "use_pid_dir", flag, words=1),
}
IN_GLOBAL_DEFS: Final = {
    "data_use_instance": Keyword("data files have the daemon's name, too", "data_use_instance", boolean),
}
