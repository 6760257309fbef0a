"""``max_auto_priority``: a VRRP process that was held up is real-time from then on; ours and Debian's."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.network.test_vrrp_failover import instance, vip
from tests.network.vrrp_lan import Host, Router, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]

CONFIGURATION = "global_defs {\n max_auto_priority 2\n}\n" + instance(
    51, 150, more="version 3\nadvert_int 0.1\n"
)
#: More than the second after which a timer is too late.
PAUSE_S = 1.4


@pytest.mark.parametrize("start", [Host.daemon, pytest.param(Host.keepalived, marks=needs_keepalived)])
def test_it_rises_by_1_each_time_up_to_the_most(start: Callable[[Host, str], Router]) -> None:
    """Three times too late, and two steps."""
    with lan(1) as (one,):
        router = start(one, CONFIGURATION)
        wait_for(lambda: one.holds(vip(51)))
        pid = _vrrp_process(router)
        for pauses in (1, 2, 3):
            # keepalived did not tell of one pause, once: it has another then.
            wait_for(lambda pauses=pauses: _pause(pid, router) >= pauses)  # type: ignore[misc]
        wait_for(lambda: _policy(pid) == (os.SCHED_RR, 2))
        steps = re.findall("Set realtime priority .*", router.lines)
        assert steps == ["Set realtime priority 1", "Set realtime priority 2"]


def _pause(pid: int, router: Router) -> int:
    """Hold the process up; how many timers were too late so far."""
    os.kill(pid, signal.SIGSTOP)
    time.sleep(PAUSE_S)
    os.kill(pid, signal.SIGCONT)
    time.sleep(0.5)
    return router.lines.count("A thread timer expired")


def _policy(pid: int) -> tuple[int, int]:
    return os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK, os.sched_getparam(pid).sched_priority


def _vrrp_process(router: Router) -> int:
    """The process below that does VRRP, the only one that has none below itself."""
    pids = [router.process.pid]
    for pid in pids:
        pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return pids[-1]
