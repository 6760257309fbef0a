"""What is known and not acted on yet: told of once, and the rest of the text counts."""

from __future__ import annotations

from typing import TypeAlias

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.findings import Consequence, Finding, Severity, render
from kaltwisted.config.load import Reading, load_text
from tests.unit.test_config_broken import instance, read_marked

Case: TypeAlias = tuple[str, str, Consequence]

LOGGED, MISSING = Consequence.LOGGED, Consequence.MISSING_PARAMETER


def mistakes(reading: Reading) -> list[Finding]:
    """All findings but those that say that something is not acted on yet."""
    return [finding for finding in reading.findings if "not acted on yet" not in finding.message]


def read(text: str) -> Reading:
    """A reading of which nothing is to be said but that something is not acted on yet."""
    reading = load_text(text, "x.conf")
    assert reading.findings
    assert not mistakes(reading), "\n".join(map(render, reading.findings))
    assert reading.exit_status == 0
    return reading


class StageTests(SynchronousTestCase):
    def test_it_is_told_of_once_for_all_its_places(self) -> None:
        text = instance("debug 1") + instance("debug 1", "VI_2", "virtual_router_id 52")
        [finding] = read(text).findings
        self.assertIn("(also on ", finding.message)


def _behaviour(text: str, message: str, consequence: Consequence):  # type: ignore[no-untyped-def]
    def test(self: SynchronousTestCase) -> None:
        reading, line, column = read_marked(text)
        told = "\n".join(map(render, reading.findings))
        found = mistakes(reading)
        self.assertEqual(len(found), 1, told)
        [finding] = found
        self.assertIn(message, finding.message)
        self.assertEqual((finding.position.line, finding.position.column), (line, column), told)
        self.assertIs(finding.severity, Severity.ERROR)
        self.assertIs(finding.consequence, consequence, told)
        self.assertEqual(reading.exit_status, consequence.test_status)

    return test


def cases(tests: type[SynchronousTestCase], broken: dict[str, Case]) -> None:
    """A test for each."""
    for name, case in broken.items():
        setattr(tests, f"test_{''.join(c if c.isalnum() else '_' for c in name)}", _behaviour(*case))
