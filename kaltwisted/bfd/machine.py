"""The state machine of a session: which state follows which packet (RFC 5880 §6.2, §6.8.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from automat import TypeMachineBuilder

from kaltwisted.bfd.packet import Diagnostic, State
from kaltwisted.bfd.variables import Variables


class Machine(Protocol):
    """The inputs; ``now`` is the monotonic clock in µs.  The first four: what state a good packet told."""

    def hear_admin_down(self, now: int) -> None:
        """The neighbour holds the session down on purpose."""

    def hear_down(self, now: int) -> None:
        """It does not hear us."""

    def hear_init(self, now: int) -> None:
        """It hears us, and does not know whether we hear it."""

    def hear_up(self, now: int) -> None:
        """It hears us and knows that we hear it."""

    def expire(self, now: int) -> None:
        """Nothing was heard for the Detection Time."""

    def stop(self, now: int) -> None:
        """The end."""


def _build() -> Callable[[Variables], Machine]:
    builder = TypeMachineBuilder(Machine, Variables)
    down = builder.state("Down")
    init = builder.state("Init")
    up = builder.state("Up")
    admin_down = builder.state("AdminDown")

    @down.upon(Machine.hear_down).to(init)
    def answer(machine: Machine, session: Variables, now: int) -> None:
        session.enter(State.INIT, Diagnostic.NONE, now)

    @down.upon(Machine.hear_init).to(up)
    @init.upon(Machine.hear_init).to(up)
    @init.upon(Machine.hear_up).to(up)
    def rise(machine: Machine, session: Variables, now: int) -> None:
        session.enter(State.UP, Diagnostic.NONE, now)

    @init.upon(Machine.hear_admin_down).to(down)
    @up.upon(Machine.hear_admin_down).to(down)
    @up.upon(Machine.hear_down).to(down)
    def follow_down(machine: Machine, session: Variables, now: int) -> None:
        session.enter(State.DOWN, Diagnostic.NEIGHBOR_DOWN, now)

    @init.upon(Machine.expire).to(down)
    @up.upon(Machine.expire).to(down)
    def lose(machine: Machine, session: Variables, now: int) -> None:
        session.enter(State.DOWN, Diagnostic.EXPIRED, now)

    @down.upon(Machine.stop).to(admin_down)
    @init.upon(Machine.stop).to(admin_down)
    @up.upon(Machine.stop).to(admin_down)
    def take_leave(machine: Machine, session: Variables, now: int) -> None:
        session.enter(State.ADMIN_DOWN, Diagnostic.ADMIN_DOWN, now)

    # -- what changes nothing where it comes -----------------------------------------------

    down.upon(Machine.hear_admin_down).loop().returns(None)
    # It has yet to notice that we are down.
    down.upon(Machine.hear_up).loop().returns(None)
    down.upon(Machine.expire).loop().returns(None)
    init.upon(Machine.hear_down).loop().returns(None)
    up.upon(Machine.hear_init).loop().returns(None)
    up.upon(Machine.hear_up).loop().returns(None)
    for what in (
        Machine.hear_admin_down,
        Machine.hear_down,
        Machine.hear_init,
        Machine.hear_up,
        Machine.expire,
        Machine.stop,
    ):
        admin_down.upon(what).loop().returns(None)
    return builder.build()


build_machine: Final = _build()
