"""One session's state variables (RFC 5880 §6.8.1), what follows from them, and the verbs of its machine.

Times are monotonic µs, intervals µs.  The verbs gather ``actions`` until the
session hands them out; none of them decides.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final, TypeAlias

import attrs

from kaltwisted.bfd.packet import Control, Diagnostic, State, encode
from kaltwisted.config.model import BfdInstance

#: §6.8.7: each interval is shorter by 0 to 25 %, with a multiplier of 1 by 10 to 25 %.
LEAST_JITTER: Final = 0.75
MOST_JITTER: Final = 1.0
MOST_JITTER_OF_ONE: Final = 0.90


class Level(Enum):
    """How much a log line matters; details are for keepalived's ``-D``."""

    INFO = "info"
    DETAIL = "detail"


@attrs.frozen
class Send:
    """Put a packet on the way to the neighbour, at once."""

    packet: bytes


@attrs.frozen
class Turned:
    """The session is up now, or it is no longer."""

    up: bool


@attrs.frozen
class Log:
    """A line for the log, worded as keepalived words it."""

    line: str
    level: Level = Level.INFO


Action: TypeAlias = Send | Turned | Log


class Variables:
    """State and vocabulary of one session.

    :param discriminator: ours, unique on this host and not 0.
    :param random: gives numbers from 0 up to 1, for jitter.
    """

    def __init__(self, config: BfdInstance, discriminator: int, random: Callable[[], float]) -> None:
        self.config = config
        self.discriminator = discriminator
        self._random = random
        self.actions: list[Action] = []
        self.state = State.DOWN
        self.since: int | None = None
        """When ``state`` was entered, by the session's clock; None: it is the first."""
        self.diagnostic = Diagnostic.NONE
        self.desired_min_tx_us = config.idle_tx_us
        self.required_min_rx_us = config.min_rx_us
        """What we ask for; the neighbour may still send by what it knew before (``detection_min_rx_us``)."""
        self.detection_min_rx_us = config.min_rx_us
        self.transmitting_min_tx_us = config.idle_tx_us
        self.polling = False
        self._settling = False
        """The last poll is answered, and a packet that answers none was not heard since."""
        self._wanted: tuple[int, int] | None = None
        """Intervals for which another poll has to wait until then."""
        self.transmit_at: int | None = None
        self.last_seen: int | None = None
        """When the neighbour was last heard, by the session's clock."""
        self.sent = 0
        self.received = 0
        self.remote_diagnostic = Diagnostic.NONE
        self.forget()

    # -- the neighbour -----------------------------------------------------------------------

    def forget(self) -> None:
        """What the neighbour said counts no more, or it has said nothing yet (§6.8.1: the initial values)."""
        self.remote_state = State.DOWN
        self.remote_discriminator = 0
        self.remote_multiplier = 0
        self.remote_min_tx_us = 0
        self.remote_min_rx_us = 1
        self.remote_demand = False
        self.expires_at: int | None = None
        """When the neighbour has been silent for the Detection Time."""

    # -- what follows ----------------------------------------------------------------------

    @property
    def interval_us(self) -> int:
        """The negotiated transmit interval, without jitter (§6.8.7)."""
        return max(self.transmitting_min_tx_us, self.remote_min_rx_us)

    @property
    def detection_us(self) -> int:
        """How long the neighbour may be silent (§6.8.4); 0 while nothing is known of it."""
        return self.remote_multiplier * self.remote_interval_us

    @property
    def remote_interval_us(self) -> int:
        """What the neighbour sends at, without jitter."""
        return max(self.detection_min_rx_us, self.remote_min_tx_us)

    @property
    def remote_detection_us(self) -> int:
        """How long the neighbour lets us be silent."""
        return self.config.multiplier * self.interval_us

    @property
    def sends(self) -> bool:
        """Whether packets may go out at all: not in the passive role to one that was not heard (§6.8.7)."""
        return bool(self.remote_discriminator) or not self.config.passive

    @property
    def sends_periodically(self) -> bool:
        """Whether they go out at intervals (§6.8.7)."""
        quiet = self.remote_demand and self.state is self.remote_state is State.UP and not self.polling
        return self.sends and self.remote_min_rx_us > 0 and not quiet

    # -- verbs -----------------------------------------------------------------------------

    def send(self, *, final: bool = False) -> None:
        """A packet with all as it is now; ``final`` answers a poll, and then is none itself (§6.5)."""
        if not self.sends:
            return
        self.sent += 1
        control = Control(
            self.state,
            self.config.multiplier,
            self.discriminator,
            self.remote_discriminator,
            self.desired_min_tx_us,
            self.required_min_rx_us,
            self.diagnostic,
            poll=self.polling and not final,
            final=final,
        )
        self.actions.append(Send(encode(control)))

    def schedule(self, now: int) -> None:
        """The next periodic packet, an interval with its jitter from ``now``; none if none is to go out."""
        if not self.sends_periodically:
            self.transmit_at = None
            return
        most = MOST_JITTER_OF_ONE if self.config.multiplier == 1 else MOST_JITTER
        share = LEAST_JITTER + (most - LEAST_JITTER) * self._random()
        self.transmit_at = now + max(1, int(self.interval_us * share))

    def hasten(self, now: int) -> None:
        """The interval may have become shorter, and then does not wait for the end of the old one."""
        if not self.sends_periodically:
            self.transmit_at = None
        elif self.transmit_at is None or self.transmit_at > now + self.interval_us:
            self.schedule(now)

    def enter(self, state: State, diagnostic: Diagnostic, now: int) -> None:
        """Another state: told at once, not with the next periodic packet (§6.8.7)."""
        before, self.state = self.state, state
        self.since = now
        self.diagnostic = diagnostic
        if (state is State.UP) is not (before is State.UP):
            self.actions.append(Turned(state is State.UP))
        if state is State.UP:
            self.log("Entering Up state")
        elif state is State.DOWN:
            self.log(
                f"Entering Down state (Local diagnostic - {diagnostic},"
                f" Remote diagnostic - {self.remote_diagnostic})"
            )
        elif state is State.ADMIN_DOWN:
            self.log("Entering AdminDown state")
        if state is State.UP:
            self.want(self.config.min_tx_us, self.config.min_rx_us)
        else:
            # Not Up: at least a second from packet to packet (§6.8.3), and what we want takes effect at once.
            self.polling = self._settling = False
            self._wanted = None
            self.desired_min_tx_us = self.transmitting_min_tx_us = self.config.idle_tx_us
            self.required_min_rx_us = self.detection_min_rx_us = self.config.min_rx_us
        self.send()
        self.schedule(now)

    def want(self, min_tx_us: int, min_rx_us: int) -> None:
        """While Up other intervals: the neighbour has to confirm them (§6.8.3).

        Until it has, we neither send slower nor expect it to send faster.  While a
        poll with other intervals runs, an answer to that would be taken for one to
        these: they wait for a packet that answers none.
        """
        if self.polling or self._settling:
            self._wanted = (min_tx_us, min_rx_us)
            return
        if (min_tx_us, min_rx_us) == (self.desired_min_tx_us, self.required_min_rx_us):
            return
        self.desired_min_tx_us, self.required_min_rx_us = min_tx_us, min_rx_us
        self.transmitting_min_tx_us = min(self.transmitting_min_tx_us, min_tx_us)
        self.detection_min_rx_us = max(self.detection_min_rx_us, min_rx_us)
        self.polling = True
        self.log("Starting poll sequence", Level.DETAIL)

    def confirmed(self) -> None:
        """The poll sequence is over: what we want is in effect."""
        self.polling, self._settling = False, True
        self.transmitting_min_tx_us = self.desired_min_tx_us
        self.detection_min_rx_us = self.required_min_rx_us

    def _settle(self) -> None:
        """Every answer to the last poll is in: begin another, if one waits."""
        self._settling = False
        if self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            self.want(*wanted)

    def heard(self, control: Control, now: int) -> None:
        """Learn what a packet says (§6.8.6); what it makes of the state is the machine's."""
        before = self.detection_us
        self.received += 1
        self.last_seen = now
        self.remote_state = control.state
        self.remote_diagnostic = control.diagnostic
        self.remote_discriminator = control.my_discriminator
        self.remote_multiplier = control.multiplier
        self.remote_min_tx_us = control.desired_min_tx_us
        self.remote_min_rx_us = control.required_min_rx_us
        self.remote_demand = control.demand
        if control.final and self.polling:
            self.confirmed()
        elif self._settling and not control.final:
            self._settle()
        if self.detection_us != before:
            self._log_parameters(before)

    def log(self, line: str, level: Level = Level.INFO) -> None:
        """A log line under the session's name."""
        self.actions.append(Log(f"({self.config.name}) {line}", level))

    def _log_parameters(self, before: int) -> None:
        """keepalived's table of what is negotiated."""
        self.log("---------------< Session parameters >--------------", Level.DETAIL)
        rows = (
            "         min_tx  min_rx  tx_intv  mult  detect_time",
            f"local  {self.desired_min_tx_us:8} {self.required_min_rx_us:7} {self.interval_us:8}"
            f" {self.config.multiplier:5} {self.remote_detection_us:12}",
            f"remote {self.remote_min_tx_us:8} {self.remote_min_rx_us:7} {self.remote_interval_us:8}"
            f" {self.remote_multiplier:5} {self.detection_us:12}",
            f"Detection time is {self.detection_us} us (was {before} us)",
        )
        for row in rows:
            self.actions.append(Log(" " * (len(self.config.name) + 3) + row, Level.DETAIL))
