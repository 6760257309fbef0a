"""Targets by their names and what abbreviates them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from kaltwisted.api.exchange import RefusalError
from kaltwisted.api.override import SERVERS, Kind, Target
from kaltwisted.api.targets import configured, find, find_in, targets
from kaltwisted.config.model import (
    Configuration,
    FirewallMark,
    Protocol,
    RealServer,
    VirtualAddress,
    VirtualServer,
    VrrpInstance,
    VrrpSyncGroup,
)

V1, V2 = ip_address("192.0.2.1"), ip_address("2001:db8::1")


def real(address: str, port: int = 80) -> RealServer:
    return RealServer(ip_address(address), port)


CONFIGURATION = Configuration(
    virtual_servers=(
        VirtualServer(VirtualAddress(V1, 80), real_servers=(real("10.0.0.1"), real("10.0.0.2", 8080))),
        VirtualServer(VirtualAddress(V1, 80), protocol=Protocol.UDP, real_servers=(real("10.0.0.1", 53),)),
        VirtualServer(VirtualAddress(V2, 443), real_servers=(real("2001:db8::a", 443),)),
        VirtualServer(FirewallMark(7), real_servers=(real("10.0.0.7", 0),)),
    ),
    vrrp_instances=(
        VrrpInstance("VI_1", interface="eth0", virtual_router_id=1),
        VrrpInstance("web", interface="eth0", virtual_router_id=2),
    ),
    vrrp_sync_groups=(VrrpSyncGroup("web", ("web",)),),
)
ROUTERS = frozenset({Kind.INSTANCE, Kind.GROUP})
REAL = frozenset({Kind.REAL_SERVER})


def named(word: str, kinds: frozenset[Kind]) -> str:
    target = find_in(CONFIGURATION, word, kinds)
    return f"{target.kind.value} {target}"


def test_all_of_them() -> None:
    assert len(set(targets(CONFIGURATION))) == 4 + 5 + 3
    assert list(targets(CONFIGURATION, {Kind.GROUP})) == [Target(Kind.GROUP, "web")]
    assert list(targets(CONFIGURATION, ())) == []


def test_which_are_configured() -> None:
    every = list(targets(CONFIGURATION))
    assert configured(CONFIGURATION, every) == set(every)
    assert configured(Configuration(), every) == set()
    others = [
        Target(Kind.REAL_SERVER, "tcp/192.0.2.1:80/10.0.0.1:81"),
        Target(Kind.REAL_SERVER, "tcp/192.0.2.9:80/10.0.0.1:80"),
        Target(Kind.VIRTUAL_SERVER, "fwmark6/7"),
        Target(Kind.INSTANCE, "VI_9"),
        Target(Kind.GROUP, "VI_1"),
    ]
    assert configured(CONFIGURATION, others) == set()


@pytest.mark.parametrize(
    ("word", "kinds", "is_named"),
    [
        ("tcp/192.0.2.1:80/10.0.0.1:80", REAL, "real_server tcp/192.0.2.1:80/10.0.0.1:80"),
        ("10.0.0.1:80", REAL, "real_server tcp/192.0.2.1:80/10.0.0.1:80"),
        ("10.0.0.1:53", REAL, "real_server udp/192.0.2.1:80/10.0.0.1:53"),
        ("10.0.0.2", REAL, "real_server tcp/192.0.2.1:80/10.0.0.2:8080"),
        ("192.0.2.1:80/10.0.0.2", REAL, "real_server tcp/192.0.2.1:80/10.0.0.2:8080"),
        ("2001:db8::a", REAL, "real_server tcp/[2001:db8::1]:443/[2001:db8::a]:443"),
        ("[2001:db8::a]", REAL, "real_server tcp/[2001:db8::1]:443/[2001:db8::a]:443"),
        ("[2001:db8::a]:443", REAL, "real_server tcp/[2001:db8::1]:443/[2001:db8::a]:443"),
        ("tcp/192.0.2.1:80", SERVERS, "virtual_server tcp/192.0.2.1:80"),
        ("2001:db8::1", SERVERS, "virtual_server tcp/[2001:db8::1]:443"),
        ("fwmark/7", SERVERS, "virtual_server fwmark/7"),
        ("VI_1", ROUTERS, "instance VI_1"),
        ("group/web", ROUTERS, "group web"),
        ("instance/web", ROUTERS, "instance web"),
    ],
)
def test_found(word: str, kinds: frozenset[Kind], is_named: str) -> None:
    assert named(word, kinds) == is_named


@pytest.mark.parametrize(
    ("word", "kinds", "status", "words", "remedy"),
    [
        (
            "10.0.0.1",
            REAL,
            409,
            "10.0.0.1 is the name of 2 targets",
            "one of tcp/192.0.2.1:80/10.0.0.1:80, udp/192.0.2.1:80/10.0.0.1:53",
        ),
        (
            "192.0.2.1:80",
            SERVERS,
            409,
            "192.0.2.1:80 is the name of 2 targets",
            "one of tcp/192.0.2.1:80, udp/192.0.2.1:80",
        ),
        ("web", ROUTERS, 409, "web is the name of 2 targets", "one of instance/web, group/web"),
        (
            "10.0.0.11:80",
            REAL,
            404,
            "10.0.0.11:80 is no target for this action",
            "did you mean 10.0.0.1:80?",
        ),
        ("VI_2", ROUTERS, 404, "VI_2 is no target for this action", "did you mean VI_1?"),
        ("zzz", ROUTERS, 404, "zzz is no target for this action", "there are VI_1, web, web"),
        # Not in the middle of a name, and not what is no end of it.
        ("0.0.1:80", REAL, 404, "0.0.1:80 is no target for this action", None),
        ("tcp/192.0.2.1:80", REAL, 404, "tcp/192.0.2.1:80 is no target for this action", None),
        ("", REAL, 404, " is no target for this action", None),
    ],
)
def test_not_found(word: str, kinds: frozenset[Kind], status: int, words: str, remedy: str | None) -> None:
    with pytest.raises(RefusalError) as raised:
        named(word, kinds)
    assert (raised.value.status, str(raised.value)) == (status, words)
    assert remedy in (None, raised.value.remedy)


def test_where_there_is_none_at_all() -> None:
    with pytest.raises(RefusalError, match="x is not there"):
        find("x", ())
