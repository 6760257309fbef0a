"""Ending the daemon with a status, also when several want to at once."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial import unittest

PROGRAM = """
import sys
from twisted.internet import reactor
from twisted.python.log import startLogging
from kaltwisted.daemon.ending import end_with
startLogging(sys.stderr)
{calls}
reactor.run()
"""


def ended(calls: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, whose end is looked at."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(calls=calls)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class EndingTests(unittest.TestCase):
    def test_the_process_ends_with_the_status(self) -> None:
        self.assertEqual(ended("end_with(reactor, 4)").returncode, 4)

    def test_of_two_reasons_in_one_turn_the_first_counts_and_nobody_stumbles(self) -> None:
        """As for a role whose supervisor dies: it reads the end of its socket, and gets TERM."""
        both = "end_with(reactor, 1), reactor.callFromThread(end_with, reactor, 0)"
        later = f"reactor.callLater(0, lambda: [{both}])"
        process = ended(later)
        self.assertEqual((process.returncode, "Traceback" in process.stderr), (1, False), process.stderr)

    def test_a_reactor_that_stops_by_itself_is_left_to_it(self) -> None:
        later = "reactor.callLater(0, lambda: [reactor.stop(), end_with(reactor, 1)])"
        process = ended(later)
        self.assertEqual((process.returncode, "Traceback" in process.stderr), (0, False), process.stderr)
