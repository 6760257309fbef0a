"""Chaos on a real kernel: IPVS tables, addresses and processes end as configured, and connections live on.

``KALTWISTED_CHAOS_SEED`` plays a run again, ``KALTWISTED_CHAOS_SECONDS`` makes it longer.
"""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.chaos.chaos import run
from tests.chaos.script import write_script

SEED = int(os.environ.get("KALTWISTED_CHAOS_SEED", "1"))
SECONDS = float(os.environ.get("KALTWISTED_CHAOS_SECONDS", "15"))
#: The guest has one processor for all daemons, and is slow to fork.
PACE = 1.5


def test_whatever_happens_the_kernel_ends_as_configured_and_connections_live_on() -> None:
    subprocess.run(["modprobe", "-a", "veth", "bridge"], check=True)
    outcome = run(write_script(SEED, SECONDS, PACE), "ipvs")
    if outcome.troubles:
        troubles = "\n".join(outcome.troubles)
        pytest.fail(f"{outcome.history}\n\n{outcome.logs}\n\nseed {SEED}:\n{troubles}", pytrace=False)
    assert outcome.lived >= 4, "connections were there to be lost"
