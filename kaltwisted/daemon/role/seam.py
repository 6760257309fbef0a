"""The roles of the daemon: VRRP, and health checks with their load balancing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
from twisted.application.service import IService

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from kaltwisted.config.model import Configuration


# keepalived's exit statuses of a daemon that cannot do its work.
FATAL = 1
MISSING_PERMISSION = 4


class IRole(IService):
    """A part of the daemon that runs one part of the configuration, and can be given another."""

    def obstacle(configuration: Configuration) -> str | None:
        """Why this role cannot go on with ``configuration`` without a restart, in words; None: it can."""

    def apply(configuration: Configuration) -> Deferred[None]:
        """Run ``configuration`` from now on, with no more changed than differs.

        Objects of the running configuration that are in ``configuration`` too
        count as unchanged at a glance (``config.diff.compare`` keeps them).
        Fires when all is in effect; never fails for what the world refuses.
        """


class RoleError(Exception):
    """A role cannot run here; in words, with what would help.

    :param status: what a process ends with for it.
    """

    def __init__(self, words: str, status: int = FATAL) -> None:
        super().__init__(words)
        self.status = status


@attrs.frozen
class RoleKind:
    """A role that there may be.

    ``needed``: whether a configuration has work for it.
    ``make``: builds it, raising ``RoleError`` where it cannot run.
    """

    name: str
    needed: Callable[[Configuration], bool]
    make: Callable[[Configuration], IRole]
