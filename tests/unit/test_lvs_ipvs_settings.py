"""What ``global_defs`` say of IPVS as a whole, against a played kernel: timeouts, and the sync daemon."""

from __future__ import annotations

import errno

import attrs
from twisted.logger import capturedLogs, formatEvent

from kaltwisted.config.model import GlobalDefs, LvsSyncDaemon, LvsTimeouts
from kaltwisted.lvs.ipvs_messages import Command
from tests.unit.test_lvs_ipvs import PlaneTestCase


class SettingsTests(PlaneTestCase):
    def test_lvs_timeouts_at_the_start_and_at_a_reload(self) -> None:
        before = self.kernel.timeouts
        self.result(self.plane.configure(GlobalDefs(lvs_timeouts=LvsTimeouts(tcp=100, udp=30))))
        self.assertEqual(self.kernel.timeouts, before, "not before the start")
        self.start()
        self.assertEqual(self.kernel.timeouts, attrs.evolve(before, tcp=100, udp=30))
        # What somebody changes by hand is put right at a reload, and what is no longer said is as it was.
        self.kernel.timeouts = LvsTimeouts(1, 2, 3)
        self.result(self.plane.configure(GlobalDefs(lvs_timeouts=LvsTimeouts(tcpfin=5))))
        self.assertEqual(self.kernel.timeouts, attrs.evolve(before, tcpfin=5))
        self.result(self.plane.configure(GlobalDefs()))
        self.assertEqual(self.kernel.timeouts, before)
        self.kernel.commands.clear()
        self.result(self.plane.configure(GlobalDefs()))
        self.assertEqual(self.kernel.commands, [])

    def test_at_the_stop_the_timeouts_are_as_they_were_whether_the_table_is_kept_or_not(self) -> None:
        before = self.kernel.timeouts
        for keep in (True, False):
            self.plane = self.new_plane()
            self.plane.configure(GlobalDefs(lvs_timeouts=LvsTimeouts(tcp=100)))
            self.start()
            self.assertEqual(self.kernel.timeouts.tcp, 100)
            self.result(self.plane.stop(keep=keep))
            self.assertEqual(self.kernel.timeouts, before)

    def test_a_sync_daemon_that_follows_nobody_runs_in_both_roles_until_the_stop(self) -> None:
        alone, other = LvsSyncDaemon("eth1", sync_id=0), LvsSyncDaemon("eth1", sync_id=5)
        self.plane.configure(GlobalDefs(lvs_sync_daemon=LvsSyncDaemon("eth1", "VI_1", 51)))
        self.start()
        self.assertEqual(self.kernel.commands.count(Command.NEW_DAEMON), 0, "that is for the VRRP role")
        self.result(self.plane.configure(GlobalDefs(lvs_sync_daemon=alone)))
        self.assertEqual(self.kernel.sync_daemons, {1: 0, 2: 0})
        self.result(self.plane.configure(GlobalDefs(lvs_sync_daemon=other)))
        self.assertEqual(self.kernel.sync_daemons, {1: 5, 2: 5})
        self.result(self.plane.configure(GlobalDefs()))
        self.assertEqual(self.kernel.sync_daemons, {})
        self.result(self.plane.configure(GlobalDefs(lvs_sync_daemon=alone)))
        self.result(self.plane.stop(keep=False))
        self.assertEqual(self.kernel.sync_daemons, {})

    def test_a_sync_daemon_that_is_to_follow_is_left_to_who_follows(self) -> None:
        self.plane.configure(GlobalDefs(lvs_sync_daemon=LvsSyncDaemon("eth1", sync_id=0)))
        self.start()
        self.writes()
        following = GlobalDefs(lvs_sync_daemon=LvsSyncDaemon("eth1", "VI_1", 51))
        self.result(self.plane.configure(following))
        self.result(self.plane.stop(keep=False))
        self.assertEqual(self.writes(), [])

    def test_timeouts_that_are_refused_do_not_keep_the_plane_from_starting(self) -> None:
        self.kernel.interfere = lambda command, asked: errno.EPERM * (command is Command.SET_CONFIG)
        self.plane.configure(GlobalDefs(lvs_timeouts=LvsTimeouts(tcp=100)))
        with capturedLogs() as logs:
            self.assertEqual(self.start(), {})
        [told] = [formatEvent(event) for event in logs]
        self.assertRegex(told, "^lvs_timeouts: .*(EPERM|[Nn]ot permitted)")
