"""Times that are reckoned; RFC tests have the RFC's own."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import GlobalDefs
from kaltwisted.vrrp.timers import startup_delay_us

from .vrrp_helpers import seconds


class StartupDelayTests(SynchronousTestCase):
    def test_the_longer_one_counts_and_a_machine_that_is_up_long_waits_for_nothing(self) -> None:
        for delay, after_boot, up, expected in (
            (0, 0, 0, 0),
            (5, 0, 100, 5),
            (0, 60, 20, 40),
            (0, 60, 61, 0),
            (50, 60, 20, 50),
            (5, 60, 20, 40),
        ):
            defs = GlobalDefs(
                vrrp_startup_delay_us=seconds(delay), vrrp_delay_after_boot_us=seconds(after_boot)
            )
            self.assertEqual(startup_delay_us(defs, seconds(up)), seconds(expected))
