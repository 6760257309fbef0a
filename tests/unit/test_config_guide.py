"""The case studies of the 2002 user guide, word for word as printed, misprints and broken pages included."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.dump import dump
from kaltwisted.config.findings import Severity
from kaltwisted.config.load import Reading, load_file, load_text
from kaltwisted.config.model import (
    SECOND_US,
    AuthType,
    CheckTiming,
    Connection,
    Forwarding,
    HttpCheck,
    Protocol,
    SmtpServer,
    SorryServer,
    TcpCheck,
    TlsOptions,
)

GUIDE = Path(__file__).parent.parent / "data" / "guide"


def read(name: str) -> Reading:
    return load_file(str(GUIDE / name))


def told(reading: Reading) -> list[tuple[Severity, int, str]]:
    return [(finding.severity, finding.position.line, finding.message) for finding in reading.findings]


class HealthcheckCaseStudyTests(SynchronousTestCase):
    """Part IX."""

    def test_it_is_accepted_with_warnings(self) -> None:
        reading = read("case_study_9.conf")
        self.assertEqual(reading.exit_status, 0)
        self.assertEqual(
            [(line, severity) for severity, line, _ in told(reading)],
            [(line, Severity.WARNING) for line in (11, 35, 68)],
        )

    def test_every_server_of_its_pools_is_there(self) -> None:
        """Even the one that a page break has put behind the end of its virtual_server."""
        services = read("case_study_9.conf").configuration.virtual_servers
        pools = {
            str(service): [
                (str(server.address), server.port, server.weight) for server in service.real_servers
            ]
            for service in services
        }
        self.assertEqual(
            pools,
            {
                "[192.168.200.15]:tcp:80": [("192.168.100.2", 80, 2), ("192.168.100.3", 80, 1)],
                "[192.168.200.15]:tcp:443": [("192.168.100.2", 443, 1), ("192.168.100.3", 443, 1)],
                "[192.168.200.15]:tcp:25": [("192.168.100.4", 25, 1), ("192.168.100.5", 25, 2)],
            },
        )

    def test_global_definitions(self) -> None:
        defs = read("case_study_9.conf").configuration.global_defs
        self.assertEqual(defs.router_id, "LVS_MAIN")
        self.assertEqual(defs.notification_email, ("admin@domain.com", "0633225522@domain.com"))
        self.assertEqual(defs.notification_email_from, "keepalived@domain.com")
        self.assertEqual(defs.smtp_server, SmtpServer("192.168.200.20", 25))
        self.assertEqual(defs.smtp_connect_timeout_us, 30 * SECOND_US)

    def test_first_service_whole(self) -> None:
        web = read("case_study_9.conf").configuration.virtual_servers[0]
        self.assertEqual((web.lb_algo, web.forwarding.method), ("wrr", Forwarding.NAT))
        self.assertEqual((web.persistence_timeout_s, web.protocol), (50, Protocol.TCP))
        self.assertEqual(web.sorry_server, SorryServer(IPv4Address("192.168.100.100"), 80))
        [check] = web.real_servers[0].checks
        assert isinstance(check, HttpCheck)
        self.assertEqual(check.timing, CheckTiming(30 * SECOND_US, 3, 2 * SECOND_US, 30 * SECOND_US))
        self.assertEqual(check.connection, Connection(IPv4Address("192.168.100.2"), 80, 3 * SECOND_US))
        self.assertEqual(
            [(url.path, url.digest) for url in check.urls],
            [
                ("/testurl/test.jsp", "ec90a42b99ea9a2f5ecbe213ac9eba03"),
                ("/testurl2/test.jsp", "640205b7b0fc66c1ea91c463fac6334c"),
            ],
        )
        self.assertIs(check.tls, None)

    def test_tls_variant(self) -> None:
        [service] = read("case_study_9_ssl.conf").configuration.virtual_servers
        checks = [check for server in service.real_servers for check in server.checks]
        self.assertEqual([check.tls for check in checks if isinstance(check, HttpCheck)], [TlsOptions()] * 2)


class FailoverCaseStudyTests(SynchronousTestCase):
    """Part X, where every block is misspelt."""

    def test_it_is_accepted_with_warnings(self) -> None:
        reading = read("case_study_10.conf")
        self.assertEqual(reading.exit_status, 0)
        self.assertEqual({finding.severity for finding in reading.findings}, {Severity.WARNING})
        messages = " ".join(finding.message for finding in reading.findings)
        self.assertIn("today it is `vrrp_sync_group`", messages)
        self.assertIn("today it is `vrrp_instance`", messages)
        self.assertIn("today they stand in `group", messages)

    def test_instances_and_groups(self) -> None:
        configuration = read("case_study_10.conf").configuration
        self.assertEqual(
            [(group.name, group.group) for group in configuration.vrrp_sync_groups],
            [("VG1", ("VI_1", "VI_2")), ("VG2", ("VI_3", "VI_4"))],
        )
        self.assertEqual(
            [
                (
                    one.name,
                    one.state,
                    one.interface,
                    one.virtual_router_id,
                    one.priority,
                )
                for one in configuration.vrrp_instances
            ],
            [
                ("VI_1", "MASTER", "eth0", 51, 150),
                ("VI_2", "MASTER", "eth1", 52, 150),
                ("VI_3", "BACKUP", "eth0", 53, 100),
                ("VI_4", "BACKUP", "eth1", 54, 100),
            ],
        )

    def test_password_ends_at_its_comment_mark_as_in_keepalived(self) -> None:
        authentication = read("case_study_10.conf").configuration.vrrp_instances[0].authentication
        assert authentication is not None
        self.assertEqual((authentication.type, authentication.password), (AuthType.AH, b"k@l"))
        quoted = (GUIDE / "case_study_10.conf").read_text().replace("k@l!ve1", '"k@l!ve1"')
        authentication = load_text(quoted, "x").configuration.vrrp_instances[0].authentication
        assert authentication is not None
        self.assertEqual(authentication.password, b"k@l!ve1")


class MixedCaseStudyTests(SynchronousTestCase):
    """Part XI, whose braces do not come out even as printed."""

    def test_one_finding_for_the_braces_and_everything_read(self) -> None:
        reading = read("case_study_11.conf")
        errors = [(line, message) for severity, line, message in told(reading) if severity is Severity.ERROR]
        self.assertEqual(len(errors), 1)
        self.assertEqual(errors[0][0], 117)
        self.assertIn("closed too early", errors[0][1])
        configuration = reading.configuration
        self.assertEqual(len(configuration.vrrp_instances), 4)
        web, secure = configuration.virtual_servers
        urls = [
            [url.path for url in check.urls]
            for server in web.real_servers
            for check in server.checks
            if isinstance(check, HttpCheck)
        ]
        self.assertEqual(urls, [["/testurl/test.jsp", "/testurl2/test.jsp"], ["/testurl1/test.jsp"]])
        retries = {check.timing.retry for server in web.real_servers for check in server.checks}
        self.assertEqual(retries, {3})
        kinds = {type(check) for server in secure.real_servers for check in server.checks}
        self.assertEqual((len(secure.real_servers), kinds), (2, {TcpCheck}))


class DumpTests(SynchronousTestCase):
    """Part 8.3: what ``-d`` writes."""

    SITE = """
    global_defs {
        notification_email {
            alert@domain.com
            0633556699@domain.com
        }
        notification_email_from keepalived@domain.com
        smtp_server 192.168.200.1
        router_id LVS_PROD
    }
    virtual_server 10.10.10.2 80 {
        delay_loop 6
        lb_algo rr
        lb_kind NAT
        persistence_timeout 50
        persistence_granularity 255.255.240.0
        virtualhost www.domain1.com
        protocol TCP
        sorry_server 192.168.200.200 80
        real_server 192.168.200.2 80 {
            HTTP_GET {
                url {
                    path /testurl/test.jsp
                    digest 640205b7b0fc66c1ea91c463fac6334d
                }
                connect_timeout 3
                retry 3
            }
        }
        real_server 192.168.200.3 80 {
            weight 2
            HTTP_GET {
                url {
                    path /testurl/test.jsp
                    digest 640205b7b0fc66c1ea91c463fac6334c
                }
                url {
                    path /testurl2/test.jsp
                    digest 640205b7b0fc66c1ea91c463fac6334c
                }
                connect_timeout 3
                retry 3
            }
        }
    }
    virtual_server 10.10.10.3 443 {
        delay_loop 3
        lb_algo rr
        lb_kind NAT
        persistence_timeout 50
        virtualhost www.domain2.com
        protocol TCP
        real_server 192.168.200.4 443 {
            SSL_GET {
                url {
                    path /testurl/test.jsp
                    digest 640205b7b0fc66c1ea91c463fac6334d
                }
                url {
                    path /testurl2/test.jsp
                    digest 640205b7b0fc66c1ea91c463fac6334d
                }
                connect_timeout 3
                retry 3
            }
        }
        real_server 192.168.200.5 1358 {
            TCP_CHECK {
                connect_timeout 3
            }
        }
    }
    """

    def test_it_is_the_guide_s_listing(self) -> None:
        """But for its typing mistakes, and what no longer is: the compiled-in LVS version."""
        printed = [
            line.split(" Keepalived: ")[1].replace("Smtip", "Smtp").replace("66clea91", "66c1ea91")
            for line in (GUIDE / "dump_8_3.txt").read_text().splitlines()
        ]
        first, last = printed.index("-----< Global definitions >-----"), len(printed) - 1
        expected = [line for line in printed[first:last] if "System is compiled" not in line]
        reading = load_text(self.SITE, "site.conf")
        self.assertEqual(reading.findings, ())
        lines = list(dump(reading.configuration))
        self.assertEqual(lines, expected)

    def test_passwords_are_masked(self) -> None:
        lines = "\n".join(dump(read("case_study_10.conf").configuration))
        self.assertNotIn("k@l", lines)
        self.assertIn("-----< VRRP Topology >-----", lines)
        self.assertIn("Password = ********", lines)
