"""keepalived's log lines and mail lines for each kind of checker, to the letter: monitoring greps them.

The formats are twisted.logger's; ``service`` and ``virtual_server`` are
keepalived's names, such as ``[10.0.0.1]:tcp:80``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs

from kaltwisted.config.model import (
    BfdCheck,
    Check,
    Connection,
    DnsCheck,
    FileCheck,
    HttpCheck,
    MiscCheck,
    PingCheck,
    SmtpCheck,
    TcpCheck,
    UdpCheck,
)


@attrs.frozen
class Wording:
    """What the log and the mails say about one kind of checker.

    ``succeeded`` may be empty: nothing is told.
    ``failed_after``: down after retries.  ``failed``: down without any.
    ``attempt_failed``: each failed attempt, with ``log_all_failures`` only
    (``{reason}`` is the Outcome's); with ``always_log_attempts`` those before
    a retry always; where it is the same as ``failed`` that is told but once.
    ``attempt_failed_by``: the line for reasons that are told otherwise;
    ``attempts_while_down``: it is told after the checker has failed, too.
    ``confirms``: a first result that is good, as was assumed, is told.  The
    mail lines become a Verdict's summary, with the reason in it.
    """

    succeeded: str
    failed: str
    failed_after: str
    attempt_failed: str
    mail_succeeded: str
    mail_failed: str
    always_log_attempts: bool = False
    confirms: bool = True
    attempt_failed_by: Mapping[str, str] = MappingProxyType({})
    attempts_while_down: bool = True


TCP = Wording(
    succeeded="TCP connection to {service} success.",
    failed="TCP_CHECK on service {service} failed.",
    failed_after="TCP_CHECK on service {service} failed after {retries} retries.",
    attempt_failed="TCP connection to {service} {reason}.",
    mail_succeeded="=> TCP CHECK succeed on service <=",
    mail_failed="=> TCP CHECK failed on service <=",
)


def _web(kind: str) -> Wording:
    return Wording(
        succeeded="Remote Web server {service} succeed on service.",
        failed=kind + "_CHECK on service {service} failed.",
        failed_after=kind + "_CHECK on service {service} failed after {retries} retries.",
        attempt_failed="{reason} server {service}.",
        mail_succeeded="=> CHECK succeed on service <=",
        mail_failed="=> CHECK failed on service : HTTP request failed <=",
    )


HTTP = _web("HTTP")
SSL = _web("SSL")

_MISC = "Misc check for [{service} VS {virtual_server}] by [{script}] "
MISC = Wording(
    succeeded=_MISC + "{reason}{ending}.",
    failed=_MISC + "{reason}{disabled}{ending}.",
    failed_after=_MISC + "{reason} after {retries} {retry_word}{ending}.",
    attempt_failed=_MISC + "{reason}{progress}{ending}.",
    mail_succeeded="=> MISC CHECK succeed on service <=",
    mail_failed="=> MISC CHECK failed on service <=",
    always_log_attempts=True,
)


def _told_alike(
    succeeded: str, failed: str, mail_succeeded: str, mail_failed: str, *, confirms: bool = True
) -> Wording:
    """One line for every failure, with or without retries."""
    return Wording(succeeded, failed, failed, failed, mail_succeeded, mail_failed, confirms=confirms)


def _smtp(connection: Connection) -> Wording:
    failed = f"{{reason}} server [{connection.ip}]:{connection.port}"
    return _told_alike(
        succeeded="Remote SMTP server {service} succeed on service.",
        failed=f"SMTP_CHECK {failed}",
        mail_succeeded="=> CHECK succeed on service <=",
        mail_failed=f"=> CHECK failed on service : {failed} <=",
    )


DNS = Wording(
    succeeded="",
    failed="DNS_CHECK ({service}) {reason}",
    failed_after="DNS_CHECK ({service}) {reason} after {retries} retries",
    attempt_failed="DNS_CHECK ({service}) {reason}",
    mail_succeeded="=> DNS_CHECK: succeed on service <=",
    mail_failed="=> DNS_CHECK: failed on service <=",
    attempts_while_down=False,
)

UDP = Wording(
    succeeded="UDP connection to {service} success.",
    failed="UDP_CHECK on service {service} failed.",
    failed_after="UDP_CHECK on service {service} failed after {retries} retries.",
    attempt_failed="UDP connection to {service} {reason}.",
    attempt_failed_by=MappingProxyType({"reply data mismatch": "UDP check to {service} {reason}."}),
    mail_succeeded="=> UDP CHECK succeed on service <=",
    mail_failed="=> UDP CHECK failed on service <=",
    attempts_while_down=False,
)

PING = Wording(
    succeeded="ICMP connection to {service} success.",
    failed="ICMP CHECK on service {service} failed.",
    failed_after="ICMP CHECK on service {service} of {virtual_server} failed after {retries} retries.",
    attempt_failed="ICMP connection to {service} of {virtual_server} {reason}.",
    attempt_failed_by=MappingProxyType({"timeout": "ICMP connection to address {service} {reason}."}),
    mail_succeeded="=> ICMP CHECK succeed on service <=",
    mail_failed="=> ICMP CHECK failed on service <=",
    attempts_while_down=False,
)


def _file(name: str) -> Wording:
    check = f"({{service}}): tracked file {_plain(name)} "
    return _told_alike(
        succeeded=check + "leaving FAULT state",
        failed=check + "now FAULT state",
        mail_succeeded=f"=> FILE CHECK {name} succeeded on service <=",
        mail_failed=f"=> FILE CHECK {name} failed on service <=",
        confirms=False,
    )


def _plain(name: str) -> str:
    """A name in a format: braces in it are no fields."""
    return name.replace("{", "{{").replace("}", "}}")


def _bfd(name: str) -> Wording:
    check = f"BFD check of [{_plain(name)}] RS({{service}}) is "
    return _told_alike(
        succeeded=check + "UP",
        failed=check + "DOWN",
        mail_succeeded=f"=> BFD CHECK {name} succeeded on service <=",
        mail_failed=f"=> BFD CHECK {name} failed on service <=",
    )


def wording_of(check: Check) -> Wording:
    """The wording that belongs to a check of the configuration."""
    match check:
        case TcpCheck():
            return TCP
        case HttpCheck(tls=None):
            return HTTP
        case HttpCheck():
            return SSL
        case MiscCheck():
            return MISC
        case SmtpCheck():
            return _smtp(check.connection)
        case DnsCheck():
            return DNS
        case UdpCheck():
            return UDP
        case PingCheck():
            return PING
        case FileCheck():
            return _file(check.track_file)
        case BfdCheck():
            return _bfd(check.name)
