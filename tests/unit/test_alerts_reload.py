"""Mail settings and script users that change while the daemon runs."""

from __future__ import annotations

import attrs
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.alerts.mail import MailService
from kaltwisted.alerts.mailer import Mailer
from kaltwisted.alerts.scripts import ScriptService
from kaltwisted.config.model import GlobalDefs, Script, SmtpServer
from kaltwisted.ports import IMailer, Mail

NOBODY = GlobalDefs()
SOMEBODY = GlobalDefs(
    router_id="one", notification_email=("ops@example.org",), smtp_server=SmtpServer("192.0.2.25")
)


class MailerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()

    def mailer(self, global_defs: GlobalDefs) -> Mailer:
        mailer = Mailer(self.reactor, global_defs)
        verifyObject(IMailer, mailer)
        mailer.startService()
        return mailer

    def stop(self, mailer: Mailer) -> None:
        mailer.stopService()
        self.reactor.advance(1)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_mail_begins_when_somebody_asks_for_it_and_ends_when_nobody_does(self) -> None:
        mailer = self.mailer(NOBODY)
        self.assertFalse(self.successResultOf(mailer.send(Mail("s", "b"))))
        mailer.reconfigure(SOMEBODY)
        waiting = mailer.send(Mail("s", "b"))
        self.assertNoResult(waiting)
        mailer.reconfigure(NOBODY)
        self.assertFalse(self.successResultOf(mailer.send(Mail("s", "b"))))
        self.stop(mailer)
        self.successResultOf(waiting)

    def test_mails_that_wait_outlive_other_settings(self) -> None:
        mailer = self.mailer(SOMEBODY)
        waiting = [mailer.send(Mail(subject, "b")) for subject in "ab"]
        mailer.reconfigure(attrs.evolve(SOMEBODY, router_id="two", smtp_server=SmtpServer("192.0.2.26")))
        for each in waiting:
            self.assertNoResult(each)
        self.stop(mailer)

    def test_a_server_that_was_dead_does_not_hold_back_the_new_one(self) -> None:
        mail = MailService(self.reactor, SOMEBODY)
        mail.startService()
        mail.send(Mail("s", "b"))
        _, port, factory, *_ = self.reactor.tcpClients.pop()
        self.assertEqual(port, 25)
        factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
        self.reactor.advance(1)
        self.assertEqual(self.reactor.tcpClients, [], "a pause")
        mail.reconfigure(attrs.evolve(SOMEBODY, smtp_server=SmtpServer("192.0.2.25", 26)))
        self.reactor.advance(0)
        self.assertEqual([client[1] for client in self.reactor.tcpClients], [26])
        mail.stopService()
        self.reactor.advance(1)


class ScriptUserTests(SynchronousTestCase):
    def test_the_next_script_is_run_by_the_new_settings(self) -> None:
        scripts = ScriptService(Clock(), GlobalDefs(script_user=("no-such-user", None)))
        first = self.successResultOf(scripts.run(Script(("/bin/true",))))
        self.assertIn("no-such-user", first.error)
        scripts.reconfigure(GlobalDefs(script_user=("no-such-other", None)))
        second = self.successResultOf(scripts.run(Script(("/bin/true",))))
        self.assertIn("no-such-other", second.error)
