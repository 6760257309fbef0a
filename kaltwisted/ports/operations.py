"""What operators can ask of a daemon, as the API sees it: the daemon provides it, ``api`` serves it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred


InThread: TypeAlias = Callable[[Callable[[], Any]], "Deferred[Any]"]
"""Calls a function in a thread, for what takes longer than a turn of the reactor may."""


class Part(Enum):
    """A part of the status document; the values are its members' names."""

    DAEMON = "daemon"
    VRRP = "vrrp"
    CHECKERS = "checkers"
    BFD = "bfd"


@attrs.frozen
class Health:
    """Whether the daemon lives and does its work.

    ``why_not_live``, ``why_not_ready``: in words; empty: it is.  Live is a
    daemon whose roles run or are being started again; ready is one whose roles
    all run what is configured.
    """

    why_not_live: tuple[str, ...] = ()
    why_not_ready: tuple[str, ...] = ()


@attrs.frozen
class StateChange:
    """Something is in another state now.

    ``kind``: instance, group, tracker, split_brain, mismatch, virtual_server, real_server, check, bfd, role,
    reload or override.  ``name``: its name or id in the status document.  ``before`` None: it had no state.
    ``why``: in words, where there is more to say.
    """

    kind: str
    name: str
    before: str | None
    after: str
    why: str | None = None


Note: TypeAlias = Callable[[StateChange], object]
"""Hears of changes, and holds nobody up."""


def unnoted(_: StateChange) -> None:
    """Nobody wants to know."""


@attrs.frozen
class Event:
    """A change that was noted.  ``id``: higher than that of every earlier one; ``text``: JSON in ASCII."""

    id: int
    kind: str
    text: str


class IEvents(Interface):
    """What has happened of late; so many are kept, and no more."""

    last: int = Attribute("the id of the latest one")

    def after(id: int) -> tuple[list[Event], bool]:
        """What came after an event, and whether some of that is kept no more."""

    def listen(heard: Callable[[Event], object]) -> Callable[[], None]:
        """Tell of each from now on, until the result is called."""


class IOperations(Interface):
    """A running daemon."""

    events: IEvents = Attribute("what has happened")

    def status(parts: frozenset[Part]) -> Deferred[bytes]:
        """The status document with these parts, JSON in ASCII; a part of a role that does not run is null.

        What it tells is newer than the call.  Never fails.
        """

    def health() -> Health:
        """How it is, by what the supervisor knows."""
