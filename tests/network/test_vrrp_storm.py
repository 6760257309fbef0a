"""Ten thousand bad adverts a second: the master goes on, the backup keeps calm, memory and log stay small."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.network.test_vrrp_failover import authentication, instance, vip
from tests.network.vrrp_lan import Router, lan, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]

STORM = Path(__file__).with_name("vrrp_storm.py")


def resident_kib(router: Router) -> int:
    """Memory of a router's process."""
    status = Path(f"/proc/{router.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def test_a_storm_neither_stops_adverts_nor_fills_memory() -> None:
    """The kernel drops what is for others; of the rest little is read per turn, and it is told once."""
    settings = authentication("PASS", "secret")
    with lan(3) as (one, two, three):
        master = one.ours(instance(51, 150, more=settings))
        wait_for(lambda: one.holds(vip(51)))
        backup = two.ours(instance(51, 100, more=settings))
        wait_for(lambda: backup.says("(VI_51) master set to 10.77.0.1"))
        before = [resident_kib(router) for router in (master, backup)]
        storm = three.run(sys.executable, str(STORM), "6", "10000", "51")
        output, _ = storm.communicate(timeout=60)
        assert int(output) > 1000
        after = [resident_kib(router) for router in (master, backup)]
        assert one.holds(vip(51))
        assert not backup.says("Entering MASTER STATE")
        assert not master.says("(VI_51) Entering BACKUP STATE\n")
        for router, old, new in zip((master, backup), before, after, strict=True):
            assert new - old < 8192
            assert router.says("wrong password")
            assert router.lines.count("\n") < 200
            assert not router.says("Traceback")
