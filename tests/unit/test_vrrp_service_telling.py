"""Whom virtual routers tell of their changes: scripts, mails, logs, their group and the sync daemon."""

from __future__ import annotations

from kaltwisted.config.model import GlobalDefs, LvsSyncDaemon, Script, VrrpSyncGroup
from kaltwisted.ports import Link, LinkAddress, SyncRole
from tests.unit.test_vrrp_service import VIP, World, advert
from tests.unit.vrrp_helpers import config


class Telling(World):
    def runs(self) -> list[str]:
        """What was run, in order."""
        return [" ".join((*run.script.argv, *run.arguments)) for run in self.scripts.runs]

    def test_scripts_wait_for_the_addresses_and_for_one_another(self) -> None:
        notify = {"notify": Script(("/n",)), "notify_master": Script(("/m",)), "notify_stop": Script(("/s",))}
        self.start(config(notify=notify))
        self.assertEqual(self.runs(), ["/n INSTANCE X BACKUP 100"])
        self.addresses.held = True
        self.wait(4)
        self.scripts.runs[0].end()
        self.settle()
        self.assertEqual(len(self.scripts.runs), 1)  # the address does not stand yet
        self.addresses.finish()
        self.settle()
        self.assertEqual(self.runs()[1:], ["/m"])
        self.scripts.runs[1].end()
        self.assertEqual(self.runs()[2:], ["/n INSTANCE X MASTER 100"])
        self.addresses.held = False
        stopped = self.service.stopService()
        self.settle()
        self.assertNoResult(stopped)
        for _ in range(3):
            self.scripts.runs[-1].end()
        self.assertEqual(self.runs()[3:], ["/s", "/n INSTANCE X STOP 100"])
        self.successResultOf(stopped)

    def test_a_script_that_hangs_does_not_keep_the_stop_for_ever(self) -> None:
        self.start(config(notify={"notify": Script(("/hangs",))}))
        stopped = self.service.stopService()
        self.settle()
        self.assertNoResult(stopped)
        self.wait(10)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.scripts.runs[0].end()

    def test_mails_in_keepalived_s_words_for_changes_only(self) -> None:
        self.start(config(smtp_alert=True))
        self.wait(4)
        self.links.vanish(LinkAddress(2, VIP, 32))
        self.wait(1)
        self.stop()
        self.assertEqual(
            [mail.subject for mail in self.mailer.mails],
            [
                "VRRP Instance X - Entering BACKUP state",
                "VRRP Instance X - Entering MASTER state",
                "VRRP Instance X - Entering BACKUP state",
                "VRRP Instance X - Entering MASTER state",
                "VRRP Instance X - Stopping",
            ],
        )
        self.assertEqual(self.mailer.mails[1].body, "=> VRRP Instance is now owning VRRP VIPs <=")

    def test_no_mail_of_faults_where_none_is_wanted(self) -> None:
        for unwanted in (False, True):
            self.start(config(smtp_alert=True), global_defs=GlobalDefs(no_email_faults=unwanted))
            for running in (False, True):
                self.links.change(Link(2, "eth0", running=running))
                self.settle()
            fault = ["VRRP Instance X - Entering FAULT state", "VRRP Instance X - Entering BACKUP state"]
            self.assertEqual(
                [mail.subject for mail in self.mailer.mails],
                ["VRRP Instance X - Entering BACKUP state", *([] if unwanted else fault)],
            )
            self.stop()

    def test_a_split_brain_is_logged_and_mailed_where_mail_is_asked_for(self) -> None:
        for asked in (True, False):
            self.start(config(smtp_alert=asked))
            self.wait(4)
            self.mailer.mails.clear()
            for _ in range(3):
                self.wire.ports["eth0"].receive(advert(50))
                self.wait(1)
            mails = self.mailer.mails
            self.assertEqual(
                [mail.subject for mail in mails], ["VRRP Instance X - Split brain"] if asked else []
            )
            for mail in mails:
                self.assertIn(
                    "=> split brain: 10.0.0.9 is master too, for 2.0 s: it does not hear", mail.body
                )
            self.stop()

    def test_the_group_is_told_with_priority_0(self) -> None:
        group = VrrpSyncGroup("G", ("X",), smtp_alert=True, notify={"notify": Script(("/g",))})
        self.start(config(), vrrp_sync_groups=(group,))
        self.wait(4)
        self.scripts.runs[0].end()
        self.assertEqual(self.runs(), ["/g GROUP G BACKUP 0", "/g GROUP G MASTER 0"])
        self.assertEqual(self.mailer.mails[-1].subject, "VRRP Group G - Entering MASTER state")
        self.stop()

    def test_the_sync_daemon_follows_its_instance_and_no_other(self) -> None:
        sync = LvsSyncDaemon("eth1", "X", 51)
        other = config(name="Y", virtual_router_id=52)
        self.start(config(), other, global_defs=GlobalDefs(lvs_sync_daemon=sync))
        self.wait(4)
        self.stop()
        self.assertEqual(
            self.sync_daemon.roles, [({SyncRole.BACKUP}, sync), ({SyncRole.MASTER}, sync), (set(), sync)]
        )
