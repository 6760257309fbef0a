"""UDP_CHECK: a server is good when it does not refuse a datagram or, with ``require_reply``, answers it."""

from __future__ import annotations

from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from kaltwisted.config import model
from kaltwisted.healthcheck.exchange import Ask, Attempt, refused
from kaltwisted.healthcheck.outcome import Outcome
from kaltwisted.healthcheck.timeouts import Timeouts
from kaltwisted.healthcheck.udp_reply import is_good
from kaltwisted.ports import ICheck

PAYLOAD: Final = b"keepalived check - keepalived ch"
"""What keepalived 2.2.7 sends unless told otherwise."""

# Of a reply that is not the one, in bytes.
_SHOWN = 32
_GOOD = Outcome(True)
_NO_REPLY = Outcome(False, "failed", detail="no reply")


@implementer(ICheck)
class UdpCheck:
    """Sends the payload; the first reply decides.  ``ask`` sends datagrams to the server."""

    def __init__(self, check: model.UdpCheck, ask: Ask, reactor: IReactorTime) -> None:
        self._check = check
        self._payload = PAYLOAD if check.payload is None else check.payload
        self._silent = _GOOD if check.require_reply is None else _NO_REPLY
        self._timeouts = Timeouts.shared(reactor, check.connection.timeout_us / model.SECOND_US)
        self._ask = ask

    def run(self) -> Deferred[Outcome]:
        """One datagram (ICheck)."""
        attempt = Attempt(self._timeouts, self._judge, self._silent, refused)
        return attempt.begin(self._ask, self._payload)

    def describe(self) -> str:
        """As ICheck asks."""
        return f"UDP datagram to [{self._check.connection.ip}]:{self._check.connection.port}"

    def _judge(self, reply: bytes) -> Outcome:
        if is_good(self._check, reply):
            return _GOOD
        longest = self._check.max_reply_length
        size = f"{len(reply)} bytes" if len(reply) <= longest else f"more than {longest} bytes"
        return Outcome(False, "reply data mismatch", detail=f"{size} came: {reply[:_SHOWN].hex()}")
