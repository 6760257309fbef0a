"""A backup that stands still for a while, as a virtual machine does that is moved: nothing moves for it."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.network.test_vrrp_failover import Start, instance, vip
from tests.network.vrrp_lan import Host, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]

FAST = "version 3\nadvert_int 0.2"
SILENCE_S = 1.0
"""Well over the 0.76 s that the backup waits."""


@pytest.mark.parametrize(
    "other", [Host.ours, pytest.param(Host.keepalived, marks=needs_keepalived)], ids=["ours", "keepalived"]
)
def test_what_it_did_not_hear_is_not_its_master_s_silence(other: Start) -> None:
    with lan(2) as (one, two):
        master = other(one, instance(51, 200, more=FAST))
        wait_for(lambda: one.holds(vip(51)), master.lines)
        backup = two.ours(instance(51, 100, more=FAST))
        wait_for(lambda: backup.says("master set to 10.77.0.1"), backup.lines)
        # Its adverts are lost meanwhile, and do not wait in the socket.
        os.killpg(backup.process.pid, signal.SIGSTOP)
        two.unplug()
        time.sleep(SILENCE_S)
        two.plug()
        os.killpg(backup.process.pid, signal.SIGCONT)
        wait_for(lambda: backup.says("(VI_51) was held up for "), backup.lines)
        time.sleep(SILENCE_S)
        assert not backup.says("Entering MASTER STATE"), backup.lines
        # It waits once: a master that is dead indeed is found dead.
        os.killpg(backup.process.pid, signal.SIGSTOP)
        master.kill()
        time.sleep(SILENCE_S)
        os.killpg(backup.process.pid, signal.SIGCONT)
        wait_for(lambda: backup.says("Entering MASTER STATE") and two.holds(vip(51)), backup.lines)
