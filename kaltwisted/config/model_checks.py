"""The checks of real servers as frozen values."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

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


Check: TypeAlias = TcpCheck | HttpCheck | MiscCheck
