"""What operators can ask of a daemon, as the API sees it: the daemon provides it, ``api`` serves it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import attrs
from zope.interface import Interface

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred


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


class IOperations(Interface):
    """A running daemon."""

    def status(parts: frozenset[Part]) -> Deferred[bytes]:
        """The status document with these parts, JSON in ASCII; a part of a role that does not run is null.

        What it tells is newer than the call.  Never fails.
        """

    def health() -> Health:
        """How it is, by what the supervisor knows."""
