"""SMTP_CHECK against aiosmtpd, with a source address of its own, and against servers that mean it no good."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest
import pytest_twisted
from aiosmtpd.controller import Controller

from kaltwisted.config.model import SECOND_US, CheckTiming, Connection, SmtpCheck
from kaltwisted.healthcheck.outcome import Outcome
from tests.network.daemon import free_port
from tests.network.test_checks_hostile import (
    ADDRESS,
    TIMEOUT_S,
    Drip,
    Endless,
    HostileFactory,
    attempt,
    serving,
)

pytestmark = pytest.mark.network


def check(port: int, **fields: Any) -> SmtpCheck:
    timeout_us = int(TIMEOUT_S * SECOND_US)
    return SmtpCheck(CheckTiming(), Connection(ADDRESS, port, timeout_us, **fields), "lvs1.example.org")


class Greeted:
    """aiosmtpd's handler: keeps who came, and from where."""

    def __init__(self) -> None:
        self.came: list[tuple[str, str]] = []

    async def handle_HELO(self, server: Any, session: Any, envelope: Any, hostname: str) -> str:
        session.host_name = hostname
        self.came.append((hostname, session.peer[0]))
        return f"250 {server.hostname}"


@pytest_twisted.ensureDeferred
async def test_a_real_server_is_good_until_it_is_gone() -> None:
    handler = Greeted()
    port = free_port("127.0.0.1")
    controller = Controller(handler, "127.0.0.1", port)
    controller.start()
    try:
        assert await attempt(check(port)) == Outcome(True)
        assert await attempt(check(port, bindto=ip_address("127.0.0.3"))) == Outcome(True)
    finally:
        controller.stop()
    assert handler.came == [("lvs1.example.org", "127.0.0.1"), ("lvs1.example.org", "127.0.0.3")]
    assert (await attempt(check(port))).reason == "Could not connect to"


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (lambda _: None, "Read timeout from"),
        (lambda transport: transport.loseConnection(), "Bad greeting banner from"),
        (lambda transport: transport.abortConnection(), "Bad greeting banner from"),
        (lambda transport: transport.write(b"554 busy\r\n"), "Bad greeting banner from"),
        (lambda transport: transport.write(b"\0" * 5_000_000), "Bad greeting banner from"),
        (lambda transport: transport.write(b"220 a\r\n250 b\r\n221 c\r\n"), "Read timeout from"),
        (Endless(b"220", b"-more\r\n220" * 1000), "Bad greeting banner from"),
        (Drip(b"220 "), "Read timeout from"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_hostile_server_fails_in_words_and_in_time(
    behave: Callable[[Any], object], reason: str
) -> None:
    async with serving(HostileFactory(behave)) as port:
        outcome = await attempt(check(port))
        assert (outcome.good, outcome.reason) == (False, reason)
