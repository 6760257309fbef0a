"""Advice on pools and their checks: quorum, sorry server, what is never asked, asked late or asked twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from kaltwisted.config.advice.kinds import (
    SAME_CHECK,
    SLOW_CHECK,
    SORRY_IN_POOL,
    UNCHECKED_SERVER,
    UNREACHABLE_QUORUM,
)
from kaltwisted.config.advice.words import others, seconds
from kaltwisted.config.bind_checks import DEFAULT_CONNECT_TIMEOUT_US
from kaltwisted.config.findings import Related
from kaltwisted.config.model import (
    BfdCheck,
    Check,
    FileCheck,
    HttpCheck,
    MiscCheck,
    Protocol,
    RealServer,
    VirtualServer,
)

if TYPE_CHECKING:
    from kaltwisted.config.findings import Finding
    from kaltwisted.config.model import Configuration
    from kaltwisted.config.written import Written


def unreachable_quorums(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """All weights together are less than gaining the quorum takes, ``quorum`` and ``hysteresis``.

    A quorum above all weights by itself is an error, and corrected.  A
    MISC_CHECK with ``misc_dynamic`` and a FILE_CHECK may set any weight, so nothing is certain with one.
    """
    for service in configuration.virtual_servers:
        if not service.hysteresis:
            continue
        total = sum(server.weight for server in service.real_servers)
        needed = service.quorum + service.hysteresis
        dynamic = any(
            (isinstance(check, MiscCheck) and check.dynamic)
            or (isinstance(check, FileCheck) and bool(check.weight))
            for server in service.real_servers
            for check in server.checks
        )
        if needed > total and not dynamic and written.is_sound(service.where):
            yield written.advise(
                UNREACHABLE_QUORUM,
                written.spot(service.where, "hysteresis", word=1),
                f"quorum {service.quorum} and hysteresis {service.hysteresis} take a weight of {needed}; "
                f"all real servers of {service} together have {total}, so it never has quorum",
                expected=f"hysteresis {max(0, total - service.quorum)} or less, or a lower quorum",
            )


def unchecked_servers(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """A server with a share of the clients and without a check; one finding for each pool."""
    for service in configuration.virtual_servers:
        unchecked = [server for server in service.real_servers if not server.checks and server.weight]
        # A check that could not be read has a finding of its own.
        unchecked = [server for server in unchecked if not _says_check(written, server)]
        if not unchecked or not written.is_sound(service.where):
            continue
        weight = sum(server.weight for server in unchecked)
        never = ""
        if weight >= service.quorum + service.hysteresis:
            if service.sorry_server is not None:
                never = ", and sorry_server never answers"
            elif service.quorum_down is not None:
                never = ", and quorum_down never runs"
        yield written.advise(
            UNCHECKED_SERVER,
            written.spot(unchecked[0].where),
            f"real_server {unchecked[0].format(service.protocol)} has no check{others(len(unchecked) - 1)}: "
            f"it gets clients when it is dead, too{never}",
            expected=f"a check, such as {_SUGGESTED.get(service.protocol, _ANY_SUGGESTED)}",
        )


_ANY_SUGGESTED: Final = "TCP_CHECK { connect_timeout 3 }"
"""A firewall mark without a protocol may stand for any."""

_SUGGESTED: Final = {
    Protocol.TCP: _ANY_SUGGESTED,
    Protocol.UDP: "UDP_CHECK { connect_timeout 3 }",
    Protocol.SCTP: "PING_CHECK { connect_timeout 3 }",
}


def _says_check(written: Written, server: RealServer) -> bool:
    """Whether a block stands in the server's, whatever it is."""
    blocks = [block for block in written.blocks(server.where) if block.words[0] == "real_server"]
    return any(line.block is not None for block in blocks for line in block.block or ())


def sorry_servers_in_pool(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """The sorry server is a real server.  With a quorum above 1 it may be alive when it stands in."""
    for service in configuration.virtual_servers:
        sorry = service.sorry_server
        if sorry is None or service.quorum > 1:
            continue
        for server in service.real_servers:
            if (server.address, server.port) == (sorry.address, sorry.port) and written.is_sound(
                service.where
            ):
                yield written.advise(
                    SORRY_IN_POOL,
                    written.spot(service.where, "sorry_server", word=1),
                    f"sorry_server {sorry.format(service.protocol)} is a real server of this pool: "
                    "when it is to stand in it is down itself",
                    related=_here(server, "here it is a real_server"),
                )


def slow_checks(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """A written limit of one attempt above ``delay_loop``; one finding for each pool.

    Retries are no part of it: after a failure ``delay_before_retry`` paces
    them, and ``delay_loop`` only begins again behind them.
    """
    for service in configuration.virtual_servers:
        service_us = service.delay_loop_us
        slow = [
            (server, check)
            for server in service.real_servers
            for check in server.checks
            if (limit := _limit_us(check)) > check.timing.delay_loop_us
            # What nobody wrote is the default, or a MISC_CHECK's that its service gives.
            and limit != (service_us if isinstance(check, MiscCheck) else DEFAULT_CONNECT_TIMEOUT_US)
        ]
        if not slow or not written.is_sound(service.where):
            continue
        server, check = slow[0]
        keyword = "misc_timeout" if isinstance(check, MiscCheck) else "connect_timeout"
        loop = seconds(check.timing.delay_loop_us)
        yield written.advise(
            SLOW_CHECK,
            written.keyword(keyword, check.where, server.where, service.where, word=1),
            f"{keyword} {seconds(_limit_us(check))} is longer than delay_loop {loop}: a server that does not "
            f"answer is not asked every {loop} seconds{others(len(slow) - 1, 'check')}",
            expected=f"{keyword} {loop} or less",
        )


def _limit_us(check: Check) -> int:
    if isinstance(check, BfdCheck | FileCheck):
        return 0
    return check.timeout_us if isinstance(check, MiscCheck) else check.connection.timeout_us


def same_checks(configuration: Configuration, written: Written) -> Iterator[Finding]:
    """A check that stands twice in a server, and a url that stands twice in a check."""
    for service in configuration.virtual_servers:
        for server in service.real_servers:
            if len(server.checks) > 1:
                yield from _same_checks(service, server, written)
            for check in server.checks:
                if isinstance(check, HttpCheck) and len(check.urls) > 1:
                    yield from _same_urls(service, check, written)


def _same_checks(service: VirtualServer, server: RealServer, written: Written) -> Iterator[Finding]:
    seen: dict[Check, Check] = {}
    for check in server.checks:
        first = seen.setdefault(check, check)
        if first is not check and written.is_sound(service.where):
            yield written.advise(
                SAME_CHECK,
                written.spot(check.where),
                f"this check of {server.format(service.protocol)} stands here a second time",
                related=_here(first, "here is the first"),
            )


def _same_urls(service: VirtualServer, check: HttpCheck, written: Written) -> Iterator[Finding]:
    seen: dict[tuple[str, str | None], int] = {}
    for number, url in enumerate(check.urls):
        first = seen.setdefault((url.path, url.virtualhost), number)
        if first == number:
            continue
        digests = {url.digest, check.urls[first].digest}
        never = len(digests) == 2 and None not in digests
        if (never or url == check.urls[first]) and written.is_sound(service.where):
            why = "with another digest: the server can never be good" if never else "and is asked twice"
            before = written.spot(check.where, ("url", first), "path", word=1)
            yield written.advise(
                SAME_CHECK,
                written.spot(check.where, ("url", number), "path", word=1),
                f"url {url.path} stands here a second time, {why}",
                related=(Related(before.position, "here is the first"),),
            )


def _here(block: RealServer | Check, note: str) -> tuple[Related, ...]:
    return () if block.where is None else (Related(block.where, note),)


RULES = (unreachable_quorums, unchecked_servers, sorry_servers_in_pool, slow_checks, same_checks)
