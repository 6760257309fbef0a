"""One rehearsal, from second 0 to its end, and its judgement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, assert_never

import attrs

from kaltwisted.config.model import SECOND_US, Address
from kaltwisted.simulation import scenario as sc
from kaltwisted.simulation.causes import CutOff, Evidence
from kaltwisted.simulation.director import Director
from kaltwisted.simulation.history import Happened, History, Span
from kaltwisted.simulation.judgement import Judgement, Missed, judge
from kaltwisted.simulation.scenario import Action, Life, Scenario
from kaltwisted.simulation.topology import Topology
from kaltwisted.simulation.world import World
from kaltwisted.vrrp.actions import State

Masters: TypeAlias = Mapping[str, tuple[str, ...]]


@attrs.frozen
class Rehearsal:
    """What a scenario came to.

    ``masters``: by director, its instances that are MASTER at the end; ``meanwhile``: just before the
    last event, which ends the failure.
    """

    scenario: Scenario
    topology: Topology
    history: History
    judgement: Judgement
    masters: Masters
    meanwhile: Masters

    @property
    def failure_at(self) -> int:
        """When the first thing happens that is no start (µs), else 0."""
        starts = (sc.Expect, sc.Lives)
        return next(
            (
                event.at
                for event in self.scenario.events
                if not isinstance(event.action, starts)
                or (isinstance(event.action, sc.Lives) and event.action.what is not Life.STARTS)
            ),
            0,
        )

    def spans(self, address: Address) -> list[Span]:
        """Who had an address when, from the beginning to the end."""
        return list(self.history.spans(address, 0, self.scenario.duration_us))


def rehearse(topology: Topology, scenario: Scenario) -> Rehearsal:
    """Let it all happen."""
    stage = _Stage(topology, scenario)
    with stage.world.running():
        stage.play()
    world = stage.world
    dropped = {
        (name, instance.name): instance.statistics.packet_errors
        for name, director in world.directors.items()
        if director.vrrp is not None
        for instance in director.vrrp.router.instances.values()
    }
    evidence = Evidence(world.history, tuple(stage.cut_off), dropped)
    judgement = judge(topology, scenario, evidence, stage.missed)
    meanwhile = stage.meanwhile or stage.masters()
    return Rehearsal(scenario, topology, world.history, judgement, stage.masters(), meanwhile)


class _Stage:
    """The world of a scenario, and what is done to it."""

    def __init__(self, topology: Topology, scenario: Scenario) -> None:
        self.world = World(scenario.seed)
        self._scenario = scenario
        self.cut_off: list[CutOff] = []
        self.missed: list[Missed] = []
        self.meanwhile: Masters | None = None
        for place in topology.places:
            self.world.add(place.name, place.configuration, place.plugs)

    def play(self) -> None:
        """From 0 to the end."""
        world = self.world
        started_later = self._first_starts()
        for name, director in world.directors.items():
            if name not in started_later:
                director.start()
        for event in self._scenario.events:
            if event.at > self._scenario.duration_us:
                break
            world.clock.run_until(event.at / SECOND_US)
            self.meanwhile = self.masters()
            if isinstance(event.action, sc.Expect):
                self._expect(event.action, event)
                continue
            world.history.tell(Happened(world.now, event.words))
            self._do(event.action)
            world.sessions.moved()
        world.clock.run_until(self._scenario.duration_us / SECOND_US)

    def masters(self) -> Masters:
        """By director, its instances that are MASTER now."""
        return {
            name: tuple(
                instance.name
                for instance in director.configuration.vrrp_instances
                if director.state(instance.name) is State.MASTER
            )
            for name, director in self.world.directors.items()
        }

    def _first_starts(self) -> set[str]:
        """The directors whose life begins by a line of the scenario."""
        first: dict[str, Life] = {}
        for event in self._scenario.events:
            if isinstance(event.action, sc.Lives):
                first.setdefault(event.action.director, event.action.what)
        return {name for name, what in first.items() if what is Life.STARTS}

    def _do(self, action: Action) -> None:
        world = self.world
        match action:
            case sc.Lives(director, what):
                _live(world.directors[director], what)
            case sc.Cable(director, interface, up):
                world.directors[director].link(interface, up)
            case sc.ScriptTurns(director, name, good):
                world.directors[director].script(name, good)
            case sc.ProcessTurns(director, name, good):
                world.directors[director].process(name, good)
            case sc.SessionTurns(director, name, up):
                world.directors[director].session(name, up)
            case sc.FileWritten(director, name, number):
                world.directors[director].file(name, number)
            case sc.ClockSet(director, error_us):
                world.directors[director].clock_error_us = error_us
            case sc.Deletes(director, address):
                world.directors[director].delete_address(address)
            case sc.Cut():
                self._cut(action)
            case sc.Loses(lan, share):
                world.air.lans[lan].loss = share
            case sc.Delays(lan, delay_us):
                world.air.lans[lan].least_delay_us = world.air.lans[lan].most_delay_us = delay_us
            case sc.ServerTurns(address, port, alive):
                world.servers.turn(address, port, alive)
            case sc.Expect():
                raise AssertionError("not something that is done")
            case _:
                assert_never(action)

    def _cut(self, action: sc.Cut) -> None:
        pair, now = (action.sender, action.receiver), self.world.now
        for name, lan in self.world.air.lans.items():
            if action.lan is not None and name != action.lan:
                continue
            if action.cut and pair not in lan.cut:
                lan.cut.add(pair)
                self.cut_off.append(CutOff(*pair, name, now))
            elif not action.cut and pair in lan.cut:
                lan.cut.discard(pair)
                for each in self.cut_off:
                    if (each.sender, each.receiver, each.lan, each.until) == (*pair, name, None):
                        each.until = now

    def _expect(self, expected: sc.Expect, event: sc.Event) -> None:
        if isinstance(expected.subject, str):
            found = frozenset(
                name
                for name, director in self.world.directors.items()
                if director.runs
                and expected.subject in {each.name for each in director.configuration.vrrp_instances}
                and director.state(expected.subject) is State.MASTER
            )
        else:
            found = frozenset(self.world.history.holders(expected.subject))
        if found != expected.directors:
            self.missed.append(Missed(event, tuple(sorted(found))))


def _live(director: Director, what: Life) -> None:
    match what:
        case Life.STARTS:
            director.start()
        case Life.STOPS:
            director.stop()
        case Life.DIES:
            director.power_off()
        case Life.CRASHES:
            director.crash()
        case _:
            assert_never(what)
