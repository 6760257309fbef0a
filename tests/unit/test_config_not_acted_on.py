"""What is read and not acted on yet: told of once, and every value and mistake in it counts."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.findings import Severity
from kaltwisted.config.load import Reading, load_text
from tests.unit.test_config_broken import service


def read(text: str) -> Reading:
    """A reading whose only findings are that something is not acted on yet."""
    reading = load_text(text, "x.conf")
    for finding in reading.findings:
        assert finding.severity is Severity.WARNING, finding
        assert "not acted on yet" in finding.message, finding
    assert reading.exit_status == 0
    return reading


class StageTests(SynchronousTestCase):
    def test_it_is_read_and_told_of_once_for_all_its_places(self) -> None:
        text = service("ha_suspend") + service("ha_suspend", head="virtual_server 10.0.0.5 80 {")
        reading = read(text)
        [finding] = reading.findings
        self.assertIn("(also on ", finding.message)
        self.assertEqual([each.ha_suspend for each in reading.configuration.virtual_servers], [True, True])

    def test_its_values_are_looked_at(self) -> None:
        messages = [finding.message for finding in load_text(service("ha_suspend never"), "x.conf").findings]
        self.assertEqual(len(messages), 2)
        self.assertIn("`never` is one word too many and is not read", messages)
