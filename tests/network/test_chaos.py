"""Two directors that are killed, reloaded, cut off and deprived of servers: afterwards all is as configured.

``KALTWISTED_CHAOS_SEED`` plays a run again, ``KALTWISTED_CHAOS_SECONDS`` makes it longer, and ``make chaos``.
"""

from __future__ import annotations

import os

import pytest

from tests.chaos.chaos import run
from tests.chaos.script import write_script
from tests.network.vrrp_lan import needs_lan

pytestmark = [pytest.mark.network, needs_lan]

SEED = int(os.environ.get("KALTWISTED_CHAOS_SEED", "1"))
SECONDS = float(os.environ.get("KALTWISTED_CHAOS_SECONDS", "20"))


def test_whatever_happens_the_directors_end_as_configured() -> None:
    outcome = run(write_script(SEED, SECONDS), "userspace")
    if outcome.troubles:
        troubles = "\n".join(outcome.troubles)
        pytest.fail(f"{outcome.history}\n\n{outcome.logs}\n\nseed {SEED}:\n{troubles}", pytrace=False)
