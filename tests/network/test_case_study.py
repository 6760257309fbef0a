"""Health checks and failover in one daemon, on two directors: the guide's case study XI, without IPVS."""

from __future__ import annotations

import pytest

from tests.network.case_study import SECOND, WEB, directors
from tests.network.vrrp_lan import needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan]


def test_each_director_has_its_group_and_takes_the_others_when_it_fails() -> None:
    """A lost link, its return, kill -9 with the cables out, the return with leftovers, and a regular stop."""
    with directors("userspace") as study:
        one, two = study.one, study.two
        study.start(one)
        study.start(two)
        study.wait_for_masters(one, two)
        wait_for(lambda: study.serves(WEB) and study.serves(SECOND), "for both services")

        # The guide: when eth0 of director 1 fails, VI_2 is forced to follow VI_1.
        one.ip("link", "set", "eth0", "down")
        study.wait_for_masters(two, two)
        wait_for(lambda: study.serves(WEB), "for the web service on director 2")
        one.ip("link", "set", "eth0", "up")
        study.wait_for_masters(one, two)
        wait_for(lambda: study.serves(WEB), "for the web service on director 1")

        one.unplug(0)
        one.unplug(1)
        one.routers[-1].kill()
        wait_for(lambda: study.owns(two, "VG1"), "for director 2 after kill -9")
        wait_for(lambda: study.serves(WEB) and study.serves(SECOND), "for both services on director 2")
        assert study.owns(one, "VG1"), "a killed daemon leaves its addresses"

        returned = study.start(one)
        wait_for(lambda: study.owns_none(one, "VG1"), "for the leftovers to go")
        one.plug(0)
        one.plug(1)
        study.wait_for_masters(one, two)
        wait_for(lambda: study.serves(WEB) and study.serves(SECOND), "for both services")

        returned.stop()
        assert study.owns_none(one, "VG1")
        study.wait_for_masters(two, two)
        wait_for(lambda: study.serves(WEB) and study.serves(SECOND), "for both services on director 2")
        for router in (*one.routers, *two.routers):
            assert "Traceback" not in router.lines, router.lines
