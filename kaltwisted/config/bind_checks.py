"""Checker blocks to the model, with what they inherit from their servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import attrs

from kaltwisted.config.drafts import CheckDraft, UrlDraft
from kaltwisted.config.findings import Consequence, Severity
from kaltwisted.config.keywords.checks import (
    BFD_CHECK,
    DNS_CHECK,
    FILE_CHECK,
    HTTP_GET,
    MISC_CHECK,
    PING_CHECK,
    SMTP_CHECK,
    SSL_GET,
    TCP_CHECK,
    UDP_CHECK,
    URL,
)
from kaltwisted.config.model import (
    SECOND_US,
    Address,
    BfdCheck,
    Check,
    CheckTiming,
    Connection,
    DnsCheck,
    DnsType,
    FileCheck,
    HttpCheck,
    HttpProtocol,
    MiscCheck,
    PingCheck,
    Script,
    SmtpCheck,
    TcpCheck,
    TlsOptions,
    UdpCheck,
    Url,
)
from kaltwisted.config.reader import says

if TYPE_CHECKING:
    from kaltwisted.config.keywords.table import Keyword, Table
    from kaltwisted.config.model import Position
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

DEFAULT_RETRY = 1
DEFAULT_DELAY_BEFORE_RETRY_US = SECOND_US
HTTP_DELAY_BEFORE_RETRY_US = 3 * SECOND_US
DNS_RETRY = 3
DEFAULT_CONNECT_TIMEOUT_US = 5 * SECOND_US


class Inherited(NamedTuple):
    """What a checker takes from its real server, which has taken it from its virtual server.

    ``service_delay_loop_us`` is the virtual server's own, the limit of a
    MISC_CHECK that has none.
    """

    address: Address
    port: int
    delay_loop_us: int
    service_delay_loop_us: int
    retry: int | None
    delay_before_retry_us: int | None
    warmup_us: int | None
    connect_timeout_us: int | None
    alpha: bool
    virtualhost: str | None
    log_all_failures: bool


# Equal timings are one object: a site has a dozen of them for thousands of checks.
Timings: TypeAlias = dict[tuple[int, int, int, int, bool, bool], CheckTiming]


def check(
    reader: Reader, keyword: Keyword, statement: Statement, inherited: Inherited, timings: Timings
) -> Check | None:
    """The check of one block; None when it says too little to be one."""
    table = keyword.block
    assert table is not None
    return _BUILDERS[table.name](reader, table, statement, inherited, timings)


def _tcp(
    reader: Reader, table: Table, statement: Statement, inherited: Inherited, timings: Timings
) -> TcpCheck:
    draft = reader.read(statement.block or [], table, CheckDraft())
    timing = _timing(draft, inherited, timings, DEFAULT_RETRY, DEFAULT_DELAY_BEFORE_RETRY_US)
    return TcpCheck(timing, _connection(draft, inherited), where=_where(reader, statement))


def _http(
    reader: Reader, table: Table, statement: Statement, inherited: Inherited, timings: Timings
) -> HttpCheck | None:
    draft = reader.read(statement.block or [], table, CheckDraft())
    urls = [url for _, inner in draft.blocks if (url := _url(reader, inner)) is not None]
    if not urls:
        if not draft.blocks and not says(statement, URL.name):
            reader.error(
                statement,
                f"`{table.name}` without a url checks nothing and is left out",
                expected="url { path / }",
            )
        return None
    tls = None
    if table is SSL_GET:
        tls = TlsOptions(draft.enable_sni, draft.sni_name, draft.tls_verify, draft.tls_ca_file)
    return HttpCheck(
        _timing(draft, inherited, timings, DEFAULT_RETRY, HTTP_DELAY_BEFORE_RETRY_US),
        _connection(draft, inherited),
        tuple(urls),
        draft.virtualhost or inherited.virtualhost,
        draft.http_protocol or HttpProtocol.HTTP_1_0,
        draft.fast_recovery,
        tls,
        where=_where(reader, statement),
    )


def _url(reader: Reader, statement: Statement) -> Url | None:
    draft = reader.read(statement.block or [], URL, UrlDraft())
    if draft.path is None:
        if not says(statement, "path"):
            reader.error(statement, "this url has no path and is left out", expected="path /index.html")
        return None
    defaults = Url(draft.path)
    return Url(
        draft.path,
        draft.digest,
        draft.status_codes or defaults.status_codes,
        draft.virtualhost,
        draft.regex,
        draft.regex_no_match,
    )


def _misc(
    reader: Reader, table: Table, statement: Statement, inherited: Inherited, timings: Timings
) -> MiscCheck | None:
    draft = reader.read(statement.block or [], table, CheckDraft())
    script = draft.misc_path
    if script is None:
        if not says(statement, "misc_path"):
            reader.report(
                Severity.ERROR,
                statement,
                "`MISC_CHECK` without misc_path checks nothing and is left out",
                expected='misc_path "/path/script.sh arguments"',
                consequence=Consequence.LOGGED,
            )
        return None
    if draft.user is not None and script.user is None:
        script = Script(script.argv, *draft.user)
    return MiscCheck(
        _timing(draft, inherited, timings, 0, DEFAULT_DELAY_BEFORE_RETRY_US),
        script,
        draft.misc_timeout_us or inherited.service_delay_loop_us,
        draft.misc_dynamic,
        where=_where(reader, statement),
    )


def _file(
    reader: Reader, table: Table, statement: Statement, inherited: Inherited, timings: Timings
) -> FileCheck | None:
    draft = reader.read(statement.block or [], table, CheckDraft())
    if draft.track_file is None:
        if not says(statement, "track_file"):
            reader.error(
                statement,
                "`FILE_CHECK` without track_file goes by no file and is left out",
                expected="track_file, and the name of one",
                log="FILE_CHECK has no track_file specified - ignoring",
            )
        return None
    weight, reverse = draft.file_weight or (None, False)
    timing = _timing(draft, _never_tried_again(inherited), timings, 0, DEFAULT_DELAY_BEFORE_RETRY_US)
    return FileCheck(timing, draft.track_file, weight, reverse, where=_where(reader, statement))


def _never_tried_again(inherited: Inherited) -> Inherited:
    """For checks that hear of things, and do not ask."""
    return inherited._replace(retry=0, log_all_failures=False)


def _bfd(
    reader: Reader, table: Table, statement: Statement, inherited: Inherited, timings: Timings
) -> BfdCheck | None:
    draft = reader.read(statement.block or [], table, CheckDraft())
    if draft.name is None:
        if not says(statement, "name"):
            reader.error(
                statement,
                "`BFD_CHECK` without name goes by no session and is left out",
                expected="name, and the name of a bfd_instance",
            )
        return None
    timing = _timing(draft, _never_tried_again(inherited), timings, 0, DEFAULT_DELAY_BEFORE_RETRY_US)
    return BfdCheck(timing, draft.name, where=_where(reader, statement))


def _smtp(
    reader: Reader, table: Table, statement: Statement, inherited: Inherited, timings: Timings
) -> SmtpCheck:
    draft = reader.read(statement.block or [], table, CheckDraft())
    for keyword, inner in draft.blocks:
        assert keyword.block is not None
        reader.read(inner.block or [], keyword.block, draft)
    return SmtpCheck(
        _timing(draft, inherited, timings, DEFAULT_RETRY, DEFAULT_DELAY_BEFORE_RETRY_US),
        _connection(draft, inherited),
        draft.helo_name,
        where=_where(reader, statement),
    )


def _ping(
    reader: Reader, table: Table, statement: Statement, inherited: Inherited, timings: Timings
) -> PingCheck:
    draft = reader.read(statement.block or [], table, CheckDraft())
    timing = _timing(draft, inherited, timings, DEFAULT_RETRY, DEFAULT_DELAY_BEFORE_RETRY_US)
    return PingCheck(timing, _connection(draft, inherited), where=_where(reader, statement))


def _udp(
    reader: Reader, table: Table, statement: Statement, inherited: Inherited, timings: Timings
) -> UdpCheck:
    draft = reader.read(statement.block or [], table, CheckDraft())
    timing = _timing(draft, inherited, timings, DEFAULT_RETRY, DEFAULT_DELAY_BEFORE_RETRY_US)
    found = UdpCheck(
        timing,
        _connection(draft, inherited),
        draft.payload,
        draft.require_reply,
        where=_where(reader, statement),
    )
    shortest = _first(draft.min_reply_length, None, found.min_reply_length)
    longest = _first(draft.max_reply_length, None, found.max_reply_length)
    if shortest > longest:
        reader.error(
            statement,
            f"min_reply_length {shortest} is above max_reply_length {longest}: no answer would ever be good",
            expected=f"max_reply_length {shortest} or more",
            log=f"UDP_CHECK min_reply length {shortest} > max_reply_length {longest} - will always fail",
        )
    return attrs.evolve(found, min_reply_length=shortest, max_reply_length=longest)


def _dns(
    reader: Reader, table: Table, statement: Statement, inherited: Inherited, timings: Timings
) -> DnsCheck:
    draft = reader.read(statement.block or [], table, CheckDraft())
    # Retries have no pace of their own unless they are given one.
    pace_us = draft.delay_loop_us or inherited.delay_loop_us
    return DnsCheck(
        _timing(draft, inherited, timings, DNS_RETRY, pace_us),
        _connection(draft, inherited),
        draft.type or DnsType.SOA,
        draft.name or "",
        where=_where(reader, statement),
    )


def _timing(
    draft: CheckDraft, inherited: Inherited, timings: Timings, retry: int, delay_before_retry_us: int
) -> CheckTiming:
    delay_loop_us = draft.delay_loop_us or inherited.delay_loop_us
    key = (
        delay_loop_us,
        _first(draft.retry, inherited.retry, retry),
        _first(draft.delay_before_retry_us, inherited.delay_before_retry_us, delay_before_retry_us),
        _first(draft.warmup_us, inherited.warmup_us, delay_loop_us),
        inherited.alpha if draft.alpha is None else draft.alpha,
        inherited.log_all_failures if draft.log_all_failures is None else draft.log_all_failures,
    )
    timing = timings.get(key)
    if timing is None:
        timing = timings[key] = CheckTiming(*key)
    return timing


def _first(own: int | None, inherited: int | None, default: int) -> int:
    if own is not None:
        return own
    return default if inherited is None else inherited


def _connection(draft: CheckDraft, inherited: Inherited) -> Connection:
    return Connection(
        draft.connect_ip or inherited.address,
        draft.connect_port or inherited.port,
        draft.connect_timeout_us or inherited.connect_timeout_us or DEFAULT_CONNECT_TIMEOUT_US,
        draft.bindto,
        draft.bind_port,
        draft.bind_if,
        draft.fwmark,
    )


def _where(reader: Reader, statement: Statement) -> Position:
    return reader.source.where(statement)


_BUILDERS: dict[str, Callable[[Reader, Table, Statement, Inherited, Timings], Check | None]] = {
    TCP_CHECK.name: _tcp,
    HTTP_GET.name: _http,
    SSL_GET.name: _http,
    MISC_CHECK.name: _misc,
    FILE_CHECK.name: _file,
    BFD_CHECK.name: _bfd,
    SMTP_CHECK.name: _smtp,
    PING_CHECK.name: _ping,
    UDP_CHECK.name: _udp,
    DNS_CHECK.name: _dns,
}
