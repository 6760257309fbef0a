"""A VRRP instance: events in, ordered actions out, time as an argument (keepalived: ``vrrp_instance``).

It judges the packets, keeps the reasons for FAULT and the effective priority,
and feeds the state machine; it has no socket, no clock and no log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from kaltwisted.config.model import VrrpInstance, VrrpScript
from kaltwisted.ports import Election
from kaltwisted.vrrp import packet, timers
from kaltwisted.vrrp.actions import Action, ArmTimer, Level, Log, Notify, NotifyPriority, State, TimerName
from kaltwisted.vrrp.auth import AhSequence
from kaltwisted.vrrp.events import (
    AddressLost,
    Event,
    Fault,
    FaultKind,
    GroupFault,
    LinkChanged,
    MessageReceived,
    PacketReceived,
    SourceChanged,
    Start,
    Steered,
    Stop,
    Sync,
    TimeOfDay,
    TimerExpired,
    Turned,
)
from kaltwisted.vrrp.hearing import Hearing
from kaltwisted.vrrp.machine import build_machine
from kaltwisted.vrrp.packet import Advert, Reason
from kaltwisted.vrrp.statistics import Statistics
from kaltwisted.vrrp.track import Thing, Tracking
from kaltwisted.vrrp.virtual_router import VirtualRouter

STALL_US: Final = 100_000
"""A timer later than this, or than a quarter of an interval, was held up on our side.

A machine that stands still (a virtual one that is moved or saved, a stopped
process) hears nothing meanwhile, and that is not the master's silence: its
adverts may wait unread, or be lost, or it stood still with us.  So it has the
time of one more advert, once in each silence.  ``TimerName.OVERDUE`` looks
whether we run while an advert is late: the end of the wait alone may come in
time though we stood still until just before.
"""

_SAID_TO_TURN = {FaultKind.BFD: "BFD instance", FaultKind.VIRTUAL_SERVER: "virtual server"}
_SAID_ELSEWHERE = (FaultKind.INTERFACE, FaultKind.GROUP)
"""Faults that have a log line of their own: ``Netlink reports eth0 down``, ``Syncing instances to``."""


class Instance:
    """One virtual router on one interface.

    ``scripts``: the definitions of the scripts it may track, by name.
    ``keeps_weights``: False for a member of a sync group without
    ``sync_group_tracking_weight``.  ``sequence``: AH's counter of an earlier
    life.  What is known before ``Start`` (links, the source address, scripts)
    may be told before it.  ``router`` and ``tracking`` are for reports to read.
    """

    def __init__(
        self,
        config: VrrpInstance,
        scripts: Mapping[str, VrrpScript] | None = None,
        *,
        keeps_weights: bool = True,
        sequence: AhSequence | None = None,
    ) -> None:
        self.config = config
        self.router = VirtualRouter(config, sequence)
        self._machine = build_machine(self.router)
        self.tracking = Tracking(config, scripts, keeps_weights=keeps_weights)
        self._tracked = {each.name: (scripts or {}).get(each.name) for each in config.track_script}
        self._keeps_weights = keeps_weights
        self.tracking.source(self.router.source is not None)
        self._faults: set[Fault] = set()
        self._started = False
        self._stalled = False
        self._hearing = Hearing(self.router)

    # -- what others ask -----------------------------------------------------------------

    @property
    def name(self) -> str:
        """The instance's name."""
        return self.config.name

    @property
    def state(self) -> State:
        """Where it is."""
        return self.router.state

    @property
    def priority(self) -> int:
        """The effective priority."""
        return self.router.priority

    @property
    def statistics(self) -> Statistics:
        """What it has counted."""
        return self.router.statistics

    @property
    def sequence(self) -> AhSequence:
        """AH's counter, to be handed on to the next life."""
        return self.router.sequence

    @property
    def faults(self) -> frozenset[Fault]:
        """Why it is in FAULT, if it is."""
        return frozenset(self._faults)

    @property
    def has_own_faults(self) -> bool:
        """Whether it would be in FAULT without its sync group."""
        return bool(self.tracking.own_faults)

    @property
    def wants_master(self) -> bool:
        """It would be master, were it not for the rest of its sync group."""
        return self.router.wants_master

    def split_brain(self, now: int) -> str | None:
        """Who is master beside us, since when and why, in words."""
        return self._hearing.split_brain(now)

    def is_current(self, expiry: TimerExpired) -> bool:
        """Whether an expiry belongs to the timer's present life."""
        return self.router.is_running(expiry.which, expiry.generation)

    def running_timers(self) -> list[ArmTimer]:
        """The timers that should be running."""
        return self.router.running_timers()

    # -- what happens --------------------------------------------------------------------

    def handle(self, event: Event, now: int) -> list[Action]:
        """Take an event into account; do what is returned, in order.  ``now``: monotonic µs."""
        router = self.router
        match event:
            case PacketReceived() | MessageReceived() if self._is_deaf(now):
                pass
            case PacketReceived(data):
                verdict = packet.decode(data, router.expected, router.sequence.value, router.moment(now))
                self._judge(verdict, bytes(data[12:16]) if len(data) >= 20 else b"", now)
            case TimerExpired():
                self._expired(event, now)
            case MessageReceived(message):
                verdict = packet.decode_ipv6(message, router.expected, router.moment(now))
                self._judge(verdict, message.source, now)
            case Start(delay_us):
                router.held_back_until = now + delay_us if delay_us else None
                self._start(now)
            case Stop():
                self._machine.stop(now)
            case LinkChanged(interface, up):
                self.tracking.turn(FaultKind.INTERFACE, interface, int(up))
                self._reconsider(now)
            case SourceChanged(address):
                # A master that loses its address still takes leave from it.
                self.tracking.source((router.configured_source or address) is not None)
                self._reconsider(now)
                router.set_source(address)
            case TimeOfDay(epoch_us):
                router.epoch_us = epoch_us
            case Turned(FaultKind.PROCESS, name, value):
                # keepalived gives the reason at the first count, and later only that the quorum is lost.
                is_first = not self.tracking.knows(FaultKind.PROCESS, name)
                self.tracking.turn(FaultKind.PROCESS, name, value)
                self._reconsider(now, unsaid=None if is_first else FaultKind.PROCESS)
            case Turned(FaultKind.FILE, name, value):
                self._file_turned(name, value, now)
            case Turned(kind, name, value):
                if self.tracking.turn(kind, name, value) and kind in _SAID_TO_TURN:
                    self._say_turned(_SAID_TO_TURN[kind], name, value)
                self._reconsider(now)
            case GroupFault(group, faulty):
                self.tracking.group(group, faulty)
                self._reconsider(now)
            case Steered(election):
                self._steer(election, now)
            case AddressLost(address):
                if any(entry.address == address and not entry.no_track for entry in router.addresses):
                    self._machine.give_up(now)
            case Sync():
                self._sync(event, now)
            case _:
                assert_never(event)
        if self.state is not State.MASTER:
            self._hearing.yielded(now)
        return self._take_actions()

    def _is_deaf(self, now: int) -> bool:
        """Not begun yet, or an owner as it should be, with nothing to learn (``owner_ignore_adverts``)."""
        router = self.router
        if self.config.owner_ignore_adverts and self.state is State.MASTER:
            return router.priority == timers.OWNER_PRIORITY
        return router.held_back(now) > now

    def _start(self, now: int) -> None:
        if self._started:
            return
        self._started = True
        # A reason that is there from the beginning is told as one that comes later is.
        self._faults = set()
        for notice in self.tracking.notices:
            self.router.log(notice, Level.WARNING)
        # What a crash has left behind would answer ARP beside the master.
        self.router.drop_addresses()
        # Nothing was said of what was known before.
        self._faults = set()
        self._reconsider(now)

    def _file_turned(self, name: str, number: int | None, now: int) -> None:
        """keepalived has a line for each end of a fault, and words of its own for the priority then."""
        fault = Fault(FaultKind.FILE, name)
        was_fault = fault in self._faults
        if not self.tracking.turn(FaultKind.FILE, name, number) or not self._started:
            self._reconsider(now)
            return
        is_fault = fault in self.tracking.own_faults
        if is_fault is not was_fault:
            how = "now" if is_fault else "leaving"
            self.router.actions.append(Log(f"({self.name}): tracked file {name} {how} FAULT state"))
        self._reconsider(now, unsaid=FaultKind.FILE, setting=was_fault and not is_fault)

    def _say_turned(self, what: str, name: str, value: int | None) -> None:
        """keepalived's line of a BFD session, which is not worded as the others are."""
        state = "UP" if value else "DOWN"
        self.router.actions.append(Log(f"VRRP_Instance({self.name}) Tracked {what} {name} is {state}"))

    def _steer(self, election: Election | None, now: int) -> None:
        before, self.tracking.election = self.tracking.election, election
        if before is election:
            return
        self._reconsider(now)
        self.router.prefer(election is Election.PREFER, now)
        if election is not Election.YIELD:
            self.router.offers = 0
        elif self.state is State.MASTER:
            self.router.offer(now)

    def _sync(self, order: Sync, now: int) -> None:
        match order:
            case Sync.TO_MASTER:
                self._machine.take_over(now, silence=False)
            case Sync.TO_BACKUP:
                self._machine.step_down(now)
            case Sync.GIVE_UP:
                self._machine.give_up(now)
            case Sync.HOLD:
                self._machine.hold(now)
            case _:
                assert_never(order)

    def _expired(self, expiry: TimerExpired, now: int) -> None:
        router = self.router
        due = router.deadline(expiry.which)
        if due is None or not router.is_running(expiry.which, expiry.generation):
            return
        router.forget(expiry.which)
        match expiry.which:
            case TimerName.OVERDUE:
                self._forgive_stall(now - due, now)
                ends, again = router.deadline(TimerName.MASTER_DOWN), now + router.master_interval_us
                if ends is not None and again < ends:
                    router.arm(TimerName.OVERDUE, again)
            case TimerName.MASTER_DOWN if self._forgive_stall(now - due, now):
                pass
            case TimerName.MASTER_DOWN:
                self._stalled = False
                self._machine.take_over(now, silence=True)
            case TimerName.ADVERT:
                self._machine.advert_due(due, now)
                self._hearing.still(now)
            case TimerName.GARP_DELAY:
                router.announce(router.config.garp_master_repeat, 0, now)
            case TimerName.GARP_REFRESH:
                router.announce(router.config.garp_master_refresh_repeat, 0, now)
                router.arm(TimerName.GARP_REFRESH, now + router.config.garp_master_refresh_us)
            case TimerName.GARP_EXTRA:
                router.announce_extra(now)
            case _:
                assert_never(expiry.which)

    def _forgive_stall(self, late_us: int, now: int) -> bool:
        """Whether a timer so late shows that we did not run, for the first time in this silence."""
        if self._stalled or late_us <= min(STALL_US, self.router.master_interval_us // 4):
            return False
        self._stalled = True
        if self.router.may_say("held up", now):
            self.router.log(f"was held up for {late_us / 1000:.0f} ms: waiting for one more advert")
        self.router.wait_for_another(now)
        return True

    # -- a reload ------------------------------------------------------------------------

    def advertise(self, now: int) -> list[Action]:
        """As master send an advert out of turn: what comes next may take a moment."""
        self.router.advertise(now)
        return self._take_actions()

    def reconfigure(
        self,
        config: VrrpInstance,
        scripts: Mapping[str, VrrpScript],
        *,
        keeps_weights: bool,
        known: Mapping[Thing, int],
        now: int,
    ) -> list[Action]:
        """Take over another configuration of the same virtual router: state, counters and times stay.

        ``known``: what is known of things that can be tracked.
        """
        tracked = {each.name: scripts.get(each.name) for each in config.track_script}
        before = (self.config, self._tracked, self._keeps_weights)
        if before == (config, tracked, keeps_weights):
            return []
        self.config, self._tracked, self._keeps_weights = config, tracked, keeps_weights
        self.router.reconfigure(config, now)
        old, self.tracking = self.tracking, Tracking(config, scripts, keeps_weights=keeps_weights)
        self.tracking.go_on_from(old, known)
        self.tracking.source(self.router.source is not None)
        for notice in self.tracking.notices:
            if notice not in old.notices:
                self.router.log(notice, Level.WARNING)
        self._reconsider(now)
        return self._take_actions()

    def remove(self, now: int) -> list[Action]:
        """The configuration knows it no more: priority 0, the addresses go, FAULT or DELETED is told."""
        self._machine.fail(now)
        self._machine.stop(now)
        actions = self._take_actions()
        if not self.config.notify_deleted:
            return actions
        self.router.notify(State.DELETED)
        return [each for each in actions if not isinstance(each, Notify)] + self._take_actions()

    def _take_actions(self) -> list[Action]:
        actions, self.router.actions = self.router.actions, []
        return actions

    # -- packets -------------------------------------------------------------------------

    def _judge(self, verdict: Advert | Reason, source: bytes, now: int) -> None:
        """What a packet is taken for.  ``source``: packed, empty when the packet is too short to tell."""
        if isinstance(verdict, Reason):
            self._hearing.refused(verdict, source, now)
            return
        self._stalled = False
        self._hearing.accepted(verdict, now)
        self._machine.hear(verdict, now)
        if verdict.priority and verdict.source != self.router.packed_source:
            self._hearing.beside_us(verdict.source, None, now)

    # -- faults and priority -------------------------------------------------------------

    def _reconsider(self, now: int, *, unsaid: FaultKind | None = None, setting: bool = False) -> None:
        """Something tracked has changed: its consequences, FAULT before priority.

        ``unsaid``: faults of this kind have had a log line of their own.
        ``setting``: the priority comes first, in other words.
        """
        before, self._faults = self._faults, self.tracking.faults
        if not self._started:
            self.router.priority = self.tracking.priority
            return
        ready = not self.tracking.is_pending
        for fault in sorted(self._faults - before, key=str):
            if fault.kind in _SAID_ELSEWHERE or fault.kind is unsaid:
                continue
            if fault.kind is FaultKind.FILE:
                why = f"{fault} has status {self.tracking.status(fault.name)}"
                self.router.actions.append(Log(f"({self.name}): entering FAULT state ({why})"))
            else:
                self.router.log(f"entering FAULT state ({fault})")
        if setting:
            self._reprioritise(self.tracking.priority, now, setting=True)
        if self._faults:
            self._machine.fail(now)
        elif self.state is State.FAULT and ready:
            self._machine.recover(now)
        elif self.state is State.INIT and ready:
            self._machine.begin(now)
        self._reprioritise(self.tracking.priority, now)

    def _reprioritise(self, priority: int, now: int, *, setting: bool = False) -> None:
        router = self.router
        if priority == router.priority:
            return
        how = "Setting effective priority" if setting else "Changing effective priority"
        router.log(f"{how} {'' if setting else f'from {router.priority} '}to {priority}")
        old_skew_us = router.skew_us()
        router.priority = priority
        router.actions.append(NotifyPriority(self.name, self.state, priority))
        due = router.deadline(TimerName.MASTER_DOWN)
        if due is not None:
            router.arm(TimerName.MASTER_DOWN, max(now, due + router.skew_us() - old_skew_us))
