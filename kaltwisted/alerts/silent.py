"""The mailer of a configuration that names no server or no recipient."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from kaltwisted.ports import IMailer, Mail


@implementer(IMailer)
class SilentMailer(Service):
    """Sends nothing, since nobody asked for mail."""

    def send(self, mail: Mail) -> Deferred[bool]:
        """Not delivered."""
        return succeed(False)
