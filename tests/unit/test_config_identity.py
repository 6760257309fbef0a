"""Names of servers: one spelling each, there and back."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaltwisted.config.identity import EndPoint, GroupName, ServerId
from kaltwisted.config.model import FirewallMark, Protocol, ServerGroup, VirtualAddress, VirtualServer

END_POINTS = st.builds(EndPoint, st.ip_addresses(), st.integers(0, 0xFFFF))
IDS = st.one_of(
    st.builds(
        ServerId,
        END_POINTS,
        st.sampled_from([Protocol.TCP, Protocol.UDP, Protocol.SCTP]),
        st.none() | END_POINTS,
    ),
    st.builds(
        ServerId,
        st.builds(FirewallMark, st.integers(1, 0xFFFFFFFF), st.booleans()),
        st.just(Protocol.NONE),
        st.none() | END_POINTS,
    ),
    st.builds(
        ServerId,
        st.builds(GroupName, st.text(st.characters(exclude_categories=()), min_size=1, max_size=9)),
        st.sampled_from(Protocol),
        st.none() | END_POINTS,
    ),
)


@given(IDS)
def test_what_is_written_is_read_back(name: ServerId) -> None:
    # A scope is no part of a configured address.
    if not any("%" in str(each) for each in (name.listen, name.real) if isinstance(each, EndPoint)):
        assert ServerId.parse(str(name)) == name


@given(
    st.text(max_size=40)
    | st.from_regex(r"(tcp|udp|fwmark6?|group|tcp/group)/[%\[\]0-9a-f.:/]{0,30}", fullmatch=True)
)
def test_anything_else_is_refused_or_is_one(text: str) -> None:
    try:
        name = ServerId.parse(text)
    except ValueError:
        return
    assert ServerId.parse(str(name)) == name


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (VirtualServer(VirtualAddress(ip_address("192.0.2.1"), 80)), "tcp/192.0.2.1:80"),
        (
            VirtualServer(VirtualAddress(ip_address("2001:db8::1"), 53), protocol=Protocol.UDP),
            "udp/[2001:db8::1]:53",
        ),
        (VirtualServer(FirewallMark(7)), "fwmark/7"),
        (VirtualServer(ServerGroup("web")), "tcp/group/web"),
        (VirtualServer(ServerGroup("a/b ü%"), protocol=Protocol.UDP), "udp/group/a%2Fb%20%C3%BC%25"),
        (VirtualServer(ServerGroup("marks"), protocol=Protocol.NONE), "group/marks"),
        (VirtualServer(FirewallMark(7, ipv6=True), protocol=Protocol.TCP), "fwmark6/7"),
    ],
)
def test_of_virtual_servers_and_their_real_ones(server: VirtualServer, words: str) -> None:
    name = ServerId.of(server)
    assert str(name) == words
    assert str(name.with_real(ip_address("10.0.0.1"), 8080)) == f"{words}/10.0.0.1:8080"


@pytest.mark.parametrize(
    "words",
    [
        "",
        "tcp",
        "tcp/192.0.2.1",
        "tcp/192.0.2.1:70000",
        "tcp/2001:db8::1:80",
        "none/192.0.2.1:80",
        "fwmark/",
        "group/",
        "tcp/group/",
        "tcp/group/a%2",
        "tcp/group/a%2f",
        "none/group/a",
        "fwmark/group/a",
        "fwmark/²",
        "tcp/192.0.2.1:80/",
        "tcp/192.0.2.1:80/10.0.0.1:80/1",
        "tcp/999.0.2.1:80",
    ],
)
def test_refused(words: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ServerId.parse(words)
