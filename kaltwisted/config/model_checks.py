"""The checks of real servers as frozen values."""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

import attrs

from kaltwisted.config.model_values import SECOND_US, Address, Position, Script, place


@attrs.frozen
class CheckTiming:
    """When a check runs and what its failures mean; the same for every kind of check.

    ``retry``: tries after the first failure before the server is down.
    ``warmup_us``: upper bound of the pause before the first check.
    """

    delay_loop_us: int = 60 * SECOND_US
    retry: int = 1
    delay_before_retry_us: int = SECOND_US
    warmup_us: int = 60 * SECOND_US
    alpha: bool = False
    log_all_failures: bool = False


@attrs.frozen
class Connection:
    """Where a check connects to and from; the target is the real server unless told otherwise."""

    ip: Address
    port: int
    timeout_us: int = 5 * SECOND_US
    bindto: Address | None = None
    bind_port: int = 0
    bind_if: str | None = None
    fwmark: int = 0


@attrs.frozen
class TcpCheck:
    """``TCP_CHECK``: good when the connection opens."""

    timing: CheckTiming
    connection: Connection
    where: Position | None = place()


@attrs.frozen
class Url:
    """A ``url`` to check.  ``digest``: the body's MD5 in hex; ``status_codes``: inclusive ranges."""

    path: str
    digest: str | None = None
    status_codes: tuple[tuple[int, int], ...] = ((200, 299),)
    virtualhost: str | None = None
    regex: str | None = None
    regex_no_match: bool = False


class HttpProtocol(Enum):
    """``http_protocol``: the request's version, and whether it says ``Connection: close``."""

    HTTP_1_0 = "1.0"
    HTTP_1_0_CLOSE = "1.0C"
    HTTP_1_1 = "1.1"


@attrs.frozen
class TlsOptions:
    """TLS of ``SSL_GET``.  ``verify_name`` None: no verification, as keepalived does it.

    ``tls_verify [NAME]`` and ``tls_ca_file PATH`` are our own keywords; an
    empty name stands for the name that is asked for (SNI, else virtualhost,
    else the address).
    """

    enable_sni: bool = False
    sni_name: str | None = None
    verify_name: str | None = None
    ca_file: str | None = None


@attrs.frozen
class HttpCheck:
    """``HTTP_GET`` and, with ``tls``, ``SSL_GET``."""

    timing: CheckTiming
    connection: Connection
    urls: tuple[Url, ...]
    virtualhost: str | None = None
    http_protocol: HttpProtocol = HttpProtocol.HTTP_1_0
    fast_recovery: bool = False
    tls: TlsOptions | None = None
    where: Position | None = place()


@attrs.frozen
class MiscCheck:
    """``MISC_CHECK``: a command's exit status.  ``dynamic``: 2..255 also sets the weight to status - 2."""

    timing: CheckTiming
    script: Script
    timeout_us: int
    dynamic: bool = False
    where: Position | None = place()


@attrs.frozen
class BfdCheck:
    """``BFD_CHECK``: good while a BFD session is up.  ``name``: of its ``bfd_instance``.

    Of its timing only ``alpha`` means something: it hears of changes, and does not ask.
    """

    timing: CheckTiming
    name: str
    where: Position | None = place()


@attrs.frozen
class FileCheck:
    """``FILE_CHECK``: the number in a file, times ``weight``, is added to the server's weight.

    ``weight`` 0: good while the number is 0.  ``reverse``: subtracted, or good while it is not 0.  Of its
    timing only ``alpha`` means something.  ``track_file``: the name of its definition.
    """

    timing: CheckTiming
    track_file: str
    weight: int | None = None
    reverse: bool = False
    where: Position | None = place()


SMTP_HELO_NAME: Final = "smtpchecker.keepalived.org"
"""What keepalived 2.2.7 says that it is, unless told otherwise."""


@attrs.frozen
class SmtpCheck:
    """``SMTP_CHECK``: greets a mail server.  ``helo_name`` None: keepalived's own."""

    timing: CheckTiming
    connection: Connection
    helo_name: str | None = None
    where: Position | None = place()


@attrs.frozen
class PingCheck:
    """``PING_CHECK``: an ICMP echo; the port means nothing."""

    timing: CheckTiming
    connection: Connection
    where: Position | None = place()


@attrs.frozen
class ReplyPattern:
    """``require_reply``: the answer begins with ``value`` in the bits of ``mask``; empty: any answer."""

    value: bytes = b""
    mask: bytes = b""


@attrs.frozen
class UdpCheck:
    """``UDP_CHECK``: a datagram that is not refused, or with ``require_reply`` is answered.

    ``payload`` None: keepalived's own.  Lengths are of the answer, in bytes, both inclusive; they
    count with a pattern only.
    """

    timing: CheckTiming
    connection: Connection
    payload: bytes | None = None
    require_reply: ReplyPattern | None = None
    min_reply_length: int = 0
    max_reply_length: int = 255
    where: Position | None = place()


class DnsType(Enum):
    """``type`` of a ``DNS_CHECK``; the values are DNS's own (RFC 1035 §3.2.2, RFC 3596, RFC 4034)."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    MX = 15
    TXT = 16
    AAAA = 28
    RRSIG = 46
    DNSKEY = 48

    def __str__(self) -> str:
        return self.name


@attrs.frozen
class DnsCheck:
    """``DNS_CHECK``: a question that is answered without an error.

    ``name``: as it is written; empty: it is not, which is the root.
    """

    timing: CheckTiming
    connection: Connection
    type: DnsType = DnsType.SOA
    name: str = ""
    where: Position | None = place()


Check: TypeAlias = (
    TcpCheck | HttpCheck | MiscCheck | FileCheck | BfdCheck | SmtpCheck | PingCheck | UdpCheck | DnsCheck
)


def kind(check: Check) -> str:
    """keepalived's word for the block."""
    if isinstance(check, HttpCheck):
        return "HTTP_GET" if check.tls is None else "SSL_GET"
    return _KINDS[type(check)]


_KINDS: dict[type, str] = {
    TcpCheck: "TCP_CHECK",
    MiscCheck: "MISC_CHECK",
    FileCheck: "FILE_CHECK",
    BfdCheck: "BFD_CHECK",
    SmtpCheck: "SMTP_CHECK",
    PingCheck: "PING_CHECK",
    UdpCheck: "UDP_CHECK",
    DnsCheck: "DNS_CHECK",
}
