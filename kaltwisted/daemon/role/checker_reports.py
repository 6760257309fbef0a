"""What the checker role tells of itself: the data file of its pools and health checkers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import partial

from twisted.internet.interfaces import IReactorTime

from kaltwisted.config.model import SECOND_US, Configuration
from kaltwisted.config.report import global_definitions, ssl_definitions
from kaltwisted.daemon.role.checks import Checks
from kaltwisted.daemon.role.reports import TIME_OF_DAY, owners
from kaltwisted.healthcheck import report as checkers_report
from kaltwisted.healthcheck import status as check_status
from kaltwisted.healthcheck.report import Checker
from kaltwisted.lvs import report as pools_report
from kaltwisted.lvs import status as pools_status
from kaltwisted.lvs.member import Member, key_of
from kaltwisted.lvs.pool import Pool
from kaltwisted.lvs.service import LvsService
from kaltwisted.ports import TRACKED_FILE


def data(configuration: Configuration, lvs: LvsService, checks: Checks, clock: IReactorTime) -> Iterator[str]:
    """The lines of ``keepalived_check.data``."""
    defs = configuration.global_defs
    owner = owners(defs)
    yield from global_definitions(defs, socket.gethostname(), owner)
    yield "------< SSL definitions >------"
    yield from ssl_definitions(defs.ssl)
    yield from pools_report.data(configuration.virtual_server_groups, lvs.pools.values(), owner)
    yield from checkers_report.data(_checkers(lvs, checks, TIME_OF_DAY.epoch_us(clock.seconds())), owner)
    number = partial(checks.known.value, TRACKED_FILE)
    yield from checkers_report.files(configuration.virtual_servers, configuration.track_files, number)
    yield from checkers_report.sessions(configuration.virtual_servers)


def status(lvs: LvsService, checks: Checks, clock: IReactorTime) -> Iterator[str]:
    """The pieces of ``checkers`` in the status document."""
    epoch = TIME_OF_DAY.epoch_us(clock.seconds()) / SECOND_US
    return pools_status.status(
        lvs.plane.name, lvs.pools.values(), partial(_checks_of, checks, clock, epoch), epoch
    )


def _checks_of(
    checks: Checks, clock: IReactorTime, epoch: float, pool: Pool, member: Member
) -> tuple[str, str | None]:
    """The text of a server's checks, and why it is not alive."""
    now = clock.seconds()
    running = checks.of(pool.key, member.destination.key)
    texts = [
        check_status.text(
            each.status_head,
            each.service.standing,
            each.service.statistics,
            now,
            epoch,
            is_paused=each.service.is_paused,
        )
        for each in running
    ]
    why: str | None = None
    first = min(member.failed, default=0)
    if member.failed and first < len(running):  # a reload may be about to make it
        failing = running[first]
        why = check_status.why(failing.configured, failing.service.standing, failing.service.statistics)
    return ",".join(texts), why


def _checkers(lvs: LvsService, checks: Checks, epoch_us: int) -> Iterator[Checker]:
    """Every health checker as it stands when its turn comes."""
    for pool in tuple(lvs.pools.values()):
        for member in pool.members:
            for running in tuple(checks.of(pool.key, key_of(member.server))):
                standing = running.service.standing
                last_run = running.service.statistics.last_run
                yield Checker(
                    pool.virtual_server,
                    member.server,
                    running.configured,
                    running=bool(running.service.running),
                    up=standing.up,
                    has_run=standing.has_run,
                    retries_used=standing.retries_used,
                    weight=standing.weight,
                    last_run_us=None if last_run is None else int(last_run * 1_000_000) + epoch_us,
                )
