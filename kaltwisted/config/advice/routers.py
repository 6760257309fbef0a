"""Which instances of several files are one virtual router, seen from several directors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from kaltwisted.config.advice.networks import neighbours
from kaltwisted.config.findings import Related
from kaltwisted.config.model import Address, Configuration, VirtualIpAddress, VrrpInstance
from kaltwisted.config.source import Text
from kaltwisted.config.written import Spot, Step, Written


@attrs.frozen(eq=False)
class Director:
    """One file, read: the configuration of one director."""

    configuration: Configuration
    written: Written

    @property
    def file(self) -> str:
        """Its name, as the user gave it."""
        return self.written.source.file


@attrs.frozen(eq=False)
class Member:
    """An instance of a director."""

    director: Director
    instance: VrrpInstance

    def spot(self, *path: Step, word: int = 1) -> Spot:
        """A place in its block."""
        return self.director.written.spot(self.instance.where, *path, word=word)

    def related(self, note: str, *path: Step) -> tuple[Related]:
        """Where the other one says it."""
        return (Related(self.spot(*path).position, note),)

    @property
    def is_sound(self) -> bool:
        """Whether it is as it was meant."""
        return self.director.written.is_sound(self.instance.where)

    def __str__(self) -> str:
        return f"`{self.instance.name}` of {self.director.file}"


def directors(readings: Iterable[tuple[Configuration, Written]]) -> list[Director]:
    """The files that are of directors.  One that another includes is a part of that, and no peer of any."""
    found = [Director(configuration, written) for configuration, written in readings]
    mains = {_identity(director.written.source.main): director for director in reversed(found)}
    parts = {
        _identity(text)
        for director in found
        for text in director.written.source.texts.values()
        if text is not director.written.source.main
    }
    return [
        director
        for director in found
        if (identity := _identity(director.written.source.main)) not in parts and mains[identity] is director
    ]


def _identity(text: Text) -> object:
    """Which file it is, however it is named."""
    return text.on_disk or text.file


def virtual_routers(found: Sequence[Director]) -> list[list[Member]]:
    """The virtual routers that two directors or more have, as their instances in the order of the files."""
    routers: list[list[Member]] = []
    for director in found:
        waiting = [Member(director, instance) for instance in director.configuration.vrrp_instances]
        fits = [
            (-likeness, index, number)
            for index, member in enumerate(waiting)
            for number, router in enumerate(routers)
            if (likeness := max(_likeness(member.instance, other.instance) for other in router))
        ]
        placed: set[int] = set()
        taken: set[int] = set()
        for _, index, number in sorted(fits):
            if index not in placed and number not in taken:
                routers[number].append(waiting[index])
                placed.add(index)
                taken.add(number)
        routers.extend([member] for index, member in enumerate(waiting) if index not in placed)
    return [router for router in routers if len(router) > 1]


def _likeness(one: VrrpInstance, other: VrrpInstance) -> int:
    """How much speaks for one virtual router; 0: they are none.

    A number and a name alone are found at every site, 51 and VI_1: either an
    address in common, or neighbouring ones, or a peer that is named must tell
    that the two are of one place.
    """
    if one.virtual_router_id != other.virtual_router_id or not one.virtual_router_id:
        return 0
    ours, theirs = addresses(one), addresses(other)
    if ours and theirs and ours[0].version != theirs[0].version:
        return 0
    shared = not set(ours).isdisjoint(theirs)
    named = one.name == other.name
    beside = one.interface == other.interface
    if not (shared or named or beside) or not (shared or _of_one_place(one, other)):
        return 0
    return 1 + 4 * shared + 2 * named + beside


def _of_one_place(one: VrrpInstance, other: VrrpInstance) -> bool:
    if one.unicast_src_ip in other.peers or other.unicast_src_ip in one.peers:
        return True
    vips = one.virtual_ipaddress, other.virtual_ipaddress
    return not all(vips) or any(_near(ours, vips[1]) for ours in vips[0])


def _near(one: VirtualIpAddress, others: tuple[VirtualIpAddress, ...]) -> bool:
    return any(neighbours(one.address, other) for other in others)


def addresses(instance: VrrpInstance) -> list[Address]:
    """The virtual addresses of an instance that are in its adverts."""
    return [vip.address for vip in instance.virtual_ipaddress]
