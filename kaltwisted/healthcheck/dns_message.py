"""The question of a DNS_CHECK, and what an answer says of it by its header (RFC 1035 §4).

As with keepalived, ident and response code are all there is to an answer.  So nothing else of what a server
sends is read, whose names might point anywhere.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

from twisted.names.dns import Message

from kaltwisted.config.model import DnsType
from kaltwisted.healthcheck.outcome import Outcome

IDENT_SIZE: Final = 2
HEADER_SIZE: Final = 12

_GOOD = Outcome(True)


def query(type_: DnsType, name: str) -> bytes:
    """A question that wants recursion; all but its first bytes, which are its ident."""
    message = Message(recDes=True)
    message.addQuery(name.removesuffix(".").encode(errors="surrogateescape"), type_.value)
    return message.toStr()[IDENT_SIZE:]


def judge(ident: bytes, answer: bytes) -> Outcome | None:
    """What an answer comes to; None: it is none to the question with this ident, and another may come."""
    if len(answer) < HEADER_SIZE or not answer.startswith(ident):
        return None
    header = Message()
    header.decode(BytesIO(answer[:HEADER_SIZE]))
    if not header.answer:
        return None
    return Outcome(False, f"read error occurred. (rcode = {header.rCode})") if header.rCode else _GOOD
