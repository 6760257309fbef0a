"""BFD_CHECK on real interfaces: a pool follows a session with C keepalived, and survives the BFD role."""

from __future__ import annotations

import os
import signal

import pytest

from tests.network.test_bfd import Told, ipv4, pid_of, session
from tests.network.vrrp_lan import lan, needs_keepalived, needs_lan

pytestmark = [pytest.mark.network, needs_lan, needs_keepalived]

SERVER = f"[{ipv4(2)}]:tcp:80"
POOL = f"""
virtual_server {ipv4(1)} 8080 {{
    protocol TCP
    lb_algo rr
    lb_kind NAT
    real_server {ipv4(2)} 80 {{
        BFD_CHECK {{
            name far
        }}
    }}
}}
"""


def test_a_pool_follows_a_session_through_a_cut_a_reload_and_a_dead_bfd_role() -> None:
    with lan(2) as (one, two):
        text = session("far", ipv4(2), ipv4(1)) + POOL
        ours = one.daemon(text, options=("--data-plane", "userspace"))
        began = Told(ours)
        began.wait(f"BFD check of [far] RS({SERVER}) is DOWN")
        began.wait(f"Removing service {SERVER} from VS")
        two.keepalived(session("near", ipv4(1), ipv4(2)))
        began.wait(f"BFD check of [far] RS({SERVER}) is UP")
        began.wait(f"Adding service {SERVER} to VS")

        cut = Told(ours)
        two.unplug()
        cut.wait(f"BFD check of [far] RS({SERVER}) is DOWN")
        cut.wait(f"Removing service {SERVER} from VS")
        two.plug()
        cut.wait(f"Adding service {SERVER} to VS")

        # A second server goes by a session that is up already, and the first one is left alone.
        reloaded = Told(ours)
        ours.reload(text + POOL.replace("8080", "8081").replace("80 {\n        BFD", "81 {\n        BFD"))
        reloaded.wait(f"BFD check of [far] RS([{ipv4(2)}]:tcp:81) is UP")
        assert not reloaded.says(f"RS({SERVER})")

        died = Told(ours)
        os.kill(pid_of(ours, "BFD"), signal.SIGKILL)
        died.wait(f"Removing service {SERVER} from VS")
        died.wait(f"Adding service {SERVER} to VS")
