"""What is to be said of a rehearsal: who was missing, who was one too many, which groups were torn.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

import attrs

from kaltwisted.config.model import Address, VrrpSyncGroup
from kaltwisted.simulation import bounds
from kaltwisted.simulation.causes import CutOff, Evidence, why_nobody, why_two
from kaltwisted.simulation.history import Span
from kaltwisted.simulation.scenario import Event, Scenario
from kaltwisted.simulation.topology import Place, Topology, virtual_addresses


class Kind(Enum):
    """What can be wrong with an address, or a sync group."""

    NOBODY = "nobody"
    TWO = "two"
    SPLIT = "split"


@attrs.frozen
class Trouble:
    """A time for which an address had no owner, or two, or a director had a sync group in part.

    ``allowed_us``: how long that may be.  ``by_cut``: two owners because the scenario has cut off one
    from the other, which no configuration can prevent.
    """

    kind: Kind
    subject: str
    span: Span
    allowed_us: int
    cause: str
    by_cut: bool = False

    @property
    def too_long(self) -> bool:
        """Whether it is a failure."""
        return self.span.length > self.allowed_us and not self.by_cut


@attrs.frozen
class Missed:
    """An expectation that was not met, and who it was instead."""

    event: Event
    found: tuple[str, ...]


@attrs.frozen
class Judgement:
    """All troubles in the order of their beginnings, also those that are allowed."""

    troubles: tuple[Trouble, ...]
    missed: tuple[Missed, ...]

    @property
    def good(self) -> bool:
        """Whether all was as it should be."""
        return not self.missed and not any(trouble.too_long for trouble in self.troubles)

    def longest_us(self, kind: Kind, since: int = 0) -> int:
        """The longest trouble of a kind that was not over before a time, 0: there was none."""
        return max(
            (each.span.length for each in self.troubles if each.kind is kind and each.span.until > since),
            default=0,
        )


def judge(topology: Topology, scenario: Scenario, evidence: Evidence, missed: Iterable[Missed]) -> Judgement:
    """Look at every virtual address and every sync group."""
    troubles = [
        trouble
        for address in topology.addresses
        for trouble in _of_address(topology, scenario, address, evidence)
    ]
    troubles += _splits(topology, scenario, evidence)
    troubles.sort(key=lambda trouble: trouble.span.since)
    return Judgement(tuple(troubles), tuple(missed))


def _of_address(
    topology: Topology, scenario: Scenario, address: Address, evidence: Evidence
) -> Iterator[Trouble]:
    nobody_us = scenario.allow_nobody_us
    two_us = scenario.allow_two_us
    if nobody_us is None:
        nobody_us = bounds.nobody_us(topology, address)
    if two_us is None:
        two_us = bounds.two_us(topology, address)
    # Before anybody runs who could have it, nobody is missed.
    starts = [evidence.history.first_ran(place.name) for place, _ in topology.instances(address)]
    since = min((start for start in starts if start is not None), default=scenario.duration_us)
    for span in evidence.history.spans(address, since, scenario.duration_us):
        if not span.directors:
            why = why_nobody(topology, address, span, evidence)
            yield Trouble(Kind.NOBODY, str(address), span, nobody_us, why)
        elif len(span.directors) > 1:
            why = why_two(topology, address, span, evidence)
            by_cut = _outside(span, evidence.cut_off) <= two_us
            yield Trouble(Kind.TWO, str(address), span, two_us, why, by_cut and span.length > two_us)


def _outside(span: Span, cut_off: Iterable[CutOff]) -> int:
    """How much of a span is outside the times in which its directors were cut off from each other, in µs."""
    rest = span.length
    covered = span.since
    for cut in sorted(cut_off, key=lambda each: each.since):
        if cut.overlaps(span):
            end = span.until if cut.until is None else min(cut.until, span.until)
            rest -= max(0, end - max(covered, cut.since))
            covered = max(covered, end)
    return rest


def _splits(topology: Topology, scenario: Scenario, evidence: Evidence) -> Iterator[Trouble]:
    """A sync group of any director, held in part by one: which packets come in where they cannot go out."""
    told: set[tuple[str, frozenset[Address]]] = set()
    for place in topology.places:
        for group in place.configuration.vrrp_sync_groups:
            firsts = _firsts(place, group)
            for other in topology.places:
                mine = frozenset(address for address in firsts if other in _places(topology, address))
                key = (other.name, mine)
                if len(mine) > 1 and key not in told:
                    told.add(key)
                    yield from _torn(topology, scenario, evidence, group, other, mine)


def _torn(
    topology: Topology,
    scenario: Scenario,
    evidence: Evidence,
    group: VrrpSyncGroup,
    place: Place,
    addresses: frozenset[Address],
) -> Iterator[Trouble]:
    allowed_us = max(bounds.two_us(topology, address) for address in addresses)
    if scenario.allow_two_us is not None:
        allowed_us = scenario.allow_two_us
    ordered = sorted(addresses, key=lambda each: (each.version, int(each)))
    together = any(
        sum(any(address in _of(place, name) for address in addresses) for name in each.group) > 1
        for each in place.configuration.vrrp_sync_groups
    )
    for since, until, held in evidence.history.together(place.name, addresses, scenario.duration_us):
        if not held or held == addresses or until - since <= allowed_us:
            continue
        has = ", ".join(str(each) for each in ordered if each in held)
        lacks = ", ".join(str(each) for each in ordered if each not in held)
        why = f"{place.name} has {has} and not {lacks}"
        if not together:
            why += f": it has no sync group like {group.name}"
        span = Span(since, until, (place.name,))
        yield Trouble(Kind.SPLIT, group.name, span, allowed_us, why)


def _firsts(place: Place, group: VrrpSyncGroup) -> list[Address]:
    """The first virtual address of each member."""
    return [found[0] for name in group.group if (found := _of(place, name))]


def _of(place: Place, name: str) -> list[Address]:
    return [
        vip.address
        for instance in place.configuration.vrrp_instances
        if instance.name == name
        for vip in virtual_addresses(instance)
    ]


def _places(topology: Topology, address: Address) -> list[Place]:
    return [place for place, _ in topology.instances(address)]
