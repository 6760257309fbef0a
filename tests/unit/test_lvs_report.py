"""lvs.report and healthcheck.report: pools and health checkers in the checkers' data file."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import (
    CheckTiming,
    Connection,
    FirewallMark,
    Forwarding,
    ForwardingMethod,
    HttpCheck,
    HttpProtocol,
    MiscCheck,
    RealServer,
    Script,
    SorryServer,
    TcpCheck,
    TlsOptions,
    TunnelType,
    Url,
    VirtualAddress,
    VirtualServer,
)
from kaltwisted.healthcheck import report as checkers
from kaltwisted.healthcheck.report import Checker
from kaltwisted.lvs import report as pools
from kaltwisted.lvs.member import key_of
from kaltwisted.lvs.pool import Pool

ADDRESS = ip_address("10.0.0.1")
TARGET = Connection(ADDRESS, 80)
CHECK = TcpCheck(CheckTiming(), TARGET)
LISTEN = VirtualAddress(ip_address("10.9.9.9"), 80)
GUE = ForwardingMethod(Forwarding.TUN, TunnelType.GUE, 6080)


def owner(script: Script | None) -> str:
    return "0:0" if script is None or script.user is None else "65534:65534"


def real(number: int = 1, **fields: Any) -> RealServer:
    return RealServer(ip_address(f"10.0.0.{number}"), 80, checks=(CHECK,), **fields)


def virtual(*servers: RealServer, **fields: Any) -> VirtualServer:
    return VirtualServer(**({"listen": LISTEN, "real_servers": servers or (real(),)} | fields))


def of_pools(*made: Pool) -> list[str]:
    return list(pools.data((), made, owner))


def of_checker(check: Any, **fields: Any) -> list[str]:
    service = fields.pop("service", virtual())
    return list(checkers.data([Checker(service, service.real_servers[0], check, **fields)], owner))


class PoolTests(SynchronousTestCase):
    def assert_told(self, lines: list[str], *expected: str) -> None:
        for line in expected:
            self.assertIn(line, lines)

    def test_a_pool_in_full(self) -> None:
        self.assertEqual(
            of_pools(Pool(virtual(real(weight=3)))),
            [
                "------< LVS Topology >------",
                " ------< Virtual server >------",
                " VS VIP = 10.9.9.9, VPORT = 80",
                "   Address family = inet",
                "   delay_loop = 60.000000",
                "   lvs_sched = wlc",
                "   flag-1 = disabled",
                "   flag-2 = disabled",
                "   flag-3 = disabled",
                "   One packet scheduling = disabled",
                "   protocol = TCP",
                "   alpha is OFF",
                "   omega is OFF",
                "   quorum = 1, hysteresis = 0",
                "   Using smtp notification = no",
                "   default forwarding method = NAT",
                "   alive = 1",
                "   quorum_state_up = 1",
                "   ------< Real server >------",
                "   RIP = 10.0.0.1, RPORT = 80, WEIGHT = 3 EFF WEIGHT = 3",
                "   forwarding method = NAT",
                "   Alpha is OFF",
                "   connection limit range = 0 -> 0",
                "   Inhibit on failure is OFF",
                "   Using smtp notification = yes",
                "   initial weight = 3",
                "   effective weight = 3",
                "   alive = 1",
                "   num failed checkers = 0",
                "   RS set = 1",
            ],
        )

    def test_a_server_goes_down_and_the_quorum_with_it(self) -> None:
        sorry = SorryServer(ip_address("10.0.0.9"), 81, ForwardingMethod(Forwarding.DR), inhibit=True)
        pool = Pool(virtual(real(weight=3), sorry_server=sorry))
        pool.failed(key_of(pool.virtual_server.real_servers[0]), 0)
        self.assert_told(
            of_pools(pool),
            "   quorum_state_up = 0",
            "   sorry server = [10.0.0.9]:tcp:81",
            "     forwarding method = DR",
            "     Inhibit on failure is ON",
            "   alive = 0",
            "   num failed checkers = 1",
            "   RS set = 0",
        )

    def test_one_that_is_inhibited_stays_in_the_table(self) -> None:
        pool = Pool(virtual(real(inhibit_on_failure=True)))
        pool.failed(key_of(pool.virtual_server.real_servers[0]), 0)
        self.assert_told(of_pools(pool), "   alive = 0", "   RS set = 1")

    def test_a_script_s_weight_is_in_effect(self) -> None:
        pool = Pool(virtual(real(weight=3)))
        pool.weigh(key_of(pool.virtual_server.real_servers[0]), 9)
        self.assert_told(
            of_pools(pool),
            "   RIP = 10.0.0.1, RPORT = 80, WEIGHT = 9 EFF WEIGHT = 9",
            "   initial weight = 3",
            "   effective weight = 9",
        )

    def test_flags_have_the_scheduler_s_names(self) -> None:
        flags = frozenset({"sh-port", "flag-1"})
        lines = of_pools(Pool(virtual(lb_algo="sh", scheduler_flags=flags)))
        self.assert_told(lines, "   sh-port = enabled", "   sh-fallback = enabled")
        self.assertFalse([line for line in lines if "flag-" in line])

    def test_marks_masks_tunnels_and_scripts(self) -> None:
        lines = of_pools(
            Pool(
                virtual(
                    real(forwarding=GUE, notify_down=Script(("/bin/down",), "nobody")),
                    listen=FirewallMark(7, ipv6=True),
                    forwarding=GUE,
                    persistence_timeout_s=30,
                    persistence_granularity=64,
                    quorum_up=Script(("/bin/up", "a b")),
                )
            )
        )
        self.assert_told(
            lines,
            " VS FWMARK = 7",
            "   Address family = inet6",
            "   persistence timeout = 30",
            "   persistence granularity = 64",
            "   Quorum up notify script = '/bin/up' 'a b', uid:gid 0:0",
            "     RS down notify script = '/bin/down', uid:gid 65534:65534",
        )
        # Without "default", as keepalived has it for such tunnels.
        self.assertEqual(lines.count("   forwarding method = TUN, type = GUE, port = 6080, no checksum"), 2)
        masked = of_pools(Pool(virtual(persistence_granularity=24)))
        self.assert_told(masked, "   persistence granularity = 255.255.255.0")


class CheckerTests(SynchronousTestCase):
    def test_a_tcp_check_in_full(self) -> None:
        timing = CheckTiming(5_000_000, 2, 1_500_000, 0, alpha=True, log_all_failures=True)
        target = Connection(ADDRESS, 8001, 1_500_000, ip_address("10.0.0.7"), 5555, "eth0", 3)
        self.assertEqual(
            of_checker(TcpCheck(timing, target), up=False, has_run=True, retries_used=2),
            [
                "------< Health checkers >------",
                " [10.9.9.9]:tcp:80 -> [10.0.0.1]:tcp:80",
                "   Enabled = yes",
                "   Up = no",
                "   Has run = yes",
                "   Current weight = 0",
                "   Alpha = yes",
                "   Delay loop = 5000000 us",
                "   Warmup = 0 us",
                "   Retries = 2",
                "   Delay before retry = 1500000 us",
                "   Retries iterations = 2",
                "   Default delay before retry = 1000000 us",
                "   Log all failures = yes",
                "   Connection",
                "     Dest = [10.0.0.1]:8001",
                "     Bind to = [10.0.0.7]:5555",
                "     Bind i/f = eth0",
                "     Mark = 3",
                "     Timeout = 1.500000",
                "   Keepalive method = TCP_CHECK",
            ],
        )

    def test_a_script_s_weight_is_told_as_a_difference(self) -> None:
        check = MiscCheck(CheckTiming(retry=0), Script(("/bin/c",), "nobody"), 4_000_000, dynamic=True)
        service = virtual(real(weight=3))
        lines = of_checker(check, service=service, weight=9, last_run_us=1_000_000)
        self.assertIn("   Current weight = 6", lines)
        self.assertFalse([line for line in lines if "Delay before retry" in line])
        self.assertEqual(
            lines[-6:-1],
            [
                "   Keepalive method = MISC_CHECK",
                "   script = '/bin/c'",
                "   timeout = 4",
                "   dynamic = YES",
                "   uid:gid = 65534:65534",
            ],
        )
        self.assertTrue(lines[-1].startswith("   Last ran = 1.000000 (Thu Jan"))

    def test_status_codes_that_touch_are_one_range(self) -> None:
        urls = (
            Url("/", "0" * 32, ((404, 404), (200, 200), (201, 202)), "u", "a.b", regex_no_match=True),
            Url("/b"),
        )
        check = HttpCheck(
            CheckTiming(), TARGET, urls, "h", HttpProtocol.HTTP_1_1, True, TlsOptions(enable_sni=True)
        )
        lines = of_checker(check)
        at = lines.index("   Keepalive method = SSL_GET, http protocol 1.1")
        self.assertEqual(
            lines[at + 1 :],
            [
                "   Virtualhost = h",
                "   Enable SNI set",
                "   Fast recovery set",
                "   Checked url = /",
                f"     digest = {'0' * 32}",
                "     HTTP Status Code(s)",
                "       200-202",
                "       404",
                "     Virtual host = u",
                '     Regex = "a.b"',
                "     Regex no match",
                "     Regex options:",
                "   Checked url = /b",
                "     HTTP Status Code(s)",
                "       200-299",
            ],
        )
