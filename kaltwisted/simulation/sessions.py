"""BFD sessions of simulated directors: up while each end hears the other.

These are reckoned and not played: a session sends a hundred packets a second and more, and a rehearsed
day would take hours.  What there is to know of one is whether packets pass both ways, and after what
silence the other end counts as gone (RFC 5880 §6.8.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kaltwisted.config.model import SECOND_US, BfdInstance
from kaltwisted.simulation.clock import WorldClock
from kaltwisted.simulation.director import Director
from kaltwisted.simulation.lan import Air


class Sessions:
    """All of them.  ``moved``: something has changed that may be one's end, or its beginning."""

    def __init__(self, clock: WorldClock, air: Air, directors: Mapping[str, Director]) -> None:
        self._clock = clock
        self._air = air
        self._directors = directors
        self._looking = False

    def moved(self) -> None:
        """Look once at all, when everything has happened that happens now."""
        if not self._looking:
            self._looking = True
            self._clock.at(self._clock.now, self._look)

    def _look(self) -> None:
        self._looking = False
        for director, session in self._all():
            if self._passes(director, session):
                director.hear(session.name, True)
            elif director.hears(session.name):
                delay_s = self._detection_us(director, session) / SECOND_US
                self._clock.at(self._clock.now + delay_s, self._expire, director, session)

    def _expire(self, director: Director, session: BfdInstance) -> None:
        if not self._passes(director, session):
            director.hear(session.name, False)

    def _all(self) -> Iterator[tuple[Director, BfdInstance]]:
        for director in self._directors.values():
            if director.runs:
                for session in director.configuration.bfd_instances:
                    yield director, session

    def _passes(self, director: Director, session: BfdInstance) -> bool:
        """Whether packets pass both ways, and somebody at the other end answers."""
        peer = self._peer(session)
        if peer is None:
            return director.reaches(session.neighbor)
        if not peer.runs or self._back(director, peer) is None:
            return False
        theirs = peer.interfaces.with_own(session.neighbor)
        lan = self._air.lans[peer.interfaces.lan(theirs)]
        ours = director.interfaces.on_lan(lan.name)
        if not peer.interfaces.works(theirs) or (ours and not any(map(director.interfaces.works, ours))):
            return False
        pair = (director.name, peer.name)
        return lan.loss < 1 and lan.cut.isdisjoint((pair, pair[::-1]))

    def _detection_us(self, director: Director, session: BfdInstance) -> int:
        peer = self._peer(session)
        back = None if peer is None else self._back(director, peer)
        if back is None:
            return session.multiplier * max(session.min_rx_us, session.min_tx_us)
        return back.multiplier * max(session.min_rx_us, back.min_tx_us)

    def _peer(self, session: BfdInstance) -> Director | None:
        """The director that has the neighbour's address; None: it is no director."""
        for director in self._directors.values():
            if session.neighbor in director.interfaces.own:
                return director
        return None

    def _back(self, director: Director, peer: Director) -> BfdInstance | None:
        """The other end of a session."""
        own = director.interfaces.own
        return next((each for each in peer.configuration.bfd_instances if each.neighbor in own), None)
