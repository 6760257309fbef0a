"""Who says that he provides IScripts or IMailer does."""

from __future__ import annotations

import time
from typing import Any

from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from kaltwisted.alerts import mail as mail_module
from kaltwisted.alerts.mail import MailService
from kaltwisted.alerts.message import Envelope
from kaltwisted.alerts.scripts import ScriptService
from kaltwisted.config.model import GlobalDefs, Script, SmtpServer
from kaltwisted.ports import IMailer, IScripts, Mail, ScriptResult
from kaltwisted.testing.alerts import FakeMailer, FakeScripts


@implementer(IStreamClientEndpoint)
class Unanswered:
    """A server that does not answer."""

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        return Deferred()


class TestProviders(SynchronousTestCase):
    def test_scripts(self) -> None:
        for provider in (ScriptService(Clock(), GlobalDefs()), FakeScripts()):
            self.assertTrue(verifyObject(IScripts, provider))

    def test_mailers(self) -> None:
        for provider in (MailService(Clock(), GlobalDefs()), FakeMailer()):
            self.assertTrue(verifyObject(IMailer, provider))

    def test_services(self) -> None:
        for provider in (ScriptService(Clock(), GlobalDefs()), MailService(Clock(), GlobalDefs())):
            self.assertTrue(verifyObject(IService, provider))

    def test_idle_services_stop_at_once_and_leave_nothing(self) -> None:
        for kind in (ScriptService, MailService):
            clock = Clock()
            provider = kind(clock, GlobalDefs())
            provider.startService()
            self.successResultOf(provider.stopService())
            self.assertEqual(clock.getDelayedCalls(), [])


class TestDates(SynchronousTestCase):
    def test_a_mail_bears_the_date_whatever_clock_the_reactor_goes_by(self) -> None:
        dates: list[float] = []

        def compose(mail: Mail, envelope: Envelope, now: float) -> bytes:
            dates.append(now)
            return b""

        self.patch(mail_module, "compose", compose)
        defs = GlobalDefs(smtp_server=SmtpServer("127.0.0.1"), notification_email=("a@example.org",))
        mailer = MailService(Clock(), defs, endpoint=Unanswered())
        mailer.send(Mail("s", "b"))
        self.assertLess(abs(dates[0] - time.time()), 3600)


class TestFakes(SynchronousTestCase):
    def test_a_script_ends_when_the_test_says_so(self) -> None:
        scripts = FakeScripts()
        first, second = (scripts.run(Script(("/x",)), 5, ("a",)) for _ in range(2))
        self.assertNoResult(first)
        scripts.runs[0].end(ScriptResult(status=3))
        self.assertEqual(self.successResultOf(first), ScriptResult(status=3))
        second.cancel()
        self.failureResultOf(second)
        self.assertEqual([run.cancelled for run in scripts.runs], [False, True])
        self.assertEqual(scripts.runs[0].arguments, ("a",))

    def test_or_at_once(self) -> None:
        result = FakeScripts(ScriptResult(signal=9)).run(Script(("/x",)))
        self.assertEqual(self.successResultOf(result), ScriptResult(signal=9))

    def test_mails_are_kept(self) -> None:
        mailer = FakeMailer(deliver=False)
        self.assertFalse(self.successResultOf(mailer.send(Mail("s", "b"))))
        self.assertEqual(mailer.mails, [Mail("s", "b")])
