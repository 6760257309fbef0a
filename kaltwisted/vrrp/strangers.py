"""Adverts of virtual routers that are not configured here, told where that is asked for."""

from __future__ import annotations

from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from kaltwisted.vrrp.virtual_router import COMPLAINT_US

VRIDS: Final = frozenset(range(1, 256))
"""Every VRID that there may be (RFC 9568 §5.2.3)."""


class Strangers:
    """Logs in keepalived's words (``log_unknown_vrids``), each VRID of an interface once a minute at most.

    keepalived has a line for each advert; nobody on the link shall fill our disk.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._told: dict[tuple[str, int], float] = {}

    def heard(self, interface: str, vrid: int) -> None:
        """An advert came that is for none of us."""
        now = self._clock.seconds()
        last = self._told.get((interface, vrid))
        if last is None or (now - last) * 1_000_000 >= COMPLAINT_US:
            self._told[interface, vrid] = now
            self._log.info(
                "Unknown VRID({vrid}) received on interface({interface}). ignoring...",
                vrid=vrid,
                interface=interface,
            )
