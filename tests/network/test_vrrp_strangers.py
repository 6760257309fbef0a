"""A virtual router that is not configured here: told where that is asked for, in keepalived's words."""

from __future__ import annotations

import pytest

from tests.network.test_vrrp_failover import Start, instance
from tests.network.vrrp_lan import Host, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]

ASKED = "global_defs {\n    log_unknown_vrids\n}\n"
FAST = "version 3\nadvert_int 0.2"


@pytest.mark.parametrize(
    "start",
    [Host.daemon, pytest.param(Host.keepalived, marks=needs_keepalived)],
    ids=["ours", "keepalived"],
)
def test_it_is_told_which_and_where(start: Start) -> None:
    with lan(2) as (one, two):
        two.ours(
            instance(52, 100, more=FAST) + instance(53, 100, more=FAST + "\nnative_ipv6", address="fe80::53")
        )
        told = start(one, ASKED + instance(51, 100, more=FAST))
        wait_for(lambda: told.says("Unknown VRID(52) received on interface(eth0). ignoring..."), told.lines)
        assert not told.says("VRID(51)")
        # Over IPv6 it has nothing configured, and so hears nothing.
        assert not told.says("VRID(53)")
