"""Routes in the table of a VRF, beside keepalived's: a kernel that has VRFs, and MPLS."""

from __future__ import annotations

import re
import signal

from tests.kernel.inside.test_vrrp_ipvlan_vrf import instance
from tests.network.test_vrrp_reports import written
from tests.network.test_vrrp_routes import nothing, routes
from tests.network.vrrp_lan import Host, lan, wait_for

STATICS = """
static_routes {
    10.60.0.0/24 via 10.78.0.9 dev eth1 vrf red
    10.60.1.0/24 via 10.78.0.9 dev eth1 vrf red table 7
    10.60.2.0/24 via 10.78.0.9 dev eth1 table 7 vrf red
    10.60.3.0/24 encap mpls 100 via 10.77.0.9 dev eth0 ttl-propagate enabled
    10.60.4.0/24 via 10.77.0.9 dev eth0 ttl-propagate disabled
    10.60.5.0/24 via 10.77.0.9 dev eth0 as to 10.61.0.0
    unreachable default vrf red metric 4278198272
    2001:db8:60::/48 via fd78::9 dev eth1 vrf red
}
"""
VIRTUALS = "virtual_routes {\n10.62.0.0/24 via 10.78.0.9 dev eth1 vrf red\n}"
TEXT = STATICS + instance(51, 150, VIRTUALS, "10.77.0.100/24")


def red(host: Host, table: int) -> None:
    """Make the VRF, with ``eth1`` in it."""
    host.ip("link", "add", "red", "type", "vrf", "table", str(table))
    host.ip("link", "set", "red", "up")
    host.ip("link", "set", "eth1", "master", "red")
    host.ip("address", "replace", f"fd78::{host.number}/64", "dev", "eth1", "nodad")


def in_table(host: Host, table: int) -> list[str]:
    """Ours there."""
    return [line for line in routes(host) if f"table {table} " in line]


def told(data: str) -> list[str]:
    """The routes in a data file, but for what keepalived adds to those that it does not look after."""
    found = re.findall(
        r"^     ((?:prepend|append|add) .*?)(?: no_track)?(?: \[installed.*)?$", data, re.MULTILINE
    )
    # 2.2.7 says labels of MPLS otherwise than it was told them.
    return sorted(line for line in found if "mpls" not in line)


def test_the_kernel_and_the_data_file_have_what_keepalived_gives_them() -> None:
    with lan(2) as (one, two):
        for host in (one, two):
            host.unplug()
            red(host, 10)
        ours, theirs = one.ours(TEXT), two.keepalived(TEXT)
        for host in (one, two):
            wait_for(lambda host=host: any("10.62.0.0" in line for line in routes(host)), "for the master's")
        wait_for(lambda: routes(one) == sorted(set(routes(two))), f"{routes(one)}\n{routes(two)}")
        assert len(in_table(one, 10)) == 5
        for router in (ours, theirs):
            router.process.send_signal(signal.SIGUSR1)
        found = told(written(ours.configuration.with_suffix(".data")))
        assert found == told(written(theirs.configuration.with_suffix(".dumps") / "keepalived.data"))
        assert len(found) == 8
        ours.stop()
        assert nothing(one)
        assert not ours.says("Traceback")


def test_a_vrf_that_comes_later_goes_and_comes_back_with_another_table() -> None:
    """keepalived leaves such a route out, or in the table that it once was for."""
    with lan(1) as (one,):
        router = one.ours(TEXT)
        wait_for(lambda: router.says("there is no VRF red"), "to be told")
        red(one, 10)
        wait_for(lambda: len(in_table(one, 10)) == 5, "for all in the VRF")
        one.ip("link", "del", "red")
        red(one, 11)
        wait_for(lambda: len(in_table(one, 11)) == 5, "for all in its other table")
        assert not in_table(one, 10)
        one.ip("link", "del", "red")
        router.stop()
        assert nothing(one)
        assert not router.says("Traceback")
