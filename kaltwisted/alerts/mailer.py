"""Who sends the alerts of a configuration: a mail service, or nobody where nobody asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from kaltwisted.config.model import GlobalDefs
from kaltwisted.ports import IMailer, Mail

if TYPE_CHECKING:
    from kaltwisted.alerts.mail import MailService


@implementer(IMailer)
class SilentMailer(Service):
    """Sends nothing: the configuration names no server, or no recipient."""

    def send(self, mail: Mail) -> Deferred[bool]:
        """Not delivered."""
        return succeed(False)


@implementer(IMailer)
class Mailer(Service):
    """The mailer that ``global_defs`` asks for, also when it comes to ask for another."""

    def __init__(self, reactor: Any, global_defs: GlobalDefs) -> None:
        self._reactor = reactor
        self._mailer = mailer_for(reactor, global_defs)

    def send(self, mail: Mail) -> Deferred[bool]:
        """Hand it to the mailer of the day."""
        return self._mailer.send(mail)

    def reconfigure(self, global_defs: GlobalDefs) -> None:
        """Send by these settings from the next mail on."""
        mailer = self._mailer
        if not isinstance(mailer, SilentMailer) and _wanted(global_defs):
            mailer.reconfigure(global_defs)
            return
        if self.running:
            mailer.stopService()
        self._mailer = mailer_for(self._reactor, global_defs)
        if self.running:
            self._mailer.startService()

    def startService(self) -> None:
        """Send."""
        super().startService()
        self._mailer.startService()

    def stopService(self) -> Deferred[None] | None:
        """Send no more; fires when what could be sent at once was."""
        super().stopService()
        return self._mailer.stopService()


def _wanted(global_defs: GlobalDefs) -> bool:
    return global_defs.smtp_server is not None and bool(global_defs.notification_email)


def mailer_for(reactor: Any, global_defs: GlobalDefs) -> SilentMailer | MailService:
    """The mailer that ``global_defs`` asks for, as a service to start and stop."""
    if not _wanted(global_defs):
        return SilentMailer()
    # SMTP is a third of what a role imports: only for who wants mail.
    from kaltwisted.alerts.mail import MailService

    return MailService(reactor, global_defs)
