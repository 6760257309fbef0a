"""One mail over one connection (RFC 5321, client side), with what became of every recipient."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any, cast

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.mail.smtp import SMTPClient, SMTPClientError, SMTPTimeoutError
from twisted.python.failure import Failure

_SUCCESS = range(200, 300)
_TEMPORARY = range(400, 500)
_LINES_OF_A_REPLY = 100


@attrs.frozen
class Refusal:
    """Why a recipient, or everything (``recipient`` None), was refused.  ``code`` 0: no answer at all."""

    recipient: str | None
    code: int
    words: str

    @property
    def temporary(self) -> bool:
        """Whether it may work later (RFC 5321 §4.2.1)."""
        return self.code == 0 or self.code in _TEMPORARY

    def __str__(self) -> str:
        return f"{self.code} {self.words}" if self.code else self.words


@attrs.frozen
class Delivery:
    """How a transaction went.  Who is neither accepted nor refused by himself is refused with all.

    ``silent``: the server stopped answering.
    """

    accepted: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    silent: bool = False


class Transaction(SMTPClient):
    """Sends one message and ends the connection.

    ``delivered`` fires with the Delivery as soon as it is known, ``closed``
    once the connection is gone; neither ever fails.
    """

    debug = False

    def __init__(
        self, helo: bytes, sender: str, recipients: tuple[str, ...], message: bytes, timeout_s: float
    ) -> None:
        super().__init__(helo)
        self.timeout = timeout_s  # type: ignore[assignment]  # Twisted's default is None
        self._sender: Iterator[str] = iter((sender,))
        self._recipients = recipients
        self._message = message
        self.delivered: Deferred[Delivery] = Deferred()
        self.closed: Deferred[None] = Deferred()

    # --- what SMTPClient asks ------------------------------------------------------

    def getMailFrom(self) -> str | None:
        """The sender, once."""
        return next(self._sender, None)

    def getMailTo(self) -> tuple[str, ...]:
        """The recipients."""
        return self._recipients

    def getMailData(self) -> BytesIO:
        """The message."""
        return BytesIO(self._message)

    def lineReceived(self, line: bytes) -> Any:
        """A line of a reply; a reply without end is none."""
        if len(self.resp) >= _LINES_OF_A_REPLY:
            self.sendError(SMTPClientError(-1, b"an endless reply", isFatal=True))
            return None
        return super().lineReceived(line)

    def sentMail(
        self, code: int, resp: bytes | str, numOk: int, addresses: list[tuple[str, int, bytes]], log: object
    ) -> None:
        """The server has answered: for each recipient and, when it came to that, for the data."""
        refused = tuple(
            Refusal(recipient, answer, _text(words))
            for recipient, answer, words in addresses
            if answer not in _SUCCESS
        )
        accepted = tuple(recipient for recipient, answer, _ in addresses if answer in _SUCCESS)
        if code in _SUCCESS and accepted:
            self._settle(Delivery(accepted, refused))
        elif addresses and not accepted:
            self._settle(Delivery((), refused))
        else:
            self._settle(Delivery((), (*refused, Refusal(None, code, _text(resp)))))

    def sendError(self, exc: Exception) -> None:
        """It went wrong before an answer for the recipients came."""
        code = max(getattr(exc, "code", 0), 0)
        words = _text(getattr(exc, "resp", None) or str(exc))
        self._settle(Delivery((), (Refusal(None, code, words),), silent=isinstance(exc, SMTPTimeoutError)))
        super().sendError(exc)

    def timeoutConnection(self) -> None:
        """No answer in time: no more waiting, not even for an answer to QUIT."""
        self._settle(Delivery((), (Refusal(None, 0, "no answer in time"),), silent=True))
        self.abort()

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line longer than any reply is no reply."""
        self._settle(Delivery((), (Refusal(None, 0, "an endless line"),)))
        self.abort()

    def abort(self) -> None:
        """End the connection at once, whatever is still to be said."""
        cast(ITCPTransport, self.transport).abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone, wanted or not."""
        super().connectionLost(reason)
        self._settle(Delivery((), (Refusal(None, 0, "the connection was lost"),)))
        self.closed.callback(None)

    def _settle(self, delivery: Delivery) -> None:
        if not self.delivered.called:
            self.delivered.callback(delivery)


def _text(words: bytes | str) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return " ".join(text.split())[:200]
