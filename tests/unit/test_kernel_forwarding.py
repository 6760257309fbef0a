"""Whether the host forwards: the sysctl, believed for a while."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.kernel.forwarding import Ipv6Forwarding


class Forwarding(SynchronousTestCase):
    def test_it_is_asked_for_again_after_five_seconds(self) -> None:
        clock, conf = Clock(), Path(self.mktemp())
        (conf / "eth0").mkdir(parents=True)
        forwards = Ipv6Forwarding(clock.seconds, conf)
        (conf / "eth0/forwarding").write_text("1\n")
        self.assertTrue(forwards("eth0"))
        (conf / "eth0/forwarding").write_text("0\n")
        clock.advance(4.9)
        self.assertTrue(forwards("eth0"))
        clock.advance(0.2)
        self.assertFalse(forwards("eth0"))

    def test_where_it_cannot_be_known_we_say_no_router(self) -> None:
        self.assertFalse(Ipv6Forwarding(Clock().seconds, Path(self.mktemp()))("eth9"))
