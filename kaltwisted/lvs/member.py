"""One real server in a pool: which of its checkers fail, and the entry it has while alive.  Pure."""

from __future__ import annotations

import attrs

from kaltwisted.config.diff import predecessors
from kaltwisted.config.model import Check, FileCheck, MiscCheck, RealServer, SorryServer
from kaltwisted.lvs.steering import UNSTEERED, Steering
from kaltwisted.lvs.table import Destination, DestinationKey, Service


@attrs.define
class Member:
    """A real server's state.

    ``failed``: the checkers that fail, by their place in ``server.checks``.
    ``weighed``: ``weight`` is what a checker said last, not the configured one.
    ``since``: when it came up or went down, by the clock of who runs the pool; None: not known.
    ``steering``: what an operator overrides.
    ``status_head``: what the status document says of it again and again; None: not made yet.
    """

    server: RealServer
    weight: int
    failed: frozenset[int]
    destination: Destination
    weighed: bool = False
    since: float | None = None
    steering: Steering = UNSTEERED
    status_head: str | None = None

    @classmethod
    def begin(
        cls, server: RealServer, adopted: Service | None = None, steering: Steering = UNSTEERED
    ) -> Member:
        """A server at its start; ``adopted``: the whole service as an earlier life left it.

        What an operator has overridden says nothing of how the server was.
        """
        weight = steering.weight_of(server.weight)
        if adopted is not None:
            known = adopted.destinations.get(key_of(server))
            if known is None:
                down = not steering.is_disabled
            else:
                down = server.inhibit_on_failure and known.weight == 0 != weight
            failed = frozenset(range(len(server.checks))) if down else frozenset()
        else:
            failed = frozenset(
                index for index, check in enumerate(server.checks) if server.alpha or check.timing.alpha
            )
        return cls(server, server.weight, failed, _destination(server, weight), steering=steering)

    @property
    def alive(self) -> bool:
        """None of its checkers fails."""
        return not self.failed

    @property
    def counts(self) -> int:
        """What it adds to the weight that quorum is measured by."""
        return self.effective_weight if self.alive else 0

    @property
    def effective_weight(self) -> int:
        """Its weight in the table, while it is there and alive: an operator's word goes before all others."""
        return self.steering.weight_of(self.weight)

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
        self._reweigh()

    def steer(self, steering: Steering) -> None:
        """An operator says so."""
        self.steering = steering
        self._reweigh()

    def _reweigh(self) -> None:
        self.destination = attrs.evolve(self.destination, weight=self.effective_weight)

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
        destination = _destination(new, self.effective_weight)
        if destination != self.destination:
            self.destination = destination


def key_of(server: RealServer | SorryServer) -> DestinationKey:
    """The data plane's key of a server."""
    return DestinationKey(server.address, server.port)


def _weighs(check: Check) -> bool:
    match check:
        case MiscCheck():
            return check.dynamic
        case FileCheck():
            return bool(check.weight)
    return False


def _destination(server: RealServer, weight: int) -> Destination:
    return Destination(
        key_of(server),
        weight,
        server.forwarding,
        uthreshold=server.uthreshold,
        lthreshold=server.lthreshold,
    )
