"""What is tracked besides scripts and interfaces, in the data file as keepalived 2.2.7 lays it out.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kaltwisted.config.model import (
    SECOND_US,
    BfdInstance,
    Configuration,
    ParamMatch,
    Tracked,
    TrackFile,
    VrrpScript,
    VrrpSyncGroup,
    VrrpTrackProcess,
)
from kaltwisted.vrrp.events import FaultKind
from kaltwisted.vrrp.instance import Instance
from kaltwisted.vrrp.processes import Quorum, by_command
from kaltwisted.vrrp.report_words import Topology, titled, trackers
from kaltwisted.vrrp.track import Weighing

_Definition = VrrpScript | TrackFile | VrrpTrackProcess | BfdInstance


def group_lines(group: VrrpSyncGroup, configuration: Configuration) -> Iterator[str]:
    """What a sync group tracks; of virtual servers, which keepalived does not know, as of files."""
    for title, separator, lines, definitions in (
        ("interfaces", "", group.track_interface, ()),
        ("scripts", "", group.track_script, configuration.vrrp_scripts),
        ("files", ",", group.track_file, configuration.track_files),
        ("process", ",", group.track_process, configuration.vrrp_track_processes),
        ("BFDs", ":", group.track_bfd, configuration.bfd_instances),
        ("virtual servers", ",", group.track_virtual_server, ()),
    ):
        if lines:
            yield f"   Tracked {title} :"
            for line in lines:
                yield f"     {line.name}{separator} weight {_weighing(line, definitions)}"


def _weighing(line: Tracked, definitions: Sequence[_Definition]) -> Weighing:
    defined = next((each for each in definitions if each.name == line.name), None)
    return Weighing.of(line, None if defined is None else Weighing(defined.weight, defined.reverse))


def tracked_lines(topology: Topology) -> Iterator[str]:
    """The sections of files, processes and BFD sessions that somebody tracks."""
    yield from titled("------< VRRP Track files >------", _files(topology))
    yield from titled("------< VRRP Track processes >------", _processes(topology))
    yield from titled("------< VRRP Track BFDs >------", _sessions(topology))


def _files(topology: Topology) -> Iterator[str]:
    for file in topology.configuration.track_files:
        found = trackers(topology, FaultKind.FILE, file.name)
        if found:
            yield f" Track file = {file.name}"
            yield f"   File = {file.file}"
            yield f"   Status = {_value(found, FaultKind.FILE, file.name)}"
            yield f"   Weight = {Weighing(file.weight, file.reverse)}"
            yield from tracking_lines(found)


def _processes(topology: Topology) -> Iterator[str]:
    for process in topology.configuration.vrrp_track_processes:
        found = trackers(topology, FaultKind.PROCESS, process.name)
        quorum = topology.quorums.get(process.name)
        if found and quorum is not None:
            yield from _process(process, quorum)
            yield from tracking_lines(found)


def _sessions(topology: Topology) -> Iterator[str]:
    for session in topology.configuration.bfd_instances:
        found = trackers(topology, FaultKind.BFD, session.name)
        if found:
            yield f" VRRP Track BFD = {session.name}"
            yield f"   Weight = {Weighing(session.weight, session.reverse)}"
            yield f"   Bfd is {'up' if _value(found, FaultKind.BFD, session.name) else 'down'}"
            yield "   Tracking VRRP instances :"
            yield from tracking_lines(found)


def _value(found: list[tuple[Instance, Weighing]], kind: FaultKind, name: str) -> int | None:
    """What is known of a thing, which is the same to all that track it."""
    return found[0][0].tracking.value(kind, name)


def _process(process: VrrpTrackProcess, quorum: Quorum) -> Iterator[str]:
    yield f" VRRP Track process = {process.name}"
    yield f"   Process = {process.process[0]}"
    if len(process.process) > 1:
        yield f"   Parameters = {' '.join(process.process[1:])}"
    if process.param_match in (ParamMatch.INITIAL, ParamMatch.PARTIAL):
        yield f"   Param match = {process.param_match.value}"
    yield f"   Min processes = {process.quorum}"
    if process.quorum_max is not None:
        yield f"   Max processes = {process.quorum_max}"
    yield f"   Current processes = {quorum.number}"
    yield f"   Have quorum = {str(bool(quorum.good)).lower()}"
    yield f"   Weight = {Weighing(process.weight, process.reverse)}"
    yield f"   Terminate delay = {process.terminate_delay_us / SECOND_US:.6f}s"
    yield f"   Fork delay = {process.fork_delay_us / SECOND_US:.6f}s"
    if quorum.due is None:
        yield "   Fork delay timer not running"
        yield "   Terminate delay timer not running"
    yield f"   Full command = {str(by_command(process)).lower()}"


def tracking_lines(found: list[tuple[Instance, Weighing]]) -> Iterator[str]:
    """For whom a thing counts."""
    yield "   Tracking instances :"
    for instance, weighing in found:
        yield f"     {instance.name}, weight {weighing}"
