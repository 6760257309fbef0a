"""DNS_CHECK, UDP_CHECK and PING_CHECK: dnsmasq, servers that mean it no good, a host behind a cut link."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.protocol import DatagramProtocol

from kaltwisted.config.model import (
    SECOND_US,
    CheckTiming,
    Connection,
    DnsCheck,
    DnsType,
    PingCheck,
    ReplyPattern,
    UdpCheck,
)
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.ping_socket import NOT_ALLOWED
from tests.network.daemon import free_port
from tests.network.test_bfd import Told, ipv4
from tests.network.test_checks_hostile import ADDRESS, TIMEOUT_S, attempt, reactor
from tests.network.vrrp_lan import lan, needs_lan, wait_for

pytestmark = pytest.mark.network

GOOD = Outcome(True)


def target(port: int, **fields: Any) -> Connection:
    return Connection(ADDRESS, port, int(TIMEOUT_S * SECOND_US), **fields)


# -- DNS_CHECK -----------------------------------------------------------------------------


def dns(port: int, type_: DnsType = DnsType.A, name: str = "www.example.org", **fields: Any) -> DnsCheck:
    return DnsCheck(CheckTiming(), target(port, **fields), type_, name)


@contextmanager
def dnsmasq() -> Iterator[int]:
    """The port of a name server that knows example.org, and refuses what is not its own."""
    port = free_port("127.0.0.1")
    words = ["dnsmasq", "--keep-in-foreground", "--log-facility=-", "--conf-file=/dev/null", "--pid-file="]
    words += [f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--user=root"]
    words += ["--no-resolv", "--no-hosts", "--local=/example.org/"]
    words += ["--host-record=www.example.org,192.0.2.7,2001:db8::7"]
    words += ["--mx-host=example.org,www.example.org", "--txt-record=example.org,hello"]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: _listens(port), "dnsmasq listens")
        yield port
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest_twisted.ensureDeferred
async def test_a_name_server_is_good_while_it_answers_without_an_error() -> None:
    with dnsmasq() as port:
        assert await attempt(dns(port)) == GOOD
        assert await attempt(dns(port, bindto=ip_address("127.0.0.3"))) == GOOD
        assert await attempt(dns(port, bind_port=free_port("127.0.0.1"), bind_if="lo")) == GOOD
        assert await attempt(dns(port, DnsType.AAAA, "www.example.org.")) == GOOD
        for type_ in (DnsType.MX, DnsType.TXT):
            assert await attempt(dns(port, type_, "example.org")) == GOOD
        outcome = await attempt(dns(port, name="nowhere.example.org"))
        assert (outcome.good, outcome.reason) == (False, "read error occurred. (rcode = 3)")
        assert (await attempt(dns(port, name="."))).reason == "read error occurred. (rcode = 5)"
    assert (await attempt(dns(port))).reason == "failed to read socket; errno 111 (Connection refused)"


class Answering(DatagramProtocol):
    """Answers each question with what it is made into."""

    noisy = False

    def __init__(self, answers: Callable[[bytes], list[bytes]]) -> None:
        self._answers = answers
        self.heard: list[bytes] = []
        self.last: Any = None

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.heard.append(datagram)
        self.last = addr
        for each in self._answers(datagram):
            self.transport.write(each, addr)


@asynccontextmanager
async def answering(answers: Callable[[bytes], list[bytes]]) -> AsyncIterator[tuple[int, Answering]]:
    protocol = Answering(answers)
    port = reactor.listenUDP(0, protocol, interface="127.0.0.1")
    try:
        yield port.getHost().port, protocol
    finally:
        await port.stopListening()


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (lambda _: [], "read timeout from socket"),
        (lambda q: [q] * 50, "read timeout from socket"),
        (lambda q: [bytes((q[0] ^ 1,)) + q[1:2] + b"\x81\x80" + bytes(8)], "read timeout from socket"),
        (lambda q: [b"", b"\xff" * 60_000], "read timeout from socket"),
        (lambda q: [q[:2] + b"\x81\x82" + b"\xff" * 60_000], "read error occurred. (rcode = 2)"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_hostile_name_server_fails_in_words_and_in_time(
    answers: Callable[[bytes], list[bytes]], reason: str
) -> None:
    async with answering(answers) as (port, _):
        outcome = await attempt(dns(port))
        assert (outcome.good, outcome.reason) == (False, reason)


@pytest_twisted.ensureDeferred
async def test_who_answers_from_another_port_is_not_heard() -> None:
    async with answering(lambda _: []) as (_, other):

        def elsewhere(question: bytes) -> list[bytes]:
            assert asked is not None
            other.transport.write(question[:2] + b"\x81\x80" + bytes(8), asked.last)
            return []

        async with answering(elsewhere) as (port, asked):
            assert (await attempt(dns(port))).reason == "read timeout from socket"
            assert len(asked.heard) == 1


# -- UDP_CHECK -------------------------------------------------------------------------------


def udp(port: int, **fields: Any) -> UdpCheck:
    connection = {each: fields.pop(each) for each in ("bindto", "bind_port") if each in fields}
    return UdpCheck(CheckTiming(), target(port, **connection), **fields)


@pytest_twisted.ensureDeferred
async def test_a_datagram_is_answered_left_alone_or_refused() -> None:
    async with answering(lambda q: [q[::-1]]) as (port, asked):
        pattern = ReplyPattern(b"\x02\x00", b"\xff\xf0")
        assert await attempt(udp(port, payload=b"\x01\x02", require_reply=pattern)) == GOOD
        assert asked.heard == [b"\x01\x02"]
        outcome = await attempt(udp(port, payload=b"\x02\x01", require_reply=pattern))
        assert (outcome.reason, outcome.detail) == ("reply data mismatch", "2 bytes came: 0102")
        source = {"bindto": ip_address("127.0.0.5"), "bind_port": free_port("127.0.0.5")}
        assert await attempt(udp(port, require_reply=ReplyPattern(), **source)) == GOOD
        assert asked.last == ("127.0.0.5", source["bind_port"])
        assert await attempt(udp(port, payload=b"x" * 60_000, require_reply=ReplyPattern())) == GOOD
        big = await attempt(udp(port, payload=b"x" * 60_000, require_reply=pattern))
        assert big.detail.startswith("more than 255 bytes came: 7878")
    async with answering(lambda _: []) as (port, _):
        assert await attempt(udp(port)) == GOOD
        assert (await attempt(udp(port, require_reply=ReplyPattern()))).detail == "no reply"
    for fields in ({}, {"require_reply": ReplyPattern()}):
        assert (await attempt(udp(port, **fields))).detail == "Connection refused"


# -- PING_CHECK ------------------------------------------------------------------------------


@pytest.mark.parametrize("ip", ["127.0.0.1", "127.0.0.7", "::1"])
@pytest_twisted.ensureDeferred
async def test_this_host_answers_a_ping(ip: str) -> None:
    for fields in ({}, {"bind_if": "lo"}, {"bindto": ip_address(ip)}, {"bind_port": 4711}):
        connection = Connection(ip_address(ip), 80, int(TIMEOUT_S * SECOND_US), **fields)
        assert await attempt(PingCheck(CheckTiming(), connection)) == GOOD


@pytest_twisted.ensureDeferred
async def test_where_no_packet_can_go_a_ping_fails_in_words() -> None:
    for ip, fields in (
        ("127.0.0.1", {"bind_if": "nowhere"}),
        ("127.0.0.1", {"bindto": ip_address("192.0.2.99")}),
        ("255.255.255.255", {}),
    ):
        connection = Connection(ip_address(ip), 80, int(TIMEOUT_S * SECOND_US), **fields)
        outcome = await attempt(PingCheck(CheckTiming(), connection))
        assert not outcome.good
        assert outcome.detail


PINGED = f"""
virtual_server {ipv4(1)} 8080 {{
    protocol UDP
    lb_algo rr
    lb_kind NAT
    real_server {ipv4(2)} 53 {{
        PING_CHECK {{
            TIMING
        }}
    }}
    real_server {ipv4(1)} 54 {{
        PING_CHECK {{
            connect_ip fd77::2
            TIMING
        }}
    }}
    real_server {ipv4(1)} 55 {{
        PING_CHECK {{
            connect_ip fe80::77:2%eth0
            TIMING
        }}
    }}
}}
""".replace("TIMING", "delay_loop 0.2\nretry 1\ndelay_before_retry 0.1\nconnect_timeout 0.3\nwarmup 0")
SERVERS = tuple(f"[{ipv4(host)}]:udp:{port}" for host, port in ((2, 53), (1, 54), (1, 55)))
WITHOUT_RAW_SOCKETS = ("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw")


@needs_lan
@pytest.mark.parametrize("unprivileged", [False, True])
def test_a_pool_follows_a_host_behind_a_cut_link(unprivileged: bool) -> None:
    with lan(2) as (one, two):
        if unprivileged:
            one.run("sysctl", "-q", "-w", "net.ipv4.ping_group_range=0 0").wait()
        before = WITHOUT_RAW_SOCKETS if unprivileged else ()
        ours = one.daemon(PINGED, *before, options=("--data-plane", "userspace"))
        began = Told(ours)
        for server in SERVERS:
            began.wait(f"ICMP connection to {server} success.")
        cut = Told(ours)
        two.unplug()
        for server in SERVERS:
            cut.wait(f"ICMP CHECK on service {server} of [{ipv4(1)}]:udp:8080 failed after 1 retries.")
            cut.wait(f"Removing service {server} from VS")
        plugged = Told(ours)
        two.plug()
        for server in SERVERS:
            plugged.wait(f"ICMP connection to {server} success.")
            plugged.wait(f"Adding service {server} to VS")


@needs_lan
def test_who_may_not_ping_is_told_what_to_do() -> None:
    with lan(1) as (one,):
        ours = one.daemon(PINGED, *WITHOUT_RAW_SOCKETS, options=("--data-plane", "userspace"))
        Told(ours).wait(f"{SERVERS[0]}: {NOT_ALLOWED}")
