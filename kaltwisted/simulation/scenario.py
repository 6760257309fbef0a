"""What a rehearsal is about: failures in the order of their times, and what is allowed.  Pure values."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import attrs

from kaltwisted.config.model import Address
from kaltwisted.config.model_values import Position, place


class Life(Enum):
    """What a director may do, as scenarios say it."""

    STARTS = "starts"
    STOPS = "stops"
    DIES = "dies"
    CRASHES = "crashes"


@attrs.frozen
class Lives:
    """A director starts, or its daemon; it stops in good order, loses power, or its daemon is killed."""

    director: str
    what: Life


@attrs.frozen
class Cable:
    """An interface goes down or up."""

    director: str
    interface: str
    up: bool


@attrs.frozen
class ScriptTurns:
    """A ``vrrp_script`` fails or works from now on."""

    director: str
    name: str
    good: bool


@attrs.frozen
class ProcessTurns:
    """The number of processes of a ``vrrp_track_process`` is wrong or right from now on."""

    director: str
    name: str
    good: bool


@attrs.frozen
class SessionTurns:
    """A BFD session is down or up from now on."""

    director: str
    name: str
    up: bool


@attrs.frozen
class FileWritten:
    """The file of a ``track_file`` has this number in it from now on."""

    director: str
    name: str
    number: int


@attrs.frozen
class ClockSet:
    """The time of day of a director is right from now on, but for ``error_us``."""

    director: str
    error_us: int


@attrs.frozen
class Deletes:
    """Somebody deletes an address of a director by hand."""

    director: str
    address: Address


@attrs.frozen
class Cut:
    """One director hears another no more, or again; ``lan`` None: on all LANs."""

    sender: str
    receiver: str
    lan: str | None
    cut: bool


@attrs.frozen
class Loses:
    """A LAN loses this share of all packets, 0 to 1, each by itself."""

    lan: str
    share: float


@attrs.frozen
class Delays:
    """A LAN brings every packet so late."""

    lan: str
    delay_us: int


@attrs.frozen
class ServerTurns:
    """A real server dies or returns; ``port`` None: the whole machine, else only who listens there."""

    address: Address
    port: int | None
    alive: bool


@attrs.frozen
class Expect:
    """An address, or the master of an instance, must be on these directors, and on no other."""

    subject: Address | str
    directors: frozenset[str]


Action: TypeAlias = (
    Lives
    | Cable
    | ScriptTurns
    | ProcessTurns
    | SessionTurns
    | FileWritten
    | ClockSet
    | Deletes
    | Cut
    | Loses
    | Delays
    | ServerTurns
    | Expect
)


@attrs.frozen
class Event:
    """Something that happens at a time (µs), in the words of the scenario."""

    at: int
    action: Action
    words: str
    where: Position | None = place()


@attrs.frozen
class Scenario:
    """One rehearsal.  All directors start at 0, unless a line of the scenario starts them.

    ``allow_nobody_us`` and ``allow_two_us``: how long an address may be without an owner, or have two;
    None: as long as VRRP needs with the configured intervals.
    """

    name: str
    title: str
    duration_us: int
    events: tuple[Event, ...] = ()
    allow_nobody_us: int | None = None
    allow_two_us: int | None = None
    seed: int = 0
