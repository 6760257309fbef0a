"""Split brain: another master beside us, who it is, since when, and why, in words.  Pure.

An election is over after an advert or two.  Who is still heard after that
neither yields to us nor makes us yield, and both hold the virtual addresses:
the one fault that VRRP cannot mend by itself, and which an operator has to be
told of with its likely cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from kaltwisted.config.model import SECOND_US
from kaltwisted.vrrp.packet import Reason, unpacked

HEARD_BEFORE_TOLD: Final = 3
"""Adverts of one rival in a row that are no election any more, unless they are heard all at once.

A master that stood still for seconds finds in its socket what another one
sent meanwhile, which yields to the first advert of the one that is back.
"""

SILENT_INTERVALS: Final = 4
"""Advert intervals without a word of the rival after which it is no rival any more."""

NOT_YIELDING: Final = (
    "it does not hear our adverts, or does not yield to them: look for what drops IP protocol 112"
    " on the way from us to it, a firewall, IGMP snooping, or a unicast_peer that is missing"
)
"""Why a rival that we understand, and that has the lower rank, stays master."""

CAUSES: Final[Mapping[Reason, str]] = {
    Reason.PASSWORD: "its password is another: compare auth_pass",
    Reason.ICV: "its password is another: compare auth_pass",
    Reason.AUTH_MISMATCH: "its authentication is another: compare auth_type",
    Reason.AUTH_UNKNOWN: "its authentication is another: compare auth_type",
    Reason.AH_MISSING: "it has no authentication AH: compare auth_type",
    Reason.AH_UNEXPECTED: "it has authentication AH: compare auth_type",
    Reason.HMAC_UNEXPECTED: "it signs its adverts, and we do not: compare auth_hmac",
    Reason.HMAC_MISSING: "it does not sign its adverts, and we do: compare auth_hmac",
    Reason.HMAC_MALFORMED: "its adverts are signed in another way, or altered on the way",
    Reason.HMAC_UNKNOWN_KEY: "it signs with a key that we do not have: compare the numbers of auth_hmac",
    Reason.HMAC_INVALID: "its key of that number is another: compare auth_hmac",
    Reason.HMAC_STALE: "its clock differs from ours by more than time_window: compare them with NTP",
    Reason.VERSION: "it speaks another version: compare version and vrrp_version",
    Reason.INTERVAL: "its interval is another: compare advert_int",
    Reason.CHECKSUM: "its checksum is made in another way, or adverts are altered on the way",
    Reason.TTL: "its adverts were forwarded by a router: both must be on one link",
    Reason.TTL_RANGE: "its TTL is none that min_ttl and max_ttl of the peer allow",
    Reason.NOT_MULTICAST: "it sends to peers, and we to the group: compare unicast_peer",
    Reason.NOT_UNICAST: "it sends to the group, and we to peers: compare unicast_peer",
    Reason.UNKNOWN_PEER: "its address is none of our unicast_peer",
    Reason.ADDRESS_COUNT: "its adverts name no virtual address",
}
"""What to compare when adverts are dropped for this.  A packet dropped for another reason is no rival's."""


@attrs.define
class Rival:
    """One that is heard while we are master.  Times are monotonic µs, ``source`` is packed."""

    source: bytes
    since: int
    last: int
    heard: int = 1
    cause: str = NOT_YIELDING
    told: bool = False

    def seconds(self, now: int) -> str:
        """How long it has been there."""
        return f"{(now - self.since) / SECOND_US:.1f} s"


class Rivalry:
    """What one instance, as master, hears of another master.

    One rival is followed at a time: the first that is heard, until it is silent.
    """

    def __init__(self) -> None:
        self.rival: Rival | None = None

    def heard(self, source: bytes, reason: Reason | None, now: int, interval_us: int) -> str | None:
        """As master we heard another one; ``reason``: why its packet was dropped.

        :param interval_us: how often we send adverts ourselves.
        :return: what to tell, once, when it is certain that this is no election.
        """
        cause = NOT_YIELDING if reason is None else CAUSES.get(reason)
        rival = self.rival
        if cause is None or (rival is not None and rival.source != source):
            return None
        if rival is None:
            self.rival = Rival(source, now, now, cause=cause)
            return None
        rival.heard += 1
        rival.last = now
        rival.cause = cause
        if rival.told or rival.heard < HEARD_BEFORE_TOLD or now - rival.since < interval_us:
            return None
        rival.told = True
        return self.words(now)

    def words(self, now: int) -> str | None:
        """What was told of the rival, as it is now; None: there is none, or it may be an election still."""
        rival = self.rival
        if rival is None or not rival.told:
            return None
        return f"split brain: {unpacked(rival.source)} is master too, for {rival.seconds(now)}: {rival.cause}"

    def still(self, now: int, interval_us: int) -> str | None:
        """Time has passed, and we are master still.

        :return: what to tell, once, when a rival that was told of has been silent for long.
        """
        rival = self.rival
        if rival is None or now - rival.last < SILENT_INTERVALS * interval_us:
            return None
        return self._end(f"{unpacked(rival.source)} is silent", now)

    def yielded(self, now: int) -> str | None:
        """We are master no more.

        :return: what to tell, if a rival was told of.
        """
        return self._end("we are master no more", now)

    def _end(self, why: str, now: int) -> str | None:
        rival, self.rival = self.rival, None
        if rival is None or not rival.told:
            return None
        return f"split brain is over after {rival.seconds(now)}: {why}"
