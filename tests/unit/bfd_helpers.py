"""What the BFD tests share: a session under a driven clock, and two of them on one wire."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from random import Random
from typing import Any

import attrs

from kaltwisted.bfd.packet import Control, Diagnostic, State, decode
from kaltwisted.bfd.session import Session
from kaltwisted.bfd.variables import Action, Level, Log, Send, Turned
from kaltwisted.config.model import BfdInstance

HERE, THERE = 0x11, 0x22


def config(**fields: Any) -> BfdInstance:
    """10 ms x 3."""
    return BfdInstance("far", ip_address("10.0.0.2"), **{"multiplier": 3, **fields})


def packet(state: State = State.DOWN, **fields: Any) -> Control:
    """What a neighbour of the same settings sends."""
    idle = state is not State.UP
    return attrs.evolve(
        Control(
            state,
            multiplier=3,
            my_discriminator=THERE,
            your_discriminator=HERE,
            desired_min_tx_us=1_000_000 if idle else 10_000,
            required_min_rx_us=10_000,
        ),
        **fields,
    )


class Driven:
    """A session whose time is the test's.  ``random``: gives the jitter."""

    def __init__(self, random: Callable[[], float] = lambda: 1.0, **fields: Any) -> None:
        self.session = Session(config(**fields), HERE, random)
        self.now = 1_000_000_000
        self.done: list[Action] = []
        self.sent: list[tuple[int, Control]] = []
        self._do(self.session.start(self.now))

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            self.done.append(action)
            if isinstance(action, Send):
                control = decode(action.packet)
                assert isinstance(control, Control), control
                self.sent.append((self.now, control))

    @property
    def state(self) -> State:
        return self.session.state

    def hear(self, *controls: Control) -> list[Control]:
        """Packets come in; what is answered."""
        before = len(self.sent)
        for control in controls:
            self._do(self.session.receive(control, self.now))
        return [control for _, control in self.sent[before:]]

    def wait(self, us: int) -> list[tuple[int, Control]]:
        """Time passes; what was sent meanwhile, by the time from now."""
        start, before, end = self.now, len(self.sent), self.now + us
        while (due := self.session.next_at) is not None and due <= end:
            self.now = max(self.now, due)
            self._do(self.session.tick(self.now))
        self.now = end
        return [(at - start, control) for at, control in self.sent[before:]]

    def stop(self) -> list[Control]:
        before = len(self.sent)
        self._do(self.session.stop(self.now))
        return [control for _, control in self.sent[before:]]

    def reconfigure(self, **fields: Any) -> None:
        self._do(self.session.reconfigure(config(**fields), self.now))

    def rise(self) -> Driven:
        """Come up, with the neighbour's final in answer to our poll."""
        self.hear(packet(), packet(State.UP))
        assert self.state is State.UP
        self.hear(packet(State.UP, final=True))
        return self

    @property
    def turns(self) -> list[bool]:
        return [action.up for action in self.done if isinstance(action, Turned)]

    def lines(self, level: Level = Level.INFO) -> list[str]:
        return [action.line for action in self.done if isinstance(action, Log) and action.level is level]


def chance(seed: int) -> Callable[[], float]:
    """Random numbers that are the same each time."""
    return Random(seed).random


__all__ = ["HERE", "THERE", "Control", "Diagnostic", "Driven", "State", "chance", "config", "packet"]
