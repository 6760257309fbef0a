"""The rehearsals that need no file: whatever can fail here fails once, alone, and comes back.  Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import permutations
from typing import Final

from kaltwisted.config.model import SECOND_US, BfdCheck, Configuration, FileCheck, VrrpInstance, VrrpSyncGroup
from kaltwisted.simulation import scenario as sc
from kaltwisted.simulation.bounds import settles_us
from kaltwisted.simulation.reading import names_of
from kaltwisted.simulation.scenario import Action, Event, Life, Scenario
from kaltwisted.simulation.topology import Place, Topology, virtual_addresses

LOSS: Final = 0.1
LOSS_LASTS_US: Final = 600 * SECOND_US
LEAST_US: Final = 30 * SECOND_US
_ROUND_US: Final = 10 * SECOND_US


def ready(topology: Topology) -> Iterator[Scenario]:
    """All of them, in the order in which they are told."""
    configurations = [place.configuration for place in topology.places]
    names = names_of(topology)
    settle_us = max(LEAST_US, -(-max(map(settles_us, configurations), default=0) // _ROUND_US) * _ROUND_US)

    def goes_wrong(
        name: str, title: str, action: Action, words: str, back: Action, back_words: str
    ) -> Scenario:
        return Scenario(
            name,
            title,
            3 * settle_us,
            (Event(settle_us, action, words), Event(2 * settle_us, back, back_words)),
        )

    yield Scenario("start", "all start together", 2 * settle_us)
    for director in names.interfaces:
        for life, title in ((Life.DIES, f"{director} loses power"), (Life.STOPS, f"{director} is stopped")):
            yield goes_wrong(
                f"{director}-{life.value}",
                title,
                sc.Lives(director, life),
                f"{director} {life.value}",
                sc.Lives(director, Life.STARTS),
                f"{director} starts",
            )
    for place in topology.places:
        for interface in _interfaces_that_count(place.configuration, list(place.plugs)):
            yield goes_wrong(
                f"{place.name}-{interface}-down",
                f"{interface} of {place.name} goes down",
                sc.Cable(place.name, interface, False),
                f"{place.name} {interface} down",
                sc.Cable(place.name, interface, True),
                f"{place.name} {interface} up",
            )
    adverts = _who_adverts(topology)
    for lan, directors in adverts.items():
        for one, other in permutations(directors, 2):
            words = f"{one} -> {other} on {lan}"
            yield goes_wrong(
                f"cut-{one}-{other}-{lan}",
                f"{other} does not hear {one} on {lan}",
                sc.Cut(one, other, lan, True),
                f"cut {words}",
                sc.Cut(one, other, lan, False),
                f"heal {words}",
            )
    for lan, directors in adverts.items():
        if len(directors) > 1:
            yield Scenario(
                f"loss-{lan}",
                f"{lan} loses {LOSS:.0%} of all packets",
                settle_us + LOSS_LASTS_US,
                (Event(settle_us, sc.Loses(lan, LOSS), f"lan {lan} loses {LOSS:.0%}"),),
            )
    for place in topology.places:
        for name, title, failure, end in _failures(place):
            yield goes_wrong(name, title, *failure, *end)
    for address in names.servers:
        yield goes_wrong(
            f"server-{address}-dies",
            f"real server {address} dies",
            sc.ServerTurns(address, None, False),
            f"server {address} dies",
            sc.ServerTurns(address, None, True),
            f"server {address} returns",
        )


def _who_adverts(topology: Topology) -> dict[str, list[str]]:
    """By LAN, the directors that have an instance there; on other LANs there is nothing to lose."""
    found: dict[str, list[str]] = {}
    for place in topology.places:
        used = {instance.interface for instance in place.configuration.vrrp_instances}
        for interface, plug in place.plugs.items():
            if interface in used and place.name not in found.setdefault(plug.lan, []):
                found[plug.lan].append(place.name)
    return found


_Told = tuple[Action, str]


def _failures(place: Place) -> Iterator[tuple[str, str, _Told, _Told]]:
    """Each script, process, BFD session and file that somebody tracks: name, title, failure and its end."""
    director, configuration = place.name, place.configuration
    kinds = (
        ("script", "track_script", configuration.vrrp_scripts, sc.ScriptTurns, "fails", "works"),
        ("process", "track_process", configuration.vrrp_track_processes, sc.ProcessTurns, "fails", "works"),
        ("bfd", "track_bfd", configuration.bfd_instances, sc.SessionTurns, "down", "up"),
    )
    for kind, field, defined, action, bad, good in kinds:
        for name in _names_tracked(configuration, field, {each.name for each in defined}):
            words = f"{director} {kind} {name}"
            title = f"{kind} {name} of {director} {'is down' if bad == 'down' else bad}"
            yield (
                f"{director}-{kind}-{name}-{bad}",
                title,
                (action(director, name, False), f"{words} {bad}"),
                (action(director, name, True), f"{words} {good}"),
            )
    begins = {each.name: each.init or 0 for each in configuration.track_files}
    for name in _names_tracked(configuration, "track_file", begins):
        number = begins[name] + 1
        yield (
            f"{director}-file-{name}-is-{number}",
            f"file {name} of {director} has {number} in it",
            (sc.FileWritten(director, name, number), f"{director} file {name} is {number}"),
            (sc.FileWritten(director, name, begins[name]), f"{director} file {name} is {begins[name]}"),
        )


def _names_tracked(configuration: Configuration, field: str, defined: Container[str]) -> list[str]:
    owners = (*configuration.vrrp_instances, *configuration.vrrp_sync_groups)
    names = dict.fromkeys(each.name for owner in owners for each in getattr(owner, field))
    names.update(dict.fromkeys(_followed(configuration, field)))
    return [name for name in names if name in defined]


def _followed(configuration: Configuration, field: str) -> Iterator[str]:
    """What checks of real servers go by."""
    for service in configuration.virtual_servers:
        for server in service.real_servers:
            for check in server.checks:
                if field == "track_bfd" and isinstance(check, BfdCheck):
                    yield check.name
                elif field == "track_file" and isinstance(check, FileCheck):
                    yield check.track_file


def _interfaces_that_count(configuration: Configuration, all_: list[str]) -> list[str]:
    """Those that an instance runs on, has addresses on or tracks."""
    owners: list[VrrpInstance | VrrpSyncGroup] = [*configuration.vrrp_instances]
    owners += configuration.vrrp_sync_groups
    counting = {instance.interface for instance in configuration.vrrp_instances}
    counting |= {vip.dev for instance in configuration.vrrp_instances for vip in virtual_addresses(instance)}
    counting |= {each.name for owner in owners for each in owner.track_interface}
    return [name for name in all_ if name in counting]
