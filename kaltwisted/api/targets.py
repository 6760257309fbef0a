"""The targets in a configuration, by their names or what abbreviates them.  Pure.

Ten thousand servers take some hundredths of a second: this is for a thread.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Final

import attrs

from kaltwisted.api.exchange import RefusalError
from kaltwisted.api.override import SERVERS, Kind, Target
from kaltwisted.config.identity import EndPoint, ServerId
from kaltwisted.config.model import Configuration
from kaltwisted.config.spelling import nearest

FEW: Final = 5
"""So many names are told where more would do."""


def targets(configuration: Configuration, kinds: Container[Kind] = frozenset(Kind)) -> Iterator[Target]:
    """All of these kinds."""
    if Kind.INSTANCE in kinds:
        yield from (Target(Kind.INSTANCE, each.name) for each in configuration.vrrp_instances)
    if Kind.GROUP in kinds:
        yield from (Target(Kind.GROUP, each.name) for each in configuration.vrrp_sync_groups)
    if Kind.VIRTUAL_SERVER not in kinds and Kind.REAL_SERVER not in kinds:
        return
    for server in configuration.virtual_servers:
        name = ServerId.of(server)
        if Kind.VIRTUAL_SERVER in kinds:
            yield Target(Kind.VIRTUAL_SERVER, str(name))
        if Kind.REAL_SERVER in kinds:
            prefix = str(name)
            for real in server.real_servers:
                yield Target(Kind.REAL_SERVER, f"{prefix}/{EndPoint(real.address, real.port)}")


def configured(configuration: Configuration, among: Iterable[Target]) -> set[Target]:
    """Those that are in a configuration; it costs a look at each virtual server, and not at each real one."""
    names = {
        Kind.INSTANCE: {each.name for each in configuration.vrrp_instances},
        Kind.GROUP: {each.name for each in configuration.vrrp_sync_groups},
    }
    found: set[Target] = set()
    servers: dict[ServerId, list[tuple[EndPoint | None, Target]]] = {}
    for target in among:
        if target.kind in SERVERS:
            name = ServerId.parse(target.name)
            servers.setdefault(attrs.evolve(name, real=None), []).append((name.real, target))
        elif target.name in names[target.kind]:
            found.add(target)
    if servers:
        for server in configuration.virtual_servers:
            wanted = servers.get(ServerId.of(server))
            if wanted is not None:
                there = {None, *(EndPoint(real.address, real.port) for real in server.real_servers)}
                found |= {target for real, target in wanted if real in there}
    return found


def find_in(configuration: Configuration, word: str, kinds: Container[Kind]) -> Target:
    """The one target of a configuration that ``word`` names; quick where it is a server's whole name.

    :raises RefusalError: none is, or several are.
    """
    try:
        name = ServerId.parse(word)
    except ValueError:
        pass
    else:
        kind = Kind.VIRTUAL_SERVER if name.real is None else Kind.REAL_SERVER
        whole = Target(kind, str(name))
        if kind in kinds and whole in configured(configuration, (whole,)):
            return whole
    return find(word, targets(configuration, kinds))


def find(word: str, among: Iterable[Target]) -> Target:
    """The one target that ``word`` names: whole, or by its end (``10.0.0.1:80``, ``10.0.0.1``).

    ``KIND/NAME`` tells an instance from a sync group of the same name.

    :raises RefusalError: none does, or several do.
    """
    exact: list[Target] = []
    found: list[Target] = []
    names: list[str] = []
    for target in among:
        names.append(target.name)
        if word in (target.name, f"{target.kind.value}/{target.name}"):
            exact.append(target)
        elif target.kind in SERVERS and word in _abbreviations(target.name):
            found.append(target)
    several = list(dict.fromkeys(exact or found))
    if len(several) == 1:
        return several[0]
    if several:
        kinds = {target.kind for target in several}
        words = [f"{each.kind.value}/{each}" if len(kinds) > 1 and exact else str(each) for each in several]
        raise RefusalError(409, f"{word} is the name of {len(several)} targets", f"one of {_some(words)}")
    if not names:
        raise RefusalError(404, f"{word} is not there", "the configuration has no target for this action")
    near = _near(word, names)
    remedy = f"did you mean {near}?" if near else f"there are {_some(names)}"
    raise RefusalError(404, f"{word} is no target for this action", remedy)


def _abbreviations(name: str) -> Iterator[str]:
    """What a server may be called by, too: ends of its name, with and without the port."""
    while name:
        yield name
        host = name.rpartition(":")[0]
        if host:
            yield host
        if host.startswith("[") and host.endswith("]"):
            yield host[1:-1]
        name = name.partition("/")[2]


def _near(word: str, names: list[str]) -> str | None:
    tails = {name.rpartition("/")[2] if word.count("/") < name.count("/") else name: name for name in names}
    return nearest(word, tails)


def _some(words: list[str]) -> str:
    more = f" and {len(words) - FEW} more" if len(words) > FEW else ""
    return ", ".join(words[:FEW]) + more
