"""Commands of the whole daemon: one before anything starts, one after everything has stopped.

Ranges are keepalived 2.2.7's; a parameter that is missing is only logged there.
"""

from __future__ import annotations

from typing import Final

from kaltwisted.config.keywords.convert import Seconds, missing
from kaltwisted.config.keywords.scripts import checking_command
from kaltwisted.config.keywords.table import Again, Keep, Keyword, Problems
from kaltwisted.config.model import SECOND_US

_SECONDS: Final = Seconds(SECOND_US, 1000 * SECOND_US, whole=True)


def _limit(words: list[str], problems: Problems) -> int | Keep:
    if len(words) < 2:
        return missing(words, problems, _SECONDS.expected, fatal=False)
    return _SECONDS(words, problems)


def _script(name: str, when: str) -> dict[str, Keyword]:
    return {
        name: Keyword(
            f"command that runs {when}", name, checking_command, words=4, script=True, again=Again.FIRST_WINS
        ),
        f"{name}_timeout": Keyword(f"limit of {name}", f"{name}_timeout_us", _limit),
    }


START_AND_STOP: Final = {
    **_script("startup_script", "before anything starts"),
    **_script("shutdown_script", "after everything has stopped"),
}
