"""Runs BFD sessions: gives them packets and time, and does what they answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from random import Random
from typing import Final, assert_never

import attrs
from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from kaltwisted.bfd.packet import MULTIHOP_PORT, SINGLE_HOP_PORT, Reason, decode
from kaltwisted.bfd.session import Session
from kaltwisted.bfd.variables import Action, Level, Log, Send, Turned
from kaltwisted.config.model import SECOND_US, BfdInstance
from kaltwisted.ports import (
    BFD_SESSION,
    Datagram,
    Fact,
    IBfdListener,
    IBfdSender,
    IBfdWire,
    Note,
    StateChange,
    WireError,
    unnoted,
)

#: How seldom one kind of discarded packet is logged, whoever sends it.
COMPLAINT_S: Final = 60.0
#: When a port that cannot be listened on is tried again.
LISTEN_AGAIN_S: Final = 5.0


@attrs.define(eq=False)
class Running:
    """A session that runs.  ``failing``: that it cannot send was told.  ``ends``: we end it."""

    session: Session
    sender: IBfdSender
    failing: bool = False
    ends: bool = False
    call: IDelayedCall | None = None

    @property
    def config(self) -> BfdInstance:
        """What it was asked to be."""
        return self.session.config


class BfdService(Service):
    """The sessions of one configuration.

    ``sessions`` and ``discarded`` (by reason) are for reports to read.

    :param publish: told of every session whether it is up.
    :param random: for discriminators and jitter.
    :param note: hears of state changes.
    :param log_detail: log also what there is much of (keepalived: ``-D``).
    """

    _log = Logger()

    def __init__(
        self,
        sessions: Iterable[BfdInstance],
        clock: IReactorTime,
        wire: IBfdWire,
        publish: Callable[[Fact], object],
        random: Random,
        *,
        note: Note = unnoted,
        log_detail: bool = False,
    ) -> None:
        self._note = note
        self._configured = tuple(sessions)
        self._clock = clock
        self._wire = wire
        self._publish = publish
        self._random = random
        self._log_detail = log_detail
        self.sessions: dict[str, Running] = {}
        self.discarded: Counter[Reason] = Counter()
        self._by_discriminator: dict[int, Running] = {}
        self._by_path: dict[tuple[bool, bytes, bytes], Running] = {}
        self._listeners: dict[tuple[bool, bool], IBfdListener] = {}
        self._again: IDelayedCall | None = None
        self._complained: dict[Reason, float] = {}

    # --- beginning and end -------------------------------------------------------------

    def startService(self) -> None:
        """Listen, and begin every session."""
        super().startService()
        self.reconfigure(self._configured)

    def stopService(self) -> None:
        """Say goodbye to every neighbour; nobody else is told, for who tracks them stops as well."""
        super().stopService()
        for running in self.sessions.values():
            self._end(running)
        self.sessions.clear()
        self._configured = ()
        self._listen()

    def reconfigure(self, sessions: Iterable[BfdInstance]) -> None:
        """Run these from now on; those that go on keep all they have and know.

        Of those that are gone nothing is published: who tracked one may be told
        of the reload a moment later, and must not see it fail meanwhile.
        """
        self._configured = tuple(sessions)
        before, self.sessions = self.sessions, {}
        begin: list[Running] = []
        for config in self._configured:
            running = before.get(config.name)
            if running is not None and _same_path(running.config, config):
                del before[config.name]
                self._do(running, running.session.reconfigure(config, self._now()))
            else:
                session = Session(config, self._discriminator(), self._random.random)
                running = Running(session, self._wire.sender(config))
                self._by_discriminator[session.variables.discriminator] = running
                begin.append(running)
            self.sessions[config.name] = running
        for gone in before.values():
            self._end(gone)
        self._by_discriminator = {
            each.session.variables.discriminator: each for each in self.sessions.values()
        }
        self._by_path = {_path(each.config): each for each in self.sessions.values()}
        self._listen()
        for running in begin:
            # keepalived: what has just begun is down, until it is up.
            self._publish(Fact(BFD_SESSION, running.config.name, 0))
            self._do(running, running.session.start(self._now()))

    def clear_statistics(self) -> None:
        """Count packets from 0."""
        self.discarded.clear()
        for running in self.sessions.values():
            running.session.variables.sent = running.session.variables.received = 0

    def _discriminator(self) -> int:
        """A number that no session of this host has (RFC 5880 §6.3)."""
        while True:
            number = self._random.randint(1, 2**32 - 1)
            if number not in self._by_discriminator:
                return number

    def _end(self, running: Running) -> None:
        running.ends = True
        self._do(running, running.session.stop(self._now()))
        running.sender.close()

    def _listen(self) -> None:
        """Have open the ports that are needed, and no others."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        wanted = {(each.multihop, each.neighbor.version == 6) for each in self._configured}
        for key in set(self._listeners) - wanted:
            self._listeners.pop(key).close()
        for multihop, ipv6 in sorted(wanted - set(self._listeners)):
            port = MULTIHOP_PORT if multihop else SINGLE_HOP_PORT
            received = self._multihop_received if multihop else self._single_hop_received
            try:
                self._listeners[multihop, ipv6] = self._wire.listen(port, received, ipv6=ipv6)
            except WireError as error:
                self._log.error("{why}; it is tried again", why=error)
                if self._again is None:
                    self._again = self._clock.callLater(LISTEN_AGAIN_S, self._listen_again)

    def _listen_again(self) -> None:
        self._again = None
        self._listen()

    # --- what happens ------------------------------------------------------------------

    def _now(self) -> int:
        return int(self._clock.seconds() * SECOND_US)

    def _single_hop_received(self, datagram: Datagram) -> None:
        self._received(datagram, multihop=False)

    def _multihop_received(self, datagram: Datagram) -> None:
        self._received(datagram, multihop=True)

    def _received(self, datagram: Datagram, *, multihop: bool) -> None:
        control = decode(datagram.data)
        if isinstance(control, Reason):
            self._discard(control, datagram)
            return
        if control.your_discriminator:
            running = self._by_discriminator.get(control.your_discriminator)
        else:
            # RFC 5881 §3: by the addresses, until they know each other's number.
            running = self._by_path.get(
                (multihop, datagram.source, datagram.destination)
            ) or self._by_path.get((multihop, datagram.source, b""))
        if running is None or running.config.multihop is not multihop:
            self._discard(Reason.SESSION, datagram)
        elif datagram.ttl < running.config.least_ttl:
            self._discard(Reason.HOPS, datagram)
        else:
            self._do(running, running.session.receive(control, self._now()))

    def _discard(self, reason: Reason, datagram: Datagram) -> None:
        self.discarded[reason] += 1
        now = self._clock.seconds()
        if now - self._complained.get(reason, -COMPLAINT_S) >= COMPLAINT_S:
            self._complained[reason] = now
            self._log.info(
                "Discarding packet from {source} ({reason})",
                source=ip_address(datagram.source),
                reason=reason.value,
            )

    def _due(self, running: Running) -> None:
        running.call = None
        expires_at = running.session.expires_at
        if expires_at is not None and expires_at <= self._now():
            # What came in while we were busy with something else counts as heard.
            for listener in tuple(self._listeners.values()):
                listener.read()
        self._do(running, running.session.tick(self._now()))

    # --- carrying out ------------------------------------------------------------------

    def _do(self, running: Running, actions: list[Action]) -> None:
        """Packets and news now; the log, which takes longer, behind them."""
        lines: list[Log] = []
        for action in actions:
            match action:
                case Send(packet):
                    self._send(running, packet)
                case Turned(up):
                    if not running.ends:
                        self._publish(Fact(BFD_SESSION, running.config.name, int(up)))
                        self._note(_change(running, up=up))
                case Log():
                    lines.append(action)
                case _:
                    assert_never(action)
        self._arm(running)
        for log in lines:
            if log.level is not Level.DETAIL or self._log_detail:
                self._log.info("{line}", line=log.line)

    def _send(self, running: Running, packet: bytes) -> None:
        why = running.sender.send(packet)
        if why is None:
            running.failing = False
        elif not running.failing:
            running.failing = True
            self._log.warn(
                "({name}) Error sending packet to {neighbor}: {why}",
                name=running.config.name,
                neighbor=running.config.neighbor,
                why=why,
            )

    def _arm(self, running: Running) -> None:
        """Be called when something is due; a call that comes too early just finds nothing."""
        due = running.session.next_at
        if due is None:
            if running.call is not None:
                running.call.cancel()
                running.call = None
            return
        delay_s = max(0.0, due / SECOND_US - self._clock.seconds())
        if running.call is None:
            running.call = self._clock.callLater(delay_s, self._due, running)
        elif due / SECOND_US < running.call.getTime():
            running.call.reset(delay_s)


def _change(running: Running, *, up: bool) -> StateChange:
    why = None if up else str(running.session.variables.diagnostic)
    return StateChange("bfd", running.config.name, *(("Down", "Up") if up else ("Up", "Down")), why)


def _same_path(old: BfdInstance, new: BfdInstance) -> bool:
    """Whether the same session goes on: what its socket is made of is the same."""
    return (_path(old), old.ttl) == (_path(new), new.ttl)


def _path(config: BfdInstance) -> tuple[bool, bytes, bytes]:
    return config.multihop, config.neighbor.packed, b"" if config.source is None else config.source.packed
