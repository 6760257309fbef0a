"""How a daemon that cannot go on ends."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

ENDING = """
from twisted.internet import reactor
from kaltwisted.daemon.ending import end_with

reactor.addSystemEventTrigger("before", "shutdown", print, "handed over")
end_with(reactor, 4)
reactor.run()
print("and twistd has cleared up")
"""


class Ending(SynchronousTestCase):
    def test_in_good_order_and_with_its_status(self) -> None:
        done = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (4, ""))
        self.assertEqual(done.stdout.splitlines(), ["handed over", "and twistd has cleared up"])
