"""daemon.check: the words behind ``kaltwisted check``."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted import __version__
from kaltwisted.daemon import check
from tests.unit import commands
from tests.unit.test_config_broken import instance

PASSWORD = "authentication {\n auth_type PASS\n auth_pass tops3c\n}"


def ended(*words: str) -> tuple[object, str, str]:
    return commands.ended("check", *words)


class CheckTests(SynchronousTestCase):
    def setUp(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir()
        self.file = directory / "a.conf"
        self.name = str(self.file)

    def test_options_in_front_and_behind(self) -> None:
        self.file.write_text("@lb9 unheard_of\ninclude none.conf\n")
        for words, expected in (
            (("-i", "lb9", self.name), 5),
            ((self.name, "--config-id=lb8"), 0),
            ((self.name, "-i", ""), 0),
            (("-e", self.name, "-i", "lb8"), 6),
        ):
            self.assertEqual(ended(*words)[0], expected, words)

    def test_forms(self) -> None:
        self.file.write_text("unheard_of\n")
        status, text, _ = ended(self.name)
        self.assertEqual((status, text.splitlines()[1:3]), (5, ["    unheard_of", "    ^~~~~~~~~~"]))
        self.assertEqual(json.loads(ended("--json", self.name)[1])["status"], 5)
        self.assertEqual(json.loads(ended("--sarif", self.name)[1])["version"], "2.1.0")

    def test_this_machine_is_asked_unless_told_not_to(self) -> None:
        self.file.write_text(instance("interface none0"))
        for words, status in (((), 5), (("--no-system",), 0)):
            found, text, _ = ended(self.name, *words)
            self.assertEqual((found, "`none0`" in text), (status, status != 0), text)

    def test_advice_is_given_and_changes_no_status(self) -> None:
        self.file.write_text(
            instance("interface lo\nauthentication {\n auth_type PASS\n auth_pass tops3c\n}")
        )
        self.file.chmod(0o644)
        status, text, _ = ended(self.name)
        self.assertEqual((status, "everybody on this machine may read it" in text), (0, True), text)
        self.assertEqual(ended("--no-system", self.name)[:2], (0, ""))
        self.file.chmod(0o600)
        self.assertEqual(ended(self.name)[:2], (0, ""))

    def test_two_directors_are_compared(self) -> None:
        other = self.file.with_name("b.conf")
        for file in (self.file, other):
            file.write_text(instance("interface lo"))
        status, text, _ = ended("--json", self.name, str(other))
        [finding] = json.loads(text)["findings"]
        self.assertEqual((status, finding["rule"], finding["file"]), (0, "peer-priority", str(other)))
        self.assertEqual(finding["related"][0]["file"], self.name)

    def test_without_a_file_it_is_the_default(self) -> None:
        self.patch(check, "DEFAULT_FILE", self.name)
        self.file.write_text("unheard_of\n")
        self.assertIn("a.conf:1:1", ended()[1])

    def test_bytes_that_are_no_text(self) -> None:
        self.file.write_bytes(b"\xe4hm\n")
        status, text, _ = ended(self.name)
        self.assertEqual(status, 5)
        self.assertIn("\\udce4hm", text)

    def test_help_version_and_mistakes(self) -> None:
        self.assertEqual(ended("-h"), (0, check.HELP, ""))
        self.assertEqual(ended("--version")[:2], (0, f"Kaltwisted v{__version__}\n"))
        for words, message in (
            (("--json", "--sarif"), "not both"),
            (("--bogus",), "--bogus"),
            (("-i",), "requires argument"),
        ):
            status, text, error = ended(*words)
            self.assertEqual((status, text), (1, ""))
            self.assertIn("Usage:", error)
            self.assertIn(message, error)
