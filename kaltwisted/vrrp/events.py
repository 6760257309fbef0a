"""What can happen to an instance: a closed set of frozen values."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import attrs

from kaltwisted.config.model import Address
from kaltwisted.ports import Election, Ipv6Message
from kaltwisted.vrrp.actions import TimerName


class FaultKind(Enum):
    """Why an instance cannot work, and the kinds of what it tracks; the value is how its log line says it."""

    INTERFACE = "interface {name} down"
    ADDRESS = "no {name} address for interface"
    SOURCE = "src address not configured"
    PEER = "no unicast peers"
    SCRIPT = "script {name} failed"
    PROCESS = "tracked process {name} quorum not achieved"
    FILE = "tracked file {name}"
    VIRTUAL_SERVER = "virtual server {name} has no quorum"
    BFD = "BFD instance {name}"
    GROUP = "a member of sync group {name} failed"


@attrs.frozen
class Fault:
    """One reason for FAULT; an instance leaves FAULT when the last is gone."""

    kind: FaultKind
    name: str

    def __str__(self) -> str:
        return self.kind.value.format(name=self.name)


@attrs.frozen
class Start:
    """Begin.  Interfaces count as up, and scripts as not yet known, unless told before.

    ``delay_us``: hear and do nothing for so long but be BACKUP.
    """

    delay_us: int = 0


@attrs.frozen
class Stop:
    """End: hand over, and take the addresses away."""


@attrs.frozen
class PacketReceived:
    """An IPv4 packet with the instance's VRID came in on its interface, IP header first."""

    packet: bytes | memoryview


@attrs.frozen
class MessageReceived:
    """An IPv6 message with the instance's VRID came in on its interface."""

    message: Ipv6Message


@attrs.frozen
class TimerExpired:
    """A timer ran out."""

    which: TimerName
    generation: int


@attrs.frozen
class LinkChanged:
    """An interface came up (administratively and with carrier), or went down or away."""

    interface: str
    up: bool


@attrs.frozen
class SourceChanged:
    """The primary address of the instance's interface is another now; None: it has none."""

    address: Address | None


@attrs.frozen
class TimeOfDay:
    """``epoch_us``: the time of day, in µs since 1970, at which the instances' clock was 0; it may be set."""

    epoch_us: int


@attrs.frozen
class Turned:
    """What may be tracked, of any kind but an interface, is good (1) or bad (0) now; None: unknown.

    Of a file it is the number.
    """

    kind: FaultKind
    name: str
    value: int | None


@attrs.frozen
class AddressLost:
    """One of our virtual addresses was removed by somebody else."""

    address: Address


@attrs.frozen
class Steered:
    """An operator wants this of the election, or nothing any more (None); only the router sends these."""

    election: Election | None


class Sync(Enum):
    """A sync group moves this member along; only the router sends these."""

    TO_BACKUP = "follow the others to BACKUP"
    GIVE_UP = "follow the others to BACKUP for a short while, and hand over meanwhile"
    TO_MASTER = "follow the others to MASTER"
    HOLD = "the others are not ready: stay BACKUP and wait"


@attrs.frozen
class GroupFault:
    """Another member of the sync group is in FAULT, or no longer is; only the router sends these."""

    group: str
    faulty: bool


Event: TypeAlias = (
    Start
    | Stop
    | PacketReceived
    | MessageReceived
    | TimerExpired
    | LinkChanged
    | SourceChanged
    | TimeOfDay
    | Turned
    | AddressLost
    | GroupFault
    | Steered
    | Sync
)
