"""A lane that is skipped must be noticed in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

CONFTEST = Path(__file__).parents[1] / "conftest.py"
SKIPS_ITSELF = "import pytest\n\ndef test_it():\n    pytest.skip('no nginx here')\n"
SKIPS_WHOLE = "import pytest\npytest.skip('no kernel here', allow_module_level=True)\n"


class SkippedLaneTests(SynchronousTestCase):
    """A suite of three skips: of a unit test, a network test, and a whole module of the kernel lane."""

    def setUp(self) -> None:
        self.suite = Path(self.mktemp()).absolute()
        for folder, text in (("unit", SKIPS_ITSELF), ("network", SKIPS_ITSELF), ("kernel", SKIPS_WHOLE)):
            (self.suite / folder).mkdir(parents=True)
            (self.suite / folder / f"test_{folder}.py").write_text(text)
        shutil.copy(CONFTEST, self.suite)
        (self.suite / "pytest.ini").write_text("[pytest]\nmarkers =\n    network\n    kernel\n")

    def run_suite(self, ci: str) -> tuple[int, str]:
        environ = {**os.environ, "CI": ci}
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--continue-on-collection-errors",
        ]
        done = subprocess.run(
            command, cwd=self.suite, env=environ, capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout

    def test_in_ci_it_fails_and_says_why(self) -> None:
        status, output = self.run_suite("true")
        self.assertEqual(status, 1, output)
        self.assertIn("must not be skipped in CI: Skipped: no nginx here", output)
        self.assertIn("must not be skipped in CI: Skipped: no kernel here", output)
        self.assertIn("1 skipped", output)

    def test_elsewhere_it_is_skipped(self) -> None:
        status, output = self.run_suite("")
        self.assertNotEqual(status, 1, output)
        self.assertIn("3 skipped", output)
