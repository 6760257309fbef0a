"""Inheritance and defaults: what each block passes down, wherever in the block it stands."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.findings import Consequence, render
from kaltwisted.config.load import load_file, load_text
from kaltwisted.config.model import (
    SECOND_US,
    CheckTiming,
    Configuration,
    FirewallMark,
    Forwarding,
    HttpCheck,
    MiscCheck,
    RealServer,
    Script,
    TcpCheck,
    TlsOptions,
    Tracked,
    TunnelType,
    UnicastPeer,
    VirtualIpAddress,
    VirtualServer,
)
from tests.unit.test_config_broken import GOOD_SERVER, TWO, check, instance, server, service

GOOD_SERVER_3 = GOOD_SERVER.replace("10.0.0.2", "10.0.0.3")


def configuration(text: str) -> Configuration:
    reading = load_text(text, "x.conf")
    assert not reading.findings, "\n".join(map(render, reading.findings))
    return reading.configuration


def one_service(text: str) -> VirtualServer:
    [found] = configuration(text).virtual_servers
    return found


def one_server(text: str) -> RealServer:
    [found] = one_service(text).real_servers
    return found


class CheckTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        [tcp] = one_server(check("TCP_CHECK", "")).checks
        assert isinstance(tcp, TcpCheck)
        minute = 60 * SECOND_US
        self.assertEqual(tcp.timing, CheckTiming(minute, 1, SECOND_US, minute, False, False))
        self.assertEqual((str(tcp.connection.ip), tcp.connection.port), ("10.0.0.2", 80))
        self.assertEqual(tcp.connection.timeout_us, 5 * SECOND_US)
        [http] = one_server(check("HTTP_GET", "url {\n    path /\n}")).checks
        self.assertEqual(http.timing, CheckTiming(minute, 1, 3 * SECOND_US, minute, False, False))
        [misc] = one_server(check("MISC_CHECK", "misc_path /bin/true")).checks
        assert isinstance(misc, MiscCheck)
        self.assertEqual(misc.timing, CheckTiming(minute, 0, SECOND_US, minute, False, False))
        self.assertEqual((misc.script, misc.timeout_us), (Script(("/bin/true",)), minute))

    def test_values_come_down_from_the_service_that_names_them_last(self) -> None:
        text = (
            "virtual_server 10.0.0.1 80 {\n"
            + GOOD_SERVER
            + "    lb_algo rr\n    lb_kind DR\n    protocol TCP\n"
            "    delay_loop 7\n    retry 4\n    warmup 2\n"
            "    delay_before_retry 1.5\n    connect_timeout 0.5\n"
            "    weight 9\n    alpha\n    inhibit_on_failure\n}\n"
        )
        real = one_server(text)
        self.assertEqual((real.weight, real.alpha, real.inhibit_on_failure), (9, True, True))
        self.assertIs(real.forwarding.method, Forwarding.DR)
        [tcp] = real.checks
        assert isinstance(tcp, TcpCheck)
        self.assertEqual(
            tcp.timing,
            CheckTiming(7 * SECOND_US, 4, 1_500_000, 2 * SECOND_US, alpha=True, log_all_failures=False),
        )
        self.assertEqual(tcp.connection.timeout_us, 500_000)

    def test_the_nearest_block_wins(self) -> None:
        check_lines = "TCP_CHECK {\nretry 3\ndelay_loop 1\nalpha no\n}\n"
        lines = f"{check_lines}retry 2\nalpha\nweight 0\ndelay_loop 5\n"
        pool = f"real_server 10.0.0.2 80 {{\n{lines}}}\n{GOOD_SERVER_3}"
        real = one_service(service("retry 1\nweight 5\ndelay_loop 9", pool)).real_servers[0]
        self.assertEqual((real.weight, real.alpha), (0, True))
        [tcp] = real.checks
        timing = tcp.timing
        self.assertEqual((timing.retry, timing.delay_loop_us, timing.alpha), (3, SECOND_US, False))

    def test_log_all_failures_is_global_wherever_global_defs_stand(self) -> None:
        text = check("TCP_CHECK", "") + "global_defs {\n    checker_log_all_failures\n}\n"
        [tcp] = one_server(text).checks
        self.assertTrue(tcp.timing.log_all_failures)

    def test_http_options(self) -> None:
        [http] = one_server(
            check(
                "SSL_GET",
                "connect_ip 10.9.9.9\nconnect_port 8443\nbindto 10.8.8.8\n"
                "bind_port 99\nfwmark 3\nbind_if eth1\n"
                "http_protocol 1.1\nenable_sni\nsni_name s.example\nfast_recovery\nvirtualhost v.example\n"
                "tls_verify\ntls_ca_file /ca.pem\n"
                'url {\n    path /a\n    status_code 200 301-302\n    regex "a b"\n    regex_no_match\n}\n'
                "url {\n    path /b\n    virtualhost u.example\n}",
            )
        ).checks
        assert isinstance(http, HttpCheck)
        target = http.connection
        self.assertEqual((str(target.ip), target.port, str(target.bindto)), ("10.9.9.9", 8443, "10.8.8.8"))
        self.assertEqual((target.bind_port, target.fwmark, target.bind_if), (99, 3, "eth1"))
        self.assertEqual(http.tls, TlsOptions(True, "s.example", "", "/ca.pem"))
        first, second = http.urls
        self.assertEqual(first.status_codes, ((200, 200), (301, 302)))
        self.assertEqual((first.regex, first.regex_no_match), ("a b", True))
        self.assertEqual((second.virtualhost, http.virtualhost), ("u.example", "v.example"))

    def test_virtualhost_comes_down(self) -> None:
        real = server("HTTP_GET {\n    url {\n        path /\n    }\n}")
        [http] = one_server(real.replace("protocol TCP", "protocol TCP\n    virtualhost www.example")).checks
        assert isinstance(http, HttpCheck)
        self.assertEqual(http.virtualhost, "www.example")

    def test_scripts(self) -> None:
        [misc] = one_server(
            check(
                "MISC_CHECK",
                "misc_path \"/bin/x 'one two' three\" nobody nogroup\nmisc_dynamic\nmisc_timeout 4",
            )
        ).checks
        assert isinstance(misc, MiscCheck)
        self.assertEqual(misc.script, Script(("/bin/x", "one two", "three"), "nobody", "nogroup"))
        self.assertEqual((misc.dynamic, misc.timeout_us), (True, 4 * SECOND_US))


class ServiceTests(SynchronousTestCase):
    def test_smtp_alert_defaults(self) -> None:
        plain = one_service(service(""))
        self.assertEqual((plain.smtp_alert, plain.real_servers[0].smtp_alert), (False, True))
        for words, expected in {
            "smtp_alert": (True, True),
            "smtp_alert no": (False, False),
            "smtp_alert\n    smtp_alert_checker no": (False, False),
        }.items():
            found = one_service(f"global_defs {{\n    {words}\n}}\n" + service(""))
            self.assertEqual((found.smtp_alert, found.real_servers[0].smtp_alert), expected, words)

    def test_firewall_marks_take_the_family_of_their_servers(self) -> None:
        text = service("", head="virtual_server fwmark 7 {")
        self.assertEqual(one_service(text).listen, FirewallMark(7))
        self.assertEqual(str(one_service(text)), "FWM 7")
        six = text.replace("real_server 10.0.0.2", "real_server 2001:db8::2")
        self.assertEqual(one_service(six).listen, FirewallMark(7, ipv6=True))

    def test_a_mark_needs_no_protocol_and_leaves_ports_to_what_translates_them(self) -> None:
        for kind, expected in (("NAT", (80, 81)), ("DR", (0, 0))):
            text = service(f"lb_kind {kind}\nsorry_server 10.0.0.3 81", head="virtual_server fwmark 7 {")
            found = one_service(text.replace("    protocol TCP\n", ""))
            assert found.sorry_server is not None
            [real] = found.real_servers
            self.assertEqual((real.port, found.sorry_server.port), expected)
            self.assertEqual(real.format(found.protocol), f"[10.0.0.2]:none:{expected[0]}")
            [tcp] = real.checks
            assert isinstance(tcp, TcpCheck)
            self.assertEqual(tcp.connection.port, 80, "the check goes where it was sent")

    def test_a_sorry_server_s_port_is_the_service_s_where_none_is_translated(self) -> None:
        reading = load_text(service("lb_kind DR\nsorry_server 10.0.0.3 81"), "x.conf")
        [finding] = reading.findings
        self.assertIn("the sorry server has 80 instead of 81", finding.message)
        [found] = reading.configuration.virtual_servers
        assert found.sorry_server is not None
        self.assertEqual(found.sorry_server.port, 80)

    def test_ports_left_out_are_the_service_s(self) -> None:
        text = service("sorry_server 10.0.0.3", "    real_server 10.0.0.2 {\n    }\n")
        found = one_service(text)
        assert found.sorry_server is not None
        self.assertEqual((found.real_servers[0].port, found.sorry_server.port), (80, 80))

    def test_granularity_switches_persistence_on(self) -> None:
        found = one_service(service("persistence_granularity 255.255.255.0"))
        self.assertEqual((found.persistence_timeout_s, found.persistence_granularity), (360, 24))
        self.assertEqual(one_service(service("persistence_timeout")).persistence_timeout_s, 360)

    def test_tunnel(self) -> None:
        found = one_service(service("lb_kind TUN type gue port 6080")).forwarding
        self.assertEqual(
            (found.method, found.tunnel_type, found.tunnel_port), (Forwarding.TUN, TunnelType.GUE, 6080)
        )

    def test_todays_synonyms_and_scheduler_flags(self) -> None:
        text = service("lvs_sched mh\nlvs_method TUN\nmh-port\nmh-fallback")
        found = one_service(text.replace("    lb_algo rr\n", "").replace("    lb_kind NAT\n", ""))
        self.assertEqual((found.lb_algo, found.forwarding.method), ("mh", Forwarding.TUN))
        self.assertEqual(found.scheduler_flags, {"mh-port", "mh-fallback"})

    def test_braces_on_the_next_line_and_glued(self) -> None:
        text = service("").replace(" {\n", "\n{\n")
        self.assertEqual(configuration(text), configuration(service("")))
        self.assertEqual(configuration(service("").replace(" {", "{")), configuration(service("")))
        self.assertEqual(configuration(service("").replace("\n", "\r\n")), configuration(service("")))


class VrrpTests(SynchronousTestCase):
    def test_an_instance_whole(self) -> None:
        text = (
            'vrrp_script up {\n    script "/bin/up now"\n    interval 2\n    weight -20\n    fall 3\n}\n'
            + instance(
                "state MASTER\npriority 150\nadvert_int 2\nunicast_src_ip 10.0.0.7\n"
                "unicast_peer {\n    10.0.0.8\n}\n"
                "track_script {\n    up weight -5\n}\ntrack_interface {\n    eth1\n}\n"
                "virtual_ipaddress {\n    10.0.0.9/24 dev eth1 "
                "label eth1:1 brd 10.0.0.255 scope link no_track\n}\n"
                "virtual_ipaddress_excluded {\n    2001:db8::9\n}\n"
                'notify "/bin/n a"\nnotify_stop /bin/s\nnopreempt\npreempt'
            )
        )
        found = configuration(text)
        [script] = found.vrrp_scripts
        self.assertEqual((script.script.argv, script.weight, script.fall), (("/bin/up", "now"), -20, 3))
        [one] = found.vrrp_instances
        self.assertEqual((one.state, one.priority, one.advert_int_us), ("MASTER", 150, 2 * SECOND_US))
        self.assertEqual(
            (one.unicast_src_ip, one.unicast_peer),
            (IPv4Address("10.0.0.7"), (UnicastPeer(IPv4Address("10.0.0.8")),)),
        )
        self.assertEqual((one.track_script, one.track_interface), ((Tracked("up", -5),), (Tracked("eth1"),)))
        self.assertEqual(
            one.virtual_ipaddress,
            (VirtualIpAddress(IPv4Address("10.0.0.9"), 24, "eth1", "eth1:1", "link", "10.0.0.255", True),),
        )
        self.assertEqual(one.virtual_ipaddress_excluded, (VirtualIpAddress(IPv6Address("2001:db8::9"), 128),))
        self.assertEqual(one.notify, {"notify": Script(("/bin/n", "a")), "notify_stop": Script(("/bin/s",))})
        self.assertFalse(one.nopreempt)

    def test_a_master_that_says_no_priority_is_the_owner(self) -> None:
        [one] = configuration(instance("state MASTER")).vrrp_instances
        self.assertEqual(one.priority, 255)

    def test_ipv6_is_version_3(self) -> None:
        [one] = configuration(instance("virtual_ipaddress {\n    fe80::9\n}")).vrrp_instances
        self.assertEqual((one.version, one.priority), (3, 100))

    def test_one_group_line_may_name_all(self) -> None:
        found = configuration(TWO + "vrrp_sync_group G {\n    group {\n        VI_1 VI_2\n    }\n}\n")
        self.assertEqual(found.vrrp_sync_groups[0].group, ("VI_1", "VI_2"))


class TwiceTests(SynchronousTestCase):
    """Which of two counts, as with keepalived 2.2.7."""

    def test_the_script_of_a_vrrp_script(self) -> None:
        text = "vrrp_script s {\n    script /bin/false\n    script /bin/true\n}\n"
        [script] = load_text(text, "x").configuration.vrrp_scripts
        self.assertEqual(script.script.argv, ("/bin/true",))

    def test_a_notify_script(self) -> None:
        text = instance("notify /bin/true\nnotify /bin/false")
        [one] = load_text(text, "x").configuration.vrrp_instances
        self.assertEqual(one.notify["notify"].argv, ("/bin/true",))

    def test_numbers(self) -> None:
        [one] = load_text(instance("priority 5\npriority 6"), "x").configuration.vrrp_instances
        self.assertEqual(one.priority, 6)


class LoadTests(SynchronousTestCase):
    def test_a_missing_file(self) -> None:
        reading = load_file("/nonexistent/keepalived.conf")
        self.assertEqual((reading.exit_status, reading.fatal), (6, 6))
        self.assertIn("No such file", render(reading.findings[0]))

    def test_a_folder_and_a_name_that_is_none(self) -> None:
        for name in (str(Path(__file__).parent), "a\0b"):
            self.assertIs(load_file(name).findings[0].consequence, Consequence.NO_FILE)

    def test_latin_1_in_a_comment(self) -> None:
        path = Path(self.mktemp())
        path.write_bytes(b"# caf\xe9\n" + service("").encode())
        self.assertEqual(load_file(str(path)).findings, ())

    def test_a_missing_parameter_outranks_the_rest(self) -> None:
        reading = load_text("nonsense\n" + service("lb_algo"), "x")
        self.assertEqual((reading.exit_status, reading.fatal), (2, 2))

    def test_the_rest_is_read_behind_every_mistake(self) -> None:
        reading = load_text("global_defs {\n    router_id x\n" + service("lb_algoo rr") + TWO, "x")
        self.assertEqual(len(reading.errors), 2)
        self.assertEqual(len(reading.configuration.virtual_servers), 1)
        self.assertEqual(len(reading.configuration.vrrp_instances), 2)


class FindingTests(SynchronousTestCase):
    def test_rendered(self) -> None:
        lines = render(load_text(service("\tlb_kin NAT"), "/etc/k.conf").findings[0]).splitlines()
        self.assertEqual(
            lines,
            [
                "/etc/k.conf:2:6: error: `lb_kin` is not a keyword of block `virtual_server`",
                "        \tlb_kin NAT",
                "        \t^~~~~~",
                "    did you mean `lb_kind`?",
            ],
        )

    def test_the_line_that_keepalived_logs(self) -> None:
        [finding] = load_text(service("lb_kin NAT"), "/etc/k.conf").findings
        self.assertEqual(finding.log_line(), "(/etc/k.conf: Line 2) Unknown keyword 'lb_kin'")

    def test_a_long_line_is_shown_in_part(self) -> None:
        [finding] = load_text(service("lb_algo " + "x" * 900), "x").findings
        self.assertTrue(all(len(line) < 1100 for line in render(finding).splitlines()))
        self.assertLess(len(render(finding).splitlines()[1]), 200)
