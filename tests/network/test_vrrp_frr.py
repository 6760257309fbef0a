"""VRRP version 3 of both families beside FRR's vrrpd, in either role."""

from __future__ import annotations

import time

import pytest

from tests.network import test_vrrp_failover as ipv4
from tests.network import test_vrrp_ipv6 as ipv6
from tests.network.frr import Frr, needs_frr
from tests.network.test_vrrp_failover import assert_no_complaint
from tests.network.vrrp_lan import Host, lan, needs_lan, wait_for

pytestmark = [pytest.mark.network, needs_lan, needs_frr]

VRID = 51
ADDRESSES = ("10.77.0.51", "fd77::51")
OURS = ipv4.instance(VRID, 100, more="version 3") + ipv6.instance(VRID, 100, addresses="fd77::51/64")


class Vrrpd:
    """FRR's VRRP daemon with the macvlans that it needs."""

    def __init__(self, host: Host, priority: int) -> None:
        for family, address in enumerate(ADDRESSES, 1):
            name = f"vrrp{family}"
            host.ip("link", "add", name, "link", "eth0", "type", "macvlan", "mode", "bridge")
            host.ip("link", "set", name, "address", f"00:00:5e:00:0{family}:{VRID:02x}")
            host.ip("address", "add", address, "dev", name, *(("nodad",) if ":" in address else ()))
            host.ip("link", "set", name, "up")
        wait_for(lambda: "tentative" not in host.ip("address", "show", "dev", "vrrp2"))
        lines = ["version 3", f"priority {priority}", "advertisement-interval 1000"]
        lines += [f"ip {ADDRESSES[0]}", f"ipv6 {ADDRESSES[1]}"]
        text = "interface eth0\n" + "".join(f" vrrp {VRID} {line}\n" for line in lines)
        self._frr = Frr(host, "vrrpd", text)

    def states(self) -> tuple[str, str]:
        """``Master``, ``Backup``... of IPv4 and IPv6."""
        found = self._frr.shows("vrrp")
        return (found[0]["v4"]["status"], found[0]["v6"]["status"]) if found else ("unknown", "unknown")

    def kill(self) -> None:
        """End it without a chance to hand over; its addresses go as with a machine that loses power."""
        self._frr.process.kill()
        self._frr.process.wait()


def holds_all(host: Host) -> bool:
    return set(ADDRESSES) <= set(host.every_address())


def test_frr_is_master_until_it_is_killed() -> None:
    with lan(2) as (one, two):
        frr = Vrrpd(two, 200)
        wait_for(lambda: frr.states() == ("Master", "Master"))
        router = one.ours(OURS)
        wait_for(lambda: router.lines.count("master set to ") == 2)
        # Longer than it would wait if it did not understand FRR's adverts.
        time.sleep(5)
        assert not set(ADDRESSES) & set(one.every_address())
        frr.kill()
        wait_for(lambda: holds_all(one), "for ours after kill -9")
        assert_no_complaint(router)


def test_ours_is_master_and_frr_takes_over_when_it_is_killed_or_stopped() -> None:
    with lan(2) as (one, two):
        router = one.ours(OURS)
        wait_for(lambda: holds_all(one))
        frr = Vrrpd(two, 50)
        wait_for(lambda: frr.states() == ("Backup", "Backup"))
        # Longer than FRR would wait if it did not understand our adverts.
        time.sleep(5)
        assert frr.states() == ("Backup", "Backup")
        router.kill()
        wait_for(lambda: frr.states() == ("Master", "Master"), "for FRR after kill -9")
        returned = one.ours(OURS)
        wait_for(lambda: frr.states() == ("Backup", "Backup"), "for ours to take it back")
        returned.stop()
        wait_for(lambda: frr.states() == ("Master", "Master"), "for FRR after the stop")
        assert_no_complaint(router, returned)
