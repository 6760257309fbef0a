"""What the VRRP role tells of itself: the data file, statistics and JSON."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from twisted.internet.interfaces import IReactorTime

from kaltwisted.config.model import SECOND_US, Configuration, VirtualIpAddress
from kaltwisted.config.report import global_definitions
from kaltwisted.daemon.role.reports import TIME_OF_DAY, owners
from kaltwisted.vrrp import report
from kaltwisted.vrrp import status as vrrp_status
from kaltwisted.vrrp.announce import Paces
from kaltwisted.vrrp.report_json import json_document
from kaltwisted.vrrp.report_routing import static_lines
from kaltwisted.vrrp.report_words import Topology
from kaltwisted.vrrp.routing import STATIC
from kaltwisted.vrrp.service import VrrpService
from kaltwisted.vrrp.statistics import Statistics


def data(configuration: Configuration, vrrp: VrrpService, clock: IReactorTime) -> Iterator[str]:
    """The lines of ``keepalived.data``."""
    defs = configuration.global_defs
    yield from global_definitions(defs, socket.gethostname(), owners(defs), vrrp=True)
    made_of = topology(configuration, vrrp, clock)
    yield from static_lines(configuration, made_of)
    yield from report.data(made_of, Paces.of(configuration))


def json(configuration: Configuration, vrrp: VrrpService, clock: IReactorTime, version: int) -> Iterator[str]:
    """The pieces of ``keepalived.json``."""
    return json_document(topology(configuration, vrrp, clock), version)


def status(configuration: Configuration, vrrp: VrrpService, clock: IReactorTime) -> Iterator[str]:
    """The pieces of ``vrrp`` in the status document."""
    return vrrp_status.status(
        topology(configuration, vrrp, clock),
        vrrp.trackers.runs,
        vrrp.processes.numbers,
        lambda: int(clock.seconds() * SECOND_US),
    )


def clear_statistics(vrrp: VrrpService) -> None:
    """Count from 0 again."""
    for instance in vrrp.router.instances.values():
        instance.router.statistics = Statistics()


def topology(configuration: Configuration, vrrp: VrrpService, clock: IReactorTime) -> Topology:
    """What the reports are made of, at this moment and after it."""

    def stands(name: str, vip: VirtualIpAddress) -> bool:
        if name == STATIC:
            return vrrp.statics.stands(vip)
        held = vrrp.held.get(name)  # a reload may have removed it since
        return held is not None and held.stands(vip)

    return Topology(
        router=vrrp.router,
        scripts=vrrp.trackers.states,
        interfaces=vrrp.surroundings.interfaces,
        stands=stands,
        owner=owners(configuration.global_defs),
        configuration=configuration,
        quorums=vrrp.processes.quorums,
        vrf_table=vrrp.surroundings.vrf_table,
        epoch_us=TIME_OF_DAY.epoch_us(clock.seconds()),
    )
