"""daemon.reading: one file, read again at each reload."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.diff import compare
from kaltwisted.daemon.reading import ConfigurationFile
from tests.unit.test_config_broken import check, instance, service

SCRIPTED = check("MISC_CHECK", 'misc_path "/nonexistent/check one"')


class ConfigurationFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.file = ConfigurationFile(str(self.path))

    def test_what_did_not_change_is_the_same_after_it_was_vetted_too(self) -> None:
        mark = service("", head="virtual_server fwmark 7 {").replace("NAT", "DR").replace(" 80 {", " 0 {")
        self.path.write_text(SCRIPTED + mark + instance("interface lo"))
        first, second = self.file.read(), self.file.read()
        self.assertEqual(first.findings, second.findings)
        self.assertIs(first.configuration.virtual_servers[0], second.configuration.virtual_servers[0])
        self.assertIs(first.configuration.virtual_servers[1], second.configuration.virtual_servers[1])
        self.assertIs(first.configuration.vrrp_instances[0], second.configuration.vrrp_instances[0])
        self.assertFalse(compare(first.configuration, second.configuration))

    def test_the_lines_shown_are_those_of_the_file_as_it_is_now(self) -> None:
        self.patch(os, "geteuid", lambda: 0)
        for above in ("", "# one line more\n"):
            self.path.write_text(above + instance("interface none0") + SCRIPTED)
            missing, *vetted = self.file.read().findings
            self.assertEqual(missing.position.line, 1 + above.count("\n"))
            self.assertEqual(missing.source_line, "vrrp_instance VI_1 {")
            self.assertIn("MISC_CHECK", vetted[0].source_line or "")
