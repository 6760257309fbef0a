"""What is wrong, or odd, in a configuration: where, what was expected, what may have been meant.

A finding is a value; ``render`` turns it into the lines an operator reads and
``Finding.log_line`` into the one line keepalived would have logged.  Nothing
here ever holds a password: the source line is masked before it gets in.
"""

from __future__ import annotations

import re
from enum import Enum
from itertools import chain
from typing import NamedTuple

import attrs

from kaltwisted.config import limits
from kaltwisted.config.model import Position

WIDEST_SOURCE_LINE = 160
# Longer lines are dropped by the reader, so what is wrong with one stands at its beginning.
LONGEST_LOOKED_AT = 2048
MASK = "********"

# What stands behind these words is nobody's business.
# Each word is looked at once: a line may be one word, and every line of a long file such a line.
_SECRET = re.compile(r"(?i)((?<![\w-])(?=[\w-]*?(?:pas|pwd|secret))[\w-]++|\bkey)([ \t\"'{:=\[-]+)(\S.*)")


class Severity(Enum):
    """ERROR: not done as written.  WARNING: done, but worth a word.  ADVICE: a tip."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


class Consequence(Enum):
    """What a finding does to the daemon: the exit status of ``-t``, and the one a normal start ends with.

    The second is None where keepalived only logs and goes on.
    """

    NONE = (0, None)
    LOGGED = (5, None)
    FATAL = (5, 2)
    MISSING_PARAMETER = (2, 2)
    NO_FILE = (6, 6)
    SCRIPT_SECURITY = (6, None)

    @property
    def test_status(self) -> int:
        """Exit status of ``--config-test``."""
        status: int = self.value[0]
        return status

    @property
    def start_status(self) -> int | None:
        """Exit status of a normal start, None to go on."""
        status: int | None = self.value[1]
        return status


class Rule(NamedTuple):
    """A kind of finding.  ``name``: for people, one word; ``brief`` and ``full``: what it says."""

    id: str
    name: str
    severity: Severity
    brief: str
    full: str


@attrs.frozen
class Related:
    """Another place that explains a finding, such as where the block was opened."""

    position: Position
    note: str


@attrs.frozen
class Finding:
    """One mistake.  ``width``: how many characters from ``position`` on are wrong.

    ``log``: keepalived's own wording where monitoring looks for it, without the place.
    ``rule``: the kind, of advice alone; ``rules.rule_of`` knows it of the others.
    """

    severity: Severity
    position: Position
    message: str
    expected: str | None = None
    suggestion: str | None = None
    related: tuple[Related, ...] = ()
    consequence: Consequence = Consequence.LOGGED
    source_line: str | None = None
    width: int = 1
    log: str | None = None
    rule: Rule | None = None

    def log_line(self) -> str:
        """One line as keepalived logs it: ``(FILE: Line N) Unknown keyword 'x'``."""
        return f"({self.position.file}: Line {self.position.line}) {self.log or self.message}"


def has_secret(text: str) -> bool:
    """Whether there is a word in a text whose value is nobody's business."""
    return _SECRET.search(f"{text} x") is not None


class Findings(list[Finding]):
    """Findings in the making.  Beyond as many as anyone reads they are only counted, in ``untold``."""

    def __init__(self, *earlier: Findings) -> None:
        super().__init__(chain(*earlier))
        self.untold: int = sum(findings.untold for findings in earlier)
        self._kinds: set[tuple[Severity, Consequence]] = set()
        for findings in earlier:
            self._kinds |= findings._kinds

    def room(self, severity: Severity, consequence: Consequence) -> bool:
        """Whether one more is told or only counted.  The first of a kind is: exit statuses hang on it."""
        kind = severity, consequence
        if len(self) < limits.MOST_FINDINGS or kind not in self._kinds:
            self._kinds.add(kind)
            return True
        self.untold += 1
        return False

    @property
    def total(self) -> int:
        """Those that are told and those that are not."""
        return len(self) + self.untold


def masked(line: str) -> str:
    """A source line fit for showing: secrets replaced, unprintable characters too, each by one character."""
    line = _SECRET.sub(lambda match: match[1] + match[2] + MASK, line[:LONGEST_LOOKED_AT])
    return "".join(
        character if character.isprintable() or character == "\t" else "\ufffd" for character in line
    )


def render(finding: Finding) -> str:
    """Several lines for people: place and message, the source line with a caret, then what would be right."""
    lines = [f"{finding.position}: {finding.severity.value}: {finding.message}"]
    if finding.source_line is not None:
        lines.extend(_with_caret(finding.source_line.rstrip(), finding.position.column, finding.width))
    if finding.expected:
        lines.append(f"    expected: {finding.expected}")
    if finding.suggestion:
        lines.append(f"    {finding.suggestion}")
    lines.extend(f"    {related.position}: {related.note}" for related in finding.related)
    return "\n".join(lines)


def _with_caret(line: str, column: int, width: int) -> list[str]:
    start = 0
    if len(line) > WIDEST_SOURCE_LINE:
        start = max(0, min(column - 1 - WIDEST_SOURCE_LINE // 2, len(line) - WIDEST_SOURCE_LINE))
        line = line[start : start + WIDEST_SOURCE_LINE]
    offset = min(max(column - 1 - start, 0), len(line))
    # Tabs are kept in front of the caret, so that it stands right at any tab width.
    pad = "".join("\t" if character == "\t" else " " for character in line[:offset])
    tail = "~" * max(0, min(width, len(line) - offset) - 1)
    return ["    " + line, "    " + pad + "^" + tail]
