"""Real-time priority on a real kernel: ordinary at the limit and real-time again; children never."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.network
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import os, subprocess, time
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.defer import inlineCallbacks
from kaltwisted.config.model_process import ProcessSettings
from kaltwisted.daemon.role.scheduling import Scheduling

def policy():
    return os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK

def turn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end and policy() == os.SCHED_RR:
        pass
    return policy() == os.SCHED_RR

@inlineCallbacks
def main():
    try:
        scheduling = Scheduling("vrrp", reactor)
        everything = ProcessSettings(priority=-7, no_swap=True, rt_priority=3, cpu_affinity=(0,))
        print(scheduling.adopt(everything))
        for _ in range(2):
            yield deferLater(reactor, 0.2)
            print("short", turn(0.03))
            yield deferLater(reactor, 0.01)
            print("long", turn(10))
            yield deferLater(reactor, 1.3)
            print("again", policy() == os.SCHED_RR, scheduling.long_turns)
        command = "cut -d' ' -f19,41 /proc/self/stat; grep VmLck /proc/self/status"
        print("child", subprocess.run(command, shell=True, capture_output=True, text=True).stdout.split())
        print(scheduling.adopt(ProcessSettings()), policy(), os.nice(0), len(os.sched_getaffinity(0)))
        scheduling.stop()
    finally:
        reactor.stop()
reactor.callWhenRunning(main)
reactor.run()
"""


def test_at_the_limit_it_is_ordinary_and_a_second_later_real_time() -> None:
    try:
        before = os.sched_getscheduler(0)
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        os.sched_setscheduler(0, before, os.sched_param(0))
    except PermissionError:
        pytest.skip("needs CAP_SYS_NICE")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.splitlines() == [
        "()",
        "short True",
        "long False",
        "again True 1",
        "short True",
        "long False",
        "again True 2",
        "child ['0', '0', 'VmLck:', '0', 'kB']",
        f"() 0 0 {len(os.sched_getaffinity(0))}",
    ], done.stdout + done.stderr
