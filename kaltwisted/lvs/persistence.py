"""``persistence_timeout``: which server a client's network stays with, as a value that is told the time.

As IPVS' connection templates: every new connection renews the entry, it ends
``timeout`` after the last one began, and not while connections of it go on.
"""

from __future__ import annotations

import attrs

from kaltwisted.config.model import Address
from kaltwisted.lvs.table import DestinationKey

LIMIT = 100_000
"""Entries of one service at most; then the one unused for longest goes."""

ADDRESS_BITS = {4: 32, 6: 128}


@attrs.define(eq=False)
class Entry:
    """One client network's server.  ``expires`` in the caller's seconds."""

    destination: DestinationKey
    expires: float
    connections: int = 0


class Persistence:
    """One service's entries.

    ``granularity``: prefix length that makes clients one (None: each by itself).
    """

    def __init__(self, timeout_s: int, granularity: int | None = None, limit: int = LIMIT) -> None:
        self.timeout_s = timeout_s
        self.granularity = granularity
        self._limit = limit
        self._entries: dict[int, Entry] = {}  # the longest unused first

    def __len__(self) -> int:
        return len(self._entries)

    def _network(self, client: Address) -> int:
        bits = ADDRESS_BITS[client.version]
        prefix = bits if self.granularity is None else min(self.granularity, bits)
        return int(client) >> (bits - prefix)

    def find(self, client: Address, now: float) -> DestinationKey | None:
        """Where this client belongs, if anywhere."""
        entry = self._entries.get(self._network(client))
        if entry is None or (entry.expires <= now and not entry.connections):
            return None
        return entry.destination

    def connected(self, client: Address, destination: DestinationKey, now: float) -> Entry:
        """A connection of this client goes to ``destination``; ``Entry`` is for ``closed``."""
        network = self._network(client)
        entry = self._entries.pop(network, None)
        if entry is None or entry.destination != destination:
            entry = Entry(destination, 0.0)
        entry.connections += 1
        entry.expires = now + self.timeout_s
        self._entries[network] = entry
        self._forget(now)
        return entry

    @staticmethod
    def closed(entry: Entry) -> None:
        """A connection for which ``connected`` returned ``entry`` has ended."""
        entry.connections -= 1

    def _forget(self, now: float) -> None:
        """Drop what has expired; a bounded number of steps, so that a burst pays for itself."""
        for _ in range(2):
            network, entry = next(iter(self._entries.items()))
            if entry.expires > now:
                break
            del self._entries[network]
            if entry.connections:
                entry.expires = now + self.timeout_s
                self._entries[network] = entry
        if len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]
