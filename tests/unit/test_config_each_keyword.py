"""Every keyword that is read, right and wrong, in its place and out of it: one finding a mistake."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.findings import Severity, render
from kaltwisted.config.load import load_text
from kaltwisted.config.memory import Memory
from tests.unit.config_cases import AROUND, CASES, Case, mistakes
from tests.unit.test_config_robust import everything_said


def wrong_with(case: Case) -> str | None:
    """What a reading should not have made of a case."""
    reading = load_text(case.plain, "x.conf")
    told = "\n".join(map(render, reading.findings))
    found = mistakes(reading)
    places = [(finding.position.line, finding.position.column) for finding in found]
    if places != ([case.place] if case.place else []):
        return f"{places} is told, {case.place} is wrong:\n{told}"
    errors = any(finding.severity is Severity.ERROR for finding in found)
    if errors != bool(reading.exit_status):
        return f"it ends with {reading.exit_status}:\n{told}"
    memory = Memory()
    load_text(case.plain, "x.conf", memory=memory)
    again = load_text(case.plain, "x.conf", memory=memory)
    if attrs.asdict(again) != attrs.asdict(reading):
        return "a reading that remembers it is not equal"
    if "auth_pass" in case.text and "secret" in everything_said(reading):
        return f"the password is told:\n{told}"
    return None


class EachKeywordTests(SynchronousTestCase):
    """One test a block."""

    def test_there_are_enough_of_them(self) -> None:
        self.assertGreater(len(CASES), 3000)
        self.assertEqual(len({case.name for case in CASES}), len(CASES))
        for block in AROUND:
            self.assertTrue([case for case in CASES if case.block == block], block)


def _behaviour(block: str):  # type: ignore[no-untyped-def]
    def test(self: EachKeywordTests) -> None:
        wrong = {case.name: why for case in CASES if case.block == block and (why := wrong_with(case))}
        self.assertEqual(len(wrong), 0, "\n\n".join(f"{name}: {why}" for name, why in wrong.items()))

    return test


for _block in AROUND:
    setattr(EachKeywordTests, f"test_{_block or 'top_level'}", _behaviour(_block))
