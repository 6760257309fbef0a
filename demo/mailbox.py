"""The mail server that the alerts go to; it keeps the subjects."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.mail.smtp import IMessage, IMessageDelivery, SMTPFactory, User
from zope.interface import implementer


@implementer(IMessage)
class _Letter:
    def __init__(self, deliver: Callable[[str], None]) -> None:
        self._deliver = deliver
        self._lines: list[bytes] = []

    def lineReceived(self, line: bytes) -> None:
        self._lines.append(line)

    def eomReceived(self) -> Deferred[None]:
        letter = message_from_bytes(b"\n".join(self._lines))
        self._deliver(str(letter["Subject"]))
        return succeed(None)

    def connectionLost(self) -> None:
        pass


@implementer(IMessageDelivery)
class _Delivery:
    """Accepts mail for everybody; a letter to several recipients counts once."""

    def __init__(self, deliver: Callable[[str], None]) -> None:
        self._deliver = deliver

    def receivedHeader(self, helo: object, origin: object, recipients: object) -> bytes:
        return b"Received: by the demo"

    def validateFrom(self, helo: object, origin: object) -> object:
        return origin

    def validateTo(self, user: User) -> Callable[[], _Letter]:
        first = not user.protocol._to  # earlier recipients of the same letter
        return lambda: _Letter(self._deliver if first else lambda subject: None)


class Mailbox(SMTPFactory):
    """Calls ``deliver`` with the subject of every letter."""

    domain = b"mail.domain.example"
    timeout = 30

    def __init__(self, deliver: Callable[[str], None]) -> None:
        super().__init__()
        self._deliver = deliver

    def buildProtocol(self, address: Any) -> Any:
        protocol = super().buildProtocol(address)
        protocol.delivery = _Delivery(self._deliver)
        return protocol
