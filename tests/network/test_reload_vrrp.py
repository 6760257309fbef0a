"""Reload of virtual routers on a real LAN, beside C keepalived as the backup that must notice nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.network.test_vrrp_failover import assert_no_complaint, instance
from tests.network.vrrp_lan import Host, Router, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]


class Reloading:
    """Our whole daemon on a host, and its configuration file."""

    def __init__(self, host: Host, configuration: str) -> None:
        self.file = host._write("daemon", configuration)
        runtime = host.directory / f"run-{host.number}"
        runtime.mkdir(mode=0o700)
        twistd = str(Path(sys.executable).parent / "twistd")
        words = ["env", f"RUNTIME_DIRECTORY={runtime}", sys.executable, twistd, "-n"]
        words += [f"--pidfile={runtime}/twistd.pid", "keepalived", "-l", "-D", "-G", "-f", str(self.file)]
        self.router: Router = host._start(words, self.file)

    def reload(self, configuration: str) -> None:
        """Reload with another file, and wait for the end of it."""
        self.router.reload_and_wait(configuration)


def both(one: str, two: str) -> str:
    return one + "\n        " + two


@needs_keepalived
def test_priority_and_addresses_change_and_the_backup_stays_backup() -> None:
    with lan(2) as (here, there):
        ours = Reloading(here, instance(51, 150, address="10.77.0.100"))
        wait_for(lambda: here.holds("10.77.0.100"), "we are master")
        theirs = there.keepalived(instance(51, 100, address="10.77.0.100"))
        wait_for(lambda: theirs.says("Entering BACKUP STATE"), "they are backup")

        ours.reload(instance(51, 140, address=both("10.77.0.100", "10.77.0.101")))
        wait_for(lambda: here.holds("10.77.0.101"), "the new address")
        ours.reload(instance(51, 140, address="10.77.0.101"))
        wait_for(lambda: not here.holds("10.77.0.100"), "the old address is gone")
        ours.reload(instance(51, 140, address="10.77.0.101") + "# as before\n")
        for _ in range(10):
            ours.reload(instance(51, 130, address="10.77.0.101"))
            ours.reload(instance(51, 160, address="10.77.0.101"))
        assert here.holds("10.77.0.101")
        assert not theirs.says("Entering MASTER STATE"), theirs.lines
        assert ours.router.lines.count("Entering MASTER STATE") == 1, ours.router.lines
        assert "removed by somebody else" not in ours.router.lines

        # Below the other's priority we yield, and it takes over without a gap to notice.
        ours.reload(instance(51, 50, address="10.77.0.101"))
        wait_for(lambda: theirs.says("Entering MASTER STATE"), "they preempt")
        wait_for(lambda: not here.holds("10.77.0.101"), "we let go")
        assert_no_complaint(ours.router)


@needs_keepalived
def test_an_instance_that_is_gone_hands_over_at_once() -> None:
    with lan(2) as (here, there):
        stays = instance(52, 150)
        ours = Reloading(here, instance(51, 150) + stays)
        wait_for(lambda: here.holds("10.77.0.51") and here.holds("10.77.0.52"), "we are master")
        theirs = there.keepalived(instance(51, 100) + instance(52, 100))
        wait_for(lambda: theirs.lines.count("Entering BACKUP STATE") == 2, "they are backup")
        ours.reload(stays)
        assert not here.holds("10.77.0.51")
        wait_for(lambda: there.holds("10.77.0.51"), "they take over")
        assert here.holds("10.77.0.52")
        assert theirs.says("(VI_51) Backup received priority 0 advertisement"), theirs.lines
        ours.reload(instance(51, 150) + stays)
        wait_for(lambda: here.holds("10.77.0.51"), "we preempt again")
        assert theirs.lines.count("(VI_52) Entering MASTER STATE") == 0
        ours.router.stop()
        wait_for(lambda: there.holds("10.77.0.51") and there.holds("10.77.0.52"), "they have both")
        assert "Traceback" not in ours.router.lines


def test_balancing_and_vrrp_come_and_go_as_roles() -> None:
    with lan(1) as (here,):
        balancing = """
virtual_server 10.77.0.1 8080 {
    delay_loop 1
    lb_algo rr
    lb_kind NAT
    protocol TCP
    real_server 10.77.0.1 8081 {
        TCP_CHECK {
        }
    }
}
"""
        router = instance(51, 150)
        ours = Reloading(here, router)
        says: Callable[[str], bool] = ours.router.says
        wait_for(lambda: here.holds("10.77.0.51"), "master")
        ours.reload(router + balancing)
        wait_for(lambda: says("Activating healthchecker"), "checks run")
        assert here.holds("10.77.0.51")
        ours.reload(balancing)
        assert not here.holds("10.77.0.51")
        ours.router.stop()
        assert "Traceback" not in ours.router.lines
