"""A BFD session: packets and time in, ordered actions out (RFC 5880 §6.8, asynchronous mode without echo).

It has no socket, no clock and no log.  ``now`` is the monotonic clock in µs;
who runs it calls ``tick`` at ``next_at``, and sooner or later does no harm.
"""

from __future__ import annotations

from collections.abc import Callable

from kaltwisted.bfd.machine import build_machine
from kaltwisted.bfd.packet import Control, State
from kaltwisted.bfd.variables import Action, Variables
from kaltwisted.config.model import BfdInstance


class Session:
    """One session with one neighbour; ``variables`` are for reports to read.

    :param discriminator: ours, unique on this host and not 0.
    :param random: gives numbers from 0 up to 1, for jitter.
    """

    def __init__(self, config: BfdInstance, discriminator: int, random: Callable[[], float]) -> None:
        self.variables = Variables(config, discriminator, random)
        self._machine = build_machine(self.variables)

    @property
    def config(self) -> BfdInstance:
        """What it was asked to be."""
        return self.variables.config

    @property
    def state(self) -> State:
        """Where it is."""
        return self.variables.state

    @property
    def next_at(self) -> int | None:
        """When something is due; None: not before a packet comes."""
        times = (self.variables.transmit_at, self.variables.expires_at)
        return min((time for time in times if time is not None), default=None)

    @property
    def expires_at(self) -> int | None:
        """When the neighbour counts as lost, unless it is heard before."""
        return self.variables.expires_at

    # -- what happens ------------------------------------------------------------------------

    def start(self, now: int) -> list[Action]:
        """Begin, unless passive: with a packet at once."""
        self.variables.send()
        self.variables.schedule(now)
        return self._take_actions()

    def receive(self, control: Control, now: int) -> list[Action]:
        """A packet of the neighbour came in (§6.8.6, from where it is known to be for this session)."""
        variables, machine = self.variables, self._machine
        if variables.state is State.ADMIN_DOWN:
            return []
        variables.heard(control, now)
        match control.state:
            case State.ADMIN_DOWN:
                machine.hear_admin_down(now)
            case State.DOWN:
                machine.hear_down(now)
            case State.INIT:
                machine.hear_init(now)
            case State.UP:
                machine.hear_up(now)
        if control.poll:
            variables.send(final=True)
        variables.expires_at = now + variables.detection_us
        variables.hasten(now)
        return self._take_actions()

    def tick(self, now: int) -> list[Action]:
        """Time has passed: do what is due."""
        variables = self.variables
        if variables.expires_at is not None and now >= variables.expires_at:
            self._expire(now)
        if variables.transmit_at is not None and now >= variables.transmit_at:
            variables.send()
            variables.schedule(now)
        return self._take_actions()

    def _expire(self, now: int) -> None:
        variables = self.variables
        assert variables.expires_at is not None
        if variables.state in (State.INIT, State.UP):
            silent_ms = variables.detection_us // 1000
            variables.log(f"Expired after {silent_ms} ms ({now - variables.expires_at} usec overdue)")
        variables.forget()
        self._machine.expire(now)
        variables.hasten(now)

    def stop(self, now: int) -> list[Action]:
        """Say goodbye (§6.8.16).  Once: should it get lost, the neighbour's Detection Time tells the same."""
        self._machine.stop(now)
        self.variables.transmit_at = self.variables.expires_at = None
        return self._take_actions()

    def reconfigure(self, config: BfdInstance, now: int) -> list[Action]:
        """Other timing for the same session: while Up by a poll sequence (§6.8.3), otherwise at once."""
        variables = self.variables
        if config == variables.config:
            return []
        variables.config = config
        if variables.state is State.UP:
            variables.want(config.min_tx_us, config.min_rx_us)
        else:
            variables.desired_min_tx_us = variables.transmitting_min_tx_us = config.idle_tx_us
            variables.required_min_rx_us = variables.detection_min_rx_us = config.min_rx_us
        variables.hasten(now)
        return self._take_actions()

    def _take_actions(self) -> list[Action]:
        actions, self.variables.actions = self.variables.actions, []
        return actions
