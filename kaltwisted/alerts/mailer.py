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


def mailer_for(reactor: Any, global_defs: GlobalDefs) -> SilentMailer | MailService:
    """The mailer that ``global_defs`` asks for, as a service to start and stop."""
    if global_defs.smtp_server is None or not global_defs.notification_email:
        return SilentMailer()
    # SMTP is a third of what a role imports: only for who wants mail.
    from kaltwisted.alerts.mail import MailService

    return MailService(reactor, global_defs)
