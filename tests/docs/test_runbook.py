"""docs/runbook.md has a section of its own for what alerts lead to."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "runbook.md"
ALERTS = {
    *("daemon-down", "no-master", "two-masters", "split-brain", "quorum-lost", "sorry-server"),
    *("role-restarting", "checks-not-running", "reload-refused", "old-override", "timers-late"),
    *("flapping", "packets-dropped", "bfd-down"),
}


def test_each_alert_has_a_section_that_can_be_linked_to() -> None:
    assert set(re.findall(r"^## ([\w-]+)$", PAGE.read_text("utf-8"), re.M)) == ALERTS
