"""How changes of links are taken on real interfaces, ours and Debian's keepalived side by side."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

import pytest

from tests.network.test_vrrp_failover import instance, vip
from tests.network.test_vrrp_reports import Files, keepalived_wrote, ours_wrote
from tests.network.vrrp_lan import Host, Router, lan, needs_keepalived, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan, needs_keepalived]

DOWN_S, UP_S = 1.5, 1.0
DELAYS = f"interface_up_down_delays {{\n eth0 {DOWN_S} {UP_S}\n}}\n"
_ABOUT_LINKS = re.compile(r"(?:Netlink reports|Linkbeat reports|\w+\S*: Adding flags change) .*")


def about_links(router: Router) -> list[str]:
    """What it has logged of links."""
    return _ABOUT_LINKS.findall(router.lines)


@pytest.mark.parametrize("more", ["", "use_vmac"])
def test_a_link_that_flaps_moves_nothing_and_one_that_fails_does(more: str) -> None:
    """A flap, a failure, and the return: the same lines of both."""
    with lan(2) as (one, two):
        interface = "vrrp.{}" if more else "eth0"
        routers = {
            one: (one.ours(DELAYS + instance(51, 150, more=more)), vip(51), interface.format(51)),
            two: (two.keepalived(DELAYS + instance(52, 150, more=more)), vip(52), interface.format(52)),
        }
        holding = lambda: [host.holds(address, on) for host, (_, address, on) in routers.items()]  # noqa: E731
        wait_for(lambda: all(holding()))

        _carriers(routers, up=False)
        wait_for(lambda: all(about_links(each) for each, _, _ in routers.values()))
        _carriers(routers, up=True)
        time.sleep(DOWN_S)  # nothing is to happen
        assert all(holding())
        assert not any(each.says("Entering FAULT STATE") for each, _, _ in routers.values())

        began = time.monotonic()
        _carriers(routers, up=False)
        wait_for(lambda: not any(holding()))
        assert time.monotonic() - began >= DOWN_S
        began = time.monotonic()
        _carriers(routers, up=True)
        wait_for(lambda: all(each.says("Netlink reports eth0 up") for each, _, _ in routers.values()))
        assert time.monotonic() - began >= UP_S
        wait_for(lambda: all(holding()))
        ours, theirs = (sorted(about_links(each)) for each, _, _ in routers.values())
        assert [line.replace("vrrp.51", "vrrp.52") for line in ours] == theirs


@pytest.mark.parametrize("method", ["MII", "IOCTL"])
def test_a_link_that_is_polled_fails_and_comes_back(method: str) -> None:
    """A veth has no transceiver, so that MII is not supported; its driver tells, and so do the flags."""
    polled = f"linkbeat_interfaces {{\n eth0 {method}\n eth1\n}}\n"
    with lan(2) as (one, two):
        ours = one.ours(polled + instance(51, 150))
        theirs = two.keepalived(polled + instance(52, 150))
        holding = lambda: [one.holds(vip(51)), two.holds(vip(52))]  # noqa: E731
        wait_for(lambda: all(holding()))
        _carriers((one, two), up=False)
        wait_for(lambda: not any(holding()))
        _carriers((one, two), up=True)
        wait_for(lambda: all(holding()))
        one.ip("link", "set", "eth0", "down")
        two.ip("link", "set", "eth0", "down")
        wait_for(lambda: not any(holding()))
        reports = [f"Linkbeat reports eth0 {how}" for how in ("down", "up", "down")]
        assert about_links(ours) == about_links(theirs) == reports
        assert _about_polling(ours) == _about_polling(theirs)
        assert _nic(ours_wrote(ours)) == _nic(keepalived_wrote(theirs))


def _about_polling(router: Router) -> list[str]:
    return sorted(
        re.findall(r"Using MII.*|Turning off linkbeat.*|\(eth0\): Configured linkbeat.*", router.lines)
    )


def _nic(files: Files) -> list[str]:
    """How the data file says that eth0 is looked after."""
    _, _, eth0 = files.data.partition(" Name = eth0\n")
    return re.findall("   NIC .*", eth0.partition(" Name = ")[0])


def _carriers(hosts: Iterable[Host], *, up: bool) -> None:
    for host in hosts:
        host.set_carrier(up=up)
