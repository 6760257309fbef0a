"""Settings of IPVS as a whole: the sync daemon by both its words, timeouts, and what goes at the stop."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.load import Reading, load_text
from kaltwisted.config.model import FlushOnStop, LvsSyncDaemon, LvsTimeouts
from tests.unit.test_config_broken import globals_, instance

OLDER = "lvs_sync_daemon_interface eth1"


def read(settings: str, *instances: str) -> Reading:
    return load_text(globals_(settings) + "".join(instances or (instance(""),)), "x.conf")


class SyncDaemonTests(SynchronousTestCase):
    def assert_sync(self, reading: Reading, expected: LvsSyncDaemon | None, *logs: str) -> None:
        self.assertEqual(reading.configuration.global_defs.lvs_sync_daemon, expected)
        self.assertEqual([each.log for each in reading.findings], list(logs))

    def test_its_sync_id_is_the_vrid_unless_it_has_one(self) -> None:
        self.assert_sync(read("lvs_sync_daemon eth1 VI_1"), LvsSyncDaemon("eth1", "VI_1", 51))
        self.assert_sync(read("lvs_sync_daemon eth1 inst VI_1 id 0"), LvsSyncDaemon("eth1", "VI_1", 0))

    def test_every_option_in_any_order(self) -> None:
        expected = LvsSyncDaemon("eth1", "VI_1", 7, 1400, 8849, 3, ip_address("224.0.0.99"))
        for options in (
            "VI_1 id 7 maxlen 1400 port 8849 ttl 3 group 224.0.0.99",
            "group 224.0.0.99 ttl 3 inst VI_1 port 8849 maxlen 1400 id 7",
        ):
            self.assert_sync(read(f"lvs_sync_daemon eth1 {options}"), expected)

    def test_one_without_an_instance_follows_nobody(self) -> None:
        self.assert_sync(read("lvs_sync_daemon eth1"), LvsSyncDaemon("eth1", sync_id=0))
        self.assert_sync(read("lvs_sync_daemon eth1 id 5"), LvsSyncDaemon("eth1", sync_id=5))

    def test_an_instance_that_is_not_there(self) -> None:
        log = "Unable to find vrrp instance VI_2 for lvs_syncd - clearing lvs_syncd config"
        self.assert_sync(read("lvs_sync_daemon eth1 VI_2"), None, log)

    def test_what_is_wrong_leaves_the_rest(self) -> None:
        plain = LvsSyncDaemon("eth1", "VI_1", 51)
        for options, log in (
            ("id 256", "Invalid syncid (256) - defaulting to vrid"),
            ("ttl 0", "Invalid lvs_sync_daemon ttl (0) - ignoring"),
            ("group 10.0.0.1", "Invalid lvs_sync_daemon group (10.0.0.1) - ignoring"),
            ("colour 5", "Unknown option colour specified for lvs_sync_daemon"),
        ):
            # The word directly behind the instance is an id without its keyword.
            reading = read(f"lvs_sync_daemon eth1 VI_1 port 8849 {options}")
            self.assert_sync(reading, LvsSyncDaemon("eth1", "VI_1", 51, port=8849), log)
        log = 'Please use keyword "id" before lvs_sync_daemon SYNCID'
        self.assert_sync(read("lvs_sync_daemon eth1 VI_1 7"), LvsSyncDaemon("eth1", "VI_1", 7), log)
        log = "lvs_sync_daemon vrrp instance has already been specified as VI_1 - ignoring"
        self.assert_sync(read("lvs_sync_daemon eth1 VI_1 inst VI_2"), plain, log)

    def test_the_older_word_has_sync_id_0_as_keepalived_2_2_7(self) -> None:
        self.assert_sync(read("", instance(OLDER)), LvsSyncDaemon("eth1", "VI_1", 0))

    def test_a_kernel_has_one_and_global_defs_count_wherever_they_stand(self) -> None:
        log = "(VI_1) lvs_sync_daemon_interface has already been specified as eth0 - ignoring"
        text = instance(OLDER) + globals_("lvs_sync_daemon eth0 VI_1")
        reading = load_text(text, "x.conf")
        self.assert_sync(reading, LvsSyncDaemon("eth0", "VI_1", 51), log)
        self.assertIsNone(reading.configuration.vrrp_instances[0].lvs_sync_daemon_interface)

    def test_of_two_older_words_the_first_counts(self) -> None:
        second = instance("lvs_sync_daemon_interface eth2", "VI_2", "virtual_router_id 52")
        log = "(VI_2) lvs_sync_daemon_interface has already been specified as eth1 - ignoring"
        self.assert_sync(read("", instance(OLDER), second), LvsSyncDaemon("eth1", "VI_1", 0), log)


class SettingsTests(SynchronousTestCase):
    def test_timeouts_of_several_lines_are_all_in_force(self) -> None:
        reading = read("lvs_timeouts tcp 100 udp 30\nlvs_timeouts udp 40 tcpfin 5")
        self.assertEqual(reading.findings, ())
        self.assertEqual(reading.configuration.global_defs.lvs_timeouts, LvsTimeouts(100, 5, 40))

    def test_a_timeout_that_is_wrong_leaves_the_others(self) -> None:
        for wrong, log in (
            ("tcp 100 udp 2678401", "Invalid lvs_timeout udp (2678401) - ignoring"),
            ("sctp 5 tcp 100", "Unknown option sctp specified for lvs_timeouts"),
        ):
            reading = read(f"lvs_timeouts {wrong}")
            self.assertEqual(reading.configuration.global_defs.lvs_timeouts, LvsTimeouts(100))
            self.assertEqual([each.log for each in reading.findings], [log])
        reading = read("lvs_timeouts")
        self.assertEqual(
            [each.log for each in reading.findings], ["lvs_timeouts requires at least one option"]
        )

    def test_flush_on_stop(self) -> None:
        for line, expected in (
            ("", None),
            ("lvs_flush_on_stop", FlushOnStop.ALL),
            ("lvs_flush_onstop VS", FlushOnStop.OURS),
            ("lvs_flush_on_stop other", None),
        ):
            found = read(line).configuration.global_defs.lvs_flush_on_stop
            self.assertIs(found, expected, line)
