"""Two routers on one LAN, ours and C keepalived in every pairing: who holds the addresses."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.network.vrrp_lan import (
    NO_KEEPALIVED,
    Host,
    Router,
    keepalived_is_there,
    lan,
    needs_keepalived,
    needs_lan,
    wait_for,
)

pytestmark = [pytest.mark.network, needs_lan]

Start = Callable[[Host, str], Router]

Story = Callable[[Start, Start], None]


def in_every_pairing(ours: Start) -> Callable[[Story], Callable[[], None]]:
    """Make a test that tells a story with every cast, all side by side: they mostly wait."""
    pairings = {
        "ours and ours": (ours, ours),
        "ours and keepalived": (ours, Host.keepalived),
        "keepalived and ours": (Host.keepalived, ours),
    }

    def make(story: Story) -> Callable[[], None]:
        def test() -> None:
            possible = {
                name: pair
                for name, pair in pairings.items()
                if keepalived_is_there or Host.keepalived not in pair
            }
            with ThreadPoolExecutor(len(possible)) as pool:
                told = {name: pool.submit(story, *pair) for name, pair in possible.items()}
            for name, done in told.items():
                error = done.exception()
                if error is not None:
                    error.add_note(f"with {name}")
                    raise error
            if len(possible) < len(pairings):
                pytest.skip(NO_KEEPALIVED + ": ours passed with ours")

        test.__name__, test.__doc__ = story.__name__, story.__doc__
        return test

    return make


def instance(vrid: int, priority: int, *, address: str = "", state: str = "BACKUP", more: str = "") -> str:
    """A vrrp_instance on eth0 whose address is 10.77.0.VRID unless told otherwise."""
    return f"""
vrrp_instance VI_{vrid} {{
    state {state}
    interface eth0
    virtual_router_id {vrid}
    priority {priority}
    {more}
    virtual_ipaddress {{
        {address or vip(vrid)}
    }}
}}
"""


def vip(vrid: int) -> str:
    """The address of an instance."""
    return f"10.77.0.{vrid}"


def authentication(kind: str, password: str) -> str:
    """An authentication block."""
    return f"authentication {{\n auth_type {kind}\n auth_pass {password}\n }}"


def holds_all(host: Host, vrids: list[int]) -> bool:
    """Whether a host holds the addresses of all these instances."""
    return {vip(vrid) for vrid in vrids} <= set(host.addresses())


def holds_none(host: Host, vrids: list[int]) -> bool:
    """Whether a host holds the address of none of these instances."""
    return not {vip(vrid) for vrid in vrids} & set(host.addresses())


def assert_no_complaint(*routers: Router) -> None:
    """Nobody dropped a packet or stumbled."""
    for router in routers:
        for complaint in ("dropped a packet", "Traceback", "Unhandled", "invalid", "bogus", "unexpected"):
            assert not router.says(complaint), router.lines


@in_every_pairing(Host.ours)
def test_every_kind_of_instance_fails_over_returns_and_hands_over(first: Start, second: Start) -> None:
    """PASS, AH, version 3 at 0.1 s, unicast: kill -9, return with preemption, regular stop."""

    def configuration(priority: int, host: int) -> str:
        unicast = f"unicast_src_ip 10.77.0.{host}\nunicast_peer {{\n10.77.0.{3 - host}\n}}"
        return (
            instance(51, priority, more="advert_int 1\n" + authentication("PASS", "k@l!ve1"))
            + instance(52, priority, more=authentication("AH", "k@l!ve2"))
            + instance(53, priority, more="version 3\nadvert_int 0.1")
            + instance(54, priority, more=unicast)
            + instance(55, priority, more="version 3\n" + unicast)
        )

    vrids = [51, 52, 53, 54, 55]
    with lan(2) as (one, two):
        master = first(one, configuration(150, 1))
        wait_for(lambda: holds_all(one, vrids), "for the first master")
        backup = second(two, configuration(100, 2))
        # Longer than it would wait if it heard nobody.
        time.sleep(5)
        assert holds_none(two, vrids)

        master.kill()
        wait_for(lambda: holds_all(two, vrids), "for the backup after kill -9")

        returned = first(one, configuration(150, 1))
        wait_for(lambda: holds_all(one, vrids) and holds_none(two, vrids), "for the master's return")

        returned.stop()
        assert holds_none(one, vrids)
        wait_for(lambda: holds_all(two, vrids), "for the backup after the stop")
        backup.stop()
        assert holds_none(two, vrids)
        assert_no_complaint(master, returned, backup)


@pytest.mark.parametrize("first", [Host.ours, pytest.param(Host.keepalived, marks=needs_keepalived)])
def test_a_master_with_another_address_list_is_believed_and_told_of(first: Start) -> None:
    """Against RFC 3768 §7.1, as keepalived does it today; 2.2.7 dropped such adverts, and had two masters."""
    with lan(2) as (one, two):
        first(one, instance(54, 150, address=f"{vip(54)}\n10.77.0.154"))
        wait_for(lambda: one.holds(vip(54)))
        backup = two.ours(instance(54, 100))
        wait_for(lambda: backup.says("(VI_54) expected 1 VIPs but received 2"))
        time.sleep(5)
        assert holds_none(two, [54])
        assert backup.lines.count("expected 1 VIPs") == 1


@in_every_pairing(Host.ours)
def test_nopreempt_stays_and_a_tie_goes_to_the_higher_address(first: Start, second: Start) -> None:
    """``nopreempt``: who is master stays it.  Two masters of one priority: the higher address wins."""
    with lan(2) as (one, two):
        two.unplug()
        first(one, instance(61, 100))
        second(two, instance(61, 100) + instance(62, 100, more="nopreempt"))
        wait_for(lambda: one.holds(vip(61)) and holds_all(two, [61, 62]), "for masters on both sides")
        two.plug()
        wait_for(lambda: not one.holds(vip(61)), "for the lower address to yield")
        better = first(one, instance(62, 150, more="nopreempt"))
        wait_for(lambda: better.says("(VI_62) Entering BACKUP STATE (init)"))
        # Longer than it would wait if it heard nobody or did preempt.
        time.sleep(5)
        assert holds_all(two, [61, 62])
        assert holds_none(one, [61, 62])


@in_every_pairing(Host.ours)
def test_a_wrong_password_is_not_believed_and_told_once(first: Start, second: Start) -> None:
    """Both routers are masters then, and ours say why; once in a state, not with every advert."""

    def configuration(priority: int, password: str) -> str:
        return instance(71, priority, more=authentication("PASS", password)) + instance(
            72, priority, more=authentication("AH", password)
        )

    reasons = ("wrong password", "wrong IPSEC HMAC-MD5 value")
    with lan(2) as (one, two):
        routers = [first(one, configuration(150, "secret")), second(two, configuration(100, "guess"))]
        wait_for(lambda: holds_all(one, [71, 72]) and holds_all(two, [71, 72]))
        for start, router in zip((first, second), routers, strict=True):
            if start is Host.ours:
                wait_for(lambda router=router: all(map(router.says, reasons)))
                assert all(router.lines.count(reason) <= 2 for reason in reasons)


@in_every_pairing(Host.daemon)
def test_a_reload_of_either_side_moves_nothing(first: Start, second: Start) -> None:
    """Not with AH either, whose sequence goes on; a new instance comes in beside."""

    def configuration(priority: int, *more: int) -> str:
        return (
            instance(51, priority, more=authentication("AH", "secret"))
            + instance(52, priority, more="version 3\nadvert_int 0.3")
            + "".join(instance(vrid, priority, more="version 3\nadvert_int 0.3") for vrid in more)
        )

    with lan(2) as (one, two):
        master = first(one, configuration(150))
        wait_for(lambda: holds_all(one, [51, 52]))
        backup = second(two, configuration(100))
        wait_for(lambda: backup.lines.count("Entering BACKUP STATE (init)") == 2)
        master.reload(configuration(150, 53))
        wait_for(lambda: one.holds(vip(53)), "for the master's new instance")
        backup.reload(configuration(100, 53))
        wait_for(lambda: backup.says("(VI_53) Entering BACKUP STATE (init)"))
        # Longer than either would wait if it heard nobody any more.
        time.sleep(5)
        assert holds_all(one, [51, 52, 53])
        assert holds_none(two, [51, 52, 53])
        assert backup.lines.count("Entering MASTER STATE") == 0, backup.lines
        assert master.lines.count("Entering MASTER STATE") == 3, master.lines
        assert_no_complaint(master, backup)
