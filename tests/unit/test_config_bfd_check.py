"""BFD_CHECK in a configuration: what it inherits, and the session that it names."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import BfdCheck, CheckTiming
from tests.unit.test_config_broken import globals_, server

SESSION = "bfd_instance far {{\n    neighbor_ip 10.0.0.8\n    {}\n}}\n"
NAMED = "BFD_CHECK {\n    name far\n}\n"


def read(text: str) -> tuple[Reading, tuple[object, ...]]:
    reading = load_text(text, "x.conf")
    [service] = reading.configuration.virtual_servers
    return reading, service.real_servers[0].checks


class BfdCheckTests(SynchronousTestCase):
    def test_it_knows_no_retries_and_no_attempts(self) -> None:
        text = SESSION.format("") + globals_("checker_log_all_failures") + server(NAMED)
        reading, checks = read(text)
        self.assertEqual(checks, (BfdCheck(CheckTiming(retry=0), "far"),))
        self.assertEqual(reading.findings, ())

    def test_alpha_is_its_own_or_the_server_s(self) -> None:
        own = NAMED.replace("name", "alpha\n    name")
        for body, alpha in ((NAMED, False), (own, True), (f"alpha\n{NAMED}", True)):
            _, [check] = read(SESSION.format("") + server(body))
            assert isinstance(check, BfdCheck)
            self.assertEqual(check.timing.alpha, alpha)

    def test_the_session_may_stand_behind_it_and_must_be_for_checkers(self) -> None:
        for more, kept in (("", 1), ("checker", 1), ("vrrp\n    checker", 1), ("vrrp", 0)):
            reading, checks = read(server(NAMED) + SESSION.format(more))
            self.assertEqual((len(checks), len(reading.findings)), (kept, 1 - kept))

    def test_one_that_goes_by_nothing_is_left_out_and_told_of_where_it_stands(self) -> None:
        for text, message in (
            (server(NAMED), "there is no bfd_instance `far`"),
            (SESSION.format("") + server("BFD_CHECK {\n}\n"), "without name"),
        ):
            reading, checks = read(text)
            [finding] = reading.findings
            self.assertEqual(checks, ())
            self.assertIn(message, finding.message)
            self.assertTrue(text.splitlines()[finding.position.line - 1].strip().startswith("BFD_CHECK"))

    def test_of_two_by_one_session_the_first_counts(self) -> None:
        reading, checks = read(SESSION.format("") + server(NAMED + NAMED.replace("name", "alpha\n    name")))
        [finding] = reading.findings
        self.assertEqual(checks, (BfdCheck(CheckTiming(retry=0), "far"),))
        self.assertIn("goes by BFD session `far` already", finding.message)
