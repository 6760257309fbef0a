"""Rules of checks that go by what is defined elsewhere: it has to be there, and each session but once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import attrs

from kaltwisted.config.model import BfdCheck, BfdInstance, FileCheck, RealServer, TrackFile, VirtualServer
from kaltwisted.config.verify_report import error

if TYPE_CHECKING:
    from kaltwisted.config.model import Check
    from kaltwisted.config.reader import Reader


@attrs.frozen
class _There:
    """What checks may name."""

    sessions: frozenset[str]
    files: Mapping[str, TrackFile]
    reader: Reader


def verify_checks(
    services: tuple[VirtualServer, ...],
    sessions: tuple[BfdInstance, ...],
    files: tuple[TrackFile, ...],
    reader: Reader,
) -> tuple[VirtualServer, ...]:
    """Virtual servers without the checks that have nothing to go by; those of files with their weights."""
    names = frozenset(each.name for each in sessions if each.checker)
    there = _There(names, {each.name: each for each in files}, reader)
    return tuple(_service(service, there) for service in services)


def _service(service: VirtualServer, there: _There) -> VirtualServer:
    servers = tuple(_server(service, server, there) for server in service.real_servers)
    if all(new is old for new, old in zip(servers, service.real_servers, strict=True)):
        return service
    return attrs.evolve(service, real_servers=servers)


def _server(service: VirtualServer, server: RealServer, there: _There) -> RealServer:
    kept = tuple(_kept(service, server, there))
    return server if kept == server.checks else attrs.evolve(server, checks=kept)


def _kept(service: VirtualServer, server: RealServer, there: _There) -> Iterator[Check]:
    followed: dict[str, BfdCheck] = {}
    for check in server.checks:
        match check:
            case BfdCheck():
                first = followed.setdefault(check.name, check)
                if _is_followed(check, first, server.format(service.protocol), there):
                    yield check
            case FileCheck():
                file = there.files.get(check.track_file)
                if file is None:
                    shown = server.format(service.protocol)
                    error(
                        there.reader,
                        check,
                        f"there is no track_file `{check.track_file}`: this check of {shown} is left out",
                        expected=f"track_file {check.track_file} {{ … }}",
                        log=f"track_file {check.track_file} not found",
                    )
                elif check.weight is None:
                    yield attrs.evolve(check, weight=file.weight, reverse=file.reverse)
                else:
                    yield check
            case _:
                yield check


def _is_followed(check: BfdCheck, first: BfdCheck, shown: str, there: _There) -> bool:
    name = check.name
    if name not in there.sessions:
        error(
            there.reader,
            check,
            f"there is no bfd_instance `{name}` for health checks: this check of {shown} is left out",
            expected=f"bfd_instance {name} {{ … }}, with `checker` or without `vrrp` in it",
            log=f"({shown}) BFD_CHECK - BFD {name} not configured",
        )
        return False
    if first is not check:
        message = f"{shown} goes by BFD session `{name}` already: this check is left out"
        error(there.reader, check, message, first, log=f"({shown}) BFD_CHECK - RS already monitoring {name}")
        return False
    return True
