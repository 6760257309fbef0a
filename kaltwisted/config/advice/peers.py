"""Advice on the files of several directors: what has to be the same on all of them, and what must differ.

Of a virtual router on many directors a difference is told at each file that
differs from the first; what two have in common is told at the later one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import permutations

from kaltwisted.config.advice.failover import failovers, healthy
from kaltwisted.config.advice.hmac import signatures
from kaltwisted.config.advice.kinds import (
    PEER_ADDRESSES,
    PEER_AUTHENTICATION,
    PEER_GROUP,
    PEER_INTERVAL,
    PEER_NAME,
    PEER_PRIORITY,
    PEER_STATE,
    PEER_UNICAST,
    PEER_VERSION,
)
from kaltwisted.config.advice.routers import Director, Member, directors, virtual_routers
from kaltwisted.config.advice.words import seconds
from kaltwisted.config.findings import Finding, Related
from kaltwisted.config.model import Configuration, VrrpSyncGroup
from kaltwisted.config.written import Written


def compare(readings: Iterable[tuple[Configuration, Written]]) -> list[tuple[Written, Finding]]:
    """What files that were read say of one another, each finding with the text that it is about."""
    found = directors(readings)
    routers = virtual_routers(found)
    told: list[tuple[Written, Finding]] = []
    for router in routers:
        members = [member for member in router if member.is_sound]
        for rule in RULES:
            told += [(member.director.written, finding) for member, finding in rule(members)]
    return [*told, *sync_groups(routers), *names(routers)]


Told = Iterator[tuple[Member, Finding]]


def versions(router: list[Member]) -> Told:
    """``version``; where it differs, nothing is said of what only one version has."""
    for first, member in _differing(router, lambda member: member.instance.version):
        version, other = member.instance.version, first.instance.version
        yield (
            member,
            member.director.written.advise(
                PEER_VERSION,
                member.spot("version"),
                f"{member} is VRRP version {version}, {first} is version {other}",
                expected=f"version {other} on both",
                related=first.related("the other one is here", "version"),
            ),
        )


def authentication(router: list[Member]) -> Told:
    """``auth_type`` and ``auth_pass``; no password is ever shown."""
    for first, member in _differing(_of_version_2(router), lambda member: member.instance.authentication):
        ours, theirs = member.instance.authentication, first.instance.authentication
        path = ["authentication"]
        if ours is None or theirs is None:
            with_, without = (first, member) if ours is None else (member, first)
            message = f"{with_} has authentication, {without} has none"
        elif ours.type is not theirs.type:
            path.append("auth_type")
            message = f"{member} has auth_type {ours.type.name}, {first} has {theirs.type.name}"
        else:
            path.append("auth_pass")
            message = f"{member} has another password than {first}"
        finding = member.director.written.advise(
            PEER_AUTHENTICATION,
            member.spot(*path),
            message,
            expected="the same on both",
            related=first.related("the other one is here", *path),
        )
        yield member, finding


def intervals(router: list[Member]) -> Told:
    """``advert_int`` of version 2.  A backup of version 3 learns it from the master (RFC 5798 §6.1)."""
    for first, member in _differing(_of_version_2(router), lambda member: member.instance.advert_int_us):
        ours, theirs = seconds(member.instance.advert_int_us), seconds(first.instance.advert_int_us)
        finding = member.director.written.advise(
            PEER_INTERVAL,
            member.spot("advert_int"),
            f"{member} has advert_int {ours}, {first} has {theirs}",
            expected="the same on both",
            related=first.related("the other one is here", "advert_int"),
        )
        yield member, finding


def virtual_addresses(router: list[Member]) -> Told:
    """``virtual_ipaddress`` and ``virtual_ipaddress_excluded``: the same addresses, in whatever order."""
    for block in ("virtual_ipaddress", "virtual_ipaddress_excluded"):

        def all_of(member: Member, block: str = block) -> frozenset[object]:
            return frozenset(vip.address for vip in getattr(member.instance, block))

        for first, member in _differing(router, all_of):
            ours, theirs = all_of(member), all_of(first)
            only = sorted(map(str, ours - theirs)), sorted(map(str, theirs - ours))
            says = [
                f"{who} alone has {', '.join(some[:4])}"
                for who, some in zip((member, first), only, strict=True)
                if some
            ]
            finding = member.director.written.advise(
                PEER_ADDRESSES,
                member.spot(block, word=0),
                "; ".join(says),
                expected="the same virtual addresses on both",
                related=first.related("the other one is here", block),
            )
            yield member, finding


def unicast_peers(router: list[Member]) -> Told:
    """Who sends unicast adverts sends them to every other; and all do, or none."""
    deaf: set[Member] = set()
    for member, other in permutations(router, 2):
        peers, address = member.instance.peers, other.instance.unicast_src_ip
        if peers and not other.instance.unicast_peer:
            if other not in deaf:
                deaf.add(other)
                finding = other.director.written.advise(
                    PEER_UNICAST,
                    other.spot(),
                    f"{other} has no unicast_peer, and {member} sends unicast adverts",
                    expected="unicast_peer { … } on both, or on none",
                    related=member.related("the other one is here", "unicast_peer"),
                )
                yield other, finding
        elif peers and address is not None and address not in peers:
            finding = member.director.written.advise(
                PEER_UNICAST,
                member.spot("unicast_peer", word=0),
                f"{member} does not name {address} as a peer, which is {other}",
                expected=f"{address} in unicast_peer",
                related=other.related("its address is here", "unicast_src_ip"),
            )
            yield member, finding


def priorities(router: list[Member]) -> Told:
    """Each its own, unless ``nopreempt`` on both says that neither displaces the other.

    Weights count as long as all that is tracked is in order.
    """
    seen: dict[tuple[int, int], Member] = {}
    for member in router:
        priority = member.instance.priority
        first = seen.setdefault((priority, healthy(member)), member)
        if first is member or (first.instance.nopreempt and member.instance.nopreempt):
            continue
        finding = member.director.written.advise(
            PEER_PRIORITY,
            member.spot("priority"),
            f"{member} has priority {priority} as {first} has",
            expected="another priority on each, the highest where it is to be master",
            related=first.related("the other one is here", "priority"),
        )
        yield member, finding


def states(router: list[Member]) -> Told:
    """``state MASTER`` twice; with equal priorities that is told of those."""
    masters = [member for member in router if member.instance.state == "MASTER"]
    for member in masters[1:]:
        if any(
            member.instance.priority == other.instance.priority for other in masters if other is not member
        ):
            continue
        finding = member.director.written.advise(
            PEER_STATE,
            member.spot("state"),
            f"{member} is state MASTER, and so is {masters[0]}",
            expected="state BACKUP on all but the one with the highest priority",
            related=masters[0].related("the other one is here", "state"),
        )
        yield member, finding


def sync_groups(routers: list[list[Member]]) -> Iterator[tuple[Written, Finding]]:
    """Instances that are in one group here are in one group there, as far as both have them."""
    numbers = {
        (member.director, member.instance.name): number
        for number, router in enumerate(routers)
        for member in router
    }
    first_of: dict[int, tuple[Director, VrrpSyncGroup | None, frozenset[int]]] = {}
    told: set[tuple[str, str]] = set()
    for router in routers:
        for member in router:
            director, name = member.director, member.instance.name
            group = next(
                (each for each in director.configuration.vrrp_sync_groups if name in each.group), None
            )
            together = frozenset(
                numbers[director, each]
                for each in (group.group if group else ())
                if (director, each) in numbers
            )
            number = numbers[director, name]
            first, first_group, expected = first_of.setdefault(number, (director, group, together))
            told_of = first_group or group
            if together == expected or told_of is None or (director.file, told_of.name) in told:
                continue
            told.add((director.file, told_of.name))
            where = group.where if group is not None else member.instance.where
            if not (director.written.is_sound(where) and router[0].is_sound):
                continue
            here, there = _together(group), _together(first_group)
            yield (
                director.written,
                director.written.advise(
                    PEER_GROUP,
                    director.written.spot(where, word=1),
                    f"`{name}` is {here} in {director.file}, and {there} in {first.file}",
                    expected="the same members in both files",
                    related=()
                    if first_group is None or first_group.where is None
                    else (Related(first_group.where, "the other one is here"),),
                ),
            )


def _together(group: VrrpSyncGroup | None) -> str:
    return "in no sync group" if group is None else f"in `{group.name}` with {' and '.join(group.group)}"


def names(routers: list[list[Member]]) -> Iterator[tuple[Written, Finding]]:
    """``router_id``, where both send mail."""
    found: list[Director] = []
    for router in routers:
        found.extend(member.director for member in router if member.director not in found)
    seen: dict[str, Director] = {}
    for director in found:
        defs = director.configuration.global_defs
        if defs.router_id is None or defs.smtp_server is None or not defs.notification_email:
            continue
        first = seen.setdefault(defs.router_id, director)
        if first is director or not director.written.is_sound(defs.where):
            continue
        before = first.written.spot(first.configuration.global_defs.where, "router_id", word=1)
        yield (
            director.written,
            director.written.advise(
                PEER_NAME,
                director.written.spot(defs.where, "router_id", word=1),
                f"router_id {defs.router_id} is that of {first.file} as well: their mails look the same",
                expected="a name of its own for each director",
                related=(Related(before.position, "the other one is here"),),
            ),
        )


def _differing(router: list[Member], what: Callable[[Member], object]) -> Iterator[tuple[Member, Member]]:
    """The first member with each one that differs from it."""
    for member in router[1:]:
        if what(member) != what(router[0]):
            yield router[0], member


def _of_version_2(router: list[Member]) -> list[Member]:
    """Those that check authentication and interval."""
    return [member for member in router if member.instance.version == 2]


RULES = (
    versions,
    authentication,
    signatures,
    intervals,
    virtual_addresses,
    unicast_peers,
    priorities,
    states,
    failovers,
)
