"""DNS_CHECK, UDP_CHECK, PING_CHECK: Debian's keepalived and ours ask the same servers, and say the same."""

from __future__ import annotations

import re
import select
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.network.daemon import Daemon, wait_for

from .daemons import debians, lines, ours
from .topology import Site, entered

Answers = Callable[[bytes], Sequence[bytes]]

_TOLD = re.compile(r"(DNS_CHECK|UDP|ICMP|Adding service|Removing service) ?.*")
_SERVER = re.compile(r"\[192\.0\.2\.11\]:udp:(\d+)")
_TIMING = "delay_loop 1\nretry 1\ndelay_before_retry 1\nconnect_timeout 0.5\nwarmup 0\nlog_all_failures\n"
_SETTINGS = Path("/proc/sys/net/ipv4")


def _dns(query: bytes, flags: int = 0x8180, rest: bytes = bytes(8)) -> bytes:
    return query[:2] + flags.to_bytes(2) + rest


def _other(query: bytes) -> bytes:
    """With another ident."""
    return bytes((query[0] ^ 1,)) + query[1:]


DNS = "DNS_CHECK {\ntype A\nname www.example.org\n"
UDP = "UDP_CHECK {\n"
PATTERN = UDP + "payload 0a0b\nrequire_reply 68656c6x\n"
ANY = UDP + "require_reply\n"
#: By port: the check, and what its server answers while it is ill; before and after that it is well.
STORY: Mapping[int, tuple[str, Answers]] = {
    2001: (DNS, lambda q: [_dns(q, 0x8183)]),
    2002: (DNS, lambda _: []),
    2003: (DNS, lambda q: [_dns(_other(q))]),
    2004: (DNS, lambda q: [q]),
    2005: (DNS, lambda q: [_dns(q)[:5]]),
    2006: (DNS, lambda q: [_dns(_other(q)), _dns(q)]),
    2007: (DNS, lambda q: [_dns(q, 0x8380)]),
    2008: (DNS, lambda q: [_dns(q, rest=b"\xff" * 900)]),
    2011: (PATTERN, lambda _: []),
    2012: (PATTERN, lambda _: [b"jello"]),
    2013: (PATTERN, lambda _: [b"he"]),
    2014: (PATTERN, lambda _: [b"hello" + bytes(300)]),
    2015: (PATTERN, lambda _: [b"jello", b"hello"]),
    2016: (PATTERN + "min_reply_length 4\n", lambda _: [b"he"]),
    2021: (ANY, lambda _: []),
    2022: (ANY + "min_reply_length 4\n", lambda _: [b"he"]),
    2023: (UDP, lambda _: []),
    2024: (UDP, lambda _: [b"hello" + bytes(300)]),
    2031: ("PING_CHECK {\n", lambda _: []),
}
NEVER = {
    2041: (DNS + "connect_port 2041\n"),
    2042: (UDP + "connect_port 2041\n"),
    2043: (DNS + "connect_ip 203.0.113.1\n"),
}


def configuration() -> str:
    checks = {port: f"{check}connect_port {port}\n" for port, (check, _) in STORY.items()} | NEVER
    servers = "".join(
        f"real_server 192.0.2.11 {port} {{\n{check}{_TIMING}}}\n}}\n" for port, check in checks.items()
    )
    return f"virtual_server 192.0.2.10 53 {{\nlb_algo rr\nlb_kind NAT\nprotocol UDP\n{servers}}}\n"


class Servers:
    """A socket for each port of the story in server1; ``ill``: how they answer."""

    def __init__(self) -> None:
        self.ill = False
        self.asked: dict[int, bytes] = {}
        self._ports: dict[int, int] = {}
        self._sockets = [self._open(port) for port in STORY]
        with entered("server1"):
            # Else only one refusal a second gets through, and a UDP_CHECK takes the silence for success.
            (_SETTINGS / "icmp_ratelimit").write_text("0")
        self._over, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _open(self, port: int) -> socket.socket:
        with entered("server1"):
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind(("192.0.2.11", port))
        self._ports[opened.fileno()] = port
        return opened

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([*self._sockets, self._over], [], [])
            if self._over in ready:
                return
            for each in ready:
                port = self._ports[each.fileno()]
                question, asker = each.recvfrom(4096)
                self.asked.setdefault(port, question)
                well: Answers = (lambda q: [_dns(q)]) if STORY[port][0] == DNS else (lambda _: [b"hello"])
                for answer in (STORY[port][1] if self.ill else well)(question):
                    each.sendto(answer, asker)

    def turn(self, ill: bool) -> None:
        """All of them, and who answers pings."""
        self.ill = ill
        with entered("server1"):
            (_SETTINGS / "icmp_echo_ignore_all").write_text(str(int(ill)))

    def close(self) -> None:
        self._end.send(b".")
        self._thread.join()
        for each in self._sockets:
            each.close()


@contextmanager
def servers() -> Iterator[Servers]:
    made = Servers()
    try:
        yield made
    finally:
        made.turn(ill=False)
        made.close()


def told(running: Daemon) -> dict[str, list[str]]:
    """What is said of each server, in order."""
    found: dict[str, list[str]] = {}
    for line in lines(running):
        server = _SERVER.search(line)
        if server is not None and _TOLD.match(line):
            found.setdefault(server[1], []).append(line)
    return found


def play(running: Daemon, asked: Servers) -> dict[str, list[str]]:
    """They are well, ill and well again; all lines, once nothing more is said."""
    settled(running)
    asked.turn(ill=True)
    settled(running)
    asked.turn(ill=False)
    settled(running)
    return told(running)


def settled(running: Daemon) -> None:
    """Wait until for longer than two attempts and a retry take nothing was said."""
    still: list[object] = []

    def is_still() -> bool:
        still.append(told(running))
        return len(still) > 200 and still[-1] == still[-200]

    wait_for(is_still, "the log to be still")


def test_the_same_servers_make_the_same_lines(site: Site, tmp_path: Path) -> None:
    text = configuration()
    with servers() as asked, debians(text, tmp_path) as running:
        wait_for(lambda: "Startup complete" in running.log, "keepalived to have started")
        expected, theirs = play(running, asked), asked.asked
        running.stop()
    assert len(expected) > 15
    with servers() as asked, ours(text, tmp_path) as running:
        wait_for(lambda: "Startup complete" in running.log, "ours to have started")
        found = play(running, asked)
        running.stop()
    assert found == expected
    # But for the idents of DNS.
    assert {port: question[2:] for port, question in asked.asked.items()} == {
        port: question[2:] for port, question in theirs.items()
    }
