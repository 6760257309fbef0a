"""What an alert looks like on the wire: headers, body, addresses.  Pure: bytes out, time as an argument."""

from __future__ import annotations

import quopri
import re
from email.header import Header
from email.utils import formatdate, parseaddr

import attrs

from kaltwisted.config.model import GlobalDefs
from kaltwisted.ports import Mail

# RFC 5321 §4.5.3.1.3: a path has at most 256 octets.
_LONGEST_ADDRESS = 254
_ADDRESS = re.compile(r"[!-;=?-~]+\Z")  # printable ASCII without space, < and >
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@attrs.frozen
class Envelope:
    """Who mails are from and for; ``unusable``: configured recipients that no mail can be sent to."""

    sender: str
    recipients: tuple[str, ...]
    unusable: tuple[str, ...]
    sender_header: str
    helo: bytes
    router_id: str


def envelope(global_defs: GlobalDefs, host_name: str) -> Envelope:
    """What ``global_defs`` say about mail; the host's name stands in where they say nothing."""
    host = _ascii_host(host_name)
    header = global_defs.notification_email_from or f"keepalived@{host}"
    sender = address(header)
    if sender is None:
        header = sender = f"keepalived@{host}"
    usable = {given: address(given) for given in global_defs.notification_email}
    return Envelope(
        sender=sender,
        recipients=tuple(dict.fromkeys(found for found in usable.values() if found is not None)),
        unusable=tuple(given for given, found in usable.items() if found is None),
        sender_header=header,
        helo=_ascii_host(global_defs.smtp_helo_name or host_name).encode(),
        router_id=global_defs.router_id or host_name,
    )


def address(text: str) -> str | None:
    """The address in ``text`` (``user@host`` or ``Name <user@host>``), None when no mail can go there."""
    text = text.strip()
    found = parseaddr(text)[1] if "<" in text else text
    if not found or _CONTROLS.search(text) or len(found) > _LONGEST_ADDRESS or not _ADDRESS.match(found):
        return None
    return found


def compose(mail: Mail, envelope: Envelope, now: float) -> bytes:
    r"""The whole message, lines ended by ``\n``, ASCII only.

    keepalived's headers in its order.  Whatever subject and body hold, a
    header cannot be smuggled in: control characters become spaces, what is not
    ASCII is encoded (RFC 2047, RFC 2045).
    """
    headers = [
        ("Date", formatdate(now, localtime=True)),
        ("From", _words(envelope.sender_header)),
        ("Subject", _words(f"[{envelope.router_id}] {mail.subject}")),
        ("X-Mailer", "Keepalived"),
        ("To", ",\n ".join(envelope.recipients)),
    ]
    body = mail.body.replace("\r\n", "\n").replace("\r", "\n")
    if not body.endswith("\n"):
        body += "\n"
    if not (body.isascii() and all(len(line) <= 990 for line in body.split("\n"))):
        headers += [
            ("MIME-Version", "1.0"),
            ("Content-Type", 'text/plain; charset="utf-8"'),
            ("Content-Transfer-Encoding", "quoted-printable"),
        ]
        body = quopri.encodestring(body.encode(errors="replace")).decode("ascii")
    return ("".join(f"{name}: {value}\n" for name, value in headers) + "\n" + body).encode("ascii")


def _words(text: str) -> str:
    plain = _CONTROLS.sub(" ", text).strip()
    if plain.isascii() and len(plain) <= 900:
        return plain
    return Header(plain.encode(errors="replace").decode(), "utf-8", maxlinelen=76).encode(linesep="\n")


def _ascii_host(name: str) -> str:
    try:
        encoded = name.encode("idna").decode("ascii")
    except UnicodeError:
        encoded = ""
    return encoded if encoded and _ADDRESS.match(encoded) else "localhost"
