"""The health checkers in their data file (SIGUSR1), as keepalived 2.2.7 lays it out.  Pure.

What it tells of its own insides (reference counts, the exit status of a
script's last run) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import attrs

from kaltwisted.config.model import (
    SECOND_US,
    SMTP_HELO_NAME,
    Address,
    BfdCheck,
    Check,
    CheckTiming,
    Connection,
    DnsCheck,
    FileCheck,
    HttpCheck,
    MiscCheck,
    PingCheck,
    RealServer,
    SmtpCheck,
    TcpCheck,
    TrackFile,
    UdpCheck,
    Url,
    VirtualServer,
)
from kaltwisted.config.report import Owner, checker_moment, command, seconds, yes

_DEFAULT_DELAY_S: Final[Mapping[type, int]] = {HttpCheck: 3, DnsCheck: 0}
"""``delay_before_retry`` of those kinds for which keepalived has it not at 1; 0: as ``delay_loop``."""
_ALL_BITS: Final = b"\xff"


@attrs.frozen
class Checker:
    """One check of a real server, and how it stands.

    ``weight``: what its script asked for last; None: nothing.
    ``last_run_us``: the time of day in µs since 1970; None: never.
    """

    virtual_server: VirtualServer
    server: RealServer
    check: Check
    running: bool = True
    up: bool = True
    has_run: bool = False
    retries_used: int = 0
    weight: int | None = None
    last_run_us: int | None = None


def data(checkers: Iterable[Checker], owner: Owner) -> Iterator[str]:
    """The section ``Health checkers``."""
    yield "------< Health checkers >------"
    for checker in checkers:
        yield from _checker(checker, owner)


def files(
    services: Iterable[VirtualServer], definitions: Iterable[TrackFile], number: Callable[[str], int | None]
) -> Iterator[str]:
    """The section of the files that checks go by, if there are any."""
    followed: dict[str, list[str]] = {}
    for service, server, check in _configured(services):
        if isinstance(check, FileCheck):
            line = f"{service} -> {server.format(service.protocol)}, weight {_weight(check)}"
            followed.setdefault(check.track_file, []).append(line)
    if followed:
        yield "------< Checker track files >------"
    for file in definitions:
        if file.name in followed:
            yield f" Track file = {file.name}"
            yield f"   File = {file.file}"
            yield f"   Status = {number(file.name) or 0}"
            yield f"   Weight = {_weight(file)}"
            yield "   Tracking instances :"
            yield from (f"     {line}" for line in followed[file.name])


def _weight(of: FileCheck | TrackFile) -> str:
    return f"{of.weight}{' reverse' if of.reverse else ''}"


def sessions(services: Iterable[VirtualServer]) -> Iterator[str]:
    """The section of the BFD sessions that checks go by, if there are any."""
    followed: dict[str, list[str]] = {}
    for service, server, check in _configured(services):
        if isinstance(check, BfdCheck):
            followed.setdefault(check.name, []).append(server.format(service.protocol))
    if followed:
        yield "------< Checker track BFDs >------"
    for name, servers in followed.items():
        yield f" Checker Track BFD = {name}"
        yield "   Tracking RS :"
        yield from (f"   {each}" for each in servers)


def _configured(services: Iterable[VirtualServer]) -> Iterator[tuple[VirtualServer, RealServer, Check]]:
    """Each check, with whose it is."""
    for service in services:
        for server in service.real_servers:
            for check in server.checks:
                yield service, server, check


def _checker(checker: Checker, owner: Owner) -> Iterator[str]:
    check, service = checker.check, checker.virtual_server
    weight = 0 if checker.weight is None else checker.weight - checker.server.weight
    yield f" {service} -> {checker.server.format(service.protocol)}"
    yield f"   Enabled = {yes(checker.running)}"
    yield f"   Up = {yes(checker.up)}"
    yield f"   Has run = {yes(checker.has_run)}"
    yield f"   Current weight = {weight}"
    if not isinstance(check, FileCheck):
        yield from _timing(check.timing, checker.retries_used, _DEFAULT_DELAY_S.get(type(check), 1))
    match check:
        case TcpCheck():
            yield from _connection(check.connection)
            yield "   Keepalive method = TCP_CHECK"
        case HttpCheck():
            yield from _connection(check.connection)
            yield from _http(check, checker.server)
        case MiscCheck():
            yield "   Keepalive method = MISC_CHECK"
            yield f"   script = {command(check.script)}"
            yield f"   timeout = {check.timeout_us // SECOND_US}"
            yield f"   dynamic = {yes(check.dynamic).upper()}"
            yield f"   uid:gid = {owner(check.script)}"
            if checker.last_run_us is not None:
                yield f"   Last ran = {checker_moment(checker.last_run_us)}"
        case SmtpCheck():
            yield from _connection(check.connection)
            yield "   Keepalive method = SMTP_CHECK"
            yield f"   helo = {check.helo_name or SMTP_HELO_NAME}"
        case DnsCheck():
            yield from _connection(check.connection)
            yield "   Keepalive method = DNS_CHECK"
            yield f"   Type = {check.type}"
            yield f"   Name = {check.name}"
        case UdpCheck():
            yield from _connection(check.connection)
            yield from _udp(check)
        case PingCheck():
            yield from _connection(check.connection)
            yield "   Keepalive method = PING_CHECK"
        case FileCheck():
            yield f"   Log all failures = {yes(check.timing.log_all_failures)}"
            yield "   Keepalive method = FILE_CHECK"
            yield f"     Tracked file = {check.track_file}"
        case BfdCheck():
            yield from _bfd(check)


def _udp(check: UdpCheck) -> Iterator[str]:
    yield "   Keepalive method = UDP_CHECK"
    yield "   Payload specified = no" if check.payload is None else f"   Payload len = {len(check.payload)}"
    reply = check.require_reply
    yield f"   Require reply = {yes(reply is not None)}"
    if reply is not None:
        yield f"     Min reply length = {check.min_reply_length}"
        yield f"     Max reply length = {check.max_reply_length}"
        yield f"     Reply data len = {len(reply.value)}"
        if reply.value:
            yield f"     Reply data mask = {yes(reply.mask.strip(_ALL_BITS) != b'')}"


def _bfd(check: BfdCheck) -> Iterator[str]:
    yield "   Keepalive method = BFD_CHECK"
    yield f"   Name = {check.name}"
    yield f"   Alpha is {'ON' if check.timing.alpha else 'OFF'}"


def _timing(timing: CheckTiming, retries_used: int, default_delay_s: int) -> Iterator[str]:
    yield f"   Alpha = {yes(timing.alpha)}"
    yield f"   Delay loop = {timing.delay_loop_us} us"
    yield f"   Warmup = {timing.warmup_us} us"
    yield f"   Retries = {timing.retry}"
    if timing.retry:
        yield f"   Delay before retry = {timing.delay_before_retry_us} us"
        yield f"   Retries iterations = {retries_used}"
    yield f"   Default delay before retry = {default_delay_s * SECOND_US} us"
    yield f"   Log all failures = {yes(timing.log_all_failures)}"


def _connection(connection: Connection) -> Iterator[str]:
    yield "   Connection"
    yield f"     Dest = {_endpoint(connection.ip, connection.port)}"
    if connection.bindto is not None:
        yield f"     Bind to = {_endpoint(connection.bindto, connection.bind_port)}"
    if connection.bind_if is not None:
        yield f"     Bind i/f = {connection.bind_if}"
    if connection.fwmark:
        yield f"     Mark = {connection.fwmark}"
    yield f"     Timeout = {seconds(connection.timeout_us)}"


def _endpoint(address: Address, port: int) -> str:
    return f"[{address}]:{port}"


def _http(check: HttpCheck, server: RealServer) -> Iterator[str]:
    method = "HTTP_GET" if check.tls is None else "SSL_GET"
    sni = check.tls is not None and check.tls.enable_sni
    yield f"   Keepalive method = {method}, http protocol {check.http_protocol.value}"
    if check.virtualhost is not None and check.virtualhost != server.virtualhost:
        yield f"   Virtualhost = {check.virtualhost}"
    yield f"   Enable SNI {_set(sni)}"
    yield f"   Fast recovery {_set(check.fast_recovery)}"
    for url in check.urls:
        yield from _url(url)


def _url(url: Url) -> Iterator[str]:
    yield f"   Checked url = {url.path}"
    if url.digest is not None:
        yield f"     digest = {url.digest}"
    yield "     HTTP Status Code(s)"
    for low, high in _merged(url.status_codes):
        yield f"       {low}" if low == high else f"       {low}-{high}"
    if url.virtualhost is not None:
        yield f"     Virtual host = {url.virtualhost}"
    if url.regex is not None:
        yield f'     Regex = "{url.regex}"'
        if url.regex_no_match:
            yield "     Regex no match"
        yield "     Regex options:"


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, with what touches or overlaps as one."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            low, last = merged.pop()
            high = max(high, last)
        merged.append((low, high))
    return merged


def _set(flag: bool) -> str:
    return "set" if flag else "unset"
