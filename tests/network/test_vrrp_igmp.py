"""``disable_local_igmp``: what the link hears of our group, beside keepalived."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.network.test_vrrp_failover import instance, vip
from tests.network.vrrp_lan import Host, keepalived_is_there, lan, needs_lan, wait_for

pytestmark = [
    pytest.mark.network,
    needs_lan,
    pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed"),
]

OWNER = instance(51, 255, state="MASTER")
QUIET = "global_defs {\n    disable_local_igmp\n}\n" + OWNER
SETTING = "/proc/sys/net/ipv4/igmp_link_local_mcast_reports"
#: The kernel sends a report within a second, and a second one within another.
REPORTED_S = 2.5


@contextmanager
def reports(host: Host) -> Iterator[list[str]]:
    """The IGMP packets that come to a host meanwhile, in tcpdump's words."""
    found: list[str] = []
    capture = host.run("tcpdump", "-lnU", "-i", "eth0", "igmp")
    time.sleep(0.5)
    yield found
    capture.terminate()
    # Interrupted it ends with an empty line.
    found += filter(None, capture.communicate()[0].decode().split("\n"))


def setting(host: Host) -> str:
    output, _ = host.run("cat", SETTING).communicate()
    return output.decode().strip()


def test_no_report_is_sent_from_start_to_stop_and_the_setting_is_as_it_was() -> None:
    with lan(2) as (one, two):
        for start in (one.ours, *([one.keepalived] if keepalived_is_there else [])):
            for text, during in ((OWNER, "1"), (QUIET, "0")):
                with reports(two) as heard:
                    router = start(text)
                    wait_for(lambda: one.holds(vip(51)), router.lines)
                    time.sleep(REPORTED_S)
                    assert setting(one) == during
                    router.stop()
                    time.sleep(REPORTED_S)
                assert setting(one) == "1"
                assert bool(heard) is (during == "1"), (start, heard)


def test_a_reload_changes_it() -> None:
    with lan(1) as (one,):
        router = one.daemon(OWNER)
        wait_for(lambda: one.holds(vip(51)), router.lines)
        for text, expected in ((QUIET, "0"), (QUIET + "# the same\n", "0"), (OWNER, "1"), (QUIET, "0")):
            router.reload_and_wait(text)
            assert setting(one) == expected
        assert router.lines.count("Entering MASTER STATE") == 1, router.lines
        router.stop()
        assert setting(one) == "1"
