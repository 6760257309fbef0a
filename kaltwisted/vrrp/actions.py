"""What an instance asks of the world: a closed set of frozen values, to be carried out in order."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import attrs

from kaltwisted.config.model import Address, RoutingItem, VirtualIpAddress


class State(Enum):
    """Where an instance or group is (RFC 3768 §6.4 and keepalived's FAULT), as logs and scripts say it.

    ``DELETED`` is only told, of one that a reload takes away.
    """

    INIT = "INIT"
    BACKUP = "BACKUP"
    MASTER = "MASTER"
    FAULT = "FAULT"
    STOP = "STOP"
    DELETED = "DELETED"


class TimerName(Enum):
    """The timers an instance has; each runs at most once at a time."""

    ADVERT = "the next advert is due"
    MASTER_DOWN = "the master has been silent too long"
    OVERDUE = "the master's advert has not come: is that we do not run?"
    GARP_DELAY = "the second burst of gratuitous ARPs"
    GARP_REFRESH = "gratuitous ARPs are repeated"
    GARP_EXTRA = "addresses are announced where no adverts go"


class Subject(Enum):
    """Whom a notification is about, as scripts are told."""

    INSTANCE = "INSTANCE"
    GROUP = "GROUP"


class Level(Enum):
    """How much a log line matters."""

    INFO = "info"
    WARNING = "warning"


@attrs.frozen
class SendAdvert:
    """Put a packet on the instance's interface.

    IPv4: the whole packet, header included (IP_HDRINCL).  IPv6: the VRRP
    message, to be sent with ``hop_limit`` from ``source``.
    """

    packet: bytes
    source: Address
    destination: Address
    hop_limit: int = 255


@attrs.frozen
class AddAddresses:
    """Set virtual addresses on their interfaces; one that is there already is no error."""

    addresses: tuple[VirtualIpAddress, ...]


@attrs.frozen
class RemoveAddresses:
    """Take virtual addresses away; one that is not there is no error."""

    addresses: tuple[VirtualIpAddress, ...]


@attrs.frozen
class ChangeAddresses:
    """Take ``gone`` from the addresses that are set; set ``added`` and announce them ``repeat`` times."""

    gone: tuple[VirtualIpAddress, ...]
    added: tuple[VirtualIpAddress, ...]
    repeat: int


@attrs.frozen
class SetRouting:
    """These routes and rules of the instance stand from now on, and no others; addresses come first."""

    items: tuple[RoutingItem, ...]


@attrs.frozen
class Announce:
    """Queue ``repeat`` rounds of gratuitous ARPs (unsolicited NAs) over the addresses."""

    addresses: tuple[VirtualIpAddress, ...]
    repeat: int


@attrs.frozen
class ArmTimer:
    """Run a timer until ``at`` (monotonic µs), in place of an earlier one of that name.

    Its expiry comes back as ``TimerExpired`` with this generation; one of an
    older generation is ignored, so a timer that cannot be called back does no harm.
    """

    which: TimerName
    at: int
    generation: int


@attrs.frozen
class CancelTimer:
    """A timer is no longer wanted."""

    which: TimerName


@attrs.frozen
class Notify:
    """A change of state is complete: scripts, mail, the LVS sync daemon.  A group's priority is 0."""

    subject: Subject
    name: str
    state: State
    priority: int


@attrs.frozen
class NotifyLowerPriority:
    """As master we heard a lower priority (keepalived: ``notify_master_rx_lower_pri``)."""

    name: str
    priority: int


@attrs.frozen
class NotifyPriority:
    """The effective priority is another now (keepalived: ``notify_priority_changes``)."""

    name: str
    state: State
    priority: int


@attrs.frozen
class Alarm:
    """Something that an operator has to mend: a mail, where mail is asked for.

    ``headline`` is its subject behind the instance's name, ``words`` its line.
    """

    name: str
    headline: str
    words: str


@attrs.frozen
class Log:
    """A line for the log, worded as keepalived words it."""

    line: str
    level: Level = Level.INFO


Action: TypeAlias = (
    SendAdvert
    | AddAddresses
    | RemoveAddresses
    | ChangeAddresses
    | SetRouting
    | Announce
    | ArmTimer
    | CancelTimer
    | Notify
    | NotifyLowerPriority
    | NotifyPriority
    | Alarm
    | Log
)
