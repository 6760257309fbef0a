"""``garp_group``, and ``garp_extra_if``: the pace of announcements, and more of them where no adverts go."""

from __future__ import annotations

from typing import Final

import attrs

from kaltwisted.config.keywords.convert import Seconds, Word, missing, whole_number
from kaltwisted.config.keywords.table import KEEP, Again, Keep, Keyword, Problem, Problems, Table
from kaltwisted.config.model_values import SECOND_US
from kaltwisted.config.model_vrrp import ExtraGarp

LONGEST_EXTRA_S: Final = 86_400
_LONGEST_INTERVAL_US = 2147 * SECOND_US


@attrs.frozen
class ExtraInterval:
    """``[all] SECONDS``."""

    low: int

    def __call__(self, words: list[str], problems: Problems) -> ExtraGarp | Keep:
        every = len(words) > 1 and words[1] == "all"
        rest = words[1:] if every else words
        expected = f"`all` perhaps, and whole seconds from {self.low} to {LONGEST_EXTRA_S}"
        if len(rest) < 2 and every:
            log = f"{words[0]} specified without time - ignoring"
            problems.append(Problem("`all` lacks the time behind it", expected=expected, log=log))
            return KEEP
        if len(rest) < 2:
            return missing(words, problems, expected, fatal=False)
        value = whole_number(rest[1], self.low, LONGEST_EXTRA_S)
        if isinstance(value, str):
            log = f"{words[0]} '{rest[1]}' invalid - ignoring"
            problems.append(Problem(f"`{rest[1]}` {value}", 1 + every, expected, log=log))
            return KEEP
        return ExtraGarp(value * SECOND_US, every)


INTERFACES: Final = Table("interfaces", values=True)
GARP_GROUP: Final = Table(
    "garp_group",
    {
        "garp_interval": Keyword(
            "least time between two gratuitous ARPs", "garp_interval_us", Seconds(0, _LONGEST_INTERVAL_US)
        ),
        "gna_interval": Keyword(
            "least time between two unsolicited NAs", "gna_interval_us", Seconds(0, _LONGEST_INTERVAL_US)
        ),
        "interface": Keyword(
            "an interface with a pace of its own", "interface", Word("an interface"), again=Again.APPENDS
        ),
        "interfaces": Keyword("interfaces that share one pace", block=INTERFACES, words=1),
    },
)
