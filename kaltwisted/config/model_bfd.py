"""BFD sessions as frozen values."""

from __future__ import annotations

import attrs

from kaltwisted.config.model_values import SECOND_US, Address, Position, place

MILLISECOND_US = 1000


@attrs.frozen
class BfdInstance:
    """``bfd_instance``: a session with one neighbour.

    ``ttl``: what is sent (IPv6: the hop limit), and of what is received
    ``ttl - max_hops`` is the least; ``max_hops`` -1: any.  ``weight`` and
    ``reverse``: what those have who track it and say nothing else.  ``vrrp``,
    ``checker``: who may.
    """

    name: str
    neighbor: Address
    source: Address | None = None
    min_rx_us: int = 10 * MILLISECOND_US
    min_tx_us: int = 10 * MILLISECOND_US
    idle_tx_us: int = SECOND_US
    multiplier: int = 5
    passive: bool = False
    ttl: int = 255
    max_hops: int = 0
    multihop: bool = False
    weight: int = 0
    reverse: bool = False
    vrrp: bool = True
    checker: bool = True
    where: Position | None = place()

    @property
    def least_ttl(self) -> int:
        """Packets with less are somebody's from further away (RFC 5881 §5, RFC 5082)."""
        return 0 if self.max_hops < 0 else self.ttl - self.max_hops
