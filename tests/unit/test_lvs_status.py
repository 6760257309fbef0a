"""lvs.status and healthcheck.status: pools and checks in the status document."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import (
    CheckTiming,
    Connection,
    FirewallMark,
    HttpCheck,
    MiscCheck,
    RealServer,
    Script,
    SorryServer,
    TcpCheck,
    Url,
    VirtualAddress,
    VirtualServer,
)
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.retry import Retry
from kaltwisted.healthcheck.service import Statistics
from kaltwisted.healthcheck.status import head, text, why
from kaltwisted.lvs.member import Member, key_of
from kaltwisted.lvs.pool import Pool
from kaltwisted.lvs.status import status
from kaltwisted.lvs.steering import Steering
from kaltwisted.ports import ServiceState

TARGET = Connection(ip_address("10.0.0.1"), 80)
CHECK = TcpCheck(CheckTiming(retry=3), TARGET)
LISTEN = VirtualAddress(ip_address("192.0.2.1"), 80)
EPOCH = 1_795_532_000.0


def real(number: int = 1, **fields: Any) -> RealServer:
    return RealServer(ip_address(f"10.0.0.{number}"), 80, **({"checks": (CHECK,)} | fields))


def virtual(*servers: RealServer, **fields: Any) -> VirtualServer:
    return VirtualServer(**({"listen": LISTEN, "real_servers": servers or (real(),)} | fields))


def silent(_: Pool, member: Member) -> tuple[str, str | None]:
    return "", None if member.alive else "its check fails"


def told(*pools: Pool) -> Any:
    return json.loads("".join(status("ipvs", pools, silent, EPOCH)))


class PoolTests(SynchronousTestCase):
    def test_a_pool_that_serves(self) -> None:
        pool = Pool(virtual(real(1, weight=2), real(2, weight=3)))
        pool.since = 10.5
        document = told(pool)
        self.assertEqual(document["data_plane"], "ipvs")
        (server,) = document["virtual_servers"]
        self.assertEqual((server["id"], server["name"]), ("tcp/192.0.2.1:80", "[192.0.2.1]:tcp:80"))
        self.assertEqual((server["quorum_up"], server["weight"]), (True, 5))
        self.assertEqual(server["since"], EPOCH + 10.5)
        first, second = server["real_servers"]
        self.assertEqual(first["id"], "tcp/192.0.2.1:80/10.0.0.1:80")
        self.assertEqual((second["weight"], second["effective_weight"]), (3, 3))
        self.assertEqual((first["in_pool"], first["alive"], first["why"]), (True, True, None))

    def test_ids_of_marks_and_of_ipv6(self) -> None:
        pools = (
            Pool(virtual(listen=FirewallMark(7))),
            Pool(virtual(listen=FirewallMark(7, ipv6=True))),
            Pool(virtual(listen=VirtualAddress(ip_address("2001:db8::1"), 53))),
            Pool(virtual(RealServer(ip_address("2001:db8::2"), 53))),
        )
        servers = told(*pools)["virtual_servers"]
        self.assertEqual(
            [each["id"] for each in servers[:3]], ["fwmark/7", "fwmark6/7", "tcp/[2001:db8::1]:53"]
        )
        self.assertEqual((servers[0]["fwmark"], servers[0]["address"]), (7, None))
        self.assertEqual(servers[3]["real_servers"][0]["id"], "tcp/192.0.2.1:80/[2001:db8::2]:53")

    def test_one_that_is_down_says_why_and_one_that_is_inhibited_stays_in_the_table(self) -> None:
        pool = Pool(virtual(real(1), real(2, inhibit_on_failure=True), real(3)))
        for number in (1, 2):
            pool.failed(key_of(real(number)), 0)
        first, second, third = told(pool)["virtual_servers"][0]["real_servers"]
        self.assertEqual((first["alive"], first["in_pool"], first["why"]), (False, False, "its check fails"))
        self.assertEqual((second["inhibited"], second["effective_weight"]), (True, 0))
        self.assertEqual((third["in_pool"], third["effective_weight"]), (True, 1))

    def test_a_sorry_server_stands_in(self) -> None:
        pool = Pool(virtual(real(1), real(2), quorum=2, sorry_server=SorryServer(ip_address("10.0.0.9"), 81)))
        pool.failed(key_of(real(1)), 0)
        (server,) = told(pool)["virtual_servers"]
        self.assertEqual(server["sorry_server"], {"address": "10.0.0.9", "port": 81, "in_use": True})
        alive = server["real_servers"][1]
        self.assertEqual((alive["alive"], alive["in_pool"]), (True, False))
        self.assertEqual(alive["why"], "quorum is lost, and the sorry server 10.0.0.9:81 stands in for all")

    def test_a_weight_of_nothing_is_told(self) -> None:
        (server,) = told(Pool(virtual(real(1, weight=0))))["virtual_servers"]
        self.assertEqual(server["real_servers"][0]["why"], "its configured weight is 0: no new clients")

    def test_what_an_operator_overrides_is_told(self) -> None:
        keys = [key_of(real(number)) for number in range(1, 5)]
        drained, disabled = Steering(ServiceState.DRAINED), Steering(ServiceState.DISABLED)
        steering = {keys[0]: drained, keys[1]: disabled, keys[2]: Steering(weight=0)}
        pool = Pool(virtual(*(real(number) for number in range(1, 5))), steering=steering)
        servers = told(pool)["virtual_servers"][0]["real_servers"]
        self.assertEqual(
            [each["override"] for each in servers],
            [
                {"service": "drained", "weight": None},
                {"service": "disabled", "weight": None},
                {"service": None, "weight": 0},
                None,
            ],
        )
        self.assertEqual([each["effective_weight"] for each in servers], [0, 0, 0, 1])
        self.assertEqual([each["in_pool"] for each in servers], [True, False, True, True])
        for each, words in zip(
            servers, ("has it drained", "has disabled it", "has set its weight to 0"), strict=False
        ):
            self.assertIn(f"an operator {words}", each["why"])


class CheckTests(SynchronousTestCase):
    def of(self, check: Any = CHECK, *outcomes: Outcome) -> tuple[Retry, Statistics]:
        standing = Retry(check.timing)
        for outcome in outcomes:
            standing.handle(outcome)
        if not outcomes:
            return standing, Statistics(next_run=8.0)
        return standing, Statistics(
            last_outcome=outcomes[-1], last_run=4.0, last_latency=0.0125, next_run=8.0
        )

    def told(self, check: Any = CHECK, *outcomes: Outcome) -> Any:
        return json.loads(text(head(check), *self.of(check, *outcomes), 5.0, EPOCH))

    def test_one_that_has_not_run(self) -> None:
        self.assertEqual(
            self.told(),
            {
                "kind": "TCP_CHECK",
                "target": "10.0.0.1:80",
                "up": True,
                "has_run": False,
                "last_result": "has not run yet",
                "last_run": None,
                "latency_ms": None,
                "next_in_s": 3.0,
                "retries_left": 3,
                "paused": False,
            },
        )
        paused = text(head(CHECK), *self.of(), 5.0, EPOCH, is_paused=True)
        self.assertTrue(json.loads(paused)["paused"])

    def test_one_that_fails_and_has_retries_left(self) -> None:
        bad = Outcome(False, "Timeout connecting", detail='a "quote"')
        found = self.told(CHECK, Outcome(True, "success"), bad)
        self.assertEqual((found["up"], found["retries_left"]), (True, 2))
        self.assertEqual(found["last_result"], 'Timeout connecting (a "quote")')
        self.assertEqual((found["last_run"], found["latency_ms"]), (EPOCH + 4, 12.5))

    def test_what_is_asked(self) -> None:
        urls = HttpCheck(CheckTiming(), TARGET, (Url("/a"), Url('/b"')))
        self.assertEqual(self.told(urls)["target"], '10.0.0.1:80 /a /b"')
        script = MiscCheck(CheckTiming(), Script(("/bin/c", "x y")), 1)
        self.assertIn("/bin/c", self.told(script)["target"])

    def test_why(self) -> None:
        bad = Outcome(False, "Timeout connecting")
        self.assertEqual(why(CHECK, *self.of(CHECK, bad)), "TCP_CHECK 10.0.0.1:80: Timeout connecting")
        alpha = attrs.evolve(CHECK, timing=CheckTiming(alpha=True))
        self.assertEqual(
            why(alpha, *self.of(alpha)),
            "TCP_CHECK 10.0.0.1:80 has not run yet, and until it succeeds the server counts as down",
        )
