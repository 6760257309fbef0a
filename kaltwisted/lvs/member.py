"""One real server in a pool: which of its checkers fail, and the entry it has while alive.  Pure."""

from __future__ import annotations

import attrs

from kaltwisted.config.diff import predecessors
from kaltwisted.config.model import Check, MiscCheck, RealServer, SorryServer
from kaltwisted.lvs.table import Destination, DestinationKey, Service


@attrs.define
class Member:
    """A real server's state.

    ``failed``: the checkers that fail, by their place in ``server.checks``.
    ``weighed``: ``weight`` is what a checker said last, not the configured one.
    ``since``: when it came up or went down, by the clock of who runs the pool; None: not known.
    ``status_head``: what the status document says of it again and again; None: not made yet.
    """

    server: RealServer
    weight: int
    failed: frozenset[int]
    destination: Destination
    weighed: bool = False
    since: float | None = None
    status_head: str | None = None

    @classmethod
    def begin(cls, server: RealServer, adopted: Service | None = None) -> Member:
        """A server at its start; ``adopted``: the whole service as an earlier life left it."""
        if adopted is not None:
            known = adopted.destinations.get(key_of(server))
            down = known is None or (server.inhibit_on_failure and known.weight == 0 != server.weight)
            failed = frozenset(range(len(server.checks))) if down else frozenset()
        else:
            failed = frozenset(
                index for index, check in enumerate(server.checks) if server.alpha or check.timing.alpha
            )
        return cls(server, server.weight, failed, _destination(server, server.weight))

    @property
    def alive(self) -> bool:
        """None of its checkers fails."""
        return not self.failed

    @property
    def counts(self) -> int:
        """What it adds to the weight that quorum is measured by."""
        return self.weight if self.alive else 0

    def fail(self, checker: int) -> None:
        """This checker has failed; what it said of the weight is forgotten with it, as keepalived does."""
        self.failed |= {checker}
        if self.weighed and _weighs(self.server.checks[checker]):
            self.set_weight(self.server.weight)
            self.weighed = False

    def set_weight(self, weight: int) -> None:
        """A checker says so."""
        self.weighed = True
        self.weight = weight
        self.destination = attrs.evolve(self.destination, weight=weight)

    def reconfigure(self, new: RealServer) -> None:
        """Take over a changed configuration.

        A checker takes over its predecessor's state; one out of nothing counts
        as the server did.  The weight is the configured one, unless a checker
        has set it that may still do so.
        """
        old, self.server = self.server, new
        self.status_head = None
        if old.checks != new.checks:
            was_alive = self.alive
            origins = enumerate(predecessors(old.checks, new.checks))
            self.failed = frozenset(
                index
                for index, origin in origins
                if (not was_alive if origin is None else origin in self.failed)
            )
        self.weighed = self.weighed and any(map(_weighs, new.checks))
        if not self.weighed:
            self.weight = new.weight
        destination = _destination(new, self.weight)
        if destination != self.destination:
            self.destination = destination


def key_of(server: RealServer | SorryServer) -> DestinationKey:
    """The data plane's key of a server."""
    return DestinationKey(server.address, server.port)


def _weighs(check: Check) -> bool:
    return isinstance(check, MiscCheck) and check.dynamic


def _destination(server: RealServer, weight: int) -> Destination:
    return Destination(
        key_of(server),
        weight,
        server.forwarding,
        uthreshold=server.uthreshold,
        lthreshold=server.lthreshold,
    )
