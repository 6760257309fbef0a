"""Virtual routes and rules and static items in the kernel: as keepalived has them, and kept that way."""

from __future__ import annotations

import pytest

from tests.network.test_vrrp_failover import Start, instance, vip
from tests.network.vrrp_lan import (
    Host,
    Router,
    keepalived_is_there,
    lan,
    needs_keepalived,
    needs_lan,
    wait_for,
)

pytestmark = [pytest.mark.network, needs_lan]

ROUTES = """
virtual_routes {
    10.50.0.0/16 via 10.77.0.2
    10.51.0.0/16 dev eth0 scope link table 300 metric 5
    src 10.77.0.51 to 10.52.0.0/16 via 10.77.0.2 dev eth0
    unreachable 10.53.0.0/16
    default via 10.77.0.9 table 200 mtu 1400 advmss lock 1300
    10.54.0.0/16 nexthop via 10.77.0.2 weight 2 nexthop via 10.77.0.3 dev eth0 weight 5 onlink
    10.55.0.0/24 tos 0x10 via 10.77.0.2 mtu 1300
    10.56.0.0/24 via 10.77.0.2 realms 1/2 initcwnd 10 features ecn quickack 1 hoplimit 4 window 33
    10.57.0.0/24 via 10.99.0.2 dev eth0 onlink congctl reno
    10.58.0.0/24 encap ip id 5 dst 10.77.0.3 src 10.77.0.51 tos 0x10 ttl 30 dev eth0
    10.59.0.0/24 encap ip6 id 5 dst fd77::3 src fd77::1 tc 3 hoplimit 30 dev eth0
    2001:db8:50::/48 dev eth0 pref high
    2001:db8:51::/48 dev eth0 metric 77 table 300
}
virtual_rules {
    from 10.50.0.0/16 table 300
    from 10.51.0.0/16 to 10.52.0.0/16 table 300 preference 400 iif eth0 fwmark 5/0xff tos 0x10
    not from 10.53.0.0/16 lookup main suppress_prefixlength 8 priority 500
    to 10.54.0.0/16 unreachable priority 600 ipproto tcp dport 80-90
    from 10.55.0.0/16 goto 32766 priority 700
    fwmark 7 table 300 priority 800 oif eth0 uidrange 0-5
    from 2001:db8::/32 table 300 priority 900
}
"""
STATICS = """
static_ipaddress {
    10.99.0.1/24 dev eth0
}
static_routes {
    10.98.0.0/16 via 10.99.0.2 dev eth0
    blackhole 10.97.0.0/16
}
static_rules {
    from 10.98.0.0/16 table 300 priority 3000
}
"""
OTHERS = """
static_routes {
    10.40.0.0/16 via 10.77.0.9
}
static_rules {
    from 10.40.0.0/16 table 40 priority 40
}
"""
OTHER_ROUTES = """
virtual_routes {
    10.41.0.0/16 via 10.77.0.9 dev eth0
}
"""


def routes(host: Host) -> list[str]:
    """The routes of ours or of keepalived."""
    found = []
    for family in ("-4", "-6"):
        found += host.ip("-d", family, "route", "show", "table", "all", "proto", "keepalived").splitlines()
    return sorted(" ".join(line.split()) for line in found)


def rules(host: Host) -> list[str]:
    """Its rules, without the kernel's."""
    found = [line for family in ("-4", "-6") for line in host.ip(family, "rule").splitlines()]
    return sorted(" ".join(line.split()) for line in found if "keepalived" in line)


def nothing(host: Host) -> bool:
    """No route or rule of ours is left."""
    return not routes(host) and not rules(host)


@needs_keepalived
def test_the_kernel_has_what_keepalived_gives_it() -> None:
    """While MASTER, and after the stop nothing; the statics as soon as it runs."""
    with lan(2) as (one, two):
        configuration = STATICS + instance(51, 150, more="advert_int 1\n" + ROUTES)
        for host in (one, two):
            host.ip("link", "set", "eth0", "address", "02:00:00:00:00:77")
            host.unplug()
        ours, theirs = one.ours(configuration), two.keepalived(configuration)
        for host in (one, two):
            wait_for(lambda host=host: len(routes(host)) >= 2 and rules(host), "for the statics")
            assert host.holds("10.99.0.1")
        wait_for(lambda: len(rules(one)) >= 8 and len(rules(two)) >= 8, "for both masters' rules")
        assert routes(one) == routes(two)
        assert rules(one) == rules(two)
        for host, router in ((one, ours), (two, theirs)):
            router.stop()
            assert nothing(host), (routes(host), rules(host))
            assert not host.holds("10.99.0.1")
        for line in ("setting Virtual Routes", "setting Virtual Rules", "removing Virtual Rules"):
            assert ours.says(line)
            assert theirs.says(line)
        assert not ours.says("Traceback")


@pytest.mark.parametrize("rival", [Host.ours, pytest.param(Host.keepalived, marks=needs_keepalived)])
def test_routes_and_rules_go_with_the_mastership(rival: Start) -> None:
    with lan(2) as (one, two):
        backup = one.ours(instance(51, 100, more="version 3\nadvert_int 0.3\n" + ROUTES))
        wait_for(lambda: len(rules(one)) == 7, "for the routes of who is alone")
        master = rival(two, instance(51, 150, more="version 3\nadvert_int 0.3\n" + ROUTES))
        wait_for(lambda: len(rules(two)) == 7 and nothing(one), "for the better router to have them")
        master.stop()
        wait_for(lambda: len(rules(one)) == 7 and nothing(two), "for them to come back")
        assert len(routes(one)) >= 11
        assert not backup.says("Traceback"), backup.lines


def test_what_others_remove_comes_back() -> None:
    """A route, a rule, a static address; and all of it after the interface was down."""
    with lan(1) as (one,):
        router = one.ours(
            STATICS + instance(51, 150, more="dont_track_primary\nversion 3\nadvert_int 0.1\n" + ROUTES)
        )
        wait_for(lambda: len(rules(one)) == 8 and len(routes(one)) >= 13)
        before = routes(one), rules(one)
        one.ip("route", "del", "10.52.0.0/16")
        one.ip("route", "del", "10.98.0.0/16")
        one.ip("rule", "del", "priority", "500")
        assert (routes(one), rules(one)) != before
        wait_for(lambda: (routes(one), rules(one)) == before, "for what was removed")
        assert router.says("10.52.0.0/16 via 10.77.0.2 dev eth0 src 10.77.0.51 was gone, and is set again")
        assert one.holds(vip(51))
        one.ip("address", "del", "10.99.0.1/24", "dev", "eth0")
        wait_for(lambda: one.holds("10.99.0.1"), "for the static address")
        wait_for(lambda: (routes(one), rules(one)) == before, "for the route that went with it")
        one.ip("link", "set", "eth0", "down")
        one.ip("link", "set", "eth0", "up")
        wait_for(lambda: (routes(one), rules(one)) == before, "for all after the interface was down")
        router.stop()
        assert nothing(one)
        assert not router.says("Traceback")


def test_a_killed_run_leaves_nothing_behind_the_next_start() -> None:
    """Not even of an instance that is configured no more; what stays is not taken away meanwhile."""
    with lan(1) as (one,):
        watch: Router
        first = one.ours(STATICS + instance(51, 150, more="version 3\nadvert_int 0.1\n" + ROUTES))
        wait_for(lambda: len(rules(one)) == 8 and len(routes(one)) >= 13)
        kept = [line for line in routes(one) if "10.98" in line or "10.97" in line]
        assert len(kept) == 2
        first.kill()
        changes = one.run("ip", "-o", "monitor", "route", "rule")
        watch = one.ours(STATICS + instance(52, 100, more="version 3\nadvert_int 10\n"))
        wait_for(lambda: routes(one) == kept and len(rules(one)) == 1, "for the rest to go")
        changes.terminate()
        told = changes.communicate()[0].decode()
        assert "Deleted 10.50.0.0/16" in told
        assert "10.98.0.0" not in told
        assert "10.97.0.0" not in told
        watch.stop()
        assert nothing(one)


def test_what_other_daemons_in_the_namespace_put_is_left_alone() -> None:
    """It has the same mark, and is theirs: a second one of ours, or a keepalived."""
    with lan(1) as (one,):
        other = (one.keepalived if keepalived_is_there else one.daemon)(
            OTHERS + instance(53, 150, more="version 3\nadvert_int 0.1\n" + OTHER_ROUTES)
        )
        wait_for(lambda: len(routes(one)) == 2 and len(rules(one)) == 1, "for the other one's")
        theirs = routes(one), rules(one)
        first = one.ours(STATICS + instance(51, 150, more="version 3\nadvert_int 0.1\n" + ROUTES))
        wait_for(lambda: len(rules(one)) == 9)
        first.kill()
        changes = one.run("ip", "-o", "monitor", "route", "rule")
        second = one.ours(instance(52, 100, more="version 3\nadvert_int 10\n"))
        wait_for(lambda: (routes(one), rules(one)) == theirs, "for ours to go")
        changes.terminate()
        told = changes.communicate()[0].decode()
        assert "Deleted 10.50.0.0/16" in told
        assert "10.40.0.0" not in told
        assert "10.41.0.0" not in told
        for each in (second, other):
            each.stop()
        assert nothing(one)


def test_what_a_killed_keepalived_left_goes_if_it_is_configured() -> None:
    """Who goes over from keepalived may have had to kill it."""
    with lan(1) as (one,):
        one.ip("route", "add", "10.50.0.0/16", "via", "10.77.0.2", "proto", "keepalived")
        one.ip(
            "rule",
            "add",
            "from",
            "10.55.0.0/16",
            "goto",
            "32766",
            "priority",
            "700",
            "protocol",
            "keepalived",
        )
        one.ip("route", "add", "10.49.0.0/16", "via", "10.77.0.2", "proto", "keepalived")
        router = one.ours(instance(51, 100, more="version 3\nadvert_int 10\n" + ROUTES))
        wait_for(lambda: router.says("Removed 2 routes and rules, left by an earlier life"))
        assert [line for line in routes(one) if "10.49.0.0/16" in line] == routes(one)
        assert not rules(one)


TRACKING = """
track_group T {
    group {
        VI_51
    }
}
static_ipaddress {
    10.99.0.1/24 dev eth1 track_group T
}
static_routes {
    10.97.0.0/16 via 10.99.0.2 dev eth1 track_group T
}
"""


@pytest.mark.parametrize("start", [Host.daemon, pytest.param(Host.keepalived, marks=needs_keepalived)])
def test_who_is_in_a_track_group_needs_the_interface_of_static_items(start: Start) -> None:
    with lan(1) as (one,):
        more = "version 3\nadvert_int 0.1\n"
        router = start(one, TRACKING + instance(51, 150, more=more) + instance(52, 150, more=more))
        wait_for(lambda: one.holds(vip(51)) and one.holds(vip(52)) and len(routes(one)) == 1)
        one.ip("link", "set", "eth1", "down")
        wait_for(lambda: router.says("(VI_51) Entering FAULT STATE") and not one.holds(vip(51)))
        assert one.holds(vip(52))
        one.ip("link", "set", "eth1", "up")
        wait_for(lambda: one.holds(vip(51)) and len(routes(one)) == 1, "for all to come back")
        router.stop()
        assert nothing(one)


def test_static_items_alone_are_work_enough() -> None:
    """No virtual router, and an interface that comes later."""
    with lan(1) as (one,):
        one.ip("link", "del", "eth0")
        router = one.daemon(STATICS)
        wait_for(lambda: router.says("static addresses wait for interface eth0"))
        wait_for(lambda: len(rules(one)) == 1)
        one.add_interface()
        wait_for(lambda: one.holds("10.99.0.1") and len(routes(one)) == 2)
        router.stop()
        assert nothing(one)
        assert not one.holds("10.99.0.1")
        assert not router.says("Traceback")


def test_a_reload_changes_what_differs() -> None:
    """And the rest is never gone."""
    with lan(1) as (one,):
        text = STATICS + instance(51, 150, more="version 3\nadvert_int 0.1\n" + ROUTES)
        router = one.daemon(text)
        wait_for(lambda: len(rules(one)) == 8 and len(routes(one)) >= 13)
        changes = one.run("ip", "-o", "monitor", "route", "rule")
        changed = text.replace("10.50.0.0/16 via 10.77.0.2", "10.50.0.0/16 via 10.77.0.3").replace(
            "blackhole 10.97.0.0/16", "10.96.0.0/16 via 10.77.0.4"
        )
        router.reload(changed)
        wait_for(lambda: any("10.96.0.0/16" in line for line in routes(one)))
        wait_for(lambda: not any("10.97.0.0/16" in line for line in routes(one)))
        wait_for(lambda: not any("10.50.0.0/16 via 10.77.0.2" in line for line in routes(one)))
        changes.terminate()
        told = changes.communicate()[0].decode()
        new, old = told.index("10.50.0.0/16 via 10.77.0.3"), told.index("Deleted 10.50.0.0/16 via 10.77.0.2")
        assert new < old
        assert "10.52.0.0" not in told
        assert len(rules(one)) == 8
        router.stop()
        assert nothing(one)
        assert not router.says("Traceback")
