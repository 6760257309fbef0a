"""What the process of a role loads: nothing of another role, no parser, and OpenSSL for who speaks TLS."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

LOADED = """
import sys
from kaltwisted.daemon.lean import import_sockets
import_sockets()
import twisted.internet.reactor, kaltwisted.daemon.role.main, kaltwisted.daemon.role.{role}
print(*sys.modules)
"""


def loaded(role: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(role=role)], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


class ImportTests(SynchronousTestCase):
    def check(self, role: str, *not_these: str) -> None:
        modules = loaded(role)
        self.assertIn(f"kaltwisted.daemon.role.{role}", modules)
        common = ("OpenSSL", "pyroute2", "twisted.mail", "kaltwisted.config.tree", "kaltwisted.config.bind")
        for name in (*common, *not_these):
            found = {module for module in modules if module == name or module.startswith(f"{name}.")}
            self.assertEqual(found, set())

    def test_of_vrrp(self) -> None:
        self.check("vrrp", "kaltwisted.lvs", "kaltwisted.healthcheck", "kaltwisted.daemon.supervision")

    def test_of_the_checkers(self) -> None:
        self.check("checker", "kaltwisted.vrrp.service", "kaltwisted.daemon.supervision")

    def test_a_tls_check_finds_openssl_all_the_same(self) -> None:
        text = LOADED.format(role="checker").replace(
            "print(*sys.modules)", "import kaltwisted.healthcheck.tls"
        )
        subprocess.run([sys.executable, "-c", text], check=True)
