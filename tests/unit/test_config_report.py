"""config.report: the section that all data files begin with, and the values of all sections."""

from __future__ import annotations

import os
import time
from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import (
    FlushOnStop,
    GlobalDefs,
    LvsSyncDaemon,
    LvsTimeouts,
    Script,
    SmtpServer,
    VrrpDefaults,
)
from kaltwisted.config.report import (
    checker_moment,
    command,
    global_definitions,
    moment,
    script_line,
    seconds,
)

NOON_US = 1_795_532_429_625_800


def owner(script: Script | None) -> str:
    return "0:0" if script is None or script.user is None else "65534:65534"


def told(defs: GlobalDefs, *, vrrp: bool = False) -> list[str]:
    return list(global_definitions(defs, "director", owner, vrrp=vrrp))


class GlobalDefinitionsTests(SynchronousTestCase):
    def test_the_host_stands_in_for_a_router_id(self) -> None:
        self.assertEqual(
            told(GlobalDefs())[:2], ["------< Global definitions >------", " Router ID = director"]
        )
        self.assertIn(" Router ID = LVS1", told(GlobalDefs(router_id="LVS1")))

    def test_a_daemon_s_own_name_comes_first(self) -> None:
        lines = told(GlobalDefs(instance="edge", data_use_instance=True))
        self.assertEqual(lines[1:3], [" Instance name = edge", " Router ID = director"])
        self.assertEqual(
            lines[lines.index(" Use instance name in data dumps") + 1], " Dynamic interfaces = false"
        )

    def test_mail_is_told_of_where_it_is_sent(self) -> None:
        self.assertFalse([line for line in told(GlobalDefs(notification_email=("a@b",))) if "a@b" in line])
        lines = told(GlobalDefs(smtp_server=SmtpServer("relay", 2525), notification_email=("a@b", "c@d")))
        at = lines.index(" Smtp server = relay")
        self.assertEqual(
            lines[at : at + 8],
            [
                " Smtp server = relay",
                " Smtp server port = 2525",
                " Smtp HELO name = director",
                " Smtp server connection timeout = 30",
                " Email notification from = keepalived@director",
                " Email notification to:",
                "   a@b",
                "   c@d",
            ],
        )

    def test_ipvs_is_told_of_where_something_is_set(self) -> None:
        plain = told(GlobalDefs())
        defs = GlobalDefs(
            lvs_timeouts=LvsTimeouts(100, 50, 30),
            lvs_sync_daemon=LvsSyncDaemon("eth1", "VI_1", 7, 1400, 8849, 3, ip_address("224.0.0.99")),
            lvs_flush_on_stop=FlushOnStop.ALL,
        )
        added = [
            " LVS TCP timeout = 100",
            " LVS TCP FIN timeout = 50",
            " LVS TCP timeout = 30",
            " LVS syncd vrrp name = VI_1",
            " LVS syncd interface = eth1",
            " LVS syncd syncid = 7",
            " LVS syncd maxlen = 1400",
            " LVS mcast group 224.0.0.99",
            " LVS syncd mcast port = 8849",
            " LVS syncd mcast ttl = 3",
            " LVS flush on stop = full",
        ]
        self.assertEqual([line for line in told(defs) if line not in plain], added)
        self.assertIn(" LVS syncd vrrp instance = VI_1", told(defs, vrrp=True))
        followers = told(GlobalDefs(lvs_sync_daemon=LvsSyncDaemon("eth1", sync_id=0)))
        self.assertEqual(
            [line for line in followers if line not in plain],
            [" LVS syncd interface = eth1", " LVS syncd syncid = 0"],
        )

    def test_an_alert_may_be_set_either_way_or_not_at_all(self) -> None:
        lines = told(GlobalDefs(smtp_alert=True, smtp_alert_vrrp=False))
        for line in (
            " Default smtp_alert = on",
            " Default smtp_alert_vrrp = off",
            " Default smtp_alert_checker = unset",
        ):
            self.assertIn(line, lines)

    def test_only_vrrp_has_its_defaults_in_force(self) -> None:
        """keepalived's other processes print what "not set" is inside."""
        defs = GlobalDefs(vrrp=VrrpDefaults(garp_master_delay_us=7_000_000))
        self.assertIn(" Gratuitous ARP lower priority delay = 4294967295", told(defs))
        self.assertIn(" Gratuitous ARP lower priority repeat = 4294967295", told(defs))
        self.assertIn(" Gratuitous ARP lower priority delay = 7", told(defs, vrrp=True))
        self.assertIn(" Gratuitous ARP lower priority repeat = 5", told(defs, vrrp=True))
        self.assertIn(" Default interface = eth0", told(defs, vrrp=True))
        self.assertFalse([line for line in told(defs) if "Default interface" in line])


class ValueTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.addCleanup(time.tzset)
        self.patch(os, "environ", os.environ | {"TZ": "UTC"})
        os.putenv("TZ", "UTC")
        time.tzset()

    def test_times_are_told_twice(self) -> None:
        words = "1795532429.625800 (Tue Nov 24 15:00:29.625800 2026)"
        self.assertEqual(moment(NOON_US), words)
        self.assertEqual(moment(0), "0.000000 (Thu Jan  1 00:00:00.000000 1970)")

    def test_checkers_have_the_year_elsewhere(self) -> None:
        self.assertEqual(checker_moment(NOON_US), "1795532429.625800 (Tue Nov 24 15:00:29 2026.625800)")

    def test_seconds_keep_their_zeros(self) -> None:
        self.assertEqual([seconds(1_500_000), seconds(1)], ["1.500000", "0.000001"])

    def test_each_word_of_a_command_is_quoted(self) -> None:
        script = Script(("/bin/notify", "two words", "x"), "nobody")
        self.assertEqual(command(script), "'/bin/notify' 'two words' 'x'")
        self.assertEqual(script_line(script, owner), "'/bin/notify' 'two words' 'x', uid:gid 65534:65534")
